"""`explore` runs a test under many orders, and shows the smallest that fails."""

import asyncio
import logging
from typing import Any

import pytest

from boss import (
    CloseReason,
    Noreply,
    Ok,
    ServiceHandler,
    WebSocket,
    services,
)
from boss.testing import ServiceTest, TestClient, explore

pytestmark = pytest.mark.anyio


class Log(ServiceHandler[list[str]]):
    """Remembers what it was told, and tells everyone who joins."""

    def init(self) -> Ok[list[str]]:
        return Ok([])

    def handle_incoming(
        self,
        service_url: str,
        websocket: WebSocket,
        message: str | bytes,
        state: list[str],
    ) -> Noreply[list[str]]:
        websocket.send(f"noted {message!r}")
        return Noreply([*state, str(message)])

    def handle_broadcast(self, message: Any, state: list[str]) -> Noreply[list[str]]:
        return Noreply([*state, message])


async def says(client: TestClient, *words: str) -> None:
    for word in words:
        await client.send(word)


async def two(log: ServiceTest[list[str]]) -> tuple[TestClient, TestClient]:
    return await log.join(session_id="ann"), await log.join(session_id="bob")


async def failure(test: Any) -> BaseException:
    with pytest.raises(AssertionError) as caught:
        await test()
    return caught.value


async def test_every_run_has_its_order_and_the_first_is_the_natural_one() -> None:
    seen: list[str] = []

    @explore(seed=1, runs=50)
    async def test() -> None:
        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(says(ann, "a", "b"), says(bob, "1", "2"))
            seen.append("".join(log.state))

    await test()
    assert len(seen) == 50
    assert seen[0] == "ab12"
    assert set(seen) == {"ab12", "a1b2", "a12b", "1ab2", "1a2b", "12ab"}
    again, seen = seen, []
    await test()
    assert seen == again


async def test_another_seed_tries_other_orders() -> None:
    seen: dict[int, list[str]] = {1: [], 2: []}
    for seed, orders in seen.items():

        @explore(seed=seed, runs=20)
        async def test(orders: list[str] = orders) -> None:
            async with ServiceTest(Log) as log:
                ann, bob = await two(log)
                await asyncio.gather(says(ann, "a", "b"), says(bob, "1", "2"))
                orders.append("".join(log.state))

        await test()
    assert seen[1] != seen[2]


@explore(seed=7)
async def ann_is_never_interrupted() -> None:
    async with ServiceTest(Log) as log:
        ann, bob = await two(log)
        await asyncio.gather(
            says(ann, "a1", "a2", "a3"), says(bob, "b1", "b2", "b3", "b4")
        )
        assert "a1 a2" in " ".join(log.state)


async def test_the_smallest_failing_order_is_shown() -> None:
    error = await failure(ann_is_never_interrupted)
    history, note = error.__notes__
    steps = [line.split("s  ")[1] for line in history.splitlines()[1:]]
    steps = [step for step in steps if "sends" in step]
    # One switch to bob, who then goes on to his end, is all that it takes.
    assert [step.removeprefix("at once, ") for step in steps] == [
        "ann sends 'a1'",
        *(f"bob sends 'b{number}'" for number in (1, 2, 3, 4)),
        "ann sends 'a2'",
        "ann sends 'a3'",
    ]
    assert note.startswith("explore: run ")
    assert " of 100 failed, seed 7. What happened is the smallest order found" in note


async def test_the_same_seed_finds_the_same() -> None:
    first = await failure(ann_is_never_interrupted)
    second = await failure(ann_is_never_interrupted)
    assert first.__notes__ == second.__notes__
    assert first is not second


async def test_the_order_that_is_shown_fails_alone() -> None:
    error = await failure(ann_is_never_interrupted)
    shown = error.__notes__[1].partition("@explore(order=")[2].removesuffix(")")
    order = [int(number) for number in shown.strip("[]").split(",")]
    runs = 0

    @explore(order=order)
    async def test() -> None:
        nonlocal runs
        runs += 1
        await ann_is_never_interrupted.__wrapped__()  # type: ignore[attr-defined]

    alone = await failure(test)
    assert alone.__notes__ == error.__notes__[:1]
    assert runs == 1


