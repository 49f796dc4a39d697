# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""`explore`: one test, run under many orders of what its clients do.

How it works: while a test is explored, whatever one of its tasks lets a client or the clock do becomes a step that
waits. When the services are at rest and every task of the test either waits or has ended, one of the steps that wait
is chosen and done. The choices of a run are numbers: 0 goes on with the task that acted last, else with the one that
has waited longest. So a run can be repeated from its numbers, and an order is the smaller the more of them are 0.
"""

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from random import Random
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeAlias, overload

__tracebackhide__ = True  # pytest shows the line of the test instead

log = logging.getLogger("boss")

P = ParamSpec("P")

QUIET = 6  # turns of the event loop without a new step, after which none is to come
AT_ONCE = 0.25  # how often a step does not wait for what the one before it has caused
SHRINKS = 200  # runs at most to make a failing order smaller


class AtRest(Protocol):
    """Services under test."""

    async def settle(self) -> None:
        """Wait until they have come to rest."""


class Step(NamedTuple):
    """Something that a task of the test is about to do."""

    task: asyncio.Task[Any] | None
    action: Callable[[], Any]
    done: asyncio.Future[Any]


class Choices:
    """The choices of one run.

    Args:
        given: the first of them.
        random: makes the others; without it they are 0.
    """

    def __init__(self, given: Sequence[int], random: Random | None) -> None:
        self.made: list[int] = []
        self._given = given
        self._random = random

    def choose(self, options: int) -> int:
        """A number below `options`."""
        drawn = 0 if self._random is None else self._random.randrange(options)
        return self._make(drawn, options)

    def at_once(self) -> bool:
        """Is the next step to be done at once, or when the services are at rest?"""
        drawn = self._random is not None and self._random.random() < AT_ONCE
        return bool(self._make(int(drawn), 2))

    def _make(self, drawn: int, options: int) -> int:
        position = len(self.made)
        given = self._given[position] if position < len(self._given) else drawn
        self.made.append(min(given, options - 1))
        return self.made[-1]

    @property
    def order(self) -> tuple[int, ...]:
        """The choices made, without the zeros at their end, which go without saying."""
        made = list(self.made)
        while made and made[-1] == 0:
            made.pop()
        return tuple(made)


class Exploration:
    """One run of an explored test: decides which step is next; see the module."""

    def __init__(self, choices: Choices) -> None:
        self.at_once = False  # is the step that is being done one that did not wait?
        self._choices = choices
        self._services: list[AtRest] = []
        self._steps: list[Step] = []
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._arrived = 0  # steps and waits so far
        self._acted: asyncio.Task[Any] | None = None  # last

    def enter(self, services: AtRest) -> None:
        """From now on these have to be at rest before a step is chosen."""
        self._services.append(services)

    def leave(self, services: AtRest) -> None:
        """The test has left them; what still waits will never be done."""
        self._services.remove(services)
        if not self._services:
            for future in [
                *(step.done for step in self._steps),
                *(waiting for _, waiting in self._waiting),
            ]:
                future.cancel()

    async def step(self, action: Callable[[], Any]) -> Any:
        """Do `action` when it is chosen; return what it returns when the services are at rest again."""
        done = asyncio.get_running_loop().create_future()
        self._steps.append(Step(asyncio.current_task(), action, done))
        self._arrived += 1
        return await done

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until the services are at rest and `condition` holds, or nobody has a step left to bring it about."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        self._arrived += 1
        await future

    async def conduct(self) -> None:
        """Choose one step after another, until cancelled."""
        while True:
            await self._quiet()
            self._steps = [step for step in self._steps if not step.done.done()]
            if self._wake(lambda condition: condition()):
                continue
            if self._steps:
                await self._act()
            elif not self._wake(lambda condition: True):
                await asyncio.sleep(0.001)  # the test waits for something of its own

    async def _quiet(self) -> None:
        arrived = -1
        while arrived != self._arrived:
            arrived = self._arrived
            for _ in range(QUIET):
                await asyncio.sleep(0)
            for services in tuple(self._services):
                await services.settle()

    def _wake(self, ready: Callable[[Callable[[], bool]], bool]) -> bool:
        """Let go on who waits for something that is `ready`. Return whether there was anybody."""
        woken = [waits for waits in self._waiting if ready(waits[0])]
        self._waiting = [waits for waits in self._waiting if waits not in woken]
        for _, future in woken:
            if not future.done():
                future.set_result(None)
        return bool(woken)

    async def _act(self) -> None:
        finished: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        while True:
            step = self._choose()
            result: Any = None
            error: BaseException | None = None
            alone = False
            try:
                result = step.action()
                if inspect.isawaitable(result):
                    alone = True
                    result = await result
            except Exception as raised:  # noqa: BLE001  # raised in the test's own task
                error = raised
            finished.append((step.done, result, error))
            if alone or not self._steps or not self._choices.at_once():
                break
            self.at_once = True
        self.at_once = False
        for services in tuple(self._services):
            await services.settle()
        for done, result, error in finished:
            if done.done():
                continue
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

    def _choose(self) -> Step:
        """Take one of the steps that wait: choice 0 is the task that acted last, then they come by age."""
        steps = sorted(self._steps, key=lambda step: step.task is not self._acted)
        step = steps[self._choices.choose(len(steps)) if len(steps) > 1 else 0]
        self._steps.remove(step)
        self._acted = step.task
        return step


current: ContextVar[Exploration | None] = ContextVar("exploration", default=None)
"""The run that the test is part of, if it is explored."""


Test: TypeAlias = Callable[P, Awaitable[None]]
Explored: TypeAlias = Callable[P, Coroutine[Any, Any, None]]


@overload
def explore(test: Test[P], /) -> Explored[P]: ...
@overload
def explore(
    *, seed: int = 0, runs: int = 100, order: Sequence[int] | None = None
) -> Callable[[Test[P]], Explored[P]]: ...
def explore(
    test: Test[P] | None = None,
    /,
    *,
    seed: int = 0,
    runs: int = 100,
    order: Sequence[int] | None = None,
) -> Explored[P] | Callable[[Test[P]], Explored[P]]:
    """Run a test again and again, each time with another order of what its clients do.

        @explore(seed=1)
        async def test_everyone_hears_the_same_in_the_same_order() -> None:
            async with ServiceTest(ChatWebsocket) as chat:
                ann, bob = await chat.join(session_id="ann"), await chat.join(session_id="bob")

                async def talk(client: TestClient) -> None:
                    await client.send("one")
                    await client.send("two")

                await asyncio.gather(talk(ann), talk(bob))
                await bob.expect(*[await ann.receive() for _ in range(4)])

    The tasks of the test, here those of `asyncio.gather`, are what is interleaved; within one task the order stays.
    Each thing that a client does is a step, and so are `broadcast`, `info`, `advance`, `crash` and `stop`; `receive`
    and the `expect_...` wait until the steps of others have brought it about. Some steps are done at once, before the
    service has come to what was before them. The first run has no surprises: one task after the other.

    When a run fails, smaller orders are tried, and the smallest that fails is shown as the history of what happened.
    A test is given its fixtures once, so whatever has to be fresh in each run belongs into the test itself.

    Args:
        test: given by a bare `@explore`, which is `@explore()`.
        seed: the same seed tries the same orders.
        runs: how many orders are tried.
        order: run this one only; a failure says what to write here.

    Raises:
        TypeError: the test is no `async def`.
        AssertionError: there is nothing to interleave; or whatever the test raises in the smallest failing order.
    """

    def decorate(test: Test[P]) -> Explored[P]:
        if not inspect.iscoroutinefunction(test):
            raise TypeError(
                f"explore runs an async test: @explore(seed=1), async def; not {test!r}"
            )

        @functools.wraps(test)
        async def explored(*args: P.args, **kwargs: P.kwargs) -> None:
            async def run(choices: Choices) -> BaseException | None:
                return await _run(lambda: test(*args, **kwargs), choices)

            if order is not None:
                error = await run(Choices(order, None))
            else:
                error = await _search(run, seed, runs)
            if error is not None:
                raise error

        return explored

    return decorate if test is None else decorate(test)


Run = Callable[[Choices], Awaitable[BaseException | None]]


async def _search(run: Run, seed: int, runs: int) -> BaseException | None:
    """What the test raises in the smallest failing order that is found, or None."""
    propagate, log.propagate = log.propagate, False  # crashes of hundreds of runs
    try:
        for number in range(1, runs + 1):
            random = Random(f"{seed}/{number}") if number > 1 else None
            choices = Choices((), random)
            found = await run(choices)
            if found is not None:
                break
            if not choices.made:
                raise AssertionError(
                    "explore found nothing to interleave: let clients act in several"
                    " tasks, as with asyncio.gather(), and begin the ServiceTest in"
                    " the test itself"
                )
        else:
            return None
        smallest = await _shrink(run, choices.order, type(found))
    finally:
        log.propagate = propagate
    again = await run(Choices(smallest, None))
    error = found if again is None else again
    error.add_note(
        f"explore: run {number} of {runs} failed, seed {seed}. "
        + (
            "It did not fail again in the same order: something else decides, too,"
            " such as real time or random numbers."
            if again is None
            else "One task after the other, as here, the test fails already."
            if not smallest
            else "What happened is the smallest order found that fails; to run it"
            f" alone: @explore(order={list(smallest)})"
        )
    )
    return error


async def _shrink(
    run: Run, order: tuple[int, ...], kind: type[BaseException]
) -> tuple[int, ...]:
    """Leave choices out, or make them smaller, as long as the test fails in the same way."""
    left = SHRINKS
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(order):
            if not left:
                break
            left -= 1
            choices = Choices(candidate, None)
            error = await run(choices)
            if type(error) is kind and _size(choices.order) < _size(order):
                order = choices.order
                smaller = True
                break
    return order


def _candidates(order: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Orders to try instead of `order`: its beginnings, then with one choice made smaller."""
    return [
        *(order[:end] for end in range(len(order))),
        *(
            (*order[:place], choice, *order[place + 1 :])
            for place in range(len(order))
            for choice in range(order[place])
        ),
    ]


def _size(order: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    """Few departures from one task after the other, early ones, small ones."""
    return sum(choice > 0 for choice in order), len(order), order


async def _run(
    test: Callable[[], Awaitable[None]], choices: Choices
) -> BaseException | None:
    """Run the test once; return its failure."""
    exploration = Exploration(choices)
    token = current.set(exploration)
    conductor = asyncio.create_task(exploration.conduct())
    try:
        await test()
    except BaseException as error:
        if not _is_failure(error):
            raise
        return error
    finally:
        current.reset(token)
        conductor.cancel()
        await asyncio.wait({conductor})
    return None


def _is_failure(error: BaseException) -> bool:
    """Not when the run is cancelled, interrupted or skipped; `pytest.fail` raises no `Exception`, but "Failed"."""
    return isinstance(error, Exception) or type(error).__name__ == "Failed"
