# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What a callback may return: `Ok`, `Noreply`, `Stop`; and `TIMEOUT`, what `handle_info` is told."""

import enum
import math
from typing import Final, Generic, TypeVar

S_co = TypeVar("S_co", covariant=True)


class _Timeout(enum.Enum):
    """A class of its own so that a type checker can narrow on `info is TIMEOUT`."""

    TIMEOUT = "timeout"

    def __repr__(self) -> str:
        return "TIMEOUT"


TIMEOUT: Final = _Timeout.TIMEOUT
"""The `info` of `handle_info` when no message came within the `timeout` of the last result.

Source: OTP gen_server, the atom `timeout`.
"""


def check_seconds(name: str, seconds: float) -> None:
    """Raise unless `seconds`, the argument `name`, is a finite number of zero or more.

    Raises:
        TypeError: it is not a number.
        ValueError: it is negative, infinite or not a number in the sense of IEEE 754.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {seconds!r}")
    try:
        finite = 0 <= float(seconds) < math.inf
    except OverflowError:  # of an int
        finite = False
    if not finite:
        raise ValueError(
            f"{name} must be zero or more seconds, and finite, not {seconds!r}"
        )


class _GoesOn(Generic[S_co]):
    """What `Ok` and `Noreply` have in common."""

    __slots__ = ("state", "timeout")
    __match_args__ = ("state", "timeout")

    def __init__(self, state: S_co, timeout: float | None = None) -> None:
        if timeout is not None:
            check_seconds("timeout", timeout)
        self.state = state
        self.timeout = timeout

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.state!r}, timeout={self.timeout!r})"


class Ok(_GoesOn[S_co]):
    """The result of `init`: the first state, perhaps with a timeout in seconds.

    Raises:
        TypeError, ValueError: `timeout` is not a finite number of zero or more seconds.

    Source: Chicago Boss, `{ok, State}`; OTP gen_server, `{ok, State, Timeout}` (there in milliseconds).
    """

    __slots__ = ()


class Noreply(_GoesOn[S_co]):
    """The result of a handler: the next state, perhaps with a timeout in seconds.

    When no message of any kind arrives within `timeout` seconds, `handle_info(TIMEOUT, state)` is called once; any
    message cancels it. `timeout=0` fires at once if the mailbox is empty, else not at all.

    Raises:
        TypeError, ValueError: `timeout` is not a finite number of zero or more seconds.

    Source: OTP gen_server, `{noreply, State}` and `{noreply, State, Timeout}` (there in milliseconds).
    """

    __slots__ = ()


class Stop(Generic[S_co]):
    """The result of a handler that ends the life of its service: `terminate(reason, state)` is called next.

    What follows is decided by `[supervisor] restart`: a transient service stays down after the reasons `"normal"` and
    `"shutdown"` and is restarted after any other.

    Source: OTP gen_server, `{stop, Reason, State}`; OTP supervisor, restart types.
    """

    __slots__ = ("reason", "state")
    __match_args__ = ("reason", "state")

    def __init__(self, reason: object, state: S_co) -> None:
        self.reason = reason
        self.state = state

    def __repr__(self) -> str:
        return f"Stop({self.reason!r}, {self.state!r})"
