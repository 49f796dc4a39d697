# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What a client sends, on its way to the service: how much of it may wait, how often it may come, and since when none has.

When too many messages of a client wait for its service, more are kept here, and soon its socket is not read: nothing is
lost, and the sender feels it (TCP backpressure). Pings are answered for as long as it is read.
"""

from abc import abstractmethod
from collections import deque
from contextvars import Context
from typing import Any, Protocol

from .clock import Clock
from .counters import Counters
from .frames import size_of
from .handler import Timer
from .mailbox import Kind
from .reasons import CloseReason, Error, Normal
from .settings import WebsocketSettings
from .websocket import WebSocket

LAST_LOOK = 0.1  # seconds in which what lies unread in a socket is still read after the loop was blocked
MAX_WAITING = 64  # messages of one client that wait for its service at most,
MAX_WAITING_BYTES = 1 << 20  # and their bytes: the one that reaches this is the last
# Bytes read and kept beyond that, for the sake of pings; then the socket is not read.
MAX_KEPT = 1 << 16
HEADER = 6  # bytes before a message of a client, at least: an empty one, too, is read


class Home(Protocol):
    """What a client asks of its worker; `client` is the client itself."""

    name: str
    limits: WebsocketSettings
    context: Context
    clock: Clock
    counters: Counters

    def incoming(self, client: Any, message: str | bytes) -> None:
        """It has sent a message."""

    def queue(self, kind: Kind, sender: Any, content: object) -> None:
        """Its connection has ended, and the service is to be told why."""

    def left(self, client: Any) -> None:
        """Its connection has ended, whoever is told."""

    def send_after(self, seconds: float, info: object) -> Timer:
        """Let `info` reach the service later."""
        ...


class Intake(WebSocket):
    """The half of a client that hears it; the other one is `Client`. Everything here happens on the event loop."""

    __slots__ = (
        "_kept",
        "_kept_bytes",
        "_tokens",
        "_tokens_at",
        "heard_at",
        "idle_timer",
        "metered",
        "open",
        "too_many",
        "waiting",
        "waiting_bytes",
        "worker",
    )

    def __init__(self, worker: Home) -> None:
        self.worker = worker
        self.open = True  # may be sent to, and may send
        self.waiting = 0  # messages in the mailbox,
        self.waiting_bytes = 0  # and their bytes
        self.too_many = False  # do as many wait as may?
        # Messages that came all the same, and their bytes.
        self._kept: deque[str | bytes] | None = None
        self._kept_bytes = 0
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

    def received(self, message: str | bytes) -> None:
        """Hand one whole message over to the service, at once or by its mailbox; or keep it when too many wait."""
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

    @abstractmethod
    def finish(self, code: int, text: str, reason: CloseReason) -> None:
        """Close the connection from this side and tell the service why, behind all that was read."""

    @abstractmethod
    def stop_reading(self) -> None:
        """Read the socket no more; harmless when it is not read already."""

    @abstractmethod
    def go_on_reading(self) -> None:
        """Read the socket again; harmless when it is read already."""
