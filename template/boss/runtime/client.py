# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""One client as the runtime sees it: the address that handlers hold, and what lies between it and its service.

Three kinds exist: on plain ASGI (plain_client.py), on uvicorn's own protocol class (fast_client.py), and pretended
(testkit/clients.py). They differ in how a message leaves and how reading is paused. What they have in common is here,
and in intake.py what becomes of the messages that they send.
"""

import os
from abc import abstractmethod
from collections.abc import Callable
from threading import get_ident
from typing import Any, Protocol
from weakref import ReferenceType

from starlette.requests import HTTPConnection
from starlette.types import Scope

from .batch import Batch
from .frames import check_close, check_message, size_of
from .handler import ServiceHandler, Timer
from .intake import Home, Intake
from .mailbox import Kind
from .outbound import OutboundQueue
from .reasons import CloseReason, Error, Normal
from .turn import Turn

CLOSE_LIMIT = 10.0  # seconds for what was sent and the close handshake, then the connection is cut
MANY_GROUPS = 16  # of one client, from which on it looks for some that are no more


class Membership(Protocol):
    """A group that a client is in."""

    def forget(self, client: "Client") -> None:
        """Let it be a member no more."""

    def look_at(self, client: "Client") -> None:
        """What its `direct` says has changed."""


class Client(Intake):
    """See the module. Everything here happens on the event loop, except for `send` and `close`."""

    __slots__ = (
        "_request",
        "_scope",
        "address",
        "groups",
        "handler",
        "queue",
        "service_url",
        "session_id",
        "told",
        "turn",
    )

    def __init__(self, worker: Home, turn: Turn, scope: Scope, session_id: str) -> None:
        super().__init__(worker)
        self.id = os.urandom(8).hex()
        self.turn = turn
        self.session_id = session_id
        self.service_url: str = scope["path"]
        # Of its machine, "127.0.0.1", by which connections are limited.
        self.address: str = scope["client"][0] if scope.get("client") else ""
        self._scope = scope
        self._request: HTTPConnection | None = None
        self.handler: ServiceHandler[Any] | None = None  # None until the first join
        # Weak: the groups of a life end with its state.
        self.groups: list[ReferenceType[Membership]] = []
        self.told = False  # the service knows, or need not know, that it has gone
        self.queue: OutboundQueue[Any] | None = None  # made when it is first needed

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
        self.end_of_turn()

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

    def end_of_turn(self) -> None:
        """Let leave what was held back until the turn ends: nothing, unless `put_batch` holds."""

    @abstractmethod
    def hang_up(self, code: int, text: str) -> None:
        """Send a close frame after what was sent so far, then end the connection within a few seconds."""
