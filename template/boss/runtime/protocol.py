# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The fast path: uvicorn's sans-I/O WebSocket protocol class, taken over after the handshake.

`python -m boss` and `uvicorn --ws boss.runtime.protocol:WebSocketProtocol` use it. After the handshake (opening.py)
`attach` takes the connection over for one client (`peer`), whose messages go straight from the socket to its service
(reading.py). Close reasons are told apart here, where they arise; and nothing but the connection itself is kept: the
ASGI task ends, unless a dependency waits for the end.

Connections that no service takes over, the application's own WebSocket routes, are served as stock uvicorn does. This
class leans on attributes of uvicorn's class that are not public, so __main__.py checks uvicorn's version first.
"""

import asyncio
import random
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.utils import ClientDisconnected
from websockets.frames import Frame, Opcode

from .client import CLOSE_LIMIT
from .fast_client import FastClient
from .frames import close_frame, deflated
from .intake import LAST_LOOK
from .reading import ReadingProtocol
from .reasons import Error, Normal, Remote, from_disconnect
from .turn import Turn
from .worker import Worker

STOP_LIMIT = 1.0  # seconds for the answer to our close frame when the server stops
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


class WebSocketProtocol(ReadingProtocol):
    """uvicorn's protocol class, taken over after the handshake; see the module."""

    _looked_again = False

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

    def attach(
        self, worker: Worker, turn: Turn, scope: Scope, session_id: str
    ) -> FastClient:
        """Take the connection over for a client of `worker`; the handshake has just been answered.

        Args:
            scope: as it came through the application's middleware.
        """
        self.limit = worker.limits.max_message_size
        if "conn" in vars(self):
            self.compresses = bool(self.conn.extensions)
            if self.compresses:
                self.conn.max_message_size = deflated(self.limit)
            else:
                self.conn.max_message_size = self.limit
            self.follow_parser()
        kept = {key: value for key, value in scope.items() if key not in _NOT_KEPT}
        client = self.peer = FastClient(worker, turn, self, kept, session_id)
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
        if client is not None and not client.full:
            self.go_on_reading()

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
        # Not by the parser, which sends no more once a bad frame has come.
        unpacked = Frame(Opcode.TEXT if data[0] == 0x81 else Opcode.BINARY, payload)
        return unpacked.serialize(mask=False, extensions=self.conn.extensions)

    def send_close(self, code: int, text: str) -> None:
        """Send a close frame, and cut the connection when the client does not answer it in time."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.transport.write(close_frame(code, text))
        self.close_sent = True
        self.close_timer = self.loop.call_later(CLOSE_LIMIT, self.transport.abort)
        self.leave_to_parser()

    # How it ends.

    def handle_close(self, event: Frame) -> None:
        client = self.peer
        close = self.conn.close_rcvd
        if client is not None and close is not None:
            client.gone(
                Remote(None if close.code == 1005 else close.code, close.reason)
            )
        super().handle_close(event)
        self.cut_later()

    def handle_parser_exception(self) -> None:
        client = self.peer
        if self.close_sent:  # a second close frame would be one too many
            if client is None:
                self.transport.close()
            else:
                self._linger()
        elif client is None:
            super().handle_parser_exception()
            self.cut_later()
        else:
            assert self.conn.close_sent is not None
            client.flush()
            client.gone(Error(_ERRORS.get(self.conn.close_sent.code, "badframe")))
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self._linger()

    def _linger(self) -> None:
        """End our side, and read on until the client has ended its own; the parser discards what comes.

        A socket that is closed while something lies unread in it resets the connection, and a client that is still
        sending may then never see why: it is told 1009 while most of its message is under way.

        Called once more for whatever comes then, to no effect.
        """
        if not self.transport.can_write_eof():  # TLS
            self.transport.close()
            self.cut_later()
            return
        self.stop_keepalive()
        self.transport.write_eof()
        self.transport.resume_reading()
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(CLOSE_LIMIT, self.transport.abort)

    def send_keepalive_ping(self) -> None:
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self._looked_again = False
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
            if self.read_paused:
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
        self.cut_later()

    def shutdown(self) -> None:
        client = self.peer
        if client is None:
            # Whoever closes already gets no other close frame: the parser would raise, and the stop would fail.
            if not self.transport.is_closing():
                super().shutdown()
            return
        client.finish(1012, "", Normal("shutdown"))
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(STOP_LIMIT, self._end_at_stop)

    def _end_at_stop(self) -> None:
        """End the connection: no service can be drained before. Only for what has not left there is some more time."""
        if self.transport.get_write_buffer_size():
            left = CLOSE_LIMIT / 2 - STOP_LIMIT
            self.close_timer = self.loop.call_later(left, self.transport.abort)
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.peer is not None:
            self.peer.gone(Error("closed"))
            self.peer = None  # each held the other
        super().connection_lost(exc)
        self.close_timer = None
