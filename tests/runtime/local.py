"""A service on this very event loop, behind uvicorn's own protocol class or ours, and the other end of its sockets."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from starlette.websockets import WebSocket as Connection
from uvicorn.server import ServerState

from boss.runtime.address import ServiceAddress
from boss.runtime.gateway import Gateway
from boss.runtime.handler import CALLBACKS, ServiceHandler
from boss.runtime.handshake import Admission, SessionCookie
from boss.runtime.settings import (
    Service,
    SessionSettings,
    SupervisorSettings,
    WebsocketSettings,
)
from boss.runtime.supervisor import Supervisor
from boss.runtime.turn import Turn
from boss.runtime.worker import Worker

Around = Callable[[Any], Any]
PATIENCE = 5.0  # seconds until a test gives up waiting for something that must come
PROTOCOLS = {
    "plain": "websockets-sansio",
    "fast": "boss.runtime.protocol:WebSocketProtocol",
}


def _as_it_is(send: Any) -> Any:
    return send


def anonymous(side: int) -> ssl.SSLContext:
    """TLS that needs no certificate; `side` is ssl.PROTOCOL_TLS_SERVER or its counterpart."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


class LocalServer:
    """One service behind uvicorn's protocol class or ours, on this very event loop."""

    def __init__(
        self,
        gateway: Gateway,
        service: str,
        way: str,
        *,
        compression: bool = False,
        around: Around = _as_it_is,
        tls: bool = False,
    ) -> None:
        self._gateway = gateway
        self._service = service
        self._way = way
        self._compression = compression
        self._around = around
        self._tls = tls
        self._state = ServerState()
        self.peers: list[Peer] = []

    async def start(self) -> None:
        """Listen on a port of the system's choice."""
        config = uvicorn.Config(
            self._application,
            interface="asgi3",
            http="httptools",
            ws=PROTOCOLS[self._way],
            ws_ping_interval=None,
            ws_per_message_deflate=self._compression,
            log_config=None,
        )
        config.load()
        make: Any = config.http_protocol_class
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: make(config, self._state, {}, loop),
            "127.0.0.1",
            0,
            ssl=anonymous(ssl.PROTOCOL_TLS_SERVER) if self._tls else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def connect(self, target: str) -> "Peer | None":
        """A client, let in; None when it is refused."""
        peer = Peer()
        await asyncio.get_running_loop().create_connection(
            lambda: peer,
            "127.0.0.1",
            self.port,
            ssl=anonymous(ssl.PROTOCOL_TLS_CLIENT) if self._tls else None,
        )
        self.peers.append(peer)
        return peer if await peer.shake_hands(target) else None

    async def stop(self) -> None:
        """Stop listening, reset what is open, and wait until all of it has gone."""
        self._server.close()
        for peer in self.peers:
            peer.lose()
        async with asyncio.timeout(PATIENCE):
            while self._state.connections or self._state.tasks:
                await asyncio.sleep(0)

    @property
    def connections(self) -> list[Any]:
        """The protocol objects of the connections that are open."""
        return list(self._state.connections)

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        send = self._around(send)
        await self._gateway.connect(self._service, Connection(scope, receive, send))


class Peer(asyncio.Protocol):
    """The other end of a connection."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []  # opcode and payload, without pongs
        self.closed_with: int | None = None  # by the server, first
        self.over = False  # is the connection?
        self.silent = False  # is a close frame not answered?
        self._left = False
        self._received = b""
        self._pongs = 0
        self._pings = 0
        self._changed = asyncio.Event()

    @property
    def inbox(self) -> list[str]:
        """The texts received."""
        return [payload.decode() for opcode, payload in self.frames if opcode == 1]

    @property
    def pongs(self) -> list[bytes]:
        """The payloads of the pongs received."""
        return [payload for opcode, payload in self.frames if opcode == 10]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._changed.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.over = True
        self._changed.set()

    async def shake_hands(self, target: str) -> bool:
        """Ask for the upgrade, and offer compression; False when it is refused."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
        )
        await self.until(lambda: b"\r\n\r\n" in self._received or self.over)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            self.transport.abort()
            return False
        return True

    def send(self, opcode: int, payload: bytes) -> None:
        """Send one frame."""
        self.transport.write(frame(opcode, payload))

    def leaves(self, code: int) -> None:
        """Begin the close handshake."""
        self._left = True
        self.send(8, code.to_bytes(2, "big") + b"bye")

    def lose(self) -> None:
        """Reset the connection."""
        self._left = True
        self.transport.abort()

    async def gone(self) -> None:
        """Wait until the connection is over."""
        await self.until(lambda: self.over)

    async def flushed(self) -> None:
        """Wait until the server has read what was sent, and what it has sent is here; or the connection is over."""
        if self._left or self.closed_with is not None:
            await self.gone()
            return
        self._pings += 1
        self.send(9, b"flushed")
        await self.until(lambda: self._pongs == self._pings or self.over)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what is to be."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if not self._received.startswith(b"HTTP/"):
                    self._read()
                if condition():
                    return
                await self._changed.wait()
                self._changed.clear()

    def _read(self) -> None:
        data = self._received
        while len(data) >= 2:
            size, start = data[1], 2
            if size > 125:
                start = 4 if size == 126 else 10
                size = int.from_bytes(data[2:start], "big")
            if len(data) < start + size:
                break
            self._take(data[0] & 15, data[start : start + size])
            data = data[start + size :]
        self._received = data

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 10 and payload == b"flushed":
            self._pongs += 1
            return
        self.frames.append((opcode, payload))
        if opcode == 8 and not self._left and self.closed_with is None:
            self.closed_with = int.from_bytes(payload[:2], "big")
            if not self.silent:
                self.send(8, payload[:2])


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A frame as clients send it, masked."""
    size = len(payload)
    mask = b"\x01\x80\xfe\x33"
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return head + mask + masked


class LocalService:
    """A service behind a `LocalServer`, on the real clock."""

    def __init__(self, worker: Worker, server: LocalServer) -> None:
        self.worker = worker
        self.server = server

    async def join(self) -> tuple[Peer, Any]:
        """A client, and the protocol object that the server has for it."""
        before = set(self.server.connections)
        peer = await self.server.connect("/websocket/local")
        assert peer is not None
        (protocol,) = set(self.server.connections) - before
        while not self.worker.clients:
            await asyncio.sleep(0)
        return peer, protocol


@asynccontextmanager
async def serving(
    handler: type[ServiceHandler[Any]],
    way: str,
    websocket: WebsocketSettings | None = None,
    *,
    compression: bool = False,
    around: Around = _as_it_is,
    tls: bool = False,
) -> AsyncIterator[LocalService]:
    """Serve `handler` on this event loop, "plain" or "fast"; `around` is what middleware makes of the server's `send`."""
    address = ServiceAddress("local")
    service = Service(
        address=address,
        handler=handler,
        file="local.py",
        url="/websocket/local",
        callbacks=[
            name
            for name in CALLBACKS
            if getattr(handler, name) is not getattr(ServiceHandler, name)
        ],
        websocket=websocket or WebsocketSettings(),
    )
    loop = asyncio.get_running_loop()
    supervisor = Supervisor([service], SupervisorSettings(), loop, lambda client: None)
    session = SessionCookie(SessionSettings(), "secret")
    turn = Turn(loop)
    gateway = Gateway(supervisor, turn, session, Admission(0, 0))
    await supervisor.start()
    server = LocalServer(
        gateway, "local", way, compression=compression, around=around, tls=tls
    )
    await server.start()
    try:
        yield LocalService(supervisor.workers["local"], server)
    finally:
        await supervisor.stop()
        await server.stop()
