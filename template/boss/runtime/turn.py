# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""One turn of the event loop, as far as sending goes: what is sent in it is held, joined, and written once.

The kernel's cost of a write is what limits a fan-out, so only fewer writes help: the first message that a client gets
in a turn leaves at once, and what follows in the same turn is held until the turn ends. Writing to a large group takes
longer than another look at the sockets, so its turn goes on until that: what has come meanwhile is joined, too.

One object serves all clients of an event loop; it must be touched on that loop only.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any, Protocol

from .calling import from_thread

MANY = 100  # members of a large group


class Recipient(Protocol):
    """A client that is sent to."""

    def end_of_turn(self) -> None:
        """Let leave what was held back until the turn ends."""

    def judge(self) -> None:
        """Apply the `slow_consumer` policy if the outbound queue is still too long."""


class PendingGroup(Protocol):
    """The one group that has messages held for all its members."""

    def settle(self, member: Any) -> None:
        """Hand over to `member`, if it is one, what was sent to the group so far."""

    def hand_over(self, *, hold: bool) -> None:
        """Hand over to every member what was sent to the group so far; it is no more the one."""

    def __len__(self) -> int: ...


class Turn:
    """The state of sending in the current turn of `loop`; see the module."""

    __slots__ = (
        "dirty",
        "foreign",
        "frame",
        "group",
        "loop",
        "message",
        "number",
        "open",
        "prolonged",
        "suspects",
        "thread",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = get_ident()
        self.number = 0
        self.dirty: list[Recipient] = []  # clients with messages held
        self.group: PendingGroup | None = None
        # Clients to be judged once the loop has had a turn to write.
        self.suspects: dict[Recipient, None] = {}
        self.message: str | bytes | None = None  # framed last, by identity, and
        self.frame = b""  # its frame: what is sent to many in a loop is framed once
        self.open = False  # has anything been sent in this turn?
        # What other threads have asked for and the loop has not done yet. Whoever sends on
        # the loop does it first: a thread may have told him that it has sent.
        self.foreign: deque[Callable[[], object]] = deque()
        self.prolonged = False  # by another look at the sockets, for a large group

    def do(self, call: Callable[..., object], *arguments: object) -> None:
        """Make a call on the loop: here and now, behind what other threads have asked for; or let the loop make it soon."""
        if get_ident() != self.thread:
            self.ask(call, *arguments)
            return
        if self.foreign:
            self.catch_up()
        call(*arguments)

    def ask(self, call: Callable[..., object], *arguments: object) -> bool:
        """Let the loop make a call for another thread, soon; False when the loop has ended. From any thread."""
        self.foreign.append(partial(call, *arguments))
        return from_thread(self.loop, self.catch_up)

    def catch_up(self) -> None:
        """Make the calls that other threads have asked for so far, in the order in which they did."""
        number = len(self.foreign)
        while number and self.foreign:
            number -= 1
            self.foreign.popleft()()

    def begin(self) -> None:
        """See to it that `end` is called when this turn ends; to be called at the first send of a turn."""
        if not self.open:
            self.open = True
            self.loop.call_soon(self.end)

    def end(self) -> None:
        """Write all that was held. Group messages first: members with other messages held only add them to those.

        For a large group, do so after one more look at the sockets.
        """
        group = self.group
        if group is not None and len(group) >= MANY and not self.prolonged:
            self.prolonged = True
            self.loop.call_soon(self.end)
            return
        self.open = self.prolonged = False
        self.message, self.frame = None, b""  # nobody keeps them any longer
        if group is not None:
            group.hand_over(hold=False)
        if self.dirty:
            dirty, self.dirty = self.dirty, []
            for client in dirty:
                client.end_of_turn()
        self.number += 1

    def suspect(self, client: Recipient) -> None:
        """Let `client`, whose queue is too long, be judged after the loop has polled its sockets once more."""
        if not self.suspects:
            self.loop.call_soon(self.loop.call_soon, self._judge)
        self.suspects[client] = None

    def _judge(self) -> None:
        suspects, self.suspects = self.suspects, {}
        for client in suspects:
            client.judge()
