"""The test kit drives the real worker, mailbox and supervisor, with pretended clients and a clock that stands still."""

import asyncio
import inspect
import logging
import runpy
import socket
import sys
import textwrap
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import pytest

from boss import (
    TIMEOUT,
    CloseReason,
    Error,
    Group,
    MailboxFull,
    Noreply,
    Normal,
    Ok,
    Remote,
    ServiceDown,
    ServiceHandler,
    Stop,
    WebSocket,
    services,
    testing,
)
from boss.testing import (
    ServiceStartError,
    ServiceTest,
    SupervisorSettings,
    WebsocketSettings,
)

pytestmark = pytest.mark.anyio


@dataclass
class State:
    members: Group = field(default_factory=Group)
    journal: list[Any] = field(default_factory=list)


class Room(ServiceHandler[State]):
    """A room that does as it is told."""

    async def init(self) -> Ok[State]:
        return Ok(State())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.members.add(websocket)
        state.journal.append(("join", service_url, self.session_id))
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.journal.append(reason)
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: State
    ) -> Noreply[State] | Stop[State]:
        match message:
            case "boom":
                raise ValueError("boom")
            case "quiet":
                return Noreply(state, timeout=30)
            case "kick":
                websocket.close(4001, "out")
            case "stop":
                return Stop("normal", state)
            case "later":
                self.send_after(20, "second")
                self.send_after(10, "first")
            case _:
                state.members.send(message)
        return Noreply(state)

    def handle_broadcast(self, message: Any, state: State) -> Noreply[State]:
        if message == "boom":
            raise KeyError("boom")
        state.members.send(message)
        return Noreply(state)

    def handle_info(self, info: object, state: State) -> Noreply[State]:
        state.journal.append(info)
        return Noreply(state)


async def test_clients_hear_what_the_service_sends_in_its_order() -> None:
    async with ServiceTest(Room) as room:
        ann, bob = await room.join(session_id="ann"), await room.join()
        await ann.send("hi")
        assert await bob.receive() == "hi"
        await bob.expect_nothing()
        await room.broadcast("news")
        await ann.expect("hi", "news")
        assert await bob.receive() == "news"
        await bob.send(b"\x00\xff")
        assert await ann.receive() == b"\x00\xff"
        await bob.send_json({"a": [1]})
        await ann.expect_json({"a": [1]})
        await bob.expect(b"\x00\xff", '{"a":[1]}')


@pytest.mark.parametrize("described", [testing, testing.explore])
async def test_the_example_of_a_docstring_is_a_test(
    described: object, tmp_path: Path
) -> None:
    """As it stands, after the line that says what it does."""
    paragraphs = (inspect.getdoc(described) or "").split("\n\n")[1:]
    end = next(
        number
        for number, paragraph in enumerate(paragraphs)
        if not paragraph.startswith("    ")
    )
    example = tmp_path / "example.py"
    example.write_text(textwrap.dedent("\n\n".join(paragraphs[:end])))
    names = {name: getattr(testing, name) for name in testing.__all__}
    names |= {"ChatWebsocket": Room, "asyncio": asyncio, "pytest": pytest}
    defined = runpy.run_path(str(example), names)
    (test,) = (name for name in defined if name.startswith("test_"))
    await defined[test]()


async def test_info_and_state() -> None:
    async with ServiceTest(Room) as room:
        await room.info({"any": "thing"})
        assert room.state.journal == [{"any": "thing"}]
        ann = await room.join()
        assert ann.websocket in room.state.members
        assert room.running


class Asks(ServiceHandler[list[Any]]):
    def init(self) -> Ok[list[Any]]:
        return Ok([])

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: list[Any]
    ) -> Noreply[list[Any]]:
        req = self.req
        state += [
            service_url,
            req.url.path,
            self.session_id,
            req.query_params.multi_items(),
            req.headers.getlist("x-tag"),
            req.headers["host"],
            req.cookies,
            req.scope["subprotocols"],
        ]
        return Noreply(state)


