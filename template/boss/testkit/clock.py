# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""A clock that stands still until it is told to go on."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any

ROUNDING = 1e-9  # seconds by which sums such as 0.7 + 0.1 may fall short of 0.8


class VirtualTimer:
    """A timer of the virtual clock."""

    def __init__(
        self, callback: Callable[..., object], arguments: tuple[Any, ...]
    ) -> None:
        self._callback = callback
        self._arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        """Do not call; harmless afterwards."""
        self.cancelled = True

    def call(self) -> None:
        """Call, unless cancelled."""
        if not self.cancelled:
            self._callback(*self._arguments)


class VirtualClock:
    """Time for the runtime as a test wants it; see `boss.runtime.clock.Clock`."""

    def __init__(self) -> None:
        self._now = 0.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, VirtualTimer]] = []

    def time(self) -> float:
        """Seconds since the test began."""
        return self._now

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any
    ) -> VirtualTimer:
        """Call `callback` when the clock has gone on by `delay` seconds."""
        timer = VirtualTimer(callback, args)
        heapq.heappush(self._timers, (self._now + delay, next(self._order), timer))
        return timer

    def next_due(self, until: float) -> VirtualTimer | None:
        """Go on to the next timer that is due, `until` at the latest, and return it; else go to `until`."""
        while self._timers and self._timers[0][0] <= until + ROUNDING:
            due, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self._now = max(self._now, due)
                return timer
        self._now = max(self._now, until)
        return None

    def is_due(self) -> bool:
        """Is there anything to be called before the clock goes on?"""
        now = self._now + ROUNDING
        return any(due <= now and not timer.cancelled for due, _, timer in self._timers)
