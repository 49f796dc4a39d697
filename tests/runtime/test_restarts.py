"""Restart types and restart intensity, as OTP has them."""

from typing import Literal

import pytest

from boss.runtime.restarts import is_clean, record, wants_restart


@pytest.mark.parametrize(
    ("reason", "clean"),
    [
        ("normal", True),
        ("shutdown", True),
        ("Normal", False),
        ("other", False),
        (None, False),
        (ValueError("normal"), False),
        (("normal",), False),
        ([], False),
    ],
)
def test_only_two_reasons_are_clean(reason: object, clean: bool) -> None:
    assert is_clean(reason) is clean
    assert wants_restart("permanent", reason) is True
    assert wants_restart("temporary", reason) is False
    assert wants_restart("transient", reason) is not clean


def restarts(times: list[float], limit: int, period: float) -> list[bool]:
    """Whether each of the restarts at these times is allowed."""
    past: tuple[float, ...] = ()
    answers = []
    for time in times:
        allowed, past = record(past, time, limit, period)
        answers.append(allowed)
    return answers


def test_as_many_as_allowed_in_the_period_and_not_one_more() -> None:
    assert restarts([0, 1, 2, 3], 3, 10) == [True, True, True, False]


def test_none_when_none_is_allowed() -> None:
    assert restarts([0], 0, 10) == [False]


def test_old_restarts_are_forgiven() -> None:
    assert restarts([0, 1, 10, 11, 12], 2, 10) == [True, True, True, True, False]


def test_what_is_remembered_is_bounded() -> None:
    past: tuple[float, ...] = ()
    kind: Literal["permanent"] = "permanent"
    assert wants_restart(kind, "x")
    for time in range(1000):
        _, past = record(past, float(time), 5, 10)
    assert len(past) <= 10
