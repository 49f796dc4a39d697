"""The base class: defaults, and what an instance without a client may not be asked."""

import inspect
from typing import Any

import pytest

from boss import Noreply, Ok, ServiceHandler
from boss.runtime.handler import CALLBACKS


class Nothing(ServiceHandler[int]):
    pass


def test_the_callbacks_in_their_order() -> None:
    assert CALLBACKS == (
        "init",
        "handle_join",
        "handle_close",
        "handle_incoming",
        "handle_broadcast",
        "handle_info",
        "terminate",
    )


@pytest.mark.parametrize("name", [c for c in CALLBACKS if c.startswith("handle_")])
def test_defaults_keep_the_state(name: str) -> None:
    callback = getattr(Nothing(), name)
    arguments: list[Any] = [None] * len(inspect.signature(callback).parameters)
    arguments[-1] = 7
    result = callback(*arguments)
    assert isinstance(result, Noreply)
    assert (result.state, result.timeout) == (7, None)


def test_defaults_of_a_life() -> None:
    first = Nothing().init()
    assert isinstance(first, Ok)
    assert (first.state, first.timeout) == (None, None)
    assert Nothing().terminate("shutdown", 7) is None
    assert Nothing.dependencies == ()


def test_an_instance_of_nobody() -> None:
    handler = Nothing()
    with pytest.raises(RuntimeError, match=r"self\.req is there in handle_join"):
        _ = handler.req
    with pytest.raises(RuntimeError, match=r"self\.session_id is there"):
        _ = handler.session_id
    with pytest.raises(RuntimeError, match="__init__"):
        handler.send_after(1, "x")
