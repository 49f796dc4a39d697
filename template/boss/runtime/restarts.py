# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Restart intensity and restart types, as plain functions of what happened and when. Source: OTP supervisor."""

from collections.abc import Sequence
from typing import Literal

_CLEAN = ("normal", "shutdown")


def is_clean(reason: object) -> bool:
    """Is `reason` one after which a transient service stays down? Source: OTP supervisor, restart type transient."""
    return isinstance(reason, str) and reason in _CLEAN


def wants_restart(
    restart: Literal["permanent", "transient", "temporary"], reason: object
) -> bool:
    """Should a service of this restart type live again after a life that ended with `reason`?"""
    return restart == "permanent" or (restart == "transient" and not is_clean(reason))


def record(
    past: Sequence[float], now: float, max_restarts: int, period: float
) -> tuple[bool, tuple[float, ...]]:
    """Count one more restart at `now`.

    Args:
        past: the times of earlier restarts, in seconds of any steady clock.
        now: the time of this one.
        max_restarts: how many are allowed within `period` seconds.

    Returns:
        Whether this restart is still allowed, and the times to remember.

    Source: OTP supervisor, "Maximum Restart Intensity".
    """
    recent = (*(time for time in past if now - time < period), now)
    return len(recent) <= max_restarts, recent
