# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Services under test, with one clock and one history: the real workers and the real supervisor, started and stopped."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from .. import services as addresses
from ..runtime.calling import from_user
from ..runtime.errors import ServiceStartError
from ..runtime.settings import Service, SupervisorSettings
from ..runtime.supervisor import Supervisor
from ..runtime.turn import Turn
from ..runtime.worker import Worker
from .awaiting import Calls
from .clock import VirtualClock
from .exploring import Exploration, current
from .history import History, WatchedMailbox, in_project

__tracebackhide__ = True  # pytest shows the line of the test instead

REST = 6  # turns of the event loop without work, after which the services are at rest
# Turns that are waited for one after the other; later ones a millisecond apart.
SPIN = 200
TIRED = 0.01  # seconds of patience once a callback has used up all of it
AT_ONE_TIME = 10_000  # timers that may be due at one time


class World:
    """See the module; an async context manager.

    Args:
        services: as the generated router would list them.
        supervisor: restart type and intensity.
        patience: seconds of real time that a callback may await something before the test goes on without it.
        remarks: what the history begins with.
    """

    def __init__(
        self,
        services: Sequence[Service],
        supervisor: SupervisorSettings,
        patience: float,
        remarks: Sequence[str],
    ) -> None:
        self.clock = VirtualClock()
        self.history = History(self.clock, [s.address.name for s in services])
        self.calls = Calls()  # of the test, that it may have forgotten to await
        self.clients = 0  # that have joined so far
        self._services = services
        self._settings = supervisor
        self._patience = patience
        self._remarks = remarks
        self._tired = False  # has a callback used up the patience, and still awaits?
        self._loop: asyncio.AbstractEventLoop | None = None  # that of the services
        self._before: set[asyncio.Task[Any]] = set()  # tasks, that the test has found
        self._cleanup = ExitStack()
        self._exploration: Exploration | None = None
        self._supervisor: Supervisor | None = None
        self._turn: Turn | None = None

    async def __aenter__(self) -> Self:
        if self._supervisor is not None:
            raise RuntimeError("a ServiceTest is entered once; make a new one")
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "the services run on asyncio; let the fixture anyio_backend of"
                ' conftest.py return "asyncio"'
            ) from None
        self._before = asyncio.all_tasks()
        self._turn = Turn(self._loop)
        self._supervisor = Supervisor(
            self._services, self._settings, self.clock, lambda client: None
        )
        for service in self._services:
            worker = self.worker(service)
            worker.mailbox = WatchedMailbox(
                worker.name,
                worker.limits.mailbox_limit,
                service.callbacks,
                self.history,
            )
        for remark in self._remarks:
            self.note(remark)
        with self._cleanup:  # in case that a service does not start
            self._cleanup.enter_context(self.history.listening())
            for service in self._services:
                self._lend(service)
            try:
                await self._supervisor.start()
                await self.settle()
            except ServiceStartError as error:
                self.history.show_with(error)
                if error.__cause__ is not None:
                    error.__cause__.__traceback__ = from_user(error.__cause__)[2]
                raise error.with_traceback(None)  # begins at the line of the test
            except BaseException as error:
                self.history.show_with(error)
                raise
            self._cleanup = self._cleanup.pop_all()
        self._exploration = current.get()
        if self._exploration is not None:
            self._exploration.enter(self)
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.history.show_with(error)
        with self._cleanup:
            exploration, self._exploration = self._exploration, None
            if exploration is not None:
                exploration.leave(self)
            self.note("the test ends")
            before = len(self.history.crashes)
            await self.supervisor.stop()
        forgotten = self.calls.forgotten()
        if forgotten and error is None:
            raise self.failure(forgotten)
        if forgotten and error is not None:
            error.add_note(forgotten)
        crash = self.history.unexpected()
        if error is None and crash is not None:
            says = f"await {crash.service}.expect_crash({type(crash.error).__name__})"
            if crash in self.history.crashes[before:]:
                says = f"await {crash.service}.stop(), then {says}"
            elif crash.client:
                # "client 2", who was given no session id, has another name in the test.
                named = crash.client.isidentifier()
                client = crash.client if named else f"({crash.client})"
                says += f", or await {client}.expect_close(1011)"
            raise self.failure(
                f"{crash.service} crashed, which the test did not expect:"
                f" {crash.what}\nA test that is about this crash says so: {says}"
            ) from crash.error

    def _lend(self, service: Service) -> None:
        """Let the address lead here, until the test ends; before `build`, `boss.services` lacks it."""
        name = service.address.name
        before = service.address._receiver  # of an application that runs meanwhile
        if before is not None:
            self._cleanup.callback(service.address.bind, before)
        if not hasattr(addresses, name):
            setattr(addresses, name, service.address)
            self._cleanup.callback(delattr, addresses, name)

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor.

        Raises:
            RuntimeError: the test has not begun.
        """
        if self._supervisor is None:
            raise RuntimeError("use it as `async with ServiceTest(...) as chat:`")
        return self._supervisor

    def _check_loop(self) -> None:
        """Say so when the test is awaited where its services cannot hear it.

        Raises:
            RuntimeError: it has not begun, or in another event loop.
        """
        assert self.supervisor  # the test has begun
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "this ServiceTest was begun in another event loop than the one that"
                " awaits it now, as when pytest-asyncio runs a fixture and anyio the"
                " test: let one of them run both"
            )

    @property
    def turn(self) -> Turn:
        """The turn of the test's event loop."""
        assert self._turn is not None
        return self._turn

    def worker(self, service: Service) -> Worker:
        """The worker of a service."""
        return self.supervisor.workers[service.address.name]

    # What happens.

    async def act(self, action: Callable[[], Any]) -> Any:
        """Do something to a service; return what `action` returns when all of them are at rest again."""
        self._check_loop()
        if self._exploration is not None:
            return await self._exploration.step(action)
        result = action()
        if inspect.isawaitable(result):
            result = await result
        await self.settle()
        return result

    async def advance(self, seconds: float) -> None:
        """Let the clock go on, and what is due happen in its order."""
        until = self.clock.time() + seconds
        while (timer := self.clock.next_due(until)) is not None:
            timer.call()
            await self.settle()
            if self.clock.is_due() and not self._tired:
                raise self.failure(
                    f"time does not pass: {AT_ONE_TIME} timers were due after"
                    f" {self.clock.time():g} s; is there a send_after(0, ...) that"
                    " always follows itself?"
                )

    async def settle(self) -> None:
        """Wait until the services have come to rest, but not for ever; see `patience`."""
        rested = await self._rests(TIRED if self._tired else self._patience)
        if not rested and not self._tired:
            names = " and ".join(worker.name for worker in self._at_work())
            self.note(
                f"  {names} is still at work after {self._patience:g} s of real time:"
                " the test goes on"
            )
        self._tired = not rested

    async def rest(self) -> None:
        """Wait until the services are at rest; in an explored test, every task of it, too."""
        self._check_loop()
        if self._exploration is not None:
            await self._exploration.wait(lambda: True)
        else:
            await self.settle()

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds, or the services have come to rest without it, and no task may bring it about."""
        self._check_loop()
        if self._exploration is not None:
            await self._exploration.wait(condition)
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        await self._rests(self._patience, condition)
        while not condition() and (names := self._tasks()):
            if loop.time() > until:
                self.note(
                    f"  {' and '.join(names)} still runs after {self._patience:g} s of"
                    " real time: the test goes on"
                )
                break
            await asyncio.sleep(0.001)
            await self._rests(self._patience, condition)

    async def _rests(
        self, patience: float, condition: Callable[[], bool] = lambda: False
    ) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        turns = quiet = count = 0
        while not condition():
            if quiet == REST:
                now = self.clock.time()
                timer = self.clock.next_due(now) if count < AT_ONE_TIME else None
                if timer is None:
                    break
                timer.call()
                turns = quiet = 0
                count += 1
            await asyncio.sleep(0 if turns < SPIN else 0.001)
            turns += 1
            if not (self.turn.open or self._at_work()):
                quiet += 1
            elif loop.time() > until:
                return False
            else:
                quiet = 0
        return True

    def _tasks(self) -> list[str]:
        """What callbacks have started and left running: the names of coroutines.

        Those that the test has started itself are not told apart.
        """
        tasks = asyncio.all_tasks() - self._before - {asyncio.current_task()}
        codes = [getattr(task.get_coro(), "cr_code", None) for task in tasks]
        return sorted(
            code.co_name for code in codes if code and in_project(code.co_filename)
        )

    def _at_work(self) -> list[Worker]:
        return [w for w in self.supervisor.workers.values() if w.at_work]

    # What is written down.

    def did(self, event: str) -> None:
        """The test did something."""
        exploration = self._exploration
        at_once = exploration is not None and exploration.at_once
        self.note(f"at once, {event}" if at_once else event)

    def note(self, event: str) -> None:
        """Something happened."""
        self.history.note(event)

    def failure(self, text: str) -> AssertionError:
        """A failed expectation, to be raised; it shows what happened so far."""
        error = AssertionError(text)
        self.history.show_with(error)
        return error
