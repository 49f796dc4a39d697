# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Calling what a user wrote: within a limit, with the time of each step, and with a traceback that begins at their line.

Whatever a callback raises is a crash of its service and of nothing else, even what is no `Exception`, such as the panic
of an extension module. The one exception is KeyboardInterrupt, by which a person stops the server.

What goes on though it is cancelled, in a loop that catches everything, is closed in the end: a limit is a limit, and
asyncio waits for every task when a loop ends.
"""

import asyncio
import contextlib
import inspect
import types
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from time import perf_counter
from typing import Any

INSIST = 1.0  # seconds that what is cancelled may take to end, before it is closed


async def within(
    limit: float, name: str, callback: Callable[..., object], *arguments: object
) -> object:
    """Call, and await at most `limit` seconds; whatever goes wrong in the callback is an `Exception`."""
    timeout = asyncio.timeout(limit)
    task = asyncio.current_task()
    assert task is not None
    given_up = False

    def give_up() -> None:
        nonlocal given_up
        given_up = True
        task.cancel()

    try:
        result = callback(*arguments)
        if inspect.isawaitable(result):
            timer = task.get_loop().call_later(limit + INSIST, give_up)
            try:
                async with timeout:
                    result = await timed(result, _nobody, lambda: given_up)
            finally:
                timer.cancel()
    except TimeoutError as error:
        if timeout.expired():
            raise TimeoutError(f"{name} took longer than {limit:g} seconds") from error
        raise
    except (Exception, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        if given_up:
            task.uncancel()
            raise TimeoutError(
                f"{name} took longer than {limit:g} seconds, and went on when it was cancelled"
            ) from error
        if task.cancelling():
            raise
        raise RuntimeError(f"{name} raised {error!r}") from error
    return result


def from_thread(
    loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: object
) -> bool:
    """Let the event loop make a call that another thread has asked for; False when it has ended, and all with it."""
    try:
        loop.call_soon_threadsafe(call, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
        return False
    return True


async def _coroutine(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _nobody(seconds: float) -> None:
    """Whom the time of a step is reported to when it does not matter."""


@types.coroutine
def timed(
    awaitable: Awaitable[object],
    spent: Callable[[float], None],
    given_up: Callable[[], bool],
) -> Generator[Any, None, object]:
    """Await, and report for each step the seconds during which nothing else could run.

    What is cancelled once it is `given_up` is closed: nothing of it runs any more.
    """
    coroutine = _coroutine(awaitable)
    error: BaseException | None = None
    while True:
        started = perf_counter()
        try:
            step = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        finally:
            spent(perf_counter() - started)
        error = None
        try:
            yield step
        except BaseException as raised:
            if given_up():
                with contextlib.suppress(RuntimeError):  # it does not heed that, either
                    coroutine.close()
                raise
            error = raised  # raised in the coroutine at the next step


_RUNTIME = str(Path(__file__).parent)


def from_user(
    error: BaseException,
) -> tuple[type[BaseException], BaseException, types.TracebackType | None]:
    """The error for the log, its traceback beginning at the user's line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_RUNTIME):
        trace = trace.tb_next
    return type(error), error, trace
