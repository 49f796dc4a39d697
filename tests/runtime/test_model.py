"""Whatever happens to a service, it does what the model says; on both paths, and in the test kit."""

import asyncio
import itertools
import logging
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from boss.runtime.settings import SupervisorSettings, WebsocketSettings
from tests.runtime.drivers import Driver, Fast, Plain, Pretended
from tests.runtime.model import Do, Model

TICK = 2**-10  # seconds: what every step takes, so that no two things are due at once
SECONDS = st.sampled_from([0.25, 0.5, 1.0, 2.0, 5.0, 11.0])

HARMLESS = ["note", "echo", "all", "others", "loop", "mixed", "enter", "leave"]
FATAL = ["raise", "wrong", "stop normal", "stop oops"]
nested = st.sampled_from(["note", "all", "raise", "timeout 0", "mixed"])
timeouts = st.sampled_from(["0", "0.25", "1", "5"]).map(lambda t: f"timeout {t}")
told = nested.map(lambda verb: f"tell {verb}")
laters = st.tuples(SECONDS, nested).map(lambda later: "later {} {}".format(*later))
actions = st.one_of(
    st.sampled_from(HARMLESS),
    st.sampled_from(["close", "close_first"]),
    timeouts,
    told,
    laters,
    st.sampled_from(["wait", "wait", "wait_raise"]),
    st.sampled_from(FATAL),
)
joins = st.one_of(
    st.sampled_from(["note", "note", "all", "hide", "mixed", "timeout 1", "wait"]),
    st.sampled_from(["note", "note", "close", "tell all", *FATAL]),
)
leaves = st.one_of(
    st.sampled_from(["note", "note", "all", "mixed", "timeout 0.5", "wait"]),
    st.sampled_from(["note", "note", "tell all", *FATAL]),
)


class Lives(RuleBasedStateMachine):
    """One service, told at random what to do."""

    driver_class: type[Driver]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.numbers = itertools.count(1)
        self.names = itertools.count(1)
        self.fine = False  # False before the beginning, and after a failure
        self.log = logging.getLogger("boss")
        self.log.disabled = True  # thousands of crashes that are wanted

    @initialize(
        restart=st.sampled_from(["transient", "permanent", "temporary"]),
        on_restart=st.sampled_from(["rejoin", "close"]),
        max_restarts=st.integers(0, 3),
        idle_timeout=st.sampled_from([0, 0, 4]),
        mailbox_limit=st.sampled_from([2, 100]),
    )
    def begin(
        self,
        restart: Any,
        on_restart: Any,
        max_restarts: int,
        idle_timeout: float,
        mailbox_limit: int,
    ) -> None:
        both = (
            WebsocketSettings(idle_timeout=idle_timeout, mailbox_limit=mailbox_limit),
            SupervisorSettings(
                restart=restart,
                on_restart=on_restart,
                max_restarts=max_restarts,
                period=10,
            ),
        )
        self.model = Model(*both)
        self.driver = self.driver_class(*both)
        self.loop.run_until_complete(self.driver.start())

    def teardown(self) -> None:
        try:
            if self.fine:
                self.end()
        finally:
            self.loop.run_until_complete(self.clear())
            self.loop.close()
            self.log.disabled = False

    async def clear(self) -> None:
        """Leave no socket and no task behind, whatever has failed."""
        try:
            if hasattr(self, "driver"):
                await self.driver.clear()
        finally:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

    def end(self) -> None:
        """Stop the server; nobody awaits the gate then."""
        while self.model.blocked is not None:
            self.release()
        self.model.stop()
        self.loop.run_until_complete(self.driver.stop())
        self.agrees()

    def do(self, action: str) -> Do:
        verb, _, argument = action.partition(" ")
        return Do(next(self.numbers), verb, argument)

    def after(self) -> None:
        """The step is over: everything happens that it caused, and a moment passes."""
        self.loop.run_until_complete(self.driver.settle())
        self.pass_time(TICK)

    def pass_time(self, seconds: float) -> None:
        self.model.advance(seconds)
        self.loop.run_until_complete(self.driver.advance(seconds))

    def choose(self, index: int) -> str:
        names = [name for name, peer in self.model.peers.items() if peer.open]
        return names[index % len(names)]

    def somebody(self) -> bool:
        return any(peer.open for peer in self.model.peers.values())

    @rule(first=joins, again=joins, close=leaves)
    def join(self, first: str, again: str, close: str) -> None:
        name = f"c{next(self.names)}"
        dos = [self.do(first), self.do(again)]
        leave = self.do(close)
        query = {
            "name": name,
            "join": str(dos[0]),
            "again": str(dos[1]),
            "close": str(leave),
        }
        joined = self.loop.run_until_complete(self.driver.join(name, query))
        assert joined == self.model.join(name, dos, leave)
        self.after()

    @precondition(somebody)
    @rule(index=st.integers(0, 7), action=actions)
    def send(self, index: int, action: str) -> None:
        name, do = self.choose(index), self.do(action)
        self.model.send(name, do)
        self.driver.send(name, str(do))
        self.after()

    @precondition(somebody)
    @rule(index=st.integers(0, 7), code=st.sampled_from([1000, 4321, None]))
    def leave(self, index: int, code: int | None) -> None:
        name = self.choose(index)
        self.model.leave(name, code)
        self.driver.leave(name, code)
        self.after()

    @rule(kind=st.sampled_from(["broadcast", "info"]), action=actions)
    def post(self, kind: str, action: str) -> None:
        do = self.do(action)
        assert self.driver.post(kind, str(do)) == self.model.post(kind, do)
        self.after()

    @precondition(lambda self: self.model.blocked is not None)
    @rule()
    def release(self) -> None:
        self.model.release()
        self.driver.release()
        self.after()

    @rule(seconds=SECONDS)
    def advance(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule()
    def let_init_fail(self) -> None:
        self.model.failing_inits += 1
        self.driver.script.failing_inits += 1

    @rule()
    def let_terminate_crash(self) -> None:
        self.model.crashing_terminates += 1
        self.driver.script.crashing_terminates += 1

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "driver"):
            return
        model, driver = self.model, self.driver
        self.fine = False
        both = itertools.zip_longest(driver.script.journal, model.journal)
        assert not [pair for pair in both if pair[0] != pair[1]]
        assert driver.worker.status == model.status
        assert driver.waits == (model.blocked is not None)
        for name, peer in model.peers.items():
            assert driver.inbox(name) == peer.inbox, name
            assert driver.closed_with(name) == peer.closed_with, name
        self.fine = True


def machine(driver: type[Driver], examples: int, steps: int) -> Any:
    """The test case for one kind of client.

    The same examples each time; others, BOSSGEN_EXAMPLES times as many, where that is set.
    """
    times = int(os.environ.get("BOSSGEN_EXAMPLES", "0"))
    case = type(f"Lives{driver.__name__}", (Lives,), {"driver_class": driver})
    case.TestCase.settings = settings(  # type: ignore[attr-defined]
        max_examples=examples * max(times, 1),
        derandomize=not times,
        database=None,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return case.TestCase  # type: ignore[attr-defined]


TestPretended = machine(Pretended, 100, 40)
TestFast = machine(Fast, 30, 30)
TestPlain = machine(Plain, 30, 30)
