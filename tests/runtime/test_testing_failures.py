"""What a failure of the test kit says: what was expected, what came, and what happened so far."""

import asyncio
import inspect
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from boss import Group, Noreply, Ok, ServiceHandler, WebSocket
from boss.runtime.configuration import PROJECT
from boss.testing import (
    ServiceStartError,
    ServiceTest,
    SupervisorSettings,
    TestClient,
    WebsocketSettings,
)
from boss.testkit.history import in_project

pytestmark = pytest.mark.anyio


class Room(ServiceHandler[Group]):
    """Passes on; crashes when told to."""

    def init(self) -> Ok[Group]:
        return Ok(Group())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: Group
    ) -> Noreply[Group]:
        state.add(websocket)
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: Group
    ) -> Noreply[Group]:
        if message == "boom":
            raise ValueError("boom")
        if message == "kick":
            websocket.close(4001, "out")
        else:
            state.send(message)
        self.send_after(60, "minute")
        return Noreply(state, timeout=30)

    def handle_info(self, info: object, state: Group) -> Noreply[Group]:
        return Noreply(state)


Expectation = Callable[[ServiceTest[Group], TestClient, TestClient], Awaitable[Any]]


async def told(expectation: Expectation) -> BaseException:
    """How it fails after ann said "hi" to bob and "kick"."""
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Room) as room:
            ann = await room.join(session_id="ann")
            bob = await room.join(session_id="bob")
            await ann.send("hi")
            await ann.expect("hi")
            await ann.send("kick")
            await expectation(room, ann, bob)
    return caught.value


HISTORY = """\
What happened:
  0 s  room starts
  0 s  ann joins room
  0 s  bob joins room
  0 s  ann sends 'hi'
  0 s    ann gets 'hi'
  0 s    bob gets 'hi'
  0 s  ann sends 'kick'
  0 s    ann is closed with 4001 (out)"""


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        (
            lambda room, ann, bob: ann.receive(),
            "ann expected a message, none came: it was closed with 4001 (out)",
        ),
        (
            lambda room, ann, bob: bob.expect("hi", "ho"),
            "bob expected 'ho', none came",
        ),
        (
            lambda room, ann, bob: bob.expect("ho"),
            "bob expected 'ho', got 'hi'",
        ),
        (
            lambda room, ann, bob: bob.expect(b"hi"),
            "bob expected b'hi', got 'hi'",
        ),
        (
            lambda room, ann, bob: bob.receive_json(),
            "bob expected JSON, got 'hi'",
        ),
        (
            lambda room, ann, bob: bob.expect_nothing(),
            "bob expected nothing, got 'hi'",
        ),
        (
            lambda room, ann, bob: bob.expect_close(),
            "bob expected to be closed, and is not",
        ),
        (
            lambda room, ann, bob: bob.expect_close(1008),
            "bob expected to be closed with 1008, and is not",
        ),
        (
            lambda room, ann, bob: ann.expect_close(1008),
            "ann expected to be closed with 1008: it was closed with 4001 (out)",
        ),
        (
            lambda room, ann, bob: ann.send("more"),
            "ann cannot send 'more': it was closed with 4001 (out)",
        ),
        (
            lambda room, ann, bob: ann.crash(),
            "ann cannot let the service crash: it was closed with 4001 (out)",
        ),
        (
            lambda room, ann, bob: room.expect_crash(),
            "room expected to crash, and did not",
        ),
        (
            lambda room, ann, bob: room.expect_crash(OSError),
            "room expected to crash with OSError, and did not",
        ),
    ],
)
async def test_a_failure_says_what_was_expected_and_what_came(
    expectation: Expectation, says: str
) -> None:
    error = await told(expectation)
    assert str(error) == says
    assert error.__notes__ == [HISTORY]
    assert error.__cause__ is None


async def test_json_is_compared_as_values() -> None:
    async with ServiceTest(Room) as room:
        ann = await room.join(session_id="ann")
        await ann.send('{"b": 1, "a": [null]}')
        await ann.send_json(1)
        await ann.expect_json({"a": [None], "b": 1})
        with pytest.raises(AssertionError) as caught:
            await ann.expect_json(2)
        assert str(caught.value) == "ann expected 2, got 1"


