"""A service and its clients in this process, with a clock of its own: pretended clients, or real sockets on either path."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from boss.runtime.address import ServiceAddress
from boss.runtime.client import Client
from boss.runtime.errors import MailboxFull, ServiceDown
from boss.runtime.gateway import Gateway
from boss.runtime.handshake import Admission, SessionCookie
from boss.runtime.reasons import Error, Remote
from boss.runtime.settings import (
    Service,
    SessionSettings,
    SupervisorSettings,
    WebsocketSettings,
)
from boss.runtime.supervisor import Supervisor
from boss.runtime.turn import Turn
from boss.testing import PretendClient, VirtualClock
from tests.runtime.local import PATIENCE, LocalServer, Peer
from tests.runtime.scripted import CALLBACKS, Script, ScriptedWebsocket

REST = 6  # turns of the loop that a task may need for what lies ready


class Driver(ABC):
    """A scripted service that is told what happens, step by step; every step ends when it has come to rest."""

    def __init__(
        self, websocket: WebsocketSettings, supervisor: SupervisorSettings
    ) -> None:
        address = ServiceAddress("scripted")
        self.script = Script(address)
        self.clock = VirtualClock()
        self._handler = type(
            "Handler", (ScriptedWebsocket,), {"script": self.script}
        )  # a class of its own, since the script belongs to this run
        self._service = Service(
            address=address,
            handler=self._handler,
            file="scripted.py",
            url="/websocket/scripted",
            callbacks=CALLBACKS,
            websocket=websocket,
        )
        self._settings = supervisor

    async def start(self) -> None:
        """Begin the first life."""
        self.turn = Turn(asyncio.get_running_loop())
        self.supervisor = Supervisor(
            [self._service], self._settings, self.clock, self._left
        )
        self.worker = self.supervisor.workers["scripted"]
        await self.supervisor.start()
        await self.settle()

    async def stop(self) -> None:
        """Stop as the server does."""
        self.script.stopping = True
        await self.supervisor.stop()
        await self.settle()

    async def clear(self) -> None:
        """Leave nothing behind, however far it came."""

    def post(self, kind: str, text: str) -> str:
        """A broadcast or an info; returns what its sender is told."""
        try:
            getattr(self.script.address, kind)(text)
        except ServiceDown:
            return "down"
        except MailboxFull:
            return "full"
        return "ok"

    def release(self) -> None:
        """Let the callback go on that awaits the gate."""
        assert self.script.gate is not None
        self.script.gate.set_result(None)

    async def advance(self, seconds: float) -> None:
        """Let the clock go on."""
        until = self.clock.time() + seconds
        while (timer := self.clock.next_due(until)) is not None:
            timer.call()
            await self.settle()

    @property
    def waits(self) -> bool:
        """Does a callback await the gate?"""
        return self.script.gate is not None and not self.script.gate.done()

    async def rest(self) -> None:
        """Wait until the worker has nothing to do, or a callback awaits the gate."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        quiet = 0
        while quiet < REST:
            assert loop.time() < until, "the service does not come to rest"
            await asyncio.sleep(0)
            busy = (self.worker.at_work and not self.waits) or self.turn.open
            quiet = 0 if busy else quiet + 1

    async def settle(self) -> None:
        """Wait until whatever has been caused has happened."""
        await self.rest()

    def _left(self, client: Client) -> None:
        """Nobody counts the clients here."""

    @abstractmethod
    async def join(self, name: str, query: Mapping[str, str]) -> bool:
        """Let a client connect; False when it is refused."""

    @abstractmethod
    def send(self, name: str, text: str) -> None:
        """Let a client send."""

    @abstractmethod
    def leave(self, name: str, code: int | None) -> None:
        """Let a client close with that code, or be lost."""

    @abstractmethod
    def inbox(self, name: str) -> list[str]:
        """What a client has received."""

    @abstractmethod
    def closed_with(self, name: str) -> int | None:
        """The code with which the service closed a client."""


class Pretended(Driver):
    """Clients without a network."""

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self._clients: dict[str, PretendClient] = {}

    async def join(self, name: str, query: Mapping[str, str]) -> bool:
        if self.worker.status != "running":
            return False
        scope = {
            "type": "websocket",
            "path": "/websocket/scripted",
            "query_string": urlencode(query).encode(),
            "headers": [],
        }
        client = PretendClient(self.worker, self.turn, scope, name)
        self._clients[name] = client
        self.worker.join(client)
        return True

    def send(self, name: str, text: str) -> None:
        self._clients[name].received(text)

    def leave(self, name: str, code: int | None) -> None:
        reason = Error("closed") if code is None else Remote(code, "bye")
        self._clients[name].gone(reason)

    def inbox(self, name: str) -> list[str]:
        return [str(message) for message in self._clients[name].inbox]

    def closed_with(self, name: str) -> int | None:
        closed = self._clients[name].closed_with
        return None if closed is None else closed[0]


class Served(Driver):
    """Real sockets, served by uvicorn's protocol class or by ours, on this very event loop."""

    way: str

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self._peers: dict[str, Peer] = {}

    async def start(self) -> None:
        await super().start()
        session = SessionCookie(SessionSettings(), "secret")
        self._gateway = Gateway(self.supervisor, self.turn, session, Admission(0, 0))
        self._server = LocalServer(self._gateway, "scripted", self.way)
        await self._server.start()

    async def clear(self) -> None:
        await self._server.stop()

    async def join(self, name: str, query: Mapping[str, str]) -> bool:
        target = f"/websocket/scripted?{urlencode(query)}"
        peer = await self._server.connect(target)
        if peer is None:
            return False
        self._peers[name] = peer
        return True

    def send(self, name: str, text: str) -> None:
        self._peers[name].send(1, text.encode())

    def leave(self, name: str, code: int | None) -> None:
        peer = self._peers[name]
        if code is None:
            peer.lose()
        else:
            peer.leaves(code)

    async def settle(self) -> None:
        """What clients have sent is read when their pings are answered; so is what they were sent."""
        for _ in range(2):
            await asyncio.gather(*(peer.flushed() for peer in self._peers.values()))
            await self.rest()
        await asyncio.gather(*(peer.flushed() for peer in self._peers.values()))

    def inbox(self, name: str) -> list[str]:
        return self._peers[name].inbox

    def closed_with(self, name: str) -> int | None:
        return self._peers[name].closed_with


class Plain(Served):
    """On uvicorn's own protocol class."""

    way = "plain"


class Fast(Served):
    """On ours."""

    way = "fast"