async def test_a_client_joins_with_any_request() -> None:
    async with ServiceTest(Asks, base_url="/deep/") as asks:
        await asks.join(
            session_id="s",
            query={"room": ["1", "2"], "q": "ä b"},
            headers=[
                ("X-Tag", "a"),
                ("X-Tag", "b"),
                ("Sec-WebSocket-Protocol", "v1, v2"),
            ],
            cookies={"one": "1", "two": "2"},
        )
        assert asks.state == [
            *["/deep/websocket/asks", "/deep/websocket/asks", "s"],
            [("room", "1"), ("room", "2"), ("q", "ä b")],
            *[["a", "b"], "testserver", {"one": "1", "two": "2"}, ["v1", "v2"]],
        ]
        asks.state.clear()
        await asks.join(
            path="/elsewhere", query="a=1&b", headers={"Host": "example.com"}
        )
        assert asks.state[:2] == ["/elsewhere", "/elsewhere"]
        assert asks.state[3:] == [[("a", "1"), ("b", "")], [], "example.com", {}, []]


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("", "/websocket/asks"),
        ("/", "/websocket/asks"),
        ("chat", "/chat/websocket/asks"),
        ("/chat", "/chat/websocket/asks"),
        ("/chat/", "/chat/websocket/asks"),
    ],
)
async def test_base_url_is_written_as_in_boss_toml(base_url: str, url: str) -> None:
    async with ServiceTest(Asks, base_url=base_url) as asks:
        await asks.join()
        assert asks.state[0] == url


async def test_a_query_may_be_what_a_browser_calls_search() -> None:
    async with ServiceTest(Asks) as asks:
        await asks.join(query="?room=7&b=?")
        assert asks.state[3] == [("room", "7"), ("b", "?")]


async def test_what_dependencies_leave_in_the_request_is_given_as_its_scope() -> None:
    class Knows(ServiceHandler[None]):
        def handle_join(
            self, service_url: str, websocket: WebSocket, state: None
        ) -> Noreply[None]:
            req = self.req
            websocket.send_json([req.state.user, req.session["cart"], req.url.scheme])
            return Noreply(state)

    async with ServiceTest(Knows) as knows:
        scope = {"state": {"user": "ann"}, "session": {"cart": 3}, "scheme": "wss"}
        await (await knows.join(scope=scope)).expect_json(["ann", 3, "wss"])
        await knows.join()
        await knows.expect_crash(AttributeError)


async def test_sessions_differ_unless_they_are_given() -> None:
    async with ServiceTest(Room) as room:
        for session in (None, None, "ann", "ann"):
            await room.join(session_id=session)
        sessions = [session for _, _, session in room.state.journal]
        assert sessions[0] != sessions[1]
        assert sessions[2:] == ["ann", "ann"]


async def test_ids_of_clients_are_the_same_in_every_run() -> None:
    seen = []
    for _ in range(2):
        async with ServiceTest(Room) as room:
            seen.append([(await room.join()).websocket.id for _ in range(3)])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 3


async def test_how_a_client_leaves() -> None:
    async with ServiceTest(Room) as room:
        ann, bob, cid, dan = [await room.join() for _ in range(4)]
        await ann.close(4000, "bye")
        await bob.close(None)
        await cid.disconnect()
        await dan.send("kick")
        assert await dan.expect_close(4001) == (4001, "out")
        assert await dan.expect_close() == (4001, "out")
        assert room.state.journal[4:] == [
            *[Remote(4000, "bye"), Remote(None, "")],
            *[Error("closed"), Normal("shutdown")],
        ]
        assert len(room.state.members) == 0
        assert not any(client.open for client in (ann, bob, cid, dan))


async def test_a_timeout_of_half_a_minute_takes_no_time() -> None:
    async with asyncio.timeout(5), ServiceTest(Room) as room:
        ann = await room.join()
        await ann.send("quiet")
        await room.advance(29.9)
        assert room.state.journal[1:] == []
        await room.advance(0.1)
        assert room.state.journal[1:] == [TIMEOUT]


@pytest.mark.parametrize("steps", [[0.7, 0.1], [0.1] * 8])
async def test_what_is_due_is_not_missed_by_a_rounding(steps: list[float]) -> None:
    """0.7 + 0.1 is less than 0.8, as floats are."""

    class Quiet(Room):
        async def init(self) -> Ok[State]:
            return Ok(State(), timeout=0.8)

    async with ServiceTest(Quiet) as room:
        for step in steps:
            assert room.state.journal == []
            await room.advance(step)
        assert room.state.journal == [TIMEOUT]
        assert room.clock.time() == 0.8