async def test_an_assert_of_the_test_shows_the_history_too() -> None:
    async def compares(room: Any, ann: Any, bob: TestClient) -> None:
        raise AssertionError("of the test")

    error = await told(compares)
    assert str(error) == "of the test"
    assert error.__notes__ == [HISTORY]


async def test_who_has_left_is_told_from_who_was_closed() -> None:
    async with ServiceTest(Room) as room:
        ann, bob = await room.join(session_id="ann"), await room.join(session_id="ann")
        await ann.close(1000)
        await bob.disconnect()
        for expectation, says in [
            (
                ann.receive(),
                "ann expected a message, none came: it has closed with 1000",
            ),
            (
                ann.expect_close(),
                "ann expected to be closed, but has closed with 1000",
            ),
            (bob.send("x"), "ann (2) cannot send 'x': it has lost its connection"),
        ]:
            with pytest.raises(AssertionError) as caught:
                await expectation
            assert str(caught.value) == says


async def test_the_history_tells_of_time_and_of_what_the_service_is_sent() -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(
            Room, websocket=WebsocketSettings(idle_timeout=90)
        ) as room:
            ann = await room.join()
            await ann.send("hi")
            await room.advance(100)
            await room.info("news")
            await room.broadcast({"a": 1})
            await ann.disconnect()
            raise AssertionError("look")
    assert caught.value.__notes__[0].splitlines()[3:] == [
        "    0 s  client 1 sends 'hi'",
        "    0 s    client 1 gets 'hi'",
        "    0 s  100 s pass",
        "   30 s    room is sent TIMEOUT",
        "   60 s    room is sent 'minute', as send_after said",
        "   90 s    client 1 is closed with 1000 (idle for too long)",
        "  100 s  room is sent the info 'news'",
        "  100 s  room is sent the broadcast {'a': 1}",
        "  100 s    room has no handle_broadcast",
        "  100 s  client 1 loses its connection",
    ]


async def test_the_history_tells_of_a_message_that_nobody_hears() -> None:
    class Deaf(ServiceHandler[None]):
        def handle_incomming(
            self, service_url: str, websocket: WebSocket, message: str, state: None
        ) -> Noreply[None]:
            raise AssertionError("it is not called")

    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Deaf) as deaf:
            ann = await deaf.join(session_id="ann")
            await ann.send("hi")
            await ann.receive()
    assert caught.value.__notes__[0].splitlines()[3:] == [
        "  0 s  ann sends 'hi'",
        "  0 s    deaf has no handle_incoming",
    ]


async def test_the_history_tells_of_what_comes_again() -> None:
    class Reminder(Room):
        def handle_broadcast(self, message: float, state: Group) -> Noreply[Group]:
            self.send_after(message, "now")
            return Noreply(state)

    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Reminder) as reminder:
            await reminder.broadcast(5)
            await reminder.broadcast(6)
            await reminder.advance(60)
            raise AssertionError("look")
    assert caught.value.__notes__[0].splitlines()[2:] == [
        "  0 s  reminder is sent the broadcast 5",
        "  0 s  reminder is sent the broadcast 6",
        "  0 s  60 s pass",
        "  5 s    reminder is sent 'now', as send_after said",
        "  6 s    reminder is sent 'now', as send_after said",
    ]


async def test_a_crash_is_part_of_the_history_and_the_cause_of_what_fails() -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Room) as room:
            ann = await room.join(session_id="ann")
            await room.join(session_id="bob")
            await ann.send("boom")
            await ann.receive()
    error = caught.value
    assert str(error) == (
        "ann expected a message, none came: it was closed with 1011 (the service crashed)"
    )
    assert isinstance(error.__cause__, ValueError)
    assert error.__notes__[0].splitlines()[4:] == [
        "  0 s  ann sends 'boom'",
        "  0 s  room: handle_incoming crashed for ann: ValueError('boom')",
        "  0 s    ann is closed with 1011 (the service crashed)",
        "  0 s  room: restarted with 1 client",
    ]


