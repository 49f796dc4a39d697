# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The opening handshake on uvicorn's sans-I/O WebSocket protocol class, without the second parse of the request.

Stock uvicorn writes the request out again and lets a parser of the websockets library read it, which every connection
then keeps. Here a plain request (upgrade.py) is answered from what uvicorn's HTTP parser has read already, and the
parser is made when it is first needed. The handshake goes through the whole ASGI application all the same.
"""

import asyncio
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_path_with_query_string,
)
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import SERVER, Protocol
from websockets.server import ServerProtocol

from .client import CLOSE_LIMIT
from .handshake import FAST_PATH
from .upgrade import accept_key, answer, subprotocols

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent
    from uvicorn.config import Config
    from uvicorn.server import ServerState


class OpeningProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol class with a handshake of its own; see the module."""

    __slots__ = ("limit",)

    limit: int
    """Bytes of one message, when a service has taken the connection over; 0 before."""

    # What the base class sets in each instance, and a connection at rest need not.
    logger = logging.getLogger("uvicorn.error")
    transport: asyncio.Transport = cast("asyncio.Transport", None)
    server = client = None
    handshake_initiated = handshake_complete = False
    close_sent = disconnected = read_paused = False
    initial_response = None
    close_timer: asyncio.TimerHandle | None = None
    close_timeout = CLOSE_LIMIT
    ping_timer: asyncio.TimerHandle | None = None
    pong_timer: asyncio.TimerHandle | None = None
    pending_ping_payload: bytes | None = None
    ping_sent_at = last_ping_rtt = 0.0
    curr_msg_data_type: Literal["text", "bytes"] = "bytes"

    _accept: bytes | None = None  # Sec-WebSocket-Accept while our own answer is due
    _early = b""  # what came before that, though a client should wait for it

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        # Not the base class's: it makes a parser for every connection. See `connection_made`.
        self._arguments = config, server_state, app_state
        self.limit = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        config, server_state, app_state = self._arguments
        http: Any = cast("asyncio.Transport", transport).get_protocol()
        if isinstance(http, HttpToolsProtocol):
            scope = cast("dict[str, Any]", http.scope)
            self._accept = accept_key(scope, http.url, config.ws_per_message_deflate)
        if self._accept is None:
            super().__init__(config, server_state, app_state)
            super().connection_made(transport)
            return
        self.config = config
        self.app = config.loaded_app
        self.loop = asyncio.get_running_loop()
        self.app_state = app_state
        self.connections = server_state.connections
        self.tasks = server_state.tasks
        self.default_headers = server_state.default_headers
        self.ping_interval = config.ws_ping_interval
        self.ping_timeout = config.ws_ping_timeout
        self.queue = asyncio.Queue()
        self.writable = asyncio.Event()
        self.writable.set()
        self.connections.add(self)
        self.transport = cast("asyncio.Transport", transport)
        self.scope = self._make_scope(http)
        self.handshake_initiated = True
        http.parser = None  # each held the other

    def _make_scope(self, http: HttpToolsProtocol) -> Any:
        """The scope that the base class would make. Source: ASGI, "Websocket Connection Scope"."""
        raw_path, _, query = http.url.partition(b"?")
        root_path = self.config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if http.scheme == "https" else "ws",
            "server": http.server,
            "client": http.client,
            "root_path": root_path,
            "path": root_path + unquote(raw_path.decode("ascii")),
            "raw_path": root_path.encode("ascii") + raw_path,
            "query_string": query,
            "headers": http.headers,
            "subprotocols": subprotocols(http.headers),
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}, FAST_PATH: self},
        }

    def data_received(self, data: bytes) -> None:
        if self._accept is not None and self.handshake_initiated:
            # The request itself, written out again for a parser that is not needed.
            self.handshake_initiated = False
            self.queue.put_nowait({"type": "websocket.connect"})
            task = self.loop.create_task(self.run_asgi())
            task.add_done_callback(self.on_task_complete)
            self.tasks.add(task)
        elif self._accept is not None:
            self._early += data
            self.transport.pause_reading()
        else:
            super().data_received(data)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:
            self.scope["extensions"][FAST_PATH] = self  # type: ignore[assignment]

    async def send(self, message: "ASGISendEvent") -> None:
        """Answer a plain handshake from here; all else is for the base class."""
        if (
            self._accept is None
            or message["type"] != "websocket.accept"
            or self.handshake_complete
            or self.initial_response is not None
        ):
            await super().send(message)
            return
        if self.transport.is_closing():
            raise ClientDisconnected
        if self.logger.isEnabledFor(logging.INFO):
            self.logger.info(
                '%s - "WebSocket %s" [accepted]',
                get_client_addr(self.scope),
                get_path_with_query_string(self.scope),
            )
        headers = [*self.default_headers, *message.get("headers", ())]
        self.transport.write(answer(self._accept, message.get("subprotocol"), headers))
        self.handshake_complete = True
        self._accept = None
        self.start_keepalive()
        if self._early:
            self.loop.call_soon(self._read_early)

    def _read_early(self) -> None:
        early, self._early = self._early, b""
        self.transport.resume_reading()
        self.data_received(early)

    @cached_property
    def conn(self) -> Protocol:  # type: ignore[override]  # made when first needed
        """The parser: of the handshake while that lasts, else of an open connection."""
        if self.handshake_complete:
            size = self.limit or self.config.ws_max_size
            return Protocol(SERVER, max_size=size, logger=self.logger)
        return ServerProtocol(max_size=self.config.ws_max_size, logger=self.logger)