async def test_what_is_due_happens_in_its_order_and_once() -> None:
    async with ServiceTest(Room) as room:
        ann = await room.join()
        await ann.send("later")
        await room.advance(3600)
        assert room.state.journal[1:] == ["first", "second"]
        await room.advance(3600)
        assert room.state.journal[1:] == ["first", "second"]


async def test_what_is_due_at_once_needs_no_time_to_pass() -> None:
    class Soon(Room):
        def handle_broadcast(self, message: int, state: State) -> Noreply[State]:
            self.send_after(0, message)
            self.send_after(1, "later")
            return Noreply(state)

        def handle_info(self, info: object, state: State) -> Noreply[State]:
            if info == 2:
                self.send_after(0, 1)
            state.members.send(str(info))
            return Noreply(state)

    async with ServiceTest(Soon) as soon:
        ann = await soon.join()
        await soon.broadcast(2)
        await ann.expect("2", "1")
        await ann.expect_nothing()
        assert soon.clock.time() == 0
        await soon.advance(1)
        await ann.expect("later")


async def test_limits_are_those_given_or_of_a_fresh_boss_toml() -> None:
    limits = WebsocketSettings(idle_timeout=60, max_message_size=4)
    async with ServiceTest(Room, websocket=limits) as room:
        ann, bob = await room.join(), await room.join()
        await ann.send("five!")
        assert await ann.expect_close(1009) == (1009, "message too big")
        await bob.send("four")
        await room.advance(59)
        await bob.expect("four")
        await bob.expect_nothing()
        await room.advance(1)
        await bob.expect_close(1000)
        assert room.state.journal[2:] == [Error("toobig"), Normal("timeout")]
    async with ServiceTest(Room) as room:
        ann = await room.join()
        await room.advance(1e6)
        await ann.send("x" * 1048576)
        await ann.expect("x" * 1048576)
        await ann.send("x" * 1048577)
        await ann.expect_close(1009)


async def test_a_full_mailbox_is_full_here_too() -> None:
    async with ServiceTest(Room, websocket=WebsocketSettings(mailbox_limit=2)) as room:
        services.room.broadcast("1")
        services.room.broadcast("2")
        with pytest.raises(MailboxFull):
            await room.info(3)


# Crashes.


async def test_a_crash_closes_its_client_and_the_others_rejoin() -> None:
    async with ServiceTest(Room) as room:
        ann, bob = await room.join(session_id="ann"), await room.join(session_id="bob")
        await ann.send("boom")
        assert await ann.expect_close(1011) == (1011, "the service crashed")
        assert room.state.journal == [("join", "/websocket/room", "bob")]
        await bob.send("still here")
        await bob.expect("still here")


async def test_expect_close_without_a_code_is_enough() -> None:
    async with ServiceTest(Room) as room:
        ann = await room.join()
        await ann.send("boom")
        assert (await ann.expect_close())[0] == 1011


async def test_expect_crash_hands_out_what_was_raised() -> None:
    async with ServiceTest(Room) as room:
        ann = await room.join()
        await room.broadcast("boom")
        error = await room.expect_crash(KeyError)
        assert error.args == ("boom",)
        await ann.expect_nothing()
        await ann.send("boom")
        await ann.expect_close(1011)
        assert isinstance(await room.expect_crash(), ValueError)


class Delicate(ServiceHandler[int]):
    lives = 0
    ends: ClassVar[list[object]]

    def init(self) -> Ok[int]:
        type(self).lives += 1
        return Ok(self.lives)

    def terminate(self, reason: object, state: int) -> None:
        self.ends.append(reason)


@pytest.fixture
def delicate() -> type[Delicate]:
    """A class of its own for each test."""

    class Fresh(Delicate):
        ends: ClassVar[list[object]] = []

    return Fresh


