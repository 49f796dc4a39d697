# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""A client on the fast path: frames go to the transport at once, joined at the end of a turn, or into the queue."""

import asyncio
from collections.abc import Callable
from threading import get_ident
from typing import Protocol

from starlette.types import Scope

from .batch import Batch
from .client import Client
from .frames import SHORT_TEXT, frame
from .intake import Home
from .outbound import OutboundQueue
from .turn import Turn

RESUME_SIZE = 1 << 18  # bytes of the queue written at once when the client reads again


class Connection(Protocol):
    """What such a client asks of its protocol object: protocol.py and reading.py."""

    transport: asyncio.Transport
    writable: asyncio.Event
    compresses: bool

    def compressed(self, data: bytes) -> bytes: ...

    def send_close(self, code: int, text: str) -> None: ...

    def read_rest(self) -> None: ...

    def stop_reading(self) -> None: ...

    def go_on_reading(self) -> None: ...


class FastClient(Client):
    """A client whose frames are written straight to the transport."""

    __slots__ = (
        "_closed",
        "_held",
        "_paused",
        "_pong",
        "_protocol",
        "_sent_in",
        "_slow",
        "_write",
    )

    def __init__(
        self,
        worker: Home,
        turn: Turn,
        protocol: Connection,
        scope: Scope,
        session_id: str,
    ) -> None:
        super().__init__(worker, turn, scope, session_id)
        self._protocol = protocol
        self._write = protocol.transport.write
        self._held: list[bytes] | None = None  # frames held until the turn ends
        self._sent_in = -1  # number of the turn in which a frame was written last
        self._pong: bytes | None = None  # to be sent when the client reads again
        self._closed: asyncio.Future[None] | None = None  # wanted by `wait_closed`
        self._paused = not protocol.writable.is_set()  # does the client not read?
        self._slow = self._paused or protocol.compresses  # not simply to be written

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        if self.open:
            self._closed = self.turn.loop.create_future()
            await self._closed

    def _ended(self) -> None:
        super()._ended()
        self.tell_groups()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    # Messages leave.

    def send(self, message: str | bytes) -> None:
        # The usual cases, without the calls that the general one takes.
        turn = self.turn
        if (
            type(message) is not str
            or turn.group is not None
            or turn.foreign
            or not self.open
            or get_ident() != turn.thread
        ):
            super().send(message)
        elif self._sent_in == turn.number or self._slow:
            self.put(message)
        else:
            if message is not turn.message:
                data = message.encode()
                size = len(data)
                turn.frame = SHORT_TEXT[size] + data if size < 126 else frame(message)
                turn.message = message
            if not turn.open:
                turn.begin()
            self._sent_in = turn.number
            self.worker.counters.messages_out += 1
            self._write(turn.frame)

    def put(self, message: str | bytes) -> None:
        self.worker.counters.messages_out += 1
        turn = self.turn
        if message is turn.message:
            data = turn.frame
        else:
            data = frame(message)
            turn.message, turn.frame = message, data
        if not turn.open:
            turn.begin()
        if self._held is not None:
            self._held.append(data)
        elif self._sent_in == turn.number:
            self._held = [data]
            turn.dirty.append(self)
        else:
            self._sent_in = turn.number
            if self._slow:
                self._write_slowly([data])
            else:
                self._write(data)

    @property
    def direct(self) -> Callable[[bytes], None] | None:
        return self._write if self.open and not self._slow else None

    def put_batch(self, batch: Batch, hold: bool) -> None:
        if not self.open:
            self.worker.counters.messages_to_gone_clients += batch.number
            return
        self.worker.counters.messages_out += batch.number
        if self._held is not None:
            self._held.extend(batch.frames)
        elif hold:
            self._held = batch.frames.copy()
            self._sent_in = self.turn.number
            self.turn.dirty.append(self)
        elif self._slow:
            self._write_slowly(batch.frames)
        else:
            self._write(batch.joined)

    def end_of_turn(self) -> None:
        held, self._held = self._held, None
        if held and self.open:
            if self._slow:
                self._write_slowly(held)
            else:
                self._write(held[0] if len(held) == 1 else b"".join(held))

    def _write_slowly(self, frames: list[bytes]) -> None:
        """Write frame by frame where they must be compressed, or to the queue while the client does not read."""
        if not self._paused:
            for data in frames:
                self._write(self._protocol.compressed(data))
            return
        queue = self.queue
        if queue is None:
            queue = self.queue = OutboundQueue()
        turn = self.turn
        turn.begin()
        for data in frames:
            queue.push(data, len(data), turn.number)
        limits = self.worker.limits
        if queue.too_long(limits.outbound_limit, limits.outbound_bytes):
            turn.suspect(self)

    def pong(self, data: bytes) -> None:
        """Answer a ping with this frame; of many that come while the client does not read, the last. RFC 6455, 5.5.3."""
        if self._paused:
            self._pong = data
        else:
            self._write(data)

    def pause_writing(self) -> None:
        """The client does not read: what is sent from now on waits in the queue."""
        self._paused = self._slow = True
        self.tell_groups()

    def resume_writing(self) -> None:
        """The client reads again: write a part of the queue, and go on when that has left, too."""
        self._paused = False
        self._slow = self._protocol.compresses
        if self._pong is not None:
            self._write(self._pong)
            self._pong = None
        queue = self.queue
        while queue and not self._paused:
            frames, size = [], 0
            while queue and size < RESUME_SIZE:
                data = self._protocol.compressed(queue.pop())
                frames.append(data)
                size += len(data)
            self._write(b"".join(frames))
        self.tell_groups()

    def hang_up(self, code: int, text: str) -> None:
        if self.queue is not None:
            self.resume_writing()
        self._protocol.send_close(code, text)

    # Reading.

    def hear_out(self) -> None:
        self._protocol.read_rest()
        super().hear_out()

    def stop_reading(self) -> None:
        self._protocol.stop_reading()

    def go_on_reading(self) -> None:
        self._protocol.go_on_reading()
