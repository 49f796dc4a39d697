# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What a test has called without `await`: it did nothing, and the test would pass without having tested anything."""

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from .history import place_of

M = TypeVar("M", bound=Callable[..., Coroutine[Any, Any, Any]])


class Calls:
    """The calls of a test that have not begun yet."""

    def __init__(self) -> None:
        self._calls: list[tuple[Coroutine[Any, Any, Any], str]] = []

    def add(self, coroutine: Coroutine[Any, Any, Any], call: str) -> None:
        """Keep a call until it begins. Python does not warn of one that is kept.

        Args:
            coroutine: what the method has returned.
            call: "send() at tests/test_chat.py:12".
        """
        self._drop_begun()
        self._calls.append((coroutine, call))

    def forgotten(self) -> str:
        """Give up those that have not begun, and say which; empty when there are none."""
        self._drop_begun()
        calls, self._calls = self._calls, []
        for coroutine, _ in calls:
            coroutine.close()
        if not calls:
            return ""
        told = ", ".join(call for _, call in calls)
        return f"`await` is missing, and so nothing happened: {told}"

    def _drop_begun(self) -> None:
        self._calls = [
            (coroutine, call)
            for coroutine, call in self._calls
            if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED
        ]


def awaited(method: M) -> M:
    """Let the `ServiceTest` fail when a test has called `method` without `await`."""

    @functools.wraps(method)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        coroutine = method(self, *args, **kwargs)
        caller = sys._getframe(1)
        place = place_of(caller.f_code.co_filename, caller.f_lineno)
        self._world.calls.add(coroutine, f"{method.__name__}() at {place}")
        return coroutine

    return cast("M", call)
