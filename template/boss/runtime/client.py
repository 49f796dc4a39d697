# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""One client as the runtime sees it: the address that handlers hold, and what lies between it and its service.

Three kinds exist: on plain ASGI (plain_client.py), on uvicorn's own protocol class (fast_client.py), and pretended
(testkit/clients.py). They differ in how a message leaves and how reading is paused; the rest is here.
"""

import os
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from contextvars import Context
from threading import get_ident
from typing import Any, Protocol
from weakref import ReferenceType

from starlette.requests import HTTPConnection
from starlette.types import Scope

from .batch import Batch
from .clock import Clock
from .counters import Counters
from .frames import check_close, check_message, size_of
from .handler import ServiceHandler, Timer
from .mailbox import Kind
from .outbound import OutboundQueue
from .reasons import CloseReason, Error, Normal
from .settings import WebsocketSettings
from .turn import Turn
from .websocket import WebSocket

CLOSE_LIMIT = 10.0  # seconds for what was sent and the close handshake, then the connection is cut
LAST_LOOK = 0.1  # seconds in which what lies unread in a socket is still read after the loop was blocked
MAX_WAITING = 64  # messages of one client that wait for its service at most,
MAX_WAITING_BYTES = 1 << 20  # and their bytes: the one that reaches this is the last
# Bytes read and kept beyond that, for the sake of pings; then the socket is not read.
MAX_KEPT = 1 << 16
HEADER = 6  # bytes before a message of a client, at least: an empty one, too, is read
MANY_GROUPS = 16  # of one client, from which on it looks for some that are no more


class Home(Protocol):
    """What a client asks of its worker."""

    name: str
    limits: WebsocketSettings
    context: Context
    clock: Clock
    counters: Counters

    def incoming(self, client: "Client", message: str | bytes) -> None:
        """It has sent a message."""

    def queue(self, kind: Kind, sender: "Client", content: object) -> None:
        """Its connection has ended, and the service is to be told why."""

    def left(self, client: "Client") -> None:
        """Its connection has ended, whoever is told."""

    def send_after(self, seconds: float, info: object) -> Timer:
        """Let `info` reach the service later."""
        ...


class Membership(Protocol):
    """A group that a client is in."""

    def forget(self, client: "Client") -> None:
        """Let it be a member no more."""

    def look_at(self, client: "Client") -> None:
        """What its `direct` says has changed."""


class Client(WebSocket):
    """See the module. Everything here happens on the event loop, except for `send` and `close`."""

    __slots__ = (
        "_kept",
        "_kept_bytes",
        "_request",
        "_scope",
        "_tokens",
        "_tokens_at",
        "address",
        "groups",
        "handler",
        "heard_at",
        "idle_timer",
        "metered",
        "open",
        "queue",
        "service_url",
        "session_id",
        "told",
        "too_many",
        "turn",
        "waiting",
        "waiting_bytes",
        "worker",
    )

    def __init__(self, worker: Home, turn: Turn, scope: Scope, session_id: str) -> None:
        self.id = os.urandom(8).hex()
        self.worker = worker
        self.turn = turn
        self.session_id = session_id
        self.service_url: str = scope["path"]
        self.address: str = scope["client"][0] if scope.get("client") else ""
        self._scope = scope
        self._request: HTTPConnection | None = None
        self.handler: ServiceHandler[Any] | None = None  # None until the first join
        # Weak: the groups of a life end with its state.
        self.groups: list[ReferenceType[Membership]] = []
        self.open = True  # may be sent to, and may send
        self.told = False  # the service knows, or need not know, that it has gone
        self.waiting = 0  # messages in the mailbox,
        self.waiting_bytes = 0  # and their bytes
        self.too_many = False  # do as many wait as may?
        # Messages that came all the same, and their bytes.
        self._kept: deque[str | bytes] | None = None
        self._kept_bytes = 0
        self.queue: OutboundQueue[Any] | None = None  # made when it is first needed
        limits = worker.limits
        self.metered = limits.max_messages_per_second > 0 or limits.idle_timeout > 0
        if self.metered:
            self._tokens = float(limits.max_messages_per_second)
            self._tokens_at = self.heard_at = worker.clock.time()
            self.idle_timer: Timer | None = None
            if limits.idle_timeout > 0:
                limit = limits.idle_timeout
                self.idle_timer = worker.clock.call_later(
                    limit, self._check_idle, self.heard_at + limit
                )

    # What a handler instance asks of its context.

    @property
    def request(self) -> HTTPConnection:
        """The request that opened the connection."""
        if self._request is None:
            self._request = HTTPConnection(self._scope)
        return self._request

    def send_after(self, seconds: float, info: object) -> Timer:
        """Let `info` reach the service later; see `ServiceHandler.send_after`."""
        return self.worker.send_after(seconds, info)

    # What a handler does with the address.

    def send(self, message: str | bytes) -> None:
        check_message(message)
        turn = self.turn
        if get_ident() == turn.thread:
            if turn.foreign:
                turn.catch_up()
            self._send(message)
            return
        size_of(message)  # raises here what could not be encoded there
        if not turn.ask(self._send, message):
            self.worker.counters.messages_to_gone_clients += 1

    def _send(self, message: str | bytes) -> None:
        if not self.open:
            self.worker.counters.messages_to_gone_clients += 1
            return
        group = self.turn.group
        if group is not None:
            group.settle(self)
        self.put(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        check_close(code, reason)
        self.turn.do(self.finish, code, reason, Normal("shutdown"))

    # How a connection ends. Each does nothing when it has ended before.
    #
    #     method   who ends it                      close frame   the service is told
    #     gone     the client, or it was lost       -             yes
    #     finish   we do                            yes           yes
    #     drop     we do, and there is no life      yes           no
    #
    # From then on `open` is False; `told` becomes True when handle_close is called, or
    # need not be. `hang_up` is how the close frame leaves.

    def finish(self, code: int, text: str, reason: CloseReason) -> None:
        """Close the connection from this side and tell the service why, behind all that was read."""
        self.hear_out()
        if self.open:
            self.flush()
            self.gone(reason)
            self.hang_up(code, text)

    def drop(self, code: int, text: str) -> None:
        """Close the connection from this side without telling the service: there is no life to tell."""
        self.told = True
        if self.open:
            self.flush()
            self._ended()
            self.hang_up(code, text)
        self.leave_groups()

    def gone(self, reason: CloseReason) -> None:
        """The connection has ended or is ending: let the service be told, once, behind all that was read."""
        self.hear_out()
        if self.open:
            self._ended()
            self.worker.queue(Kind.CLOSE, self, reason)

    def flush(self) -> None:
        """Let leave now what would else leave when the turn ends."""
        group = self.turn.group
        if group is not None:
            group.settle(self)

    def _ended(self) -> None:
        self.open = False
        if self.metered and self.idle_timer is not None:
            self.idle_timer.cancel()
        self.worker.left(self)

    # The groups that it is in.

    def enter_group(self, group: ReferenceType[Membership]) -> None:
        """Note a group, and every now and then forget those that nobody keeps any more."""
        number = len(self.groups)
        if number >= MANY_GROUPS and number.bit_count() == 1:  # it has doubled
            self.groups = [kept for kept in self.groups if kept() is not None]
        self.groups.append(group)

    def tell_groups(self) -> None:
        """Let every group know that `direct` has changed."""
        for reference in self.groups:
            group = reference()
            if group is not None:
                group.look_at(self)

    def leave_groups(self) -> None:
        """Take the client out of every group."""
        groups, self.groups = self.groups, []
        for reference in groups:
            group = reference()
            if group is not None:
                group.forget(self)

    # What the client sends.

    def received(self, message: str | bytes) -> None:
        """Hand one whole message over to the service, at once or by its mailbox.

        When too many wait, it is kept, and soon nothing more is read: nothing is lost, the sender feels it (TCP
        backpressure). Pings are answered for as long as it is read.
        """
        if self.too_many:
            self._keep(message)
        elif not self.metered or self._meter():
            self.worker.incoming(self, message)

    def waits(self, size: int) -> None:
        """A message of `size` bytes is in the mailbox now."""
        self.waiting += 1
        self.waiting_bytes += size
        if self.waiting >= MAX_WAITING or self.waiting_bytes >= MAX_WAITING_BYTES:
            self.too_many = True

    def waited(self, size: int) -> None:
        """A message of that size has left the mailbox."""
        self.waiting -= 1
        self.waiting_bytes -= size
        if (
            self.too_many
            and self.waiting <= MAX_WAITING // 2
            and self.waiting_bytes <= MAX_WAITING_BYTES // 2
        ):
            if self.metered:
                self._refill()
            self.too_many = False
            self._hand_over()
            if not self.full:
                self.go_on_reading()

    @property
    def full(self) -> bool:
        """Is so much kept that nothing more is to be read?"""
        return self._kept_bytes >= MAX_KEPT

    def _keep(self, message: str | bytes) -> None:
        if self._kept is None:
            self._kept = deque()
        self._kept.append(message)
        self._kept_bytes += HEADER + size_of(message)
        if self.full:
            self.stop_reading()

    def _hand_over(self) -> None:
        """Hand over what was kept, unless too many wait again."""
        while self._kept and self.open and not self.too_many:
            message = self._kept.popleft()
            self._kept_bytes -= HEADER + size_of(message)
            self.received(message)

    def hear_out(self) -> None:
        """Hand over what was kept, however many wait: the connection ends, so it does not wait any longer."""
        kept, self._kept = self._kept, None
        for message in kept or ():
            if self.open and (not self.metered or self._meter()):
                self.worker.incoming(self, message)

    def _meter(self) -> bool:
        """Note that the client is alive; close it with 1008 when it sends faster than it may."""
        self.heard_at = self.worker.clock.time()
        if self.worker.limits.max_messages_per_second == 0:
            return True
        self._refill()
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        self.finish(1008, "too many messages", Error("flood"))
        return False

    def _refill(self) -> None:
        """Let the client send as many messages more as the time allows: those of one second at once.

        What it sends while too many wait is handed over all at once afterwards, so then each second counts.
        """
        rate, now = self.worker.limits.max_messages_per_second, self.worker.clock.time()
        more = self._tokens + (now - self._tokens_at) * rate
        if not self.too_many:
            more = max(self._tokens, min(more, float(rate)))
        self._tokens, self._tokens_at = more, now

    def _check_idle(self, due: float) -> None:
        clock, limit = self.worker.clock, self.worker.limits.idle_timeout
        now = clock.time()
        wait = self.heard_at + limit - now
        if wait <= 0 and self.waiting:
            wait = limit  # it did speak: the service has not come to it yet
        elif wait <= 0 and now > due + LAST_LOOK:
            # The loop was blocked: what it has said may lie unread in the socket.
            wait = LAST_LOOK
        if wait > 0:
            self.idle_timer = clock.call_later(wait, self._check_idle, now + wait)
        else:
            self.finish(1000, "idle for too long", Normal("timeout"))

    # When the client does not read.

    def judge(self) -> None:
        """Apply the `slow_consumer` policy if the outbound queue is still too long."""
        self.flush()
        limits = self.worker.limits
        bounds = limits.outbound_limit, limits.outbound_bytes
        queue = self.queue
        if not self.open or queue is None or not queue.too_long(*bounds):
            return
        counters = self.worker.counters
        counters.slow_consumers += 1
        if limits.slow_consumer == "close":
            counters.messages_dropped += queue.clear()
            self.finish(1008, "too slow", Error("slow"))
        else:
            counters.messages_dropped += queue.trim(limits.slow_consumer, *bounds)

    # What differs from path to path.

    @property
    def direct(self) -> Callable[[bytes], None] | None:
        """What may be called with frames for this client as long as it holds none; None where `put_batch` has to be."""
        return None

    @abstractmethod
    def put(self, message: str | bytes) -> None:
        """Let one message leave, after those before it."""

    def put_batch(self, batch: Batch, hold: bool) -> None:
        """Let some messages leave that go to many clients; `hold` them until the turn ends if that matters."""
        if not self.open:
            self.worker.counters.messages_to_gone_clients += len(batch.messages)
            return
        for message in batch.messages:
            self.put(message)

    @abstractmethod
    def hang_up(self, code: int, text: str) -> None:
        """Send a close frame after what was sent so far, then end the connection within a few seconds."""

    @abstractmethod
    def stop_reading(self) -> None:
        """Read the socket no more; harmless when it is not read already."""

    @abstractmethod
    def go_on_reading(self) -> None:
        """Read the socket again; harmless when it is read already."""
