"""One service at work: messages, timeouts, lives; with a clock that stands still until it is told to go on."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from boss import TIMEOUT, Error, Noreply, Normal, Ok, Remote, ServiceHandler, Stop
from boss.runtime import calling, worker
from boss.runtime.errors import ServiceDown, ServiceStartError
from boss.runtime.intake import MAX_KEPT, MAX_WAITING, MAX_WAITING_BYTES
from tests.runtime.fakes import bench

pytestmark = pytest.mark.anyio


@dataclass
class State:
    timeout: float | None = None  # of every result
    seen: list[Any] = field(default_factory=list)


class Recorder(ServiceHandler[State]):
    """Keeps what it is told; a client's message may be "crash", "stop" or a number of seconds."""

    states: ClassVar[list[State]] = []
    first_timeout: ClassVar[float | None] = None

    def init(self) -> Ok[State]:
        self.states.append(State())
        return Ok(self.states[-1], timeout=self.first_timeout)

    def handle_join(self, service_url: str, websocket: Any, state: State) -> Any:
        state.seen.append(("join", self.session_id))
        return Noreply(state)

    def handle_close(
        self, reason: Any, service_url: str, websocket: Any, state: State
    ) -> Any:
        state.seen.append(("close", self.session_id, reason))
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: Any, message: Any, state: State
    ) -> Any:
        state.seen.append(message)
        if message == "crash":
            raise ValueError(message)
        if message == "stop":
            return Stop("again", state)
        if message == "later":
            state.later = self.send_after(1, "late")  # type: ignore[attr-defined]
            return Noreply(state)
        return Noreply(state, timeout=float(message) if message else None)

    def handle_info(self, info: Any, state: State) -> Any:
        state.seen.append(info)
        return Noreply(state)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Recorder.states = []
    Recorder.first_timeout = None


def seen(life: int = -1) -> list[Any]:
    return Recorder.states[life].seen


async def test_a_timeout_comes_once_and_not_before_its_time() -> None:
    async with bench(Recorder) as b:
        ann = b.join("ann")
        await b.settle()
        ann.received("2.5")
        await b.advance(2.4)
        assert TIMEOUT not in seen()
        await b.advance(0.2)
        await b.advance(100)
        assert seen() == [("join", "ann"), "2.5", TIMEOUT]


async def test_any_message_cancels_a_timeout_even_one_nobody_listens_to() -> None:
    async with bench(Recorder) as b:
        ann, bob = b.join("ann"), b.join("bob")
        await b.settle()
        for event in (
            lambda: bob.received(""),
            lambda: b.worker.info("x"),
            lambda: b.worker.broadcast("there is no handle_broadcast"),
            lambda: b.join("cid"),
            lambda: bob.gone(Remote(1000, "")),
        ):
            ann.received("1")
            await b.advance(0.9)
            event()
            await b.settle()
            await b.advance(10)
        assert TIMEOUT not in seen()


async def test_a_timeout_of_zero_comes_only_when_nothing_waits() -> None:
    async with bench(Recorder) as b:
        ann = b.join("ann")
        await b.settle()
        b.worker.info("first")
        ann.received("0")
        b.worker.info("second")
        await b.settle()
        assert seen()[1:] == ["first", "0", "second"]
        ann.received("0")
        assert seen()[4:] == ["0"], "not in the context of the client"
        await b.settle()
        assert seen()[4:] == ["0", TIMEOUT]


@pytest.mark.parametrize("timeout", [None, 5])
async def test_what_a_service_tells_itself_is_heard_when_its_callback_is_over(
    timeout: float | None,
) -> None:
    """And not in the context of the client that was the cause."""
    heard = []

    class Tells(ServiceHandler[None]):
        def handle_incoming(
            self, url: str, websocket: Any, message: Any, state: None
        ) -> Any:
            b.worker.info(message)
            return Noreply(state, timeout)

        def handle_info(self, info: Any, state: None) -> Any:
            heard.append(info)
            return Noreply(state)

    async with bench(Tells) as b:
        ann = b.join("ann")
        await b.settle()
        ann.received("x")
        assert heard == []
        await b.settle()
        assert heard == ["x"]


