# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The fast path: uvicorn's sans-I/O WebSocket protocol, with messages dispatched straight from the socket.

`python -m boss` and `uvicorn --ws boss.runtime.protocol:WebSocketProtocol` use it. The handshake goes through the whole
ASGI application as ever; then `attach` takes the connection over, and:

- whole, unfragmented data frames are read here, in one pass over what the socket gave; everything else (fragments,
  control frames, compression, errors) goes, frame by frame, through the parser of the websockets library, as stock;
- a frame is built once for any number of receivers and written to the transport at once, or with the other frames of
  the same turn of the event loop, or to the outbound queue while the client does not read;
- close reasons are told apart where they arise;
- nothing but the connection itself is kept: the ASGI task ends, unless a dependency waits for the end.

It leans on attributes of uvicorn's class that are not public, so __main__.py checks uvicorn's version first.
"""

import asyncio
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from .client import Client
from .frames import frame
from .gateway import CLOSE_LIMIT, FAST_PATH
from .outbound import OutboundQueue
from .reasons import Error, Normal, Remote
from .worker import Worker

try:
    from websockets.speedups import apply_mask
except ImportError:  # no C compiler where websockets was built
    from websockets.utils import apply_mask

if TYPE_CHECKING:
    from starlette.types import Scope

    from .group import Batch
    from .turn import Turn

RESUME_SIZE = (
    1 << 18
)  # bytes of the outbound queue that are written at once when the client reads again
LAST_LOOK = 0.1  # seconds in which a pong may still be read after the loop was too busy to do so
_ERRORS = {1007: "badencoding", 1009: "toobig"}


class FastClient(Client):
    """A client whose frames are written straight to the transport."""

    __slots__ = (
        "_closed",
        "_held",
        "_protocol",
        "_queue",
        "_sent_in",
        "_write",
        "paused_writing",
    )

    def __init__(
        self,
        worker: Worker,
        turn: "Turn",
        protocol: "WebSocketProtocol",
        session_id: str,
    ) -> None:
        super().__init__(worker, turn, cast("Scope", protocol.scope), session_id)
        self._protocol = protocol
        self._write = protocol.transport.write
        self._held: list[bytes] | None = None  # frames held until the turn ends
        self._sent_in = -1  # number of the turn in which a frame was written last
        self._queue: OutboundQueue[bytes] | None = None  # made when it is first needed
        self._closed: asyncio.Future[None] | None = None  # wanted by `wait_closed`
        self.paused_writing = not protocol.writable.is_set()

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        if self.open:
            self._closed = self.turn.loop.create_future()
            await self._closed

    def _ended(self) -> None:
        super()._ended()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    # Messages leave.

    def put(self, message: str | bytes) -> None:
        self.worker.counters.messages_out += 1
        turn = self.turn
        if message is turn.message:
            data = turn.frame
        else:
            data = frame(message)
            turn.message, turn.frame = message, data
        turn.begin()
        if self._held is not None:
            self._held.append(data)
        elif self._sent_in == turn.number:
            self._held = [data]
            turn.dirty.append(self)
        else:
            self._sent_in = turn.number
            if self.paused_writing or self._protocol.compresses:
                self._write_slowly([data])
            else:
                self._write(data)

    def put_batch(self, batch: "Batch", hold: bool) -> None:
        if not self.open:
            self.worker.counters.sent_to_gone += len(batch.messages)
            return
        self.worker.counters.messages_out += len(batch.messages)
        if self._held is not None:
            self._held.extend(batch.frames)
        elif hold:
            self._held = batch.frames.copy()
            self.turn.dirty.append(self)
        elif self.paused_writing or self._protocol.compresses:
            self._write_slowly(batch.frames)
        else:
            self._write(batch.joined)

    def end_of_turn(self) -> None:
        """Write what was held."""
        held, self._held = self._held, None
        if held and self.open:
            if self.paused_writing or self._protocol.compresses:
                self._write_slowly(held)
            else:
                self._write(held[0] if len(held) == 1 else b"".join(held))

    def _write_slowly(self, frames: list[bytes]) -> None:
        """Write frame by frame where they must be compressed, or to the queue while the client does not read."""
        if not self.paused_writing:
            for data in frames:
                self._write(self._protocol.compressed(data))
            return
        queue = self._queue
        if queue is None:
            queue = self._queue = OutboundQueue()
        turn = self.turn
        turn.begin()
        for data in frames:
            queue.push(data, len(data), turn.number)
        limits = self.worker.limits
        if queue.too_long(limits.outbound_limit, limits.outbound_bytes):
            turn.suspect(self)

    def resume_writing(self) -> None:
        """The client reads again: write a part of the queue, and go on when that has left, too."""
        queue = self._queue
        while queue and not self.paused_writing:
            frames, size = [], 0
            while queue and size < RESUME_SIZE:
                data = self._protocol.compressed(queue.pop())
                frames.append(data)
                size += len(data)
            self._write(b"".join(frames))

    def judge(self) -> None:
        """Apply the `slow_consumer` policy if the queue is still too long."""
        limits = self.worker.limits
        bounds = limits.outbound_limit, limits.outbound_bytes
        queue = self._queue
        if not self.open or queue is None or not queue.too_long(*bounds):
            return
        counters = self.worker.counters
        counters.slow_consumers += 1
        if limits.slow_consumer == "close":
            counters.dropped += queue.clear()
            self._held = None
            self.finish(1008, "too slow", Error("slow"))
        else:
            counters.dropped += queue.trim(limits.slow_consumer, *bounds)

    def hang_up(self, code: int, text: str) -> None:
        self.end_of_turn()
        if self._queue is not None:
            self.paused_writing = False
            self.resume_writing()
        self._protocol.send_close(code, text)

    # Reading.

    def pause_reading(self) -> None:
        self._protocol.hold_reading()

    def resume_reading(self) -> None:
        self._protocol.go_on_reading()


class _Nobody:
    """Stands for the ASGI queue of a connection that was taken over: nobody reads there any more."""

    def put_nowait(self, event: Any) -> None:
        pass

    def empty(self) -> bool:
        return True


_NOBODY: Any = _Nobody()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol class, taken over after the handshake; see the module."""

    client_side: FastClient | None = None  # None until `attach`
    compresses = False
    held_reading = False
    looked_again = False
    _limit = 0  # bytes of one message
    _partial: bytearray | None = (
        None  # the beginning of a frame, or what was read while reading was held
    )
    _missing = 0  # bytes that `_partial` must have before it is looked at again

    # The handshake.

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:
            self.scope["extensions"][FAST_PATH] = self  # type: ignore[assignment]

    def attach(self, worker: Worker, turn: "Turn", session_id: str) -> FastClient:
        """Take the connection over for a client of `worker`; the handshake has just been answered."""
        client = self.client_side = FastClient(worker, turn, self, session_id)
        self._limit = self.conn.max_message_size = worker.limits.max_message_size
        self.compresses = bool(self.conn.extensions)
        queue, self.queue = self.queue, _NOBODY
        del self.request, self.response
        turn.loop.call_soon(self._catch_up, queue)
        return client

    def _catch_up(self, queue: "asyncio.Queue[Any]") -> None:
        """Hand over what the client sent before the connection was taken over."""
        client = self.client_side
        while client is not None and not queue.empty():
            event = queue.get_nowait()
            if event["type"] == "websocket.receive" and client.open:
                text = event.get("text")
                client.received(event["bytes"] if text is None else text)
            elif event["type"] == "websocket.disconnect":
                client.gone(Error("closed"))
        if self.read_paused and not self.held_reading:
            self.read_paused = False
            self.transport.resume_reading()

    async def run_asgi(self) -> None:
        """Run the application for the handshake; afterwards a connection that was taken over lives on without it."""
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
            elif self.client_side is not None:
                del self.scope
                return
        if self.client_side is not None:
            self.client_side.finish(1011, "", Normal("shutdown"))
        elif self.close_timer is None:
            self.transport.close()

    # Reading.

    def data_received(self, data: bytes) -> None:
        client = self.client_side
        if client is None or not client.open:
            super().data_received(data)
            return
        partial = self._partial
        if partial is not None:
            partial += data
            if len(partial) < self._missing or self.held_reading:
                return
            self._partial = None
            data = bytes(partial)
        self._read(client, data)

    def _read(self, client: FastClient, data: bytes) -> None:
        """Take whole frames off `data`, and keep the rest for later."""
        position, size = 0, len(data)
        while position < size and client.open and not self.held_reading:
            end = _end_of_frame(data, position, self._limit, self.compresses)
            if end > size:
                self._missing = end - position
                break
            message = self._whole_message(data, position, end)
            if message is None:
                WebSocketsSansIOProtocol.data_received(self, data[position:end])
            else:
                client.received(message)
            position = end
        if position < size and client.open:
            self._partial = bytearray(data[position:])

    def _whole_message(self, data: bytes, start: int, end: int) -> str | bytes | None:
        """The message in one frame, when it is a plain one; None when the parser has to look. RFC 6455 section 5.2."""
        first, second = data[start], data[start + 1]
        if (first != 0x81 and first != 0x82) or self.conn.current_size is not None:
            return None
        start += 6 if second < 254 else 8 if second == 254 else 14
        if second < 128 or end - start > self._limit:
            return None
        payload = apply_mask(data[start:end], data[start - 4 : start])
        if first == 0x82:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:
            return None

    def send_receive_event_to_app(self) -> None:
        client = self.client_side
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
        self.held_reading = True
        self.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read again, beginning with what is here already."""
        if self.held_reading:
            self.held_reading = False
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        client = self.client_side
        if self.held_reading or client is None:
            return
        partial, self._partial = self._partial, None
        if partial is not None and client.open:
            self._read(client, bytes(partial))
        if not self.held_reading:
            self.transport.resume_reading()

    # Writing.

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.client_side is not None:
            self.client_side.paused_writing = True

    def resume_writing(self) -> None:
        super().resume_writing()
        client = self.client_side
        if client is not None and client.open:
            client.paused_writing = False
            client.resume_writing()

    def compressed(self, data: bytes) -> bytes:
        """The frame `data` as this client wants it: compressed where permessage-deflate was negotiated. RFC 7692."""
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
        self.conn.send_close(code, text)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._partial = None
        if self.held_reading:
            self.held_reading = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_LIMIT, self.transport.abort)

    # How it ends.

    def handle_close(self, event: Frame) -> None:
        client = self.client_side
        close = self.conn.close_rcvd
        if client is not None and close is not None and not self.close_sent:
            client.gone(
                Remote(None if close.code == 1005 else close.code, close.reason)
            )
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        if self.client_side is not None and not self.close_sent:
            assert self.conn.close_sent is not None
            code = self.conn.close_sent.code
            self.client_side.gone(Error(_ERRORS.get(code, "badframe")))
        super().handle_parser_exception()

    def keepalive_timeout(self) -> None:
        client = self.client_side
        if client is not None and client.open:
            if self.held_reading:
                # A pong would not be read now: this client is alive as far as anyone can tell.
                self.pong_timer = None
                self.pending_ping_payload = None
                self.schedule_ping()
                return
            if not self.looked_again:
                # The loop may have been blocked for so long that the pong lies unread in the socket.
                self.looked_again = True
                self.pong_timer = self.loop.call_later(
                    LAST_LOOK, self.keepalive_timeout
                )
                return
            client.gone(Normal("timeout"))
        super().keepalive_timeout()

    def handle_pong(self, event: Frame) -> None:
        self.looked_again = False
        super().handle_pong(event)

    def shutdown(self) -> None:
        client = self.client_side
        if client is not None:
            client.finish(1012, "", Normal("shutdown"))
            if self.close_timer is not None:
                self.close_timer.cancel()
            self.close_timer = self.loop.call_later(
                CLOSE_LIMIT / 2, self.transport.abort
            )
            return
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client_side is not None:
            self.client_side.gone(Error("closed"))
            self.client_side = None  # each held the other
        super().connection_lost(exc)


def _end_of_frame(data: bytes, position: int, limit: int, compresses: bool) -> int:
    """Where the frame that begins at `position` ends.

    A frame of which too little is here to tell ends behind `data`. One that the parser will refuse ends with `data`,
    so that it is refused at once. RFC 6455 section 5.2.
    """
    size = len(data)
    if size - position < 2:
        return position + 2
    first, second = data[position], data[position + 1]
    opcode = first & 0x0F
    control = opcode >= 8
    if (
        second < 128
        or opcode not in (0, 1, 2, 8, 9, 10)
        or (first & 0x70 and not (compresses and first & 0x70 == 0x40))
        or (control and (second > 253 or first < 128))
    ):
        return size
    length = second - 128
    start = position + 6
    if length > 125:
        extra = 2 if length == 126 else 8
        start += extra
        if size < start:
            return start
        length = int.from_bytes(data[position + 2 : position + 2 + extra], "big")
    if not control and length > limit:
        return size
    return start + length