async def test_a_crash_names_the_line_of_the_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Path(__file__)
    monkeypatch.setattr("boss.testkit.history.PROJECT", here.parent)
    with pytest.raises(AssertionError, match=rf"\) at {here.name}:\d+\n"):
        async with ServiceTest(Room) as room:
            ann = await room.join()
            await ann.send("boom")
    assert not here.is_relative_to(PROJECT)


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("src/websocket/myapp_chat_websocket.py", True),
        ("boss/runtime/worker.py", False),
        (".venv/lib/python3.11/site-packages/pydantic/main.py", False),
        ("../elsewhere.py", False),
    ],
)
def test_what_is_installed_below_the_project_is_not_its_own(
    file: str, own: bool
) -> None:
    assert in_project(os.path.normpath(PROJECT / file)) is own


async def test_a_crash_that_nobody_expected_fails_the_test() -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Room) as room:
            ann = await room.join(session_id="ann")
            await ann.send("boom")
            await room.join()
    error = caught.value
    assert str(error) == (
        "room crashed, which the test did not expect: handle_incoming crashed for ann:"
        " ValueError('boom')\n"
        "A test that is about this crash says so: await room.expect_crash(ValueError),"
        " or await ann.expect_close(1011)"
    )
    assert isinstance(error.__cause__, ValueError)
    assert error.__notes__[0].splitlines()[-2:] == [
        "  0 s  the test ends",
        "  0 s    client 2 is closed with 1012 (server stops)",
    ]


async def test_a_client_without_a_name_is_put_in_brackets() -> None:
    with pytest.raises(AssertionError, match=r"or await \(client 1\)\.expect_close"):
        async with ServiceTest(Room) as room:
            await (await room.join()).send("boom")


async def test_calls_without_await_fail_the_test_and_are_named() -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Room) as room:
            ann = await room.join()
            ann.send("hi")  # type: ignore[unused-coroutine]
            await ann.expect_nothing()
            room.broadcast("hi")  # type: ignore[unused-coroutine]
    here = Path(__file__).as_posix()
    line = test_calls_without_await_fail_the_test_and_are_named.__code__.co_firstlineno
    assert str(caught.value) == (
        "`await` is missing, and so nothing happened:"
        f" send() at {here}:{line + 4}, broadcast() at {here}:{line + 6}"
    )
    assert caught.value.__notes__[0].startswith("What happened:")


async def test_a_missing_await_is_told_beside_what_the_test_raises() -> None:
    with pytest.raises(TypeError) as caught:
        async with ServiceTest(Room) as room:
            ann: Any = room.join()
            await ann.send("hi")
    assert caught.value.__notes__[1].startswith("`await` is missing")
    assert "join() at" in caught.value.__notes__[1]


async def test_a_call_that_a_task_awaits_later_is_not_forgotten() -> None:
    async with ServiceTest(Room) as room:
        ann = await room.join()
        later = asyncio.create_task(ann.receive())
        await ann.send("hi")
        assert await later == "hi"