async def test_crash_is_the_real_thing(delicate: type[Delicate]) -> None:
    async with ServiceTest(delicate) as service:
        ann, bob = await service.join(), await service.join()
        first, second = OSError("first"), OSError("second")
        await service.crash(first)
        assert (service.state, delicate.ends) == (2, [first])
        await ann.crash(second)
        await ann.expect_close(1011)
        assert (service.state, delicate.ends) == (3, [first, second])
        assert bob.open
        await bob.crash()
        assert isinstance(delicate.ends[2], RuntimeError)
        assert await service.expect_crash(OSError) is first
        assert await service.expect_crash() is delicate.ends[2]
    assert delicate.ends[3] == "shutdown"


async def test_restart_intensity_is_measured_on_the_virtual_clock(
    delicate: type[Delicate],
) -> None:
    settings = SupervisorSettings(max_restarts=2, period=10)
    async with ServiceTest(delicate, supervisor=settings) as service:
        ann = await service.join()
        for _ in range(4):
            await service.crash()
            await service.crash()
            await service.advance(10)
        assert service.running
        assert ann.open
        for _ in range(3):
            await service.crash()
        assert not service.running
        await ann.expect_close(1011)
        for sending in (service.crash(), service.join(), service.info(1)):
            with pytest.raises(ServiceDown):
                await sending
        with pytest.raises(ServiceDown):
            service.state  # noqa: B018  # is asked for


async def test_a_service_that_stops_by_itself() -> None:
    async with ServiceTest(Room) as room:
        ann, bob = await room.join(), await room.join()
        await ann.send("stop")
        await bob.expect_close(1001)
        await ann.expect_close(1001)
        assert not room.running


async def test_stop_is_the_server_stopping(delicate: type[Delicate]) -> None:
    async with ServiceTest(delicate) as service:
        ann = await service.join()
        await service.stop()
        assert await ann.expect_close(1012) == (1012, "server stops")
        assert delicate.ends == ["shutdown"]
        with pytest.raises(ServiceDown):
            await service.join()
    assert delicate.ends == ["shutdown"]


class Stillborn(ServiceHandler[None]):
    def init(self) -> Ok[None]:
        raise LookupError("no database")


async def test_an_init_that_fails_fails_the_start() -> None:
    log = logging.getLogger("boss")
    before = log.level, list(log.handlers)
    with pytest.raises(ServiceStartError, match="`stillborn`.*no database"):
        async with ServiceTest(Stillborn):
            raise AssertionError("not reached")
    assert (log.level, list(log.handlers)) == before
    assert not hasattr(services, "stillborn")


# Several services.


class Audit(ServiceHandler[list[Any]]):
    def init(self) -> Ok[list[Any]]:
        return Ok([])

    def handle_broadcast(self, message: Any, state: list[Any]) -> Noreply[list[Any]]:
        state.append(message)
        if message == "ping":
            services.teller.broadcast("pong")
        return Noreply(state)


class Teller(ServiceHandler[Group]):
    def init(self) -> Ok[Group]:
        services.audit.broadcast("born")
        return Ok(Group())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: Group
    ) -> Noreply[Group]:
        state.add(websocket)
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: Group
    ) -> Noreply[Group]:
        services.audit.broadcast(message)
        return Noreply(state, timeout=5)

    def handle_broadcast(self, message: Any, state: Group) -> Noreply[Group]:
        state.send(message)
        return Noreply(state)

    def handle_info(self, info: object, state: Group) -> Noreply[Group]:
        services.audit.broadcast("silence")
        return Noreply(state)


async def test_services_talk_to_each_other_before_build() -> None:
    assert not hasattr(services, "audit")
    async with ServiceTest.together(Teller, Audit) as (teller, audit):
        ann = await teller.join()
        await ann.send("ping")
        await ann.expect("pong")
        assert audit.state == ["born", "ping"]
        await ann.send("word")
        await audit.advance(5)
        assert audit.state == ["born", "ping", "word", "silence"]
        await audit.crash()
        assert audit.state == []
        assert teller.running
        assert ann.open
    assert not hasattr(services, "audit")
    assert not hasattr(services, "teller")


