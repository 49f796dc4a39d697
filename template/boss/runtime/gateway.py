# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""From handshake to service: refuse or accept, then join."""

from collections.abc import Iterable

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket as Connection

from .handshake import (
    FAST_PATH,
    Admission,
    SessionCookie,
    choose_subprotocol,
    origin_allowed,
)
from .plain_client import PlainClient
from .supervisor import Supervisor
from .turn import Turn


class Gateway:
    """Lets clients in.

    Args:
        supervisor: of the services that they come to.
        turn: of the event loop on which all of this runs.
        session: reads and issues the session cookie.
        admission: counts the clients.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        turn: Turn,
        session: SessionCookie,
        admission: Admission,
    ) -> None:
        self.supervisor = supervisor
        self._turn = turn
        self._session = session
        self._admission = admission

    async def connect(self, name: str, connection: Connection) -> None:
        """Serve one handshake for the service `name`, and the connection that follows.

        FastAPI has resolved the dependencies; what is refused here is refused in the order origin 403, subprotocol 400,
        service down or too many clients 503 (429 for one address).

        Source: RFC 6455 section 4.2.2; ASGI, "WebSocket Denial Response".
        """
        supervisor = self.supervisor
        worker = supervisor.workers[name]
        limits = worker.limits
        origins, hosts, cookies = _headers(connection.scope["headers"])
        if not origin_allowed(origins, hosts, limits.allowed_origins):
            await deny(connection, 403, "this origin may not connect")
            return
        offered = connection.scope.get("subprotocols", ())
        subprotocol = choose_subprotocol(offered, limits.subprotocols)
        if offered and subprotocol is None:
            await deny(
                connection, 400, "none of the offered subprotocols is spoken here"
            )
            return
        if supervisor.stopping or worker.status != "running":
            await deny(connection, 503, f"the service {name} is not running")
            return
        client_address = connection.scope.get("client")
        address = client_address[0] if client_address else ""
        refusal = self._admission.refusal(address)
        if refusal is not None:
            await deny(connection, *refusal)
            return
        session_id = self._session.read(cookies)
        headers: list[tuple[bytes, bytes]] = []
        if session_id is None:
            session_id, set_cookie = self._session.issue()
            headers.append((b"set-cookie", set_cookie.encode("latin-1")))
        self._admission.enter(address)
        try:
            await connection.accept(subprotocol, headers)
        except BaseException:  # whatever it is: the place is free again
            self._admission.leave(address)
            raise
        protocol = connection.scope.get("extensions", {}).get(FAST_PATH)
        if protocol is not None:
            client = protocol.attach(worker, self._turn, connection.scope, session_id)
            worker.join(client)
            if _has_dependencies(connection):
                await client.wait_closed()
            return
        plain = PlainClient(worker, self._turn, connection, session_id)
        worker.join(plain)
        await plain.run()


def _headers(
    headers: Iterable[tuple[bytes, bytes]],
) -> tuple[list[str], list[str], list[str]]:
    """The values of all `Origin`, `Host` and `Cookie` headers."""
    values: dict[bytes, list[str]] = {b"origin": [], b"host": [], b"cookie": []}
    for name, value in headers:
        if name in values:
            values[name].append(value.decode("latin-1"))
    return values[b"origin"], values[b"host"], values[b"cookie"]


async def deny(connection: Connection, status: int, detail: str) -> None:
    """Answer the handshake with an HTTP error, as FastAPI would; with 403 where the server can say nothing else."""
    if "websocket.http.response" not in connection.scope.get("extensions", {}):
        await connection.close()
        return
    await connection.send_denial_response(JSONResponse({"detail": detail}, status))


def _has_dependencies(connection: Connection) -> bool:
    """May code be waiting behind a dependency's `yield` for the end of the connection? True when in doubt."""
    dependant = getattr(connection.scope.get("route"), "dependant", None)
    return dependant is None or bool(dependant.dependencies)