async def test_the_natural_order_is_nothing_to_explain() -> None:
    @explore()
    async def test() -> None:
        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(says(ann, "a"), says(bob, "b"))
            assert not log.state

    error = await failure(test)
    assert error.__notes__[1] == (
        "explore: run 1 of 100 failed, seed 0."
        " One task after the other, as here, the test fails already."
    )


async def test_what_does_not_fail_again_is_said_to_depend_on_something_else() -> None:
    runs = 0

    @explore()
    async def test() -> None:
        nonlocal runs
        runs += 1
        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(says(ann, "a", "a"), says(bob, "b", "b"))
            assert runs != 5

    error = await failure(test)
    assert "explore: run 5 of 100 failed" in error.__notes__[1]
    assert "It did not fail again in the same order" in error.__notes__[1]


async def test_nothing_to_interleave_is_a_mistake() -> None:
    @explore()
    async def test() -> None:
        async with ServiceTest(Log) as log:
            await says(await log.join(), "a", "b")

    assert "explore found nothing to interleave" in str(await failure(test))


async def test_receive_waits_for_what_others_do() -> None:
    runs = 0

    @explore(runs=30)
    async def test() -> None:
        nonlocal runs

        async def answers() -> None:
            await bob.expect("noted 'go'")
            await ann.send("gone")

        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(
                answers(), says(ann, "1", "2"), says(bob, "go"), ann.receive()
            )
            assert log.state[-1:] != ["1"]
            assert log.state.index("go") < log.state.index("gone")
            runs += 1

    await test()
    assert runs == 30


async def test_what_never_comes_fails_when_nobody_can_bring_it_about() -> None:
    @explore()
    async def test() -> None:
        async with asyncio.timeout(10), ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(
                says(ann, "a"), says(bob, "b"), ann.expect("noted 'a'", "more")
            )

    assert str(await failure(test)) == "ann expected 'more', none came"


class Guests(ServiceHandler[set[WebSocket]]):
    """Greets whoever joins, and has a mistake: it takes it that who joins is still there."""

    def init(self) -> Ok[set[WebSocket]]:
        return Ok(set())

    async def handle_join(
        self, service_url: str, websocket: WebSocket, state: set[WebSocket]
    ) -> Noreply[set[WebSocket]]:
        return Noreply(state | {websocket})

    def handle_close(
        self,
        reason: CloseReason,
        service_url: str,
        websocket: WebSocket,
        state: set[WebSocket],
    ) -> Noreply[set[WebSocket]]:
        return Noreply(state - {websocket})

    def handle_broadcast(
        self, message: Any, state: set[WebSocket]
    ) -> Noreply[set[WebSocket]]:
        if any(not websocket.open for websocket in state):  # type: ignore[attr-defined]
            raise LookupError(message)
        return Noreply(state)


async def test_a_step_may_come_before_the_one_before_it_has_had_its_effect() -> None:
    """That ann has gone reaches the service after the broadcast, which was sent before."""

    @explore(seed=1)
    async def test() -> None:
        async with ServiceTest(Guests) as guests:
            ann, _ = await guests.join(session_id="ann"), await guests.join()
            await asyncio.gather(guests.broadcast("news"), ann.close())

    error = await failure(test)
    assert isinstance(error.__cause__, LookupError)
    assert error.__notes__[0].splitlines()[4:8] == [
        "  0 s  guests is sent the broadcast 'news'",
        "  0 s  at once, ann closes with 1000",
        "  0 s    guests is sent the broadcast 'news'",
        "  0 s  guests: handle_broadcast crashed: LookupError('news')",
    ]


async def test_a_step_that_fails_fails_in_the_task_whose_step_it_is() -> None:
    refused: list[str] = []

    @explore()
    async def test() -> None:
        async def sends() -> None:
            try:
                await says(ann, "a", "b")
            except AssertionError as error:
                refused.append(str(error))

        async with ServiceTest(Log) as log:
            ann = await log.join(session_id="ann")
            await asyncio.gather(sends(), ann.close())

    await test()
    assert set(refused) == {
        "ann cannot send 'a': it has closed with 1000",
        "ann cannot send 'b': it has closed with 1000",
    }


async def test_a_test_may_wait_for_something_of_its_own() -> None:
    @explore(runs=5)
    async def test() -> None:
        async def sleeps() -> None:
            await asyncio.sleep(0.01)
            await bob.send("b")

        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(says(ann, "a"), says(bob, "1"), sleeps())
            assert log.state[-1] == "b"
            await bob.expect_nothing()

    assert "bob expected nothing, got" in str(await failure(test))


