# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The mailbox of one service: a FIFO of what its callbacks are still to be called with."""

from collections import deque
from enum import IntEnum
from threading import Lock
from typing import Any, NamedTuple

from .errors import MailboxFull


class Kind(IntEnum):
    """What a message is, hence which callback it is for."""

    JOIN = 0
    INCOMING = 1
    CLOSE = 2
    BROADCAST = 3
    INFO = 4
    LATER = 5  # an info by send_after; its sender is the Later that carries it
    TIMEOUT = 6


FROM_CLIENTS = frozenset({Kind.JOIN, Kind.INCOMING, Kind.CLOSE})
"""The kinds whose sender is a client."""
_POSTED = frozenset({Kind.BROADCAST, Kind.INFO})  # the kinds that are counted


class Message(NamedTuple):
    """One entry of a mailbox."""

    kind: Kind
    # The Client for JOIN, INCOMING and CLOSE; the Later for LATER; else None.
    sender: Any
    # str or bytes for INCOMING, the CloseReason for CLOSE, anything for the rest.
    content: Any


class Mailbox:
    """Bounded where senders could flood it; what clients have sent is never lost.

    Broadcasts and infos are counted and refused above `limit`. Joins, closes and timers are bounded by the number of
    clients and timers, clients' messages by not reading their sockets (see intake.py).
    """

    __slots__ = ("_limit", "_lock", "_posted", "messages", "name")

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.messages: deque[Message] = deque()
        self._limit = limit
        self._posted = 0  # broadcasts and infos among the messages
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.messages)

    def put(self, kind: Kind, sender: Any, content: Any) -> None:
        """Append a message that needs no counting; on the event loop only."""
        self.messages.append(Message(kind, sender, content))

    def post(self, kind: Kind, content: object) -> None:
        """Append a broadcast or an info; from any thread.

        Raises:
            MailboxFull: `limit` of them wait already.
        """
        with self._lock:
            if self._posted >= self._limit:
                raise MailboxFull(
                    f"{self._limit} broadcasts and infos wait for the service `{self.name}` already"
                )
            self._posted += 1
        self.messages.append(Message(kind, None, content))

    def take(self) -> Message:
        """Remove and return the oldest message."""
        message = self.messages.popleft()
        if message.kind in _POSTED:
            with self._lock:
                self._posted -= 1
        return message

    def clear(self) -> list[Message]:
        """Remove and return all messages."""
        messages = []
        while self.messages:
            messages.append(self.take())
        return messages
