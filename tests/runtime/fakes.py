"""A service at work without a network and without time passing: the real worker and supervisor, fake clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from boss.runtime.address import ServiceAddress
from boss.runtime.batch import Batch
from boss.runtime.client import Client
from boss.runtime.handler import CALLBACKS, ServiceHandler
from boss.runtime.settings import Service, SupervisorSettings, WebsocketSettings
from boss.runtime.supervisor import Supervisor
from boss.runtime.turn import Turn
from boss.runtime.worker import Worker
from boss.testkit.clock import VirtualClock

STEPS = 1000  # turns of the event loop in which anything must have come to rest


def scope(path: str = "/websocket/chat", address: str = "192.0.2.1") -> dict[str, Any]:
    """What a client's handshake is to the runtime."""
    return {
        "type": "websocket",
        "path": path,
        "headers": [(b"host", b"example.com")],
        "query_string": b"room=blue",
        "client": (address, 50000),
    }


class FakeClient(Client):
    """A client that keeps what it is sent."""

    __slots__ = ("closed_with", "inbox", "reading")

    def __init__(self, worker: Worker, turn: Turn, session_id: str = "s") -> None:
        super().__init__(worker, turn, scope(), session_id)
        self.inbox: list[str | bytes] = []
        self.closed_with: tuple[int, str] | None = None
        self.reading = True

    def put(self, message: str | bytes) -> None:
        self.inbox.append(message)

    def put_batch(self, batch: Batch, hold: bool) -> None:
        if self.open:
            self.inbox.extend(batch.messages)

    def hang_up(self, code: int, text: str) -> None:
        self.closed_with = code, text

    def stop_reading(self) -> None:
        self.reading = False

    def go_on_reading(self) -> None:
        self.reading = True


def make_service(
    handler: type[ServiceHandler[Any]], name: str = "chat", **limits: Any
) -> Service:
    """A service as it would be compiled."""
    own = [c for c in CALLBACKS if getattr(handler, c) != getattr(ServiceHandler, c)]
    return Service(
        address=ServiceAddress(name),
        handler=handler,
        file=f"src/websocket/myapp_{name}_websocket.py",
        url=f"/websocket/{name}",
        callbacks=own,
        websocket=WebsocketSettings(**limits),
    )


class Bench:
    """Services under supervision, and everything that happens to them."""

    def __init__(self, *services: Service, **supervision: Any) -> None:
        self.clock = VirtualClock()
        self.turn = Turn(asyncio.get_running_loop())
        self.left: list[Client] = []
        self.supervisor = Supervisor(
            services, SupervisorSettings(**supervision), self.clock, self.left.append
        )
        self.worker = next(iter(self.supervisor.workers.values()))

    def join(self, session_id: str = "s") -> FakeClient:
        client = FakeClient(self.worker, self.turn, session_id)
        self.worker.join(client)
        return client

    async def settle(self) -> None:
        """Let the loop run until nothing is to be done."""
        workers = self.supervisor.workers.values()
        for _ in range(STEPS):
            await asyncio.sleep(0)
            if not self.turn.open and not any(worker.at_work for worker in workers):
                return
        raise AssertionError("it never comes to rest")

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.clock.time() + seconds
        while (timer := self.clock.next_due(until)) is not None:
            timer.call()
            await self.settle()


@asynccontextmanager
async def bench(
    handler: type[ServiceHandler[Any]],
    limits: dict[str, Any] | None = None,
    **supervision: Any,
) -> AsyncIterator[Bench]:
    """One service, started and at rest."""
    bench = Bench(make_service(handler, **limits or {}), **supervision)
    await bench.supervisor.start()
    await bench.settle()
    yield bench
    await bench.supervisor.stop()