async def test_the_addresses_of_a_built_project_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from boss.runtime.address import ServiceAddress

    address = ServiceAddress("audit")
    monkeypatch.setattr(services, "audit", address, raising=False)
    async with ServiceTest(Audit) as audit:
        address.broadcast("hello")
        await audit.settle()
        assert audit.state == ["hello"]
    assert services.audit is address
    with pytest.raises(ServiceDown):
        address.broadcast("late")


async def test_a_service_that_is_not_under_test_is_not_there() -> None:
    with pytest.raises(ServiceStartError, match="audit"):
        async with ServiceTest(Teller):
            raise AssertionError("not reached")


async def test_limits_of_several_services() -> None:
    small, smaller = (
        WebsocketSettings(max_message_size=4),
        WebsocketSettings(max_message_size=2),
    )
    async with ServiceTest.together(Room, Audit, websocket=small) as (room, audit):
        for client in (await room.join(), await audit.join()):
            await client.send("four")
            await client.send("five!")
            await client.expect_close(1009)
    given = {Room: smaller}
    async with ServiceTest.together(Room, Audit, Asks, websocket=given) as (
        room,
        audit,
        _,
    ):
        ann, bob = await room.join(), await audit.join()
        await ann.send("two")
        await ann.expect_close(1009)
        await bob.send("five!")
        assert bob.open


async def test_two_services_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two services bear the name room"):
        async with ServiceTest.together(Room, Room):
            raise AssertionError("not reached")


async def test_a_name_leads_where_it_led_before_the_test() -> None:
    """As to an application that a fixture of the session has started."""
    async with ServiceTest(Audit) as audit:
        async with ServiceTest(Audit) as other:
            services.audit.broadcast("other")
            await other.settle()
            assert other.state == ["other"]
        services.audit.broadcast("mine")
        await audit.settle()
        assert audit.state == ["mine"]


async def test_two_tests_of_one_service_hear_what_each_is_sent() -> None:
    async with ServiceTest(Room) as room, ServiceTest(Room) as other:
        ann, bob = await room.join(), await other.join()
        await room.broadcast("here")
        await ann.expect("here")
        await room.info("info")
        assert room.state.journal[-1] == "info"
        await other.stop()
        await room.broadcast("still here")
        await ann.expect("still here")
        await bob.expect_nothing()


# Real time.


class Gate(ServiceHandler[list[str]]):
    opened: asyncio.Event

    def init(self) -> Ok[list[str]]:
        return Ok([])

    async def handle_incoming(
        self,
        service_url: str,
        websocket: WebSocket,
        message: str | bytes,
        state: list[str],
    ) -> Noreply[list[str]]:
        if message == "sleep":
            await asyncio.sleep(0.05)
        elif message == "thread":
            await asyncio.to_thread(websocket.send, "from a thread")
        elif message == "wait":
            await self.opened.wait()
        websocket.send(message)
        return Noreply([*state, str(message)])


async def test_what_a_callback_awaits_is_waited_for() -> None:
    async with ServiceTest(Gate) as gate:
        ann = await gate.join()
        await ann.send("sleep")
        assert gate.state == ["sleep"]
        await ann.send("thread")
        await ann.expect("sleep", "from a thread", "thread")


async def test_a_callback_may_wait_for_the_test() -> None:
    Gate.opened = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with ServiceTest(Gate, patience=0.1) as gate:
        ann, bob = await gate.join(), await gate.join()
        began = loop.time()
        await ann.send("wait")
        waited = loop.time() - began
        began = loop.time()
        for _ in range(5):
            await bob.send("queued")
        await bob.expect_nothing()
        assert loop.time() - began < 5 * waited
        assert gate.state == []
        Gate.opened.set()
        await bob.expect(*["queued"] * 5)
        assert gate.state == ["wait", *["queued"] * 5]


async def test_what_is_due_together_does_not_wait_for_a_callback() -> None:
    class Two(ServiceHandler[list[object]]):
        def init(self) -> Ok[list[object]]:
            self.send_after(5, "one")
            self.send_after(5, "two")
            return Ok([])

        async def handle_info(
            self, info: object, state: list[object]
        ) -> Noreply[list[object]]:
            state.append(info)
            if info == "one":
                await opened.wait()
            return Noreply(state)

    opened = asyncio.Event()
    async with ServiceTest(Two, patience=0.05) as two:
        await two.advance(10)
        assert two.state == ["one"]
        opened.set()
        await two.settle()
        assert two.state == ["one", "two"]