async def test_the_log_tells_of_the_smallest_order_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @explore(seed=1)
    async def test() -> None:
        async with ServiceTest(Guests) as guests:
            ann, _ = await guests.join(session_id="ann"), await guests.join()
            await asyncio.gather(guests.broadcast("news"), ann.close())

    await failure(test)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert logging.getLogger("boss").propagate


async def test_time_and_crashes_are_steps_too() -> None:
    seen = set()

    @explore(runs=60)
    async def test() -> None:
        async def passes() -> None:
            await log.advance(1)
            await log.crash()

        async with ServiceTest(Log) as log:
            ann = await log.join()
            await asyncio.gather(passes(), says(ann, "a", "b"), log.broadcast("c"))
            seen.add("".join(log.state))

    await test()
    assert {"abc", "acb", "cab", "", "b", "c"} <= seen


class First(Log):
    def handle_incoming(
        self,
        service_url: str,
        websocket: WebSocket,
        message: str | bytes,
        state: list[str],
    ) -> Noreply[list[str]]:
        services.log.broadcast(message)
        return Noreply(state)


async def test_several_services_are_explored_together() -> None:
    seen = set()

    @explore(runs=40)
    async def test() -> None:
        async with ServiceTest.together(First, Log) as (first, log):
            ann, bob = await first.join(), await log.join()
            await asyncio.gather(says(ann, "a", "b"), says(bob, "1"))
            seen.add("".join(log.state))

    await test()
    assert seen == {"ab1", "a1b", "1ab"}


async def test_clients_may_join_while_others_talk() -> None:
    seen = set()

    @explore(runs=40)
    async def test() -> None:
        async def comes(name: str) -> None:
            client = await log.join(session_id=name)
            await client.send(name)
            await client.close()

        async with ServiceTest(Log) as log:
            async with asyncio.TaskGroup() as group:
                for name in "abc":
                    group.create_task(comes(name))
            seen.add("".join(log.state))

    await test()
    assert len(seen) == 6


async def test_no_task_is_left_behind() -> None:
    tasks = asyncio.all_tasks()
    await failure(ann_is_never_interrupted)

    @explore()
    async def test() -> None:
        async def fails() -> None:
            await ann.send("a")
            raise AssertionError("early")

        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(fails(), says(bob, *"12345"), ann.expect("never"))

    assert str(await failure(test)) == "early"
    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


async def test_pytest_fail_is_a_failure_and_skip_is_none() -> None:
    runs = 0

    @explore(seed=7)
    async def fails() -> None:
        nonlocal runs
        runs += 1
        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(says(ann, "a", "b"), says(bob, "1"))
            if log.state[-1] == "b":
                pytest.fail("b is last")

    @explore()
    async def skips() -> None:
        nonlocal runs
        runs += 1
        pytest.skip("not today")

    with pytest.raises(pytest.fail.Exception, match="b is last") as caught:
        await fails()
    assert "smallest order" in caught.value.__notes__[1]
    runs = 0
    with pytest.raises(pytest.skip.Exception):
        await skips()
    assert runs == 1


def test_only_an_async_test_is_explored() -> None:
    def test() -> None:
        raise AssertionError("not called")

    with pytest.raises(TypeError, match="async def"):
        explore()(test)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="async def; not 7"):
        explore(7)  # type: ignore[call-overload]


async def test_without_parentheses_the_defaults_are_taken() -> None:
    runs = 0

    @explore
    async def test() -> None:
        nonlocal runs
        runs += 1
        async with ServiceTest(Log) as log:
            ann, bob = await two(log)
            await asyncio.gather(says(ann, "a"), says(bob, "b"))
            assert sorted(log.state) == ["a", "b"]

    await test()
    assert runs == 100


@pytest.mark.parametrize("word", ["x", "y"])
@explore(runs=3)
async def test_fixtures_and_parameters_are_handed_on(word: str, tmp_path: Any) -> None:
    """Each run finds what the one before has left."""
    async with ServiceTest(Log) as log:
        ann, bob = await two(log)
        await asyncio.gather(says(ann, word), says(bob, word))
        assert log.state == [word, word]
    assert tmp_path.is_dir()