async def test_a_message_that_no_callback_is_for_keeps_nobody_waiting() -> None:
    heard = []

    class Deaf(ServiceHandler[None]):
        def handle_info(self, info: Any, state: None) -> Any:
            heard.append(info)
            return Noreply(state)

    async with bench(Deaf) as b:
        ann = b.join("ann")
        await b.settle()
        ann.received("x")
        b.worker.info("heard")
        await b.settle()
        assert heard == ["heard"]


async def test_messages_to_nobody_do_not_count() -> None:
    """What waited for a client that was closed after its crash is not for the service."""
    async with bench(Recorder) as b:
        ann = b.join("ann")
        Recorder.first_timeout = 5
        b.worker.info("so that what follows waits")
        for message in ("crash", "1", "2"):
            ann.received(message)
        await b.settle()
        assert seen() == []
        await b.advance(5)
        assert seen() == [TIMEOUT]
        assert len(Recorder.states) == 2


async def test_a_message_taken_back_too_late_does_not_count() -> None:
    async with bench(Recorder) as b:
        ann = b.join("ann")
        await b.settle()
        ann.received("later")
        timer = b.clock.next_due(1)
        assert timer is not None
        timer.call()  # is queued,
        Recorder.states[0].later.cancel()  # type: ignore[attr-defined]
        ann.received("0")
        await b.settle()
        assert seen()[1:] == ["later", "0", TIMEOUT]


async def test_init_may_ask_for_a_timeout() -> None:
    Recorder.first_timeout = 3
    async with bench(Recorder) as b:
        await b.advance(3)
        assert seen() == [TIMEOUT]
    async with bench(Recorder) as b:
        pass
    assert b.clock.next_due(1000) is None, "it goes with the life"


async def test_send_after_and_what_ends_it() -> None:
    async with bench(Recorder) as b:
        ann, bob = b.join("ann"), b.join("bob")
        await b.settle()
        ann.received("later")
        await b.advance(1)
        assert seen()[-1] == "late"
        ann.received("later")
        ann.received("stop")
        await b.settle()
        await b.advance(10)
        assert seen() == [("join", "ann"), ("join", "bob")]
        del bob


async def test_of_a_message_that_is_not_to_come_nothing_stays() -> None:
    async with bench(Recorder) as b:
        ann = b.join("ann")
        await b.settle()
        ann.received("later")
        await b.advance(1)
        assert not b.worker.laters, "it has come"
        ann.received("later")
        Recorder.states[0].later.cancel()  # type: ignore[attr-defined]
        assert not b.worker.laters, "it was taken back"
        ann.received("later")
        ann.received("stop")
        await b.settle()
        assert not b.worker.laters, "its life has ended"
        assert b.clock.next_due(1000) is None


async def test_a_thread_that_posts_wakes_the_loop() -> None:
    async with bench(Recorder) as b:
        asyncio.get_running_loop().set_debug(True)  # told when it is touched by others
        await asyncio.to_thread(b.worker.info, "x")
        await b.settle()
        assert seen() == ["x"]


async def test_the_crash_of_a_callback_drops_its_message_and_keeps_the_others() -> None:
    async with bench(Recorder) as b:
        ann, bob = b.join("ann"), b.join("bob")
        b.worker.info("so that what follows waits")
        ann.received("crash")
        bob.received("")
        b.worker.info("kept")
        await b.settle()
        assert seen() == [("join", "bob"), "", "kept"]
        assert ann.closed_with is not None
        assert ann.closed_with[0] == 1011
        assert bob.closed_with is None
        assert b.worker.counters.crashes == b.worker.counters.restarts == 1
        before = b.worker.counters.callbacks
        assert before == 7, "3 joins, 2 messages and 2 infos, the crash included"
        seconds = b.worker.counters.callback_seconds
        bob.received("")  # with nothing before it
        assert b.worker.counters.callbacks == before + 1
        assert b.worker.counters.callback_seconds > seconds
        bob.received("crash")
        await b.settle()
        assert b.worker.counters.callbacks == before + 2
        assert b.left == [ann, bob]


