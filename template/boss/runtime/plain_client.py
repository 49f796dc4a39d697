# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""A client on plain ASGI: a reader task takes what comes; a message is sent at once, or by a writer task.

The reader is a task of its own. In the task of the route each message would have to pass through the dozen coroutines
of FastAPI that wait there. It is made when the client first speaks, since many only listen.

Where nothing but Starlette stands between us and uvicorn, a send is begun by hand, outside of any task: it writes to
the socket and is done. Only when uvicorn makes it wait, since the client does not read, does a writer task go on with
it and with what is queued behind. Everywhere else a writer task does all of the sending.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Generator
from functools import partial
from threading import get_ident
from time import perf_counter
from types import coroutine
from typing import Any
from weakref import ReferenceType, ref

from starlette.types import Message
from starlette.websockets import WebSocket as Connection

from .client import CLOSE_LIMIT, Client
from .frames import size_of
from .intake import Home
from .loop import FAIR_SHARE, LOOK_AT_CLOCK
from .outbound import OutboundQueue
from .reasons import Error, from_disconnect
from .stock import own_protocol, own_send, passed_over, told_to_stop
from .turn import Turn

log = logging.getLogger("boss")

LOOK = 1.0  # seconds between looks whether the server stops, while nothing is read


class PlainClient(Client):
    """See the module; works on any ASGI server and under Starlette's TestClient."""

    __slots__ = (
        "_by_hand",
        "_closing",
        "_cut",
        "_limit",
        "_protocol",
        "_reader",
        "_receive",
        "_room",
        "_send_event",
        "_wake",
        "_writer",
    )

    def __init__(
        self, worker: Home, turn: Turn, connection: Connection, session_id: str
    ) -> None:
        super().__init__(worker, turn, connection.scope, session_id)
        # What Starlette's class adds to these two, checks of the order of events,
        # costs some 5 % of a message.
        self._receive = connection._receive
        own = own_send(connection._send)
        self._send_event = own or connection._send
        self._by_hand = own is not None  # may a send be begun outside of a task?
        # uvicorn's, by whichever leads there: middleware wraps `send`, as that of Starlette's sessions does, or `receive`.
        self._protocol: Any = own_protocol(own or self._receive)
        self._reader: asyncio.Task[Any] | None = None  # None until `run`
        self._writer: asyncio.Task[None] | None = None
        # Of the writer, while nothing waits.
        self._wake: asyncio.Future[None] | None = None
        # Code and reason of the close frame to be sent.
        self._closing: tuple[int, str] | None = None
        self._room: asyncio.Future[None] | None = None  # while nothing is read
        self._cut = False  # did we give the connection up?
        # Of giving it up, once we have closed.
        self._limit: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Read until the connection has ended."""
        self._reader = asyncio.current_task()
        try:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self._disconnected(event)
            else:
                self._reader = self.turn.loop.create_task(
                    self._read(event), context=self.worker.context.copy()
                )
                await self._reader
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            if self._cut and self._reader is task:
                task.uncancel()
            if not self._cut or task.cancelling():
                raise
        finally:
            self._reader = None  # what its task does now is not to be cancelled
            if self.open:
                self.gone(Error("closed"))
            if self._writer is not None:
                self._writer.cancel()
            if self._limit is not None:
                self._limit.cancel()
            self._close_no_more()
            self._cut_later()

    async def _read(self, event: Message) -> None:
        receive, worker = self._receive, self.worker
        limit = worker.limits.max_message_size
        number, until = 0, perf_counter() + FAIR_SHARE
        while event["type"] != "websocket.disconnect":
            message: Any = event.get("text")
            if message is None:
                message = event["bytes"]
            if not self.open:
                pass  # it is closing
            elif len(message) * 4 > limit and size_of(message) > limit:
                self._finish_too_big()
            elif self.metered or self.too_many:
                self.received(message)
                if self._room is not None:
                    await self._wait_for_room(self._room)
            else:
                worker.incoming(self, message)
            number += 1
            if number % LOOK_AT_CLOCK == 0 and perf_counter() > until:
                await asyncio.sleep(0)  # where many wait, `receive` does not
                until = perf_counter() + FAIR_SHARE
            event = await receive()
        self._disconnected(event)

    def _disconnected(self, event: Message) -> None:
        reason = from_disconnect(event)
        if isinstance(reason, Error):
            self.hear_out()
            self._take_passed_over()
        self.gone(reason)

    def _finish_too_big(self) -> None:
        self.finish(1009, "message too big", Error("toobig"))

    def _take_passed_over(self) -> None:
        try:
            for message in passed_over(self._protocol):
                if not self.open:
                    return
                if size_of(message) > self.worker.limits.max_message_size:
                    self._finish_too_big()
                else:
                    self.received(message)
        except UnicodeDecodeError:
            self.gone(Error("badencoding"))

    async def _wait_for_room(self, room: asyncio.Future[None]) -> None:
        """Wait until the service has caught up, or the server stops: then uvicorn waits for our task, and all else for it."""
        # uvicorn reads no answer to its own pings now, and would take the client for dead.
        getattr(self._protocol, "stop_keepalive", _nothing)()
        while not room.done() and not told_to_stop():
            await asyncio.wait({room}, timeout=LOOK)
        self._room = None
        getattr(self._protocol, "start_keepalive", _nothing)()

    def send(self, message: str | bytes) -> None:
        # The usual case, a text that may leave at once, without the calls that the general one takes.
        turn = self.turn
        if (
            type(message) is str
            and self.queue is None
            and self._by_hand
            and self.open
            and turn.group is None
            and not turn.foreign
            and get_ident() == turn.thread
        ):
            self.worker.counters.messages_out += 1
            self._send_directly({"type": "websocket.send", "text": message})
        else:
            super().send(message)

    def _send_directly(self, event: dict[str, Any]) -> None:
        """Send from here and now; when the server makes us wait, a writer goes on with the rest."""
        sending = self._send_event(event)
        try:
            waits_for = sending.send(None)  # type: ignore[attr-defined]  # a coroutine
        except StopIteration:
            return
        except (OSError, RuntimeError):
            # The connection has ended: the reader is told why.
            self.worker.counters.messages_to_gone_clients += 1
            return
        self._start_writer(_go_on(sending, waits_for))

    async def _write(
        self, queue: OutboundQueue[str | bytes], begun: Awaitable[None] | None
    ) -> None:
        send = self._send_event
        try:
            if begun is not None:
                await begun
            while True:
                while queue:
                    await send(_event(queue.pop()))
                if self._closing is not None:
                    break
                if self._by_hand:
                    self.queue = self._writer = None
                    return
                self._wake = self.turn.loop.create_future()
                await self._wake
            code, reason = self._closing
            await send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception as error:  # noqa: BLE001  # logged, unless it is what we think
            # The connection has ended, and the reader is told why very soon; or whatever wraps the server's `send` is
            # at fault: then nothing more can be sent in order.
            queue.clear()
            self._cannot_send(error)

    def put(self, message: str | bytes) -> None:
        worker, turn = self.worker, self.turn
        worker.counters.messages_out += 1
        queue = self.queue
        if queue is None:
            if self._by_hand:
                self._send_directly(_event(message))
                return
            queue = self._start_writer()
        if not turn.open:
            turn.begin()  # so that a burst, sent in one turn, is told from slowness
        if queue.push(message, size_of(message), turn.number):
            limits = worker.limits
            if queue.too_long(limits.outbound_limit, limits.outbound_bytes):
                turn.suspect(self)
        if self._wake is not None:
            self._wake_writer()

    def hang_up(self, code: int, text: str) -> None:
        self._closing = code, text
        if self.queue is None:
            self._start_writer()
        self._wake_writer()
        self.go_on_reading()
        self._limit = self.turn.loop.call_later(CLOSE_LIMIT, self._give_up)

    def stop_reading(self) -> None:
        if self._room is None:  # uvicorn reads only when it is asked for more
            self._room = self.turn.loop.create_future()

    def go_on_reading(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _start_writer(
        self, begun: Awaitable[None] | None = None
    ) -> OutboundQueue[str | bytes]:
        queue = self.queue = OutboundQueue()
        self._writer = self.turn.loop.create_task(self._write(queue, begun))
        return queue

    def _wake_writer(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None and not wake.done():
            wake.set_result(None)

    def _cut_later(self) -> None:
        """uvicorn closes a connection when all has left: never, when the client does not read, not even to stop.

        Over TLS it is closed when the client has answered to that, or after half a minute.
        """
        transport = getattr(self._protocol, "transport", None)
        # asyncio's own for TLS knows nothing any more once it is closed twice, as it is when a client is lost.
        with contextlib.suppress(AttributeError):
            if transport is not None and (
                transport.get_write_buffer_size()
                or transport.get_extra_info("ssl_object") is not None
            ):
                # Weak: a connection that is over lets go of its buffers at once.
                self.turn.loop.call_later(CLOSE_LIMIT / 2, _abort, ref(self._protocol))

    def _close_no_more(self) -> None:
        """At server stop uvicorn sends a close frame even to a client that has sent one: its parser raises, and the stop fails."""
        protocol = self._protocol
        # What is still open may be closed with a frame: by a middleware that has cancelled us, for one.
        if hasattr(protocol, "close_sent") and protocol.transport.is_closing():
            protocol.close_sent = True

    def _cannot_send(self, error: Exception, *, heard: bool = False) -> None:
        """Give the client up, unless the reader is told meanwhile why the connection has ended.

        That comes behind all that the client has sent, so as long as nothing is read it says nothing that it has not.
        """
        reads = self._room is None
        if self.open and not (heard and reads):
            self.turn.loop.call_later(
                LOOK, partial(self._cannot_send, error, heard=reads)
            )
            return
        if self.open:
            log.error(
                "%s: sending to client %s failed, so it is closed",
                self.worker.name,
                self.id,
                exc_info=error,
            )
            self.gone(Error("closed"))
        self._give_up()

    def _give_up(self) -> None:
        """The client has not answered our close frame, or never read that far."""
        if self._reader is not None and not self._reader.done():
            self._cut = True
            self._reader.cancel()


def _abort(protocol: ReferenceType[Any]) -> None:
    there = protocol()
    if there is not None:
        there.transport.abort()


def _nothing() -> None:
    pass


def _event(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, str):
        return {"type": "websocket.send", "text": message}
    return {"type": "websocket.send", "bytes": message}


@coroutine
def _go_on(sending: Any, waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that was begun by hand and now awaits `waits_for`."""
    try:
        while True:
            try:
                result = yield waits_for
            except BaseException as error:  # noqa: BLE001  # raised where it belongs
                waits_for = sending.throw(error)
            else:
                waits_for = sending.send(result)
    except StopIteration:
        return
