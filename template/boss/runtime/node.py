# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""One server process with all services of a project: what the generated router is made of."""

import asyncio
import gc
import logging
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket as Connection

from .configuration import PROJECT, refuse_workers, server_settings
from .gateway import Gateway, deny
from .handshake import Admission, SessionCookie
from .metrics import exposition
from .routing import Entrance
from .settings import ServerSettings, Service, SessionSettings, SupervisorSettings
from .supervisor import Supervisor
from .turn import Turn

log = logging.getLogger("boss")


class Node:
    """The services of the table, started and stopped with the application, and the routes that lead to them.

    Args:
        app: the name of the project.
        base_url: what every URL begins with, "" or "/chat".
        session: the session cookie.
        supervisor: what follows the end of a life of a service.
        services: the table, one entry for each service.
    """

    def __init__(
        self,
        *,
        app: str,
        base_url: str,
        session: SessionSettings,
        supervisor: SupervisorSettings,
        services: Sequence[Service],
    ) -> None:
        self._app = app
        self._base_url = base_url
        self._session = session
        self._supervision = supervisor
        self._services = tuple(services)
        self._server = ServerSettings()
        # Of each event loop on which the application is started; the addresses lead to the last one.
        self._gateways: dict[asyncio.AbstractEventLoop, Gateway] = {}

    @asynccontextmanager
    async def lifespan(self, _application: object) -> AsyncIterator[None]:
        """Start every service before the first client may come, and drain them when the server stops.

        Where the router is included twice, this runs twice, the second one within the first: it has nothing to do. On
        another event loop it has its own services for as long as it lasts: that is one test client beside another.

        Raises:
            ServiceStartError: an `init` failed or took over 30 seconds.
            SettingsError: a setting of [server] cannot be used, or more than one worker is asked for.

        Source: ASGI, "Lifespan Protocol".
        """
        loop = asyncio.get_running_loop()
        if loop in self._gateways:
            yield
            return
        refuse_workers()
        self._server, _ = server_settings(PROJECT, os.environ)
        admission = Admission(
            self._server.max_connections, self._server.max_connections_per_address
        )
        supervisor = Supervisor(
            self._services,
            self._supervision,
            loop,
            lambda client: admission.leave(client.address),
        )
        session = SessionCookie(self._session, _secret())
        await supervisor.start()
        self._gateways[loop] = Gateway(supervisor, Turn(loop), session, admission)
        number = len(self._services)
        plural = "" if number == 1 else "s"
        log.info("%s: %d service%s running", self._app, number, plural)
        # What is here now stays: the garbage collector need not look at it again
        # whenever clients come and go.
        gc.freeze()
        try:
            yield
        finally:
            gc.unfreeze()
            try:
                await supervisor.stop()
            finally:
                del self._gateways[loop]
                for gateway in tuple(self._gateways.values()):  # of other threads, too
                    gateway.supervisor.register()

    def accept(self, name: str) -> Entrance:
        """What the route to the service `name` calls."""

        async def connect(connection: Connection) -> None:
            gateway = self._gateways.get(asyncio.get_running_loop())
            if gateway is None:
                log.error(
                    "%s: a client is refused, since the services are not started: is boss.router included in the"
                    " application that is served? The lifespan of a mounted one is not run, and a TestClient runs it"
                    " in `with TestClient(app) as client:` only",
                    name,
                )
                await deny(connection, 503, f"the service {name} is not running")
            else:
                await gateway.connect(name, connection)

        return Entrance(connect)

    async def refuse(self, connection: Connection) -> None:
        """What answers whatever else is asked for below /websocket/: HTTP 404, never a silent accept."""
        await deny(connection, 404, "there is no such service")

    async def healthz(self) -> JSONResponse:
        """Say how every service is; 503 only when one gave up after crashes."""
        services = {
            service.address.name: {"state": state, "reason": reason}
            for service, state, reason, _ in self._states()
        }
        failed = any(service["state"] == "failed" for service in services.values())
        content = {"status": "failed" if failed else "ok", "services": services}
        return JSONResponse(content, 503 if failed else 200)

    async def services_json(self) -> Response:
        """The table, for the landing page; 404 where that is switched off."""
        if not self._server.landing_page:
            return Response(status_code=404)
        services = [
            {
                "name": service.address.name,
                "url": service.url,
                "file": service.file,
                "callbacks": list(service.callbacks),
                "limits": asdict(service.websocket),
                "state": state,
                "reason": reason,
                "clients": clients,
            }
            for service, state, reason, clients in self._states()
        ]
        content: dict[str, Any] = {
            "app": self._app,
            "base_url": self._base_url,
            "services": services,
        }
        if _dev_status() is not None:
            content["dev"] = True
        return JSONResponse(content, headers={"cache-control": "no-store"})

    async def dev_json(self) -> Response:
        """The outcome of the last build while `bossgen dev` serves, for the landing page; else 404."""
        path = _dev_status()
        if path is None:
            return Response(status_code=404)
        try:
            content = path.read_bytes()
        except OSError:
            content = b'{"ok": true}'
        return Response(
            content,
            media_type="application/json",
            headers={"cache-control": "no-store"},
        )

    async def metrics(self) -> Response:
        """The counters of every service for Prometheus; 404 unless `metrics` is switched on in boss.toml."""
        gateway = self._gateway()
        if not self._server.metrics or gateway is None:
            return Response(status_code=404)
        return Response(
            exposition(gateway.supervisor.workers.values()),
            media_type="text/plain; version=0.0.4; charset=utf-8",
        )

    def _gateway(self) -> Gateway | None:
        """That of this event loop; to whoever asks from another one, the last one."""
        last = next(reversed(self._gateways.values()), None)
        return self._gateways.get(asyncio.get_running_loop(), last)

    def _states(self) -> Iterator[tuple[Service, str, str | None, int]]:
        """Each service with its state, the reason for that, and how many clients it has."""
        gateway = self._gateway()
        for service in self._services:
            if gateway is None:
                yield service, "stopped", "not started", 0
            else:
                worker = gateway.supervisor.workers[service.address.name]
                yield service, worker.status, worker.reason, worker.connected


def _secret() -> str:
    secret = os.environ.get("BOSS_SECRET")
    if secret:
        return secret
    log.warning(
        "BOSS_SECRET is not set: sessions are signed with a random key and end with this process"
    )
    return secrets.token_hex(32)


def _dev_status() -> Path | None:
    path = os.environ.get("BOSS_DEV_STATUS")
    return Path(path) if path else None
