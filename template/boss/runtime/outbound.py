# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The outbound queue of one client, and when it is too long: decisions only, nothing here waits or writes."""

from collections import deque
from typing import Generic, Literal, TypeVar

Item = TypeVar("Item")
SlowConsumer = Literal["close", "drop_oldest", "drop_newest"]


class OutboundQueue(Generic[Item]):
    """Messages that wait for one client that does not read fast enough.

    What is sent within one turn of the event loop while nothing waits is a burst, not slowness: it is not counted
    until it has left. Everything queued after that counts, against a limit in messages and one in bytes.
    """

    __slots__ = ("_burst", "_burst_bytes", "_burst_turn", "_bytes", "_items")

    def __init__(self) -> None:
        self._items: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._burst = 0  # messages at the head of the queue that are not counted, and
        self._burst_bytes = 0  # their bytes
        self._burst_turn = -1  # the turn in which the queue began to fill

    def __len__(self) -> int:
        return len(self._items)

    def push(self, item: Item, size: int, turn: int) -> bool:
        """Append one message of `size` bytes, sent in the loop's turn number `turn`.

        Returns:
            Whether it counts, so that the queue may be too long now.
        """
        if not self._items:
            self._burst_turn = turn
        self._items.append((item, size))
        self._bytes += size
        if turn != self._burst_turn:
            return True
        self._burst += 1
        self._burst_bytes += size
        return False

    def pop(self) -> Item:
        """Take the oldest message."""
        item, size = self._items.popleft()
        self._bytes -= size
        if self._burst:
            self._burst -= 1
            self._burst_bytes -= size
        return item

    def clear(self) -> int:
        """Drop everything; return the number of messages dropped."""
        dropped = len(self._items)
        self._items.clear()
        self._bytes = self._burst = self._burst_bytes = 0
        return dropped

    def too_long(self, limit: int, limit_bytes: int) -> bool:
        """Do more than `limit` messages or `limit_bytes` bytes wait, the burst not counted?"""
        return (
            len(self._items) - self._burst > limit
            or self._bytes - self._burst_bytes > limit_bytes
        )

    def trim(self, policy: SlowConsumer, limit: int, limit_bytes: int) -> int:
        """Drop messages until the queue is not too long; return how many were dropped.

        "drop_oldest" takes from the head, so the whole burst goes first. "drop_newest" takes from the tail, where all
        messages count.
        """
        before = len(self._items)
        while self.too_long(limit, limit_bytes):
            if policy == "drop_oldest":
                self.pop()
            else:
                _, size = self._items.pop()
                self._bytes -= size
        return before - len(self._items)