async def test_the_traceback_in_the_log_begins_at_the_line_of_the_user(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with bench(Recorder) as b:
        ann = b.join("ann")
        await b.settle()
        ann.received("crash")
        await b.settle()
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.getMessage() == f"chat: handle_incoming crashed for client {ann.id}"
    assert record.exc_info is not None
    trace = record.exc_info[2]
    assert trace is not None
    assert trace.tb_frame.f_code.co_filename == __file__


async def test_who_left_before_its_message_crashed_is_told_to_no_other_life() -> None:
    async with bench(Recorder) as b:
        ann = b.join("ann")
        b.worker.info("so that what follows waits")
        ann.received("crash")
        ann.gone(Remote(1000, ""))
        await b.settle()
        assert b.worker.life == 2
        assert seen() == []


async def test_a_client_that_left_before_its_join_is_joined_and_closed() -> None:
    async with bench(Recorder) as b:
        ann = b.join("ann")
        ann.received("")
        ann.gone(Remote(1000, "bye"))
        ann.gone(Remote(1000, "again"))
        await b.settle()
        assert seen() == [("join", "ann"), "", ("close", "ann", Remote(1000, "bye"))]
        assert b.worker.connected == 0


async def test_when_too_many_wait_some_are_kept_and_then_nothing_is_read() -> None:
    class Slow(ServiceHandler[list[Any]]):
        async def handle_incoming(
            self, url: str, websocket: Any, message: Any, state: Any
        ) -> Any:
            await gate.wait()
            heard.append(message)
            return Noreply(state)

    gate = asyncio.Event()
    heard: list[Any] = []
    kept = [str(number) * 1000 for number in range(10)]
    async with bench(Slow) as b:
        ann, bob = b.join("ann"), b.join("bob")
        await b.settle()
        ann.received("taken")
        for _ in range(MAX_WAITING - 1):
            ann.received("x")
        assert not ann.too_many
        ann.received("x")
        assert ann.too_many
        for message in kept:
            ann.received(message)
        assert ann.reading
        assert ann.waiting == MAX_WAITING
        bob.received(b"x" * MAX_WAITING_BYTES)
        assert bob.too_many
        bob.received(b"y" * MAX_KEPT)
        assert not bob.reading
        gate.set()
        await b.settle()
        assert bob.reading
        assert not ann.too_many
        assert ann.waiting == ann.waiting_bytes == bob.waiting_bytes == 0
        assert len(heard) == 1 + MAX_WAITING + len(kept) + 2
        assert [message for message in heard if message in kept] == kept
        assert heard[-1] == b"y" * MAX_KEPT


class Gated(ServiceHandler[None]):
    """Hears a message for each time that its gate is opened."""

    gate: ClassVar[asyncio.Semaphore]
    heard: ClassVar[list[Any]]

    async def handle_incoming(
        self, url: str, websocket: Any, message: Any, state: None
    ) -> Any:
        await self.gate.acquire()
        if message == "crash":
            raise ValueError(message)
        self.heard.append(message)
        return Noreply(state)

    def handle_close(self, reason: Any, url: str, websocket: Any, state: None) -> Any:
        self.heard.append(reason)
        return Noreply(state)

    @classmethod
    def open(cls, times: int) -> None:
        for _ in range(times):
            cls.gate.release()


@pytest.fixture
def gated() -> type[Gated]:
    return type("Gated", (Gated,), {"gate": asyncio.Semaphore(0), "heard": []})


async def test_nothing_is_read_as_long_as_too_much_is_kept(gated: type[Gated]) -> None:
    messages = [str(number).zfill(2000) for number in range(3 * MAX_WAITING)]
    async with bench(gated) as b:
        ann = b.join("ann")
        await b.settle()
        for message in messages:
            ann.received(message)
        assert not ann.reading
        gated.open(MAX_WAITING // 2 + 2)
        while len(gated.heard) < MAX_WAITING // 2 + 2:
            await asyncio.sleep(0)
        assert ann.waiting > MAX_WAITING // 2, "some of what was kept waits now"
        assert not ann.reading
        gated.open(len(messages))
        await b.settle()
        assert ann.reading
        assert gated.heard == messages


async def test_what_was_kept_for_a_client_that_crashed_is_never_heard(
    gated: type[Gated],
) -> None:
    async with bench(gated) as b:
        ann = b.join("ann")
        await b.settle()
        for message in ["crash", *["x"] * (2 * MAX_WAITING)]:
            ann.received(message)
        gated.open(3 * MAX_WAITING)
        await b.settle()
        ann.gone(Error("closed"))
        await b.settle()
        assert gated.heard == []
        assert b.worker.life == 2


async def test_what_was_kept_counts_as_sent_when_the_client_leaves(
    gated: type[Gated],
) -> None:
    limit = MAX_WAITING + 10
    async with bench(gated, {"max_messages_per_second": limit}) as b:
        ann = b.join("ann")
        await b.settle()
        for _ in range(2 * limit):
            ann.received("x")
        ann.gone(Remote(1000, ""))
        gated.open(3 * limit)
        await b.settle()
        assert gated.heard == [*["x"] * limit, Error("flood")]


async def test_idle_clients_are_closed() -> None:
    async with bench(Recorder, {"idle_timeout": 10}) as b:
        ann, bob = b.join("ann"), b.join("bob")
        await b.advance(6)
        bob.received("")
        await b.advance(5)
        assert ann.closed_with == (1000, "idle for too long")
        assert bob.closed_with is None
        await b.advance(5)
        assert bob.closed_with is not None
        assert seen()[-1] == ("close", "bob", Normal("timeout"))


async def test_of_a_client_that_has_left_no_timer_stays() -> None:
    async with bench(Recorder, {"idle_timeout": 10}) as b:
        ann = b.join("ann")
        await b.advance(6)
        ann.received("")
        await b.advance(6)  # it has been looked at
        ann.gone(Remote(1000, ""))
        await b.settle()
        assert b.clock.next_due(1000) is None


async def test_what_a_thread_has_posted_comes_before_what_is_read_after_it() -> None:
    """Although the loop has not been told of it yet."""
    async with bench(Recorder) as b:
        ann = b.join("ann")
        await b.settle()
        thread = threading.Thread(target=b.worker.info, args=("first",))
        thread.start()
        thread.join()
        assert b.worker.at_work
        ann.received("")
        await b.settle()
        assert seen()[1:] == ["first", ""]


async def test_a_client_is_not_idle_while_the_loop_is_blocked() -> None:
    """What it has said may lie unread in the socket, however long ago it was heard last."""
    gate = asyncio.Event()

    class Slow(ServiceHandler[None]):
        async def handle_incoming(
            self, url: str, websocket: Any, message: Any, state: None
        ) -> Any:
            await gate.wait()
            return Noreply(state)

    async with bench(Slow, {"idle_timeout": 10}) as b:
        ann = b.join("ann")
        await b.settle()
        for message in ("taken", "waits"):
            ann.received(message)
        timer = b.clock.next_due(10)
        assert timer is not None
        timer.call()
        gate.set()
        await b.settle()
        b.clock._now = 25  # nothing has run meanwhile
        await b.advance(0)
        assert ann.open
        await b.advance(0.2)
        assert ann.closed_with == (1000, "idle for too long")


async def test_a_client_may_send_so_many_messages_a_second() -> None:
    async with bench(Recorder, {"max_messages_per_second": 3}) as b:
        ann = b.join("ann")
        for _ in range(10):
            for _ in range(3):
                ann.received("")
            await b.advance(1)
        assert ann.open
        for _ in range(4):
            ann.received("")
        assert ann.closed_with == (1008, "too many messages")
        await b.settle()
        assert seen().count("") == 33


async def test_what_comes_at_once_when_reading_goes_on_may_have_been_sent_in_time() -> (
    None
):
    gate = asyncio.Event()

    class Slow(ServiceHandler[None]):
        async def handle_incoming(
            self, url: str, websocket: Any, message: Any, state: None
        ) -> Any:
            await gate.wait()
            return Noreply(state)

    async with bench(Slow, {"max_messages_per_second": 100}) as b:
        ann, bob = b.join("ann"), b.join("bob")
        await b.settle()
        for _ in range(MAX_WAITING + 1):
            ann.received("")
        assert ann.too_many
        await b.advance(5)
        gate.set()
        await b.settle()
        assert not ann.too_many
        for client, may_send in ((bob, 100), (ann, 500 + 100 - MAX_WAITING - 1)):
            for _ in range(may_send):
                client.received("")
            await b.settle()
            assert client.open
            client.received("")
            assert client.closed_with == (1008, "too many messages")


async def test_limits_are_those_that_were_promised() -> None:
    assert worker.INIT_LIMIT == 30
    assert worker.TERMINATE_LIMIT == 5
    assert worker.CALLBACK_LIMIT == 5
    assert (MAX_WAITING, MAX_WAITING_BYTES) == (64, 1 << 20)


@pytest.mark.parametrize("callback", ["init", "terminate", "handle_info"])
async def test_limits_of_time(callback: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever never ends is ended."""
    for name in ("INIT_LIMIT", "TERMINATE_LIMIT", "CALLBACK_LIMIT"):
        monkeypatch.setattr(worker, name, 0.02)
    ended = []

    class Stuck(ServiceHandler[None]):
        async def init(self) -> Ok[None]:
            await self.stuck("init")
            return Ok(None)

        async def handle_info(self, info: Any, state: None) -> Any:
            await self.stuck("handle_info")

        async def terminate(self, reason: object, state: None) -> None:
            await self.stuck("terminate")
            ended.append(reason)

        async def stuck(self, where: str) -> None:
            if where == callback:
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.append(where)

    if callback == "init":
        with pytest.raises(
            Exception, match=r"chat.*init took longer than 0.02"
        ) as told:
            async with bench(Stuck):
                pass
        assert "myapp_chat_websocket.py" in str(told.value)
        assert ended == ["init"]
        return
    async with bench(Stuck) as b:
        b.worker.info("x")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    expected = {"terminate": ["terminate"], "handle_info": ["handle_info", "shutdown"]}
    assert ended == expected[callback]


class Stubborn(ServiceHandler[None]):
    """Has to be cancelled at server stop, and does then what the test says."""

    ended: ClassVar[list[Any]] = []

    async def handle_info(self, info: Any, state: None) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await self.cancelled()

    async def cancelled(self) -> Any:
        raise asyncio.CancelledError

    def handle_close(self, reason: Any, url: str, websocket: Any, state: None) -> Any:
        return Noreply(state)

    async def terminate(self, reason: object, state: None) -> None:
        await asyncio.sleep(0.05)
        self.ended.append(repr(reason))


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stubborn, "ended", [])
    for name in ("CALLBACK_LIMIT", "LAST_LIMIT"):
        monkeypatch.setattr(worker, name, 0.01)


@pytest.mark.usefixtures("_short")
async def test_terminate_has_its_time_whatever_it_comes_from() -> None:
    class Raises(Stubborn):
        async def cancelled(self) -> Any:
            raise ValueError("cancelled")

    async with bench(Raises) as b:
        b.worker.info("x")
        await asyncio.sleep(0)
    assert Stubborn.ended == ["ValueError('cancelled')"]


@pytest.mark.usefixtures("_short")
async def test_a_callback_that_outlives_its_life_does_not_end_it_again() -> None:
    """It awaits a task of the user's own, and it is this that swallows the cancellation."""
    terminating = asyncio.Event()

    async def outlives() -> None:
        while not terminating.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await terminating.wait()

    class Awaits(Stubborn):
        async def handle_info(self, info: Any, state: None) -> Any:
            await asyncio.create_task(outlives())
            return Stop("late", None)

        async def terminate(self, reason: object, state: None) -> None:
            terminating.set()
            await super().terminate(reason, state)

    async with bench(Awaits) as b:
        b.worker.info("x")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task = b.worker.task
    assert task is not None
    await asyncio.wait({task})
    await b.settle()
    assert Stubborn.ended == ["'shutdown'"]
    assert b.worker.reason == "shutdown"


class Noting(Stubborn):
    """Notes what it is told in its class; a list that no life ends."""

    seen: ClassVar[list[str]]

    def handle_join(self, url: str, websocket: Any, state: None) -> Any:
        self.seen.append(f"join {self.session_id}")
        return Noreply(state)

    def handle_incoming(
        self, url: str, websocket: Any, message: Any, state: None
    ) -> Any:
        self.seen.append(message)
        return Noreply(state)

    def handle_close(self, reason: Any, url: str, websocket: Any, state: None) -> Any:
        self.seen.append(f"close {self.session_id}")
        return Noreply(state)

    async def terminate(self, reason: object, state: None) -> None:
        self.seen.append(f"terminate {reason!r}")


@pytest.fixture
def noting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(Noting, "seen", seen, raising=False)
    return seen


@pytest.mark.usefixtures("_short")
async def test_behind_a_callback_that_is_cancelled_only_joins_and_closes_are_told(
    noting: list[str],
) -> None:
    async with bench(Noting) as b:
        ann = b.join("ann")
        await b.settle()
        b.worker.info("x")
        await asyncio.sleep(0)
        ann.received("not heard")
        bob = b.join("bob")
    assert ann.closed_with == bob.closed_with == (1012, "server stops")
    assert noting == [
        "join ann",
        "join bob",
        "close ann",
        "close bob",
        "terminate 'shutdown'",
    ]


@pytest.mark.usefixtures("_short")
async def test_closes_that_take_too_long_are_cut_short_before_the_end(
    noting: list[str],
) -> None:
    class Lasting(Noting):
        async def handle_close(
            self, reason: Any, url: str, websocket: Any, state: None
        ) -> Any:
            self.seen.append(f"close {self.session_id}")
            try:
                await asyncio.Event().wait()
            finally:
                self.seen.append("cancelled")

    async with bench(Lasting) as b:
        for name in ("ann", "bob", "cid"):
            b.join(name)
        await b.settle()
    assert noting[3:] == [
        "close ann",
        "cancelled",
        "close bob",
        "cancelled",
        "terminate 'shutdown'",
    ]


@pytest.mark.usefixtures("_short")
async def test_a_callback_that_heeds_no_cancellation_goes_on_alone(
    noting: list[str],
) -> None:
    class GoesOn(Noting):
        async def cancelled(self) -> Any:
            return Noreply(None)

        async def handle_close(
            self, reason: Any, url: str, websocket: Any, state: None
        ) -> Any:
            self.seen.append("begins")
            for _ in range(3):
                await asyncio.sleep(0)
            self.seen.append("ends")
            return Noreply(state)

    async with bench(GoesOn) as b:
        b.join("ann")
        b.join("bob")
        await b.settle()
        b.worker.info("x")
        await asyncio.sleep(0)
    assert noting[2:] == ["begins", "ends"] * 2 + ["terminate 'shutdown'"]


@pytest.mark.usefixtures("_short")
async def test_the_server_does_not_wait_for_the_init_of_another_life(
    noting: list[str],
) -> None:
    class Hangs(Noting):
        async def init(self) -> Ok[None]:
            if self.seen:
                await asyncio.Event().wait()
            return Ok(None)

        async def handle_info(self, info: Any, state: None) -> Any:
            return Stop("again", state)

    async with bench(Hangs) as b:
        ann = b.join("ann")
        await b.settle()
        b.worker.info("x")
        while b.worker.life == 1:
            await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await b.supervisor.stop()
        assert b.worker.status == "stopped"
        assert ann.closed_with == (1012, "server stops")
    assert noting == ["join ann", "terminate 'again'"]


async def test_the_server_does_not_wait_for_a_service_that_goes_down(
    noting: list[str],
) -> None:
    class Leaves(Noting):
        def handle_close(
            self, reason: Any, url: str, websocket: Any, state: None
        ) -> Any:
            return Stop("normal", state)

    async with bench(Leaves) as b:
        b.join("ann")
        await b.settle()
        async with asyncio.timeout(1):
            await b.supervisor.stop()
    assert noting == ["join ann", "terminate 'normal'"]


# The rest of what is closed complains when it is freed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("swallowed", [asyncio.CancelledError, BaseException])
@pytest.mark.usefixtures("_short")
async def test_a_callback_that_swallows_its_cancellation_is_closed(
    swallowed: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    class Swallows(Stubborn):
        async def cancelled(self) -> Any:
            while True:
                with contextlib.suppress(swallowed):
                    await asyncio.Event().wait()

        def handle_close(
            self, reason: Any, url: str, websocket: Any, state: None
        ) -> Any:
            seen.append("told")
            return Noreply(state)

        async def terminate(self, reason: object, state: None) -> None:
            seen.append(f"terminate {reason!r}")

    async with bench(Swallows) as b:
        b.join("ann")
        await b.settle()
        b.worker.info("x")
        await asyncio.sleep(0)
        task = b.worker.task
    assert seen == ["told", "terminate 'shutdown'"]
    assert task is not None
    assert task.done()
    assert "goes on all the same, and is closed" in caplog.text
    assert "crashed" not in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("swallowed", [asyncio.CancelledError, BaseException])
async def test_terminate_and_init_have_their_time_and_no_more(
    swallowed: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Even if they swallow that it is over."""
    monkeypatch.setattr(calling, "INSIST", 0.01)
    for name in ("INIT_LIMIT", "TERMINATE_LIMIT"):
        monkeypatch.setattr(worker, name, 0.01)

    class Swallows(ServiceHandler[None]):
        starts: ClassVar[bool] = True

        async def init(self) -> Ok[None]:
            return Ok(None) if self.starts else await self.go_on()

        async def terminate(self, reason: object, state: None) -> None:
            await self.go_on()

        async def go_on(self) -> Any:
            """Until nobody has closed it: then the test fails, and does not hang."""
            end = asyncio.get_running_loop().time() + 3
            while asyncio.get_running_loop().time() < end:
                with contextlib.suppress(swallowed):
                    await asyncio.sleep(0.1)

    task = asyncio.current_task()
    assert task is not None
    async with asyncio.timeout(5):
        async with bench(Swallows):
            pass
        assert "terminate took longer than 0.01 seconds" in caplog.text
        Swallows.starts = False
        with pytest.raises(ServiceStartError, match=r"init took longer than 0\.01"):
            async with bench(Swallows):
                pass
    assert task.cancelling() == 0


@pytest.mark.parametrize("swallows", [False, True], ids=["cancelled", "closed"])
@pytest.mark.usefixtures("_short")
async def test_after_a_callback_was_cancelled_others_may_crash_as_ever(
    swallows: bool,
) -> None:
    class Crashes(Stubborn):
        async def cancelled(self) -> Any:
            while swallows:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            raise asyncio.CancelledError

        def handle_close(
            self, reason: Any, url: str, websocket: Any, state: None
        ) -> Any:
            return super().cancelled()

    async with bench(Crashes) as b:
        b.join("ann")
        await b.settle()
        b.worker.info("x")
        await asyncio.sleep(0)
    assert Stubborn.ended == ["CancelledError()"]
    assert b.worker.counters.crashes == 1


async def test_a_callback_may_swallow_a_cancellation_that_is_none_of_ours() -> None:
    class Cancels(ServiceHandler[list[str]]):
        def init(self) -> Ok[list[str]]:
            return Ok([])

        async def handle_info(self, info: Any, state: list[str]) -> Any:
            task = asyncio.create_task(asyncio.sleep(10))
            task.cancel()
            if info == "swallow":
                await asyncio.gather(task, return_exceptions=True)
            else:
                await task
            return Noreply([*state, info])

    async with bench(Cancels) as b:
        b.worker.info("swallow")
        await b.settle()
        assert b.worker.state == ["swallow"]
        b.worker.info("crash")
        await b.settle()
        assert b.worker.state == []
        assert b.worker.life == 2


async def test_a_service_that_is_down_takes_nothing() -> None:
    ended = []

    class Stops(ServiceHandler[str | None]):
        def handle_info(self, info: Any, state: str | None) -> Any:
            return Stop("normal", "the last one")

        def terminate(self, reason: object, state: str | None) -> None:
            ended.append((reason, state))

    async with bench(Stops) as b:
        ann = b.join("ann")
        b.worker.info("stop")
        b.worker.info("never heard")
        bob = b.join("bob")
        await b.settle()
        assert ann.closed_with == bob.closed_with == (1001, "service stopped")
        for send in (b.worker.info, b.worker.broadcast):
            with pytest.raises(ServiceDown, match="`chat` is stopped"):
                send("x")
        late = b.join("late")
        assert late.closed_with == (1001, "service stopped")
        assert len(b.worker.mailbox) == 0
        assert b.worker.connected == 0
        assert ended == [("normal", "the last one")]
        assert b.worker.state is None, "it is not kept"


class Awaiting(ServiceHandler[None]):
    """Awaits more than once."""

    async def handle_info(self, info: Any, state: None) -> Noreply[None]:
        for _ in range(3):
            await asyncio.sleep(0)
        return Noreply(state)


async def test_a_callback_is_counted_once_however_often_it_awaits() -> None:
    async with bench(Awaiting) as b:
        for number in range(5):
            b.worker.info(number)
        await b.settle()
        assert b.worker.counters.callbacks == 5
        assert b.worker.counters.callback_seconds > 0


async def test_tasks_of_a_service_are_not_made_by_a_factory_of_the_application() -> (
    None
):
    """One may begin a task in the very call that makes it, as `asyncio.eager_task_factory` does."""
    made = []

    def factory(
        loop: asyncio.AbstractEventLoop, coro: Any, **more: Any
    ) -> asyncio.Task[Any]:
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **more)

    async with bench(Awaiting) as b:
        asyncio.get_running_loop().set_task_factory(factory)
        b.worker.info("x")
        await b.settle()
        assert b.worker.counters.callbacks == 1
        b.worker.crashed("handle_info", None, ValueError())
        await b.settle()
        assert b.worker.life == 2
        assert made == []