class Endless(ServiceHandler[int]):
    def init(self) -> Ok[int]:
        return Ok(0)

    def handle_info(self, info: object, state: int) -> Noreply[int]:
        if info == "timers":
            self.send_after(0, info)
        return Noreply(state + 1, timeout=0 if info in ("spin", TIMEOUT) else None)


async def test_a_test_never_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boss.testkit.world.AT_ONE_TIME", 100)
    monkeypatch.setattr("boss.runtime.worker.CALLBACK_LIMIT", 0.05)
    monkeypatch.setattr("boss.runtime.worker.LAST_LIMIT", 0.05)
    async with ServiceTest(Endless) as endless:
        await endless.info("timers")
        with pytest.raises(AssertionError, match="time does not pass: 100 timers"):
            await endless.advance(1)
    async with asyncio.timeout(10), ServiceTest(Endless, patience=0.05) as endless:
        await endless.info("spin")
        assert endless.state > 1


class Bridge(ServiceHandler[set[asyncio.Task[None]]]):
    """Leaves each message to a task, which reports by info."""

    def init(self) -> Ok[set[asyncio.Task[None]]]:
        return Ok(set())

    def handle_incoming(
        self,
        service_url: str,
        websocket: WebSocket,
        message: str | bytes,
        state: set[asyncio.Task[None]],
    ) -> Noreply[set[asyncio.Task[None]]]:
        async def work() -> None:
            if message == "for ever":
                await asyncio.Future()
            await asyncio.sleep(0.02)
            services.bridge.info((websocket, message))

        state.add(asyncio.create_task(work()))
        return Noreply(state)

    def handle_info(
        self, info: Any, state: set[asyncio.Task[None]]
    ) -> Noreply[set[asyncio.Task[None]]]:
        websocket, message = info
        websocket.send(message)
        return Noreply(state)

    def terminate(self, reason: object, state: set[asyncio.Task[None]]) -> None:
        for task in state:
            task.cancel()


@pytest.fixture
def of_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """This file is the project's."""
    monkeypatch.setattr("boss.testkit.history.PROJECT", Path(__file__).parent)


@pytest.mark.usefixtures("of_project")
async def test_who_expects_a_message_waits_for_a_task_that_a_callback_started() -> None:
    async with ServiceTest(Bridge) as bridge:
        ann = await bridge.join()
        await ann.send("hi")
        await ann.expect_nothing()
        await ann.expect("hi")


@pytest.mark.usefixtures("of_project")
async def test_a_task_that_never_ends_is_waited_for_as_long_as_patience_lasts() -> None:
    with pytest.raises(AssertionError, match="expected a message, none came") as caught:
        async with asyncio.timeout(10), ServiceTest(Bridge, patience=0.05) as bridge:
            ann = await bridge.join()
            await ann.send("for ever")
            await ann.receive()
    assert caught.value.__notes__[0].splitlines()[-1] == (
        "  0 s    work still runs after 0.05 s of real time: the test goes on"
    )


@pytest.mark.usefixtures("of_project")
async def test_a_service_that_left_nothing_running_is_not_waited_for() -> None:
    """The task of a new life of the service, and those of this kit, are no reason to wait."""
    async with asyncio.timeout(5), ServiceTest(Room, patience=60) as room:
        ann, bob = await room.join(), await room.join()
        await ann.crash()
        with pytest.raises(AssertionError, match="none came"):
            await asyncio.gather(bob.receive(), bob.receive())


class Watch(ServiceHandler[float]):
    """Tells the time that has passed since it began."""

    def init(self) -> Ok[float]:
        return Ok(monotonic())

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: float
    ) -> Noreply[float]:
        websocket.send_json(monotonic() - state)
        return Noreply(state)


