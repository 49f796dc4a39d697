# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What the runtime asks of time: an event loop answers it, and so does the test kit's virtual clock."""

from collections.abc import Callable
from typing import Any, Protocol

from .handler import Timer


class Clock(Protocol):
    """A steady clock in seconds, with timers."""

    def time(self) -> float:
        """Now, in seconds; never goes back."""
        ...

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any
    ) -> Timer:
        """Call `callback` once, `delay` seconds from now, unless cancelled."""
        ...