@pytest.mark.parametrize("kind", [ServiceTest, TestClient])
def test_no_await_can_be_forgotten(kind: type) -> None:
    """A method that is awaited, and of which the test would not be told, would be a plain coroutine function."""
    methods = {
        name: value
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    plain = [name for name in methods if inspect.iscoroutinefunction(methods[name])]
    assert not plain
    assert any(
        inspect.iscoroutinefunction(m) for m in map(inspect.unwrap, methods.values())
    )


async def test_a_client_is_shown_by_its_name() -> None:
    async with ServiceTest(Room) as room:
        assert repr(await room.join(session_id="ann")) == "<test client 'ann'>"


class Ends(ServiceHandler[None]):
    def handle_broadcast(self, message: Any, state: None) -> Noreply[None]:
        wrong: Any = state
        return wrong  # type: ignore[no-any-return]

    def terminate(self, reason: object, state: None) -> None:
        if reason == "shutdown":
            raise OSError("disk full")


@pytest.mark.parametrize(
    ("broadcasts", "what", "says"),
    [
        (
            1,
            "handle_broadcast crashed: TypeError('handle_broadcast returned",
            "await ends.expect_crash(TypeError)",
        ),
        (
            0,
            "terminate crashed: OSError('disk full')",
            "await ends.stop(), then await ends.expect_crash(OSError)",
        ),
    ],
)
async def test_any_crash_fails_the_test(broadcasts: int, what: str, says: str) -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Ends) as ends:
            for _ in range(broadcasts):
                await ends.broadcast("x")
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"ends crashed, which the test did not expect: {what}")
    assert second == f"A test that is about this crash says so: {says}"
    async with ServiceTest(Ends) as ends:
        await ends.stop()
        await ends.expect_crash(OSError)


async def test_what_the_test_raises_is_not_hidden_by_a_crash() -> None:
    with pytest.raises(LookupError):
        async with ServiceTest(Room) as room:
            ann = await room.join()
            await ann.send("boom")
            raise LookupError


async def test_a_crash_of_another_kind_is_not_the_expected_one() -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Room) as room:
            await (await room.join(session_id="ann")).send("boom")
            await room.expect_crash(OSError)
    assert str(caught.value) == (
        "room expected to crash with OSError;"
        " handle_incoming crashed for ann: ValueError('boom')"
    )
    assert isinstance(caught.value.__cause__, ValueError)


async def test_expecting_one_kind_of_crash_does_not_excuse_another() -> None:
    with pytest.raises(AssertionError, match="did not expect: .*ValueError"):
        async with ServiceTest(Room) as room:
            ann = await room.join()
            await room.crash(OSError())
            await ann.send("boom")
            await room.expect_crash(OSError)


async def test_a_client_s_1011_does_not_excuse_another_service() -> None:
    with pytest.raises(AssertionError, match="^ends crashed"):
        async with ServiceTest.together(Room, Ends) as (room, ends):
            ann = await room.join()
            await ann.crash()
            await ann.expect_close(1011)
            await ends.broadcast("x")


async def test_crashes_are_seen_though_logging_is_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = logging.getLogger("boss")
    monkeypatch.setattr(log, "disabled", True)
    with pytest.raises(AssertionError, match="ValueError"):
        async with ServiceTest(Room) as room:
            await (await room.join()).send("boom")
    assert log.disabled


async def test_giving_up_is_part_of_the_history() -> None:
    settings = SupervisorSettings(max_restarts=0)
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Room, supervisor=settings) as room:
            await room.join(session_id="ann")
            await room.crash(OSError("no"))
            raise AssertionError("look")
    assert caught.value.__notes__[0].splitlines()[3:] == [
        "  0 s  room is made to crash",
        "  0 s  room: handle_info crashed: OSError('no')",
        "  0 s  room: more than 0 restarts in 10 seconds: the service gives up",
        "  0 s  room: down after OSError('no')",
        "  0 s    ann is closed with 1011 (service failed)",
    ]


async def test_a_start_that_fails_shows_its_history() -> None:
    class Stillborn(Room):
        def init(self) -> Ok[Group]:
            raise OSError

    with pytest.raises(ServiceStartError) as caught:
        async with ServiceTest(Stillborn):
            raise AssertionError("not reached")
    assert caught.value.__notes__ == ["What happened:\n  0 s  stillborn starts"]


async def test_long_messages_and_long_histories_are_cut() -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Room) as room:
            ann = await room.join()
            for _ in range(100):
                await room.info("x")
            await ann.send("y" * 100_000)
            await ann.expect("z")
    assert str(caught.value) == (
        f"client 1 expected 'z', got '{'y' * 199}... (100002 characters)"
    )
    first, *lines = caught.value.__notes__[0].splitlines()
    assert first == "What happened, the last 60 of 104 lines:"
    assert len(lines) == 60
    assert lines[-1] == f"  0 s    client 1 gets '{'y' * 199}... (100002 characters)"


