"""What callbacks may return."""

import pytest

from boss import TIMEOUT, Noreply, Ok, Stop


@pytest.mark.parametrize("result", [Ok, Noreply])
@pytest.mark.parametrize("seconds", [None, 0, 0.0, 1, 2.5, 10**9])
def test_a_timeout_is_a_number_of_seconds(
    result: type[Ok[str]] | type[Noreply[str]], seconds: float | None
) -> None:
    assert result("state", timeout=seconds).timeout == seconds
    assert result("state", seconds).state == "state"


@pytest.mark.parametrize("result", [Ok, Noreply])
@pytest.mark.parametrize(
    "seconds",
    [-1, -0.001, float("inf"), float("nan"), pytest.param(10**400, id="too long")],
)
def test_an_impossible_timeout_is_a_value_error(
    result: type[Ok[str]] | type[Noreply[str]], seconds: float
) -> None:
    with pytest.raises(ValueError, match="timeout"):
        result("state", timeout=seconds)


@pytest.mark.parametrize("result", [Ok, Noreply])
@pytest.mark.parametrize("seconds", ["1", True, False, [], 1j])
def test_a_timeout_that_is_no_number_is_a_type_error(
    result: type[Ok[str]] | type[Noreply[str]], seconds: float
) -> None:
    with pytest.raises(TypeError, match="timeout"):
        result("state", timeout=seconds)


def test_results_can_be_matched_on() -> None:
    match Stop("normal", [1]):
        case Stop(reason, state):
            assert (reason, state) == ("normal", [1])
    match Noreply(3, 0.5):
        case Noreply(state, timeout):
            assert (state, timeout) == (3, 0.5)
    match Ok(4):
        case Ok(state, timeout):
            assert (state, timeout) == (4, None)


def test_results_say_what_they_are() -> None:
    assert repr(Ok(1)) == "Ok(1, timeout=None)"
    assert repr(Noreply(1, 2)) == "Noreply(1, timeout=2)"
    assert repr(Stop("normal", 1)) == "Stop('normal', 1)"
    assert repr(TIMEOUT) == "TIMEOUT"
