# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Reading on the fast path: messages go to their service straight from what the socket gave.

Whole frames are read here, in one pass; fragments, compression and whatever is wrong go, frame by frame, through the
parser of the websockets library. RFC 6455 section 5.
"""

import asyncio
from time import perf_counter
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol

from .client import CLOSE_LIMIT
from .fast_client import FastClient
from .frames import end_of_frame, may_be_sent
from .loop import FAIR_SHARE, LOOK_AT_CLOCK
from .opening import OpeningProtocol
from .reasons import Remote

try:
    from websockets.speedups import apply_mask
except ImportError:  # no C compiler where websockets was built
    from websockets.utils import apply_mask

# The first bytes of frames that are whole messages, neither compressed nor in fragments, or control frames.
_PLAIN = frozenset({0x81, 0x82, 0x88, 0x89, 0x8A})


class ReadingProtocol(OpeningProtocol):
    """What reads for `peer`, the client that a connection was taken over for; see the module."""

    # Looked at for every message: attributes in slots are the quickest to find.
    __slots__ = ("_in_message", "_partial", "peer")

    peer: FastClient | None
    """None until the connection is taken over, and when it is lost."""
    _in_message: bool  # between the fragments of a message?
    _partial: bytearray | None
    """The beginning of a frame, or what is left while others have a turn of the event loop."""

    compresses = False  # was permessage-deflate negotiated?
    _begun = False  # has the parser got the beginning of the frame that comes?
    _missing = 0  # bytes that `_partial` must have before it is looked at again

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peer = self._partial = None
        self._in_message = False
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        client = self.peer
        if client is None or not client.open:
            super().data_received(data)
            return
        partial = self._partial
        size = len(data) - 6
        if (  # the usual case: one short text and nothing else, without further calls
            data[0] == 0x81
            and 0 <= size < 126
            and data[1] == size + 128
            and size <= self.limit
            and partial is None
            and not self._in_message
        ):
            try:
                text = apply_mask(data[6:], data[2:6]).decode()
            except UnicodeDecodeError:
                pass  # told to the client below
            else:
                if client.metered or client.too_many:
                    client.received(text)
                else:
                    client.worker.incoming(client, text)
                return
        if partial is not None:
            partial += data
            if len(partial) < self._missing:
                return
            self._partial = None
            data = bytes(partial)
        self._read(client, data)

    def _read(self, client: FastClient, data: bytes) -> None:
        """Take whole frames off `data`, and keep the rest for later."""
        if self._begun:
            super().data_received(data)
            self.follow_parser()
            return
        position, size, frames = 0, len(data), 0
        until = perf_counter() + FAIR_SHARE
        while position < size and client.open:
            end = end_of_frame(data, position, self.limit, self.compresses)
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
            frames += 1
            if (
                frames % LOOK_AT_CLOCK == 0
                and perf_counter() > until
                and client.open
                and not client.too_many
            ):
                self._missing = 0
                self.stop_reading()
                self.loop.call_soon(self._next_turn)
                break
        if client.open:
            if position < size:
                self._partial = bytearray(data[position:])
        elif position < size and not self.transport.is_closing():
            # The client's close frame may follow.
            super().data_received(data[position:])

    def _take(self, client: FastClient, data: bytes, start: int, end: int) -> bool:
        """Handle one frame, if it is a plain one; else return False: the parser has to look. RFC 6455 section 5."""
        first, second = data[start], data[start + 1]
        if first not in _PLAIN or (self._in_message and first < 0x88):
            return False
        start += 6 if second < 254 else 8 if second == 254 else 14
        payload = apply_mask(data[start:end], data[start - 4 : start])
        if first == 0x81:
            try:
                text = payload.decode()
            except UnicodeDecodeError:
                return False
            client.received(text)
        elif first == 0x82:
            client.received(payload)
        elif first == 0x88:
            return self._answer_close(client, payload)
        elif first == 0x89:
            client.pong(bytes((0x8A, len(payload))) + payload)
        else:
            self.handle_pong(Frame(Opcode.PONG, payload))
        return True

    def _answer_close(self, client: FastClient, payload: bytes) -> bool:
        """Answer a close frame with the like and end the connection; False when it is not as it should be."""
        code, reason = None, ""
        if payload:
            code = int.from_bytes(payload[:2], "big")
            if not may_be_sent(code):  # nor what one byte can say
                return False
            try:
                reason = payload[2:].decode()
            except UnicodeDecodeError:
                return False
        client.flush()
        client.gone(Remote(code, reason))
        self.transport.write(bytes((0x88, len(payload))) + payload)
        self.transport.close()
        self.cut_later()
        return True

    def handle_ping(self) -> None:
        if self.peer is None or self.peer.open:
            super().handle_ping()
        else:
            self.conn.data_to_send()  # it is closing: whoever does not read would not read this either

    def send_receive_event_to_app(self) -> None:
        client = self.peer
        if client is None:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if not client.open:
            return
        if len(data) > self.limit:  # it came compressed
            self._fail(1009)
        elif self.curr_msg_data_type == "text":
            try:
                client.received(str(data, "utf-8"))
            except UnicodeDecodeError:
                self._fail(1007)
        else:
            client.received(bytes(data))

    def _fail(self, code: int) -> None:
        self.conn.fail(code)
        self.handle_parser_exception()

    def follow_parser(self) -> None:
        """Note what the parser is in the midst of: what it has begun, it has to end."""
        self._in_message = self.conn.current_size is not None
        self._begun = not _between_frames(self.conn)
        if self._begun:
            self._partial = bytearray()  # so that what comes next is not taken short

    def stop_reading(self) -> None:
        """Read the socket no more."""
        self.read_paused = True
        self.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read the socket again."""
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def _next_turn(self) -> None:
        """Others have had their turn of the event loop: read on."""
        client = self.peer
        if client is None or not client.open:
            return
        self.go_on_reading()
        partial, self._partial = self._partial, None
        if partial:
            self._read(client, bytes(partial))

    def read_rest(self) -> None:
        """The connection ends: what came before that is still for the service."""
        client = self.peer
        if self._partial and client is not None and client.open:
            rest, self._partial = bytes(self._partial), None
            client.too_many = True  # so that no turn is left to others
            self._read(client, rest)

    def leave_to_parser(self) -> None:
        """We have closed: nothing but the client's close frame matters now, and the parser sees to that."""
        self.go_on_reading()
        partial, self._partial = self._partial, None
        if partial is not None:
            super().data_received(bytes(partial))  # its rest is still to come

    def cut_later(self) -> None:
        """What is closing stays open until all has left: for ever, when the client never reads. So there is a limit."""
        if self.close_timer is None and self.transport.get_write_buffer_size():
            self.close_timer = self.loop.call_later(CLOSE_LIMIT, self.transport.abort)


def _between_frames(conn: Protocol) -> bool:
    """Does the parser wait for the beginning of a frame? Then it asks whether there is more to come."""
    step: Any = conn.parser
    while step.gi_yieldfrom is not None:
        step = step.gi_yieldfrom
    return bool(step.__name__ == "at_eof")
