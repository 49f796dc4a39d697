"""A service and its clients in this process, with a clock of its own: pretended clients, or real sockets on either path."""

import asyncio
import base64
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import uvicorn
from starlette.websockets import WebSocket as Connection
from uvicorn.server import ServerState

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
from tests.runtime.scripted import CALLBACKS, Script, ScriptedWebsocket

REST = 6  # turns of the loop that a task may need for what lies ready
PATIENCE = 5.0  # seconds


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

    protocol: str

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self._peers: dict[str, Peer] = {}

    async def start(self) -> None:
        await super().start()
        session = SessionCookie(SessionSettings(), "secret")
        self._gateway = Gateway(
            self.supervisor.workers, self.turn, session, Admission(0, 0)
        )
        config = uvicorn.Config(
            self._application,
            interface="asgi3",
            ws=self.protocol,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            log_config=None,
        )
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        make = config.ws_protocol_class
        assert make is not None
        self._state = state
        self._server = await loop.create_server(
            lambda: make(config, state, {}, loop),  # type: ignore[call-arg]
            "127.0.0.1",
            0,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def clear(self) -> None:
        self._server.close()
        for peer in self._peers.values():
            peer.lose()
        async with asyncio.timeout(PATIENCE):
            while self._state.connections or self._state.tasks:
                await asyncio.sleep(0)

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        await self._gateway.connect("scripted", Connection(scope, receive, send))

    async def join(self, name: str, query: Mapping[str, str]) -> bool:
        peer = Peer()
        await asyncio.get_running_loop().create_connection(
            lambda: peer, "127.0.0.1", self._port
        )
        target = f"/websocket/scripted?{urlencode(query)}"
        if not await peer.shake_hands(target):
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

    protocol = "websockets-sansio"


class Fast(Served):
    """On ours."""

    protocol = "boss.runtime.protocol:WebSocketProtocol"


class Peer(asyncio.Protocol):
    """The other end of a connection."""

    def __init__(self) -> None:
        self.inbox: list[str] = []
        self.closed_with: int | None = None  # by the server, first
        self._left = False
        self._received = b""
        self._pongs = 0
        self._pings = 0
        self._over = False
        self._changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._changed.set()

    def connection_lost(self, _: Exception | None) -> None:
        self._over = True
        self._changed.set()

    async def shake_hands(self, target: str) -> bool:
        """Ask for the upgrade; False when it is refused."""
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await self._until(lambda: b"\r\n\r\n" in self._received or self._over)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            self._transport.abort()
            return False
        return True

    def send(self, opcode: int, payload: bytes) -> None:
        """Send one frame, masked with zeros."""
        assert len(payload) < 126
        head = bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0))
        self._transport.write(head + payload)

    def leaves(self, code: int) -> None:
        """Begin the close handshake."""
        self._left = True
        self.send(8, code.to_bytes(2, "big") + b"bye")

    def lose(self) -> None:
        """Reset the connection."""
        self._left = True
        self._transport.abort()

    async def flushed(self) -> None:
        """Wait until the server has read what was sent, and what it has sent is here; or the connection is over."""
        if self._left or self.closed_with is not None:
            await self._until(lambda: self._over)
            self._read()
            return
        self._pings += 1
        self.send(9, b"%d" % self._pings)
        await self._until(lambda: self._pongs == self._pings or self._over)

    async def _until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._changed.wait()
                self._changed.clear()
                if self._received.startswith(b"HTTP/"):
                    continue
                self._read()

    def _read(self) -> None:
        data = self._received
        while len(data) >= 2:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            if len(data) < start + size:
                break
            self._take(data[0] & 15, data[start : start + size])
            data = data[start + size :]
        self._received = data

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            self.inbox.append(payload.decode())
        elif opcode == 10:
            self._pongs += 1
        elif opcode == 8 and not self._left and self.closed_with is None:
            self.closed_with = int.from_bytes(payload[:2], "big")
            self.send(8, payload[:2])