async def test_a_callback_that_keeps_the_test_waiting_is_named() -> None:
    class Slow(Room):
        async def handle_info(self, info: object, state: Group) -> Noreply[Group]:
            await opened.wait()
            return Noreply(state)

    opened = asyncio.Event()
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Slow, patience=0.02) as slow:
            await slow.info("x")
            await slow.info("y")
            opened.set()
            await slow.settle()
            raise AssertionError("look")
    assert caught.value.__notes__[0].splitlines()[2:] == [
        "  0 s  slow is sent the info 'x'",
        "  0 s    slow is still at work after 0.02 s of real time: the test goes on",
        "  0 s  slow is sent the info 'y'",
    ]


class Elsewhere(ServiceHandler[None]):
    def handle_close(self, reason: Any, url: str, websocket: Any, state: None) -> Any:
        raise AssertionError("build does not see this callback")


class Mixed(Elsewhere):
    __module__ = "src.websocket.myapp_mixed_websocket"


async def test_callbacks_that_build_does_not_see_are_named() -> None:
    with pytest.raises(AssertionError) as caught:
        async with ServiceTest(Mixed):
            raise AssertionError("look")
    assert caught.value.__notes__[0].splitlines()[1] == (
        "  0 s  mixed starts without handle_close: bossgen build does not see callbacks"
        " of a base from another module"
    )


FAILING = """
import pytest

from boss import Noreply, ServiceHandler
from boss.testing import ServiceTest

pytestmark = pytest.mark.anyio


class Echo(ServiceHandler[None]):
    def handle_incoming(self, url, websocket, message, state):
        websocket.send(message[:-1] + message[-1])
        return Noreply(state)


@pytest.fixture
async def echo():
    async with ServiceTest(Echo) as echo:
        yield echo


async def test_compares():
    async with ServiceTest(Echo) as echo:
        ann = await echo.join(session_id="ann")
        await ann.send("hi")
        assert await ann.receive() == "ho"


async def test_expects(echo):
    ann = await echo.join(session_id="ann")
    await ann.expect_close()


async def test_crashes():
    async with ServiceTest(Echo) as echo:
        ann = await echo.join(session_id="ann")
        await ann.send("")


class Stillborn(Echo):
    def init(self):
        raise LookupError("nothing")


async def test_starts():
    async with ServiceTest(Stillborn):
        pass


class Confused(Echo):
    def init(self):
        return 1


async def test_returns():
    async with ServiceTest(Confused):
        pass
"""


def test_pytest_shows_it_without_a_plug_in(tmp_path: Path) -> None:
    boss = Path(PROJECT) / "boss"
    shutil.copytree(
        boss, tmp_path / "boss", ignore=shutil.ignore_patterns("__pycache__", "*.jinja")
    )
    (tmp_path / "boss" / "services.py").write_text("")
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n\n"
        '@pytest.fixture(scope="session")\n'
        'def anyio_backend():\n    return "asyncio"\n'
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_echo.py").write_text(FAILING)
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    said = [line.rstrip() for line in outcome.stdout.splitlines()]
    history = ["What happened:", "0 s  echo starts", "0 s  ann joins echo"]
    for line in (
        '>           assert await ann.receive() == "ho"',
        ">       await ann.expect_close()",
        "E       AssertionError: ann expected to be closed, and is not",
        "E             0 s    ann gets 'hi'",
        ">       websocket.send(message[:-1] + message[-1])",
        ">       async with ServiceTest(Echo) as echo:",
        '>       raise LookupError("nothing")',
        ">       async with ServiceTest(Stillborn):",
        "TypeError: init returned int; return Ok(state)",
        ">       async with ServiceTest(Confused):",
        *(f"E       {'  ' * (' s ' in line)}{line}" for line in history),
    ):
        assert line in said, outcome.stdout
    for internal in ("boss/runtime/", "boss/testing.py", "testkit"):
        assert not any(line.startswith(internal) for line in said), outcome.stdout
    assert "5 failed" in said[-1]
