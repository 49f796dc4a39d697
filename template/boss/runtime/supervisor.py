# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Start, watch and restart the services; drain them when the server stops. Source: OTP supervisor, one_for_one."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from .client import Client
from .clock import Clock
from .errors import ServiceStartError
from .restarts import record, wants_restart
from .settings import Service, SupervisorSettings
from .worker import Worker

log = logging.getLogger("boss")


class Supervisor:
    """The workers of all services, keyed by service name, and what follows when a life of one ends.

    Args:
        services: the table of the generated router.
        settings: restart type, intensity, and what becomes of the clients.
        clock: tells the time and holds the timers.
        left: called with each client whose connection has ended.
    """

    def __init__(
        self,
        services: Sequence[Service],
        settings: SupervisorSettings,
        clock: Clock,
        left: Callable[[Client], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.workers = {
            service.address.name: Worker(service, loop, clock, self._ended, left)
            for service in services
        }
        self.stopping = False
        self._settings = settings
        self._clock = clock

    async def start(self) -> None:
        """Begin the first life of every service, in the order of the table.

        Raises:
            ServiceStartError: an `init` failed; the services begun before it have been stopped again.
        """
        self.register()
        for worker in self.workers.values():
            try:
                await worker.begin()
            except Exception as error:
                await self.stop()
                raise ServiceStartError(
                    f"the service `{worker.name}` ({worker.service.file}) cannot start:"
                    f" {error!r} in init"
                ) from error

    def register(self) -> None:
        """Let the addresses lead to the workers that are up."""
        for worker in self.workers.values():
            if worker.status == "running":
                worker.service.address.bind(worker)

    async def stop(self) -> None:
        """Drain every service, then end its life: closes first, `terminate` last, within about ten seconds."""
        self.stopping = True
        workers = self.workers.values()
        await asyncio.gather(*(worker.finish() for worker in workers))
        await asyncio.gather(*(worker.stop() for worker in workers))

    async def _ended(self, worker: Worker, reason: object, crashed: bool) -> None:
        """A life of `worker` has ended: terminate it, then begin another or let the service stay down."""
        await worker.terminate(reason)
        while True:
            if self.stopping or not wants_restart(self._settings.restart, reason):
                self._down(worker, reason, crashed)
                return
            allowed, worker.restarts = record(
                worker.restarts,
                self._clock.time(),
                self._settings.max_restarts,
                self._settings.period,
            )
            if not allowed:
                log.error(
                    "%s: more than %d restarts in %g seconds: the service gives up",
                    worker.name,
                    self._settings.max_restarts,
                    self._settings.period,
                )
                self._down(worker, reason, failed=True)
                return
            if self._settings.on_restart == "close":
                worker.drop_clients(1012, "service restarts")
            worker.counters.restarts += 1
            try:
                await worker.begin()
            except Exception as error:
                log.exception("%s: init crashed", worker.name)
                worker.counters.crashes += 1
                reason, crashed = error, True
                # Nothing else has to wait for an `init` that never works.
                await asyncio.sleep(0)
            else:
                number = len(worker.clients)
                plural = "" if number == 1 else "s"
                log.info("%s: restarted with %d client%s", worker.name, number, plural)
                return

    def _down(self, worker: Worker, reason: object, failed: bool) -> None:
        if failed:
            log.error("%s: down after %r", worker.name, reason)
            worker.go_down("failed", reason, 1011)
        else:
            log.info("%s: stopped: %s", worker.name, reason)
            worker.go_down("stopped", reason, 1001)