async def test_the_clock_can_be_lent_to_a_handler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = ServiceTest(Watch)
    monkeypatch.setattr(sys.modules[__name__], "monotonic", watch.clock.time)
    async with watch:
        ann = await watch.join()
        await watch.advance(1.5)
        await ann.send("?")
        await ann.expect_json(1.5)


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), "1"])
async def test_time_passes_by_a_number_of_seconds(seconds: Any) -> None:
    async with ServiceTest(Room) as room:
        with pytest.raises((TypeError, ValueError), match="seconds"):
            await room.advance(seconds)


async def test_no_threads_no_sockets_and_nothing_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "socket", None)
    log = logging.getLogger("boss")
    before = log.level, log.disabled, list(log.handlers)
    tasks, threads = asyncio.all_tasks(), threading.active_count()
    async with ServiceTest(Room) as room:
        ann = await room.join()
        await ann.crash()
        assert threading.active_count() == threads
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert (log.level, log.disabled, list(log.handlers)) == before


async def test_only_text_and_bytes_are_messages() -> None:
    async with ServiceTest(Room) as room:
        ann = await room.join()
        wrong: Any = {"text": "hi"}
        with pytest.raises(TypeError, match=r"str or bytes, not dict; send_json\("):
            await ann.send(wrong)


async def test_text_that_utf_8_cannot_say_fails_at_its_sender() -> None:
    class Surrogate(Room):
        def handle_join(
            self, service_url: str, websocket: WebSocket, state: State
        ) -> Noreply[State]:
            websocket.send("\ud800")
            return Noreply(state)

    async with ServiceTest(Surrogate) as service:
        await service.join()
        await service.expect_crash(UnicodeEncodeError)


def test_it_says_when_there_is_no_asyncio() -> None:
    with pytest.raises(RuntimeError, match="anyio_backend"):
        ServiceTest(Room).__aenter__().send(None)


async def test_it_says_when_the_event_loop_is_another_one() -> None:
    async with ServiceTest(Room) as room:
        ann = await room.join()
        for call in (room.join, room.settle, ann.receive):
            with pytest.raises(RuntimeError, match="another event loop"):
                await asyncio.to_thread(asyncio.run, call())
        assert ann.open


async def test_it_says_how_it_is_used() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await ServiceTest(Room).join()
    with pytest.raises(TypeError, match="write `async with"), ServiceTest(Room):  # type: ignore[attr-defined]
        raise AssertionError("not reached")
    test = ServiceTest(Room)
    async with test:
        pass
    with pytest.raises(RuntimeError, match="make a new one"):
        async with test:
            raise AssertionError("not reached")


@pytest.mark.parametrize("handler", [Room(), "room", State, None, [Room]])
async def test_it_says_what_it_takes(handler: Any) -> None:
    with pytest.raises(TypeError, match="by its handler class, as in ServiceTest"):
        ServiceTest(handler)
    with pytest.raises(TypeError, match="by its handler class, as in ServiceTest"):
        async with ServiceTest.together(Audit, handler):
            raise AssertionError("not reached")


@pytest.mark.parametrize(
    ("keyword", "given", "says"),
    [
        (
            "websocket",
            {"max_message_size": 3},
            r"write websocket=WebsocketSettings\(max_message_size=3\), imported from",
        ),
        ("websocket", {"size": 3}, r"WebsocketSettings\(\.\.\.\).*{'size': 3}"),
        ("websocket", SupervisorSettings(), r"WebsocketSettings\(\.\.\.\)"),
        (
            "supervisor",
            {"restart": "temporary"},
            r"write supervisor=SupervisorSettings\(restart='temporary'\)",
        ),
    ],
)
async def test_it_says_how_settings_are_written(
    keyword: str, given: Any, says: str
) -> None:
    wrong: Any = {keyword: given}
    with pytest.raises(TypeError, match=says):
        ServiceTest(Room, **wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            {"websocket": {"room": WebsocketSettings(max_message_size=3)}},
            r"{ChatWebsocket: WebsocketSettings\(...\)} for some; 'room' is no handler",
        ),
        (
            {"websocket": {"max_message_size": 3}},
            "'max_message_size' is no handler of this test",
        ),
        (
            {"websocket": {Audit: {"max_message_size": 3}}},
            r"write websocket=WebsocketSettings\(max_message_size=3\)",
        ),
        (
            {"supervisor": {"restart": "temporary"}},
            r"write supervisor=SupervisorSettings\(restart='temporary'\)",
        ),
    ],
)
async def test_it_says_how_the_settings_of_several_are_written(
    wrong: Any, says: str
) -> None:
    with pytest.raises(TypeError, match=says):
        async with ServiceTest.together(Room, Audit, **wrong):
            raise AssertionError("not reached")


