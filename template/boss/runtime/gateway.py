# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""From handshake to service: refuse or accept, then join; and one connection on plain ASGI, its reader and its writer."""

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket as Connection
from starlette.websockets import WebSocketDisconnect

from .client import Client
from .frames import size_of
from .handshake import Admission, SessionCookie, choose_subprotocol, origin_allowed
from .outbound import OutboundQueue
from .reasons import Error, from_disconnect
from .worker import Worker

if TYPE_CHECKING:
    from .group import Batch
    from .turn import Turn

CLOSE_LIMIT = 10.0  # seconds for what was sent and the close handshake, then the connection is cut
FAST_PATH = "boss.protocol"
"""The ASGI extension by which protocol.py offers itself: `scope["extensions"]["boss.protocol"]`."""


class Gateway:
    """Lets clients in.

    Args:
        workers: the running services, keyed by name.
        turn: of the event loop on which all of this runs.
        session: reads and issues the session cookie.
        admission: counts the clients.
    """

    def __init__(
        self,
        workers: dict[str, Worker],
        turn: "Turn",
        session: SessionCookie,
        admission: Admission,
    ) -> None:
        self.stopping = False
        self._workers = workers
        self._turn = turn
        self._session = session
        self._admission = admission

    async def connect(self, name: str, connection: Connection) -> None:
        """Serve one handshake for the service `name`, and the connection that follows.

        FastAPI has resolved the dependencies; what is refused here is refused in the order origin 403, subprotocol 400,
        service down or too many clients 503 (429 for one address).

        Source: RFC 6455 section 4.2.2; ASGI, "WebSocket Denial Response".
        """
        worker = self._workers[name]
        limits = worker.limits
        headers = connection.headers
        if not origin_allowed(
            headers.getlist("origin"), headers.getlist("host"), limits.allowed_origins
        ):
            await deny(connection, 403, "this origin may not connect")
            return
        offered = connection.scope.get("subprotocols", ())
        subprotocol = choose_subprotocol(offered, limits.subprotocols)
        if offered and subprotocol is None:
            await deny(
                connection, 400, "none of the offered subprotocols is spoken here"
            )
            return
        if self.stopping or worker.status != "running":
            await deny(connection, 503, f"the service {name} is not running")
            return
        address = connection.client.host if connection.client else ""
        refusal = self._admission.refusal(address)
        if refusal is not None:
            await deny(connection, *refusal)
            return
        self._admission.enter(address)
        try:
            session_id = await self._accept(connection, subprotocol)
        except BaseException:  # whatever it is: the place is free again
            self._admission.leave(address)
            raise
        if session_id is None:
            self._admission.leave(address)
            return
        protocol = connection.scope.get("extensions", {}).get(FAST_PATH)
        if protocol is not None:
            client = protocol.attach(worker, self._turn, session_id)
            worker.join(client)
            if _has_dependencies(connection):
                await client.wait_closed()
            return
        plain = PlainClient(worker, self._turn, connection, session_id)
        worker.join(plain)
        await plain.run()

    async def _accept(
        self, connection: Connection, subprotocol: str | None
    ) -> str | None:
        """Accept the handshake. Return the session id, or None when the client has gone meanwhile."""
        session_id = self._session.read(connection.headers.getlist("cookie"))
        headers: list[tuple[bytes, bytes]] = []
        if session_id is None:
            session_id, set_cookie = self._session.issue()
            headers.append((b"set-cookie", set_cookie.encode("latin-1")))
        try:
            await connection.accept(subprotocol, headers)
        except WebSocketDisconnect:
            return None
        return session_id


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


class PlainClient(Client):
    """A client on plain ASGI: the route's own task reads, and a task that lives while something waits writes."""

    __slots__ = ("_closing", "_connection", "_deadline", "_queue", "_room", "_writer")

    def __init__(
        self, worker: Worker, turn: "Turn", connection: Connection, session_id: str
    ) -> None:
        super().__init__(worker, turn, connection.scope, session_id)
        self._connection = connection
        self._queue: OutboundQueue[str | bytes] = OutboundQueue()
        self._writer: asyncio.Task[None] | None = None
        self._closing: tuple[int, str] | None = (
            None  # code and reason of the close frame still to be sent
        )
        self._room: asyncio.Future[None] | None = None  # while reading is paused
        self._deadline: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Read until the connection has ended."""
        try:
            async with asyncio.timeout(None) as self._deadline:
                if self._closing is not None:
                    self._must_end()
                await self._read()
        except TimeoutError:
            pass  # the client did not answer our close frame, or never read that far
        finally:
            self.gone(Error("closed"))
            if self._writer is not None:
                self._writer.cancel()

    async def _read(self) -> None:
        receive = self._connection.receive
        limit = self.worker.limits.max_message_size
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                self.gone(from_disconnect(event))
                return
            if not self.open:
                continue
            text = event.get("text")
            message: str | bytes = event["bytes"] if text is None else text
            if len(message) * 4 > limit and size_of(message) > limit:
                self.finish(1009, "message too big", Error("toobig"))
                continue
            self.received(message)
            if self._room is not None:
                await self._room

    async def _write(self) -> None:
        send = self._connection.send
        queue = self._queue
        try:
            while queue:
                message = queue.pop()
                if isinstance(message, str):
                    await send({"type": "websocket.send", "text": message})
                else:
                    await send({"type": "websocket.send", "bytes": message})
            if self._closing is not None:
                code, reason = self._closing
                await send({"type": "websocket.close", "code": code, "reason": reason})
        except (WebSocketDisconnect, RuntimeError):
            # The connection has ended: the reader is told why. uvicorn raises RuntimeError after a protocol error.
            queue.clear()
        finally:
            self._writer = None

    def put(self, message: str | bytes) -> None:
        counters = self.worker.counters
        counters.messages_out += 1
        self.turn.begin()  # so that a burst, sent in one turn, is told from slowness
        self._queue.push(message, size_of(message), self.turn.number)
        if self._writer is None:
            self._start_writer()
        limits = self.worker.limits
        if self._queue.too_long(limits.outbound_limit, limits.outbound_bytes):
            self.turn.suspect(self)

    def put_batch(self, batch: "Batch", hold: bool) -> None:
        if not self.open:
            self.worker.counters.sent_to_gone += len(batch.messages)
            return
        for message in batch.messages:
            self.put(message)

    def judge(self) -> None:
        """Apply the `slow_consumer` policy if the queue is still too long."""
        limits = self.worker.limits
        bounds = limits.outbound_limit, limits.outbound_bytes
        if not self.open or not self._queue.too_long(*bounds):
            return
        counters = self.worker.counters
        counters.slow_consumers += 1
        if limits.slow_consumer == "close":
            counters.dropped += self._queue.clear()
            self.finish(1008, "too slow", Error("slow"))
        else:
            counters.dropped += self._queue.trim(limits.slow_consumer, *bounds)

    def hang_up(self, code: int, text: str) -> None:
        self._closing = code, text
        if self._writer is None:
            self._start_writer()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._must_end()

    def pause_reading(self) -> None:
        self._room = self.turn.loop.create_future()

    def resume_reading(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def _start_writer(self) -> None:
        self._writer = self.turn.loop.create_task(self._write())

    def _must_end(self) -> None:
        if self._deadline is not None:
            self._deadline.reschedule(self.turn.loop.time() + CLOSE_LIMIT)
