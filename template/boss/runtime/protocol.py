# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The fast path: uvicorn's sans-I/O WebSocket protocol, with messages dispatched straight from the socket.

`python -m boss` and `uvicorn --ws boss.runtime.protocol:WebSocketProtocol` use it. The handshake goes through the whole
ASGI application as ever; then `attach` takes the connection over for one client (`peer`), and:

- whole frames are read here, in one pass over what the socket gave; fragments, compression and whatever is wrong go,
  frame by frame, through the parser of the websockets library, which is made when it is first needed;
- close reasons are told apart where they arise;
- nothing but the connection itself is kept: the ASGI task ends, unless a dependency waits for the end.

Connections that no service takes over, the application's own WebSocket routes, are served as stock uvicorn does. This
class leans on attributes of uvicorn's class that are not public, so __main__.py checks uvicorn's version first.
"""

import asyncio
import logging
import random
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
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SERVER, Protocol
from websockets.server import ServerProtocol

from .fast_client import FastClient
from .frames import close_frame, end_of_frame, may_be_sent
from .gateway import FAST_PATH
from .plain_client import CLOSE_LIMIT
from .reasons import Error, Normal, Remote, from_disconnect
from .upgrade import accept_key, answer, subprotocols
from .worker import Worker

try:
    from websockets.speedups import apply_mask
except ImportError:  # no C compiler where websockets was built
    from websockets.utils import apply_mask

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from .turn import Turn

LAST_LOOK = 0.1  # seconds in which a pong may still be read after the loop was blocked
_ERRORS = {1007: "badencoding", 1009: "toobig"}
_NOT_KEPT = frozenset(  # of the scope once the handshake is over: it would keep the request's machinery alive
    {
        "extensions",
        "fastapi_function_astack",
        "fastapi_inner_astack",
        "fastapi_middleware_astack",
        "starlette.exception_handlers",
    }
)


class _Nobody:
    """Stands for the ASGI queue of a connection that was taken over: nobody reads there any more."""

    def put_nowait(self, event: Any) -> None:
        pass


_NOBODY: Any = _Nobody()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol class, taken over after the handshake; see the module."""

    # Looked at for every message: attributes in slots are the quickest to find.
    __slots__ = ("_held", "_in_message", "_limit", "_partial", "peer")

    peer: FastClient | None
    """None until `attach`, and when the connection is lost."""
    _limit: int  # bytes of one message
    _held: bool  # is reading paused because the service is busy?
    _in_message: bool  # between the fragments of a message?
    _partial: (
        bytearray | None
    )  # the beginning of a frame, or what came while reading was held

    # What the base class sets in each instance, and a connection at rest need not.
    logger = logging.getLogger("uvicorn.error")
    transport: asyncio.Transport = cast("asyncio.Transport", None)
    server = client = None
    handshake_initiated = handshake_complete = False
    close_sent = disconnected = read_paused = False
    close_timer = initial_response = None
    close_timeout = CLOSE_LIMIT
    ping_timer = pong_timer = pending_ping_payload = None
    ping_sent_at = last_ping_rtt = 0.0
    curr_msg_data_type: Literal["text", "bytes"] = "bytes"

    compresses = False  # was permessage-deflate negotiated?
    _accept: bytes | None = None  # Sec-WebSocket-Accept while our own answer is due
    _looked_again = False
    _begun = False  # has the parser got the beginning of the frame that comes?
    _missing = 0  # bytes that `_partial` must have before it is looked at again

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        # Not the base class's: it makes a parser for every connection. See `connection_made`.
        self._arguments = config, server_state, app_state
        self.peer = self._partial = None
        self._held = self._in_message = False
        self._limit = 0

    # The handshake.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        config, server_state, app_state = self._arguments
        http = cast("asyncio.Transport", transport).get_protocol()
        if isinstance(http, HttpToolsProtocol):
            compression = bool(config.ws_per_message_deflate)
            self._accept = accept_key(
                cast("dict[str, Any]", http.scope), http.url, compression
            )
        if self._accept is None or not isinstance(http, HttpToolsProtocol):
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
        cast("Any", http).parser = None  # each held the other

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

    @cached_property
    def conn(self) -> Protocol:  # type: ignore[override]  # made when first needed
        """The parser: of the handshake while that lasts, else of an open connection."""
        if self.handshake_complete:
            size = self._limit or self.config.ws_max_size
            return Protocol(SERVER, max_size=size, logger=self.logger)
        return ServerProtocol(max_size=self.config.ws_max_size, logger=self.logger)

    def attach(self, worker: Worker, turn: "Turn", session_id: str) -> FastClient:
        """Take the connection over for a client of `worker`; the handshake has just been answered."""
        self._limit = worker.limits.max_message_size
        if "conn" in vars(self):
            self.conn.max_message_size = self._limit
            self.compresses = bool(self.conn.extensions)
            self._follow_parser()
        scope = {
            key: value for key, value in self.scope.items() if key not in _NOT_KEPT
        }
        client = self.peer = FastClient(worker, turn, self, scope, session_id)
        queue, self.queue = self.queue, _NOBODY
        self.request = self.response = cast("Any", None)
        turn.loop.call_soon(self._catch_up, queue)
        return client

    def _catch_up(self, queue: "asyncio.Queue[Any]") -> None:
        """Hand over what the client sent before the connection was taken over."""
        client = self.peer
        while client is not None and not queue.empty():
            event = queue.get_nowait()
            if event["type"] == "websocket.receive" and client.open:
                text = event.get("text")
                client.received(event["bytes"] if text is None else text)
            elif event["type"] == "websocket.disconnect":
                client.gone(from_disconnect(event))
        if self.read_paused and not self._held:
            self.read_paused = False
            self.transport.resume_reading()

    async def run_asgi(self) -> None:
        """Run the application for the handshake; a connection that was taken over lives on without it."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self.send_500_response()
        else:
            if not self.handshake_complete and self.initial_response is None:
                self.logger.error(
                    "ASGI callable returned without completing handshake."
                )
                self.send_500_response()
            elif self.peer is not None:
                self.scope = cast("Any", None)
                return
        if self.peer is not None:
            self.peer.finish(1011, "", Normal("shutdown"))
        elif self.close_timer is None:
            self.transport.close()

    # Reading.

    def data_received(self, data: bytes) -> None:
        client = self.peer
        if client is None or not client.open:
            self._data_received(data)
            return
        partial = self._partial
        size = len(data) - 6
        if (  # the usual case: one short text and nothing else, without further calls
            data[0] == 0x81
            and 0 <= size < 126
            and data[1] == size + 128
            and size <= self._limit
            and partial is None
            and not self._in_message
            and not self._held
        ):
            try:
                text = apply_mask(data[6:], data[2:6]).decode()
            except UnicodeDecodeError:
                pass  # told to the client below
            else:
                if client.metered:
                    client.received(text)
                else:
                    client.worker.incoming(client, text)
                return
        if partial is not None:
            partial += data
            if len(partial) < self._missing or self._held:
                return
            self._partial = None
            data = bytes(partial)
        self._read(client, data)

    def _data_received(self, data: bytes) -> None:
        """Before the connection was taken over, or while it closes."""
        if self._accept is not None and self.handshake_initiated:
            # The request itself, written out again for a parser that is not needed.
            self.handshake_initiated = False
            self.queue.put_nowait({"type": "websocket.connect"})
            task = self.loop.create_task(self.run_asgi())
            task.add_done_callback(self.on_task_complete)
            self.tasks.add(task)
        else:
            super().data_received(data)

    def _read(self, client: FastClient, data: bytes) -> None:
        """Take whole frames off `data`, and keep the rest for later."""
        if self._begun:
            super().data_received(data)
            self._follow_parser()
            return
        position, size = 0, len(data)
        while position < size and client.open and not self._held:
            end = end_of_frame(data, position, self._limit, self.compresses)
            if end > size:
                self._missing = end - position
                break
            if end < 0:
                super().data_received(data[position:])
                return
            if not self._take(client, data, position, end):
                super().data_received(data[position:end])
                self._in_message = self.conn.current_size is not None
            position = end
        if position == size:
            return
        if client.open:
            self._partial = bytearray(data[position:])
        elif not self.transport.is_closing():
            super().data_received(
                data[position:]
            )  # the client's close frame may follow

    def _follow_parser(self) -> None:
        """Note what the parser is in the midst of: what it has begun, it has to end."""
        self._in_message = self.conn.current_size is not None
        self._begun = not _between_frames(self.conn)
        if self._begun:
            self._partial = bytearray()  # so that what comes next is not taken short

    def _take(self, client: FastClient, data: bytes, start: int, end: int) -> bool:
        """Handle one frame, if it is a plain one; else return False: the parser has to look. RFC 6455 section 5."""
        first, second = data[start], data[start + 1]
        start += 6 if second < 254 else 8 if second == 254 else 14
        if second < 128 or end - start > self._limit:
            return False
        if first == 0x81 and not self._in_message:
            try:
                text = apply_mask(data[start:end], data[start - 4 : start]).decode()
            except UnicodeDecodeError:
                return False
            client.received(text)
            return True
        if first == 0x82 and not self._in_message:
            client.received(apply_mask(data[start:end], data[start - 4 : start]))
            return True
        if second > 253:
            return False
        if first == 0x88:
            return self._answer_close(
                client, apply_mask(data[start:end], data[start - 4 : start])
            )
        if first == 0x89:
            payload = apply_mask(data[start:end], data[start - 4 : start])
            client.pong(bytes((0x8A, len(payload))) + payload)
            return True
        if first == 0x8A:
            payload = apply_mask(data[start:end], data[start - 4 : start])
            self.handle_pong(Frame(Opcode.PONG, payload))
            return True
        return False

    def handle_ping(self) -> None:
        if self.peer is None:
            super().handle_ping()
        else:
            self.conn.data_to_send()  # it is closing: whoever does not read would not read this either

    def _answer_close(self, client: FastClient, payload: bytes) -> bool:
        """Answer a close frame with the like and end the connection; False when it is not as it should be."""
        code, reason = None, ""
        if payload:
            code = int.from_bytes(payload[:2], "big")
            if len(payload) == 1 or not may_be_sent(code):
                return False
            try:
                reason = payload[2:].decode()
            except UnicodeDecodeError:
                return False
        client.flush()
        client.gone(Remote(code, reason))
        self.transport.write(bytes((0x88, len(payload))) + payload)
        self.transport.close()
        self._cut_later()
        return True

    def send_receive_event_to_app(self) -> None:
        client = self.peer
        if client is None:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if not client.open:
            return
        if self.curr_msg_data_type == "text":
            try:
                client.received(str(data, "utf-8"))
            except UnicodeDecodeError:
                self.conn.fail(1007)
                self.handle_parser_exception()
        else:
            client.received(bytes(data))

    def hold_reading(self) -> None:
        """Let the client feel that its service is busy: nothing more is read, nor taken off what was read."""
        self._held = True
        self.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read again, beginning with what is here already."""
        if self._held:
            self._held = False
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        client = self.peer
        if self._held or client is None:
            return
        partial, self._partial = self._partial, None
        if partial is not None and client.open:
            self._read(client, bytes(partial))
        if not self._held:
            self.transport.resume_reading()

    # Writing.

    def pause_writing(self) -> None:
        if self.peer is None:
            super().pause_writing()
        else:
            self.peer.pause_writing()

    def resume_writing(self) -> None:
        client = self.peer
        if client is None:
            super().resume_writing()
        elif client.open:
            client.resume_writing()

    def compressed(self, data: bytes) -> bytes:
        """The frame `data` as this client wants it: compressed where that was negotiated. RFC 7692."""
        if not self.compresses:
            return data
        size = data[1]
        payload = data[2 if size < 126 else 4 if size == 126 else 10 :]
        (self.conn.send_text if data[0] == 0x81 else self.conn.send_binary)(payload)
        return b"".join(self.conn.data_to_send())

    def send_close(self, code: int, text: str) -> None:
        """Send a close frame, and cut the connection when the client does not answer it in time."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.transport.write(close_frame(code, text))
        self.close_sent = True
        self._held = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_LIMIT, self.transport.abort)
        partial, self._partial = self._partial, None
        if partial is not None:
            super().data_received(bytes(partial))  # its rest is still to come

    # How it ends.

    def handle_close(self, event: Frame) -> None:
        client = self.peer
        close = self.conn.close_rcvd
        if client is not None and close is not None and not self.close_sent:
            client.gone(
                Remote(None if close.code == 1005 else close.code, close.reason)
            )
        super().handle_close(event)
        self._cut_later()

    def handle_parser_exception(self) -> None:
        if self.close_sent:  # a second close frame would be one too many
            self.transport.close()
            return
        if self.peer is not None:
            assert self.conn.close_sent is not None
            self.peer.flush()
            self.peer.gone(Error(_ERRORS.get(self.conn.close_sent.code, "badframe")))
        super().handle_parser_exception()
        self._cut_later()

    def _cut_later(self) -> None:
        """What is closing stays open until all has left: for ever, when the client never reads. So there is a limit."""
        if self.close_timer is None and self.transport.get_write_buffer_size():
            self.close_timer = self.loop.call_later(CLOSE_LIMIT, self.transport.abort)

    def send_keepalive_ping(self) -> None:
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self.pending_ping_payload = random.randbytes(4)
        self.ping_sent_at = self.loop.time()
        self.transport.write(b"\x89\x04" + self.pending_ping_payload)
        if self.ping_timeout is not None:
            self.pong_timer = self.loop.call_later(
                self.ping_timeout, self.keepalive_timeout
            )
        else:
            self.schedule_ping()

    def keepalive_timeout(self) -> None:
        client = self.peer
        if client is not None and client.open:
            if self._held:
                # A pong would not be read now: this client is alive as far as anyone can tell.
                self.pong_timer = None
                self.pending_ping_payload = None
                self.schedule_ping()
                return
            if not self._looked_again:
                # The loop may have been blocked for so long that the pong lies unread in the socket.
                self._looked_again = True
                self.pong_timer = self.loop.call_later(
                    LAST_LOOK, self.keepalive_timeout
                )
                return
            client.gone(Normal("timeout"))
        super().keepalive_timeout()
        self._cut_later()

    def handle_pong(self, event: Frame) -> None:
        self._looked_again = False
        super().handle_pong(event)

    def shutdown(self) -> None:
        client = self.peer
        if client is None:
            super().shutdown()
            return
        client.finish(1012, "", Normal("shutdown"))
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_LIMIT / 2, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.peer is not None:
            self.peer.gone(Error("closed"))
            self.peer = None  # each held the other
        super().connection_lost(exc)
        self.close_timer = None


def _between_frames(conn: Protocol) -> bool:
    """Does the parser wait for the beginning of a frame? Then it asks whether there is more to come."""
    step: Any = conn.parser
    while step.gi_yieldfrom is not None:
        step = step.gi_yieldfrom
    return bool(step.__name__ == "at_eof")