async def test_a_client_does_only_what_a_client_can() -> None:
    async with ServiceTest(Room) as room:
        with pytest.raises(ValueError, match="goes into query="):
            await room.join(path="/websocket/room?name=ann")
        with pytest.raises(ValueError, match="write '/websocket/room'"):
            await room.join(path="websocket/room")
        ann = await room.join()
        for code, reason in ((99, ""), (1005, ""), (4000, "x" * 124)):
            with pytest.raises(ValueError, match="close"):
                await ann.close(code, reason)
        await ann.close()
        assert room.state.journal[1:] == [Remote(1000, "")]


# Which callbacks, and which name.


class Elsewhere(ServiceHandler[State]):
    """A base from another module than the handler's."""

    def handle_info(self, info: object, state: State) -> Noreply[State]:
        raise AssertionError("build does not see this callback")


class InFile(Elsewhere):
    __module__ = "src.websocket.myapp_foo_bar_websocket"

    def init(self) -> Ok[State]:
        return Ok(State())


class Mixed(InFile):
    __module__ = "src.websocket.myapp_foo_bar_websocket"

    def handle_broadcast(self, message: Any, state: State) -> Noreply[State]:
        state.journal.append(message)
        return Noreply(state)


class Double(Mixed):
    """What a test derives from a handler, to replace something."""

    def handle_broadcast(self, message: Any, state: State) -> Noreply[State]:
        return super().handle_broadcast(f"double {message}", state)

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.journal.append(service_url)
        return Noreply(state)


async def test_callbacks_are_those_that_build_sees() -> None:
    async with ServiceTest(Mixed) as service:
        await service.info("unseen")
        await service.broadcast("seen")
        assert service.state.journal == ["seen"]


@pytest.mark.parametrize(
    ("toml", "module", "name"),
    [
        ('app = "my_app"', "src.websocket.my_app_foo_bar_websocket", "foo_bar"),
        ('app = "other"', "src.websocket.my_app_foo_websocket", "app_foo"),
        ("app = ", "src.websocket.myapp_foo_websocket", "foo"),
        ("", "chat_websocket", "chat"),
    ],
)
async def test_a_service_is_named_as_build_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, toml: str, module: str, name: str
) -> None:
    (tmp_path / "boss.toml").write_text(toml)
    monkeypatch.setattr("boss.testkit.table.PROJECT", tmp_path)
    handler = type("Named", (ServiceHandler,), {"__module__": module})
    async with ServiceTest(handler):
        getattr(services, name).broadcast("known by its name")
    assert not hasattr(services, name)


async def test_sending_to_a_client_that_has_gone_does_nothing() -> None:
    kept: list[WebSocket] = []

    class Keeps(Room):
        def handle_join(
            self, service_url: str, websocket: WebSocket, state: State
        ) -> Noreply[State]:
            kept.append(websocket)
            return super().handle_join(service_url, websocket, state)

        def handle_info(self, info: object, state: State) -> Noreply[State]:
            state.members.send("bye, all")
            for websocket in kept:
                websocket.close()
                websocket.send("too late")
            state.members.send("too late")
            return Noreply(state)

    async with ServiceTest(Keeps) as service:
        ann = await service.join()
        await service.info("close")
        await ann.expect("bye, all")
        await ann.expect_nothing()
        await ann.expect_close(1000)


async def test_a_double_stands_for_its_handler() -> None:
    async with ServiceTest(Double) as service:
        await service.info("unseen")
        await service.broadcast("seen")
        await service.join()
        assert service.state.journal == ["double seen", "/websocket/foo_bar"]


async def test_a_class_from_elsewhere_is_seen_whole() -> None:
    async with ServiceTest(Elsewhere) as service:
        await service.info("seen")
        await service.expect_crash(AssertionError)
