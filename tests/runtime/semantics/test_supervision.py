"""How a life ends, and what follows."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.support import PATIENCE, Client, Server
from tests.runtime.project import served
from tests.runtime.semantics.harness import Service, make_project

Fresh = Callable[[str], Service]


def refused(service: Service) -> int:
    """The HTTP status of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        service.connect("late")
    return refusal.value.response.status_code


def assert_down(service: Service, state: str, reason: str) -> None:
    """Handshakes, senders and /healthz all say so."""
    service.wait_state(state)
    assert service.state() == {"state": state, "reason": reason}
    assert refused(service) == 503
    for where in ("do", "thread"):
        for kind in ("broadcast", "info"):
            told = service.do(f"services.{service.name}.{kind}('x')", where)
            assert told.startswith("ServiceDown: ")
            assert service.name in told


# Stop.


@pytest.mark.parametrize("reason", ["normal", "shutdown"])
def test_a_transient_service_stays_down_after_a_clean_stop(
    service: Service, reason: str
) -> None:
    service.on(
        handle_incoming=f"state.kept['last'] = 1; return Stop({reason!r}, state)",
        terminate="note(state.kept['last'])",
    )
    ann, bob = service.join("ann"), service.join("bob")
    ann.send("stop")
    assert ann.closed()[0] == bob.closed()[0] == 1001
    assert_down(service, "stopped", reason)
    assert [entry[0] for entry in service.journal()[3:]] == [
        "handle_incoming",
        "terminate",
        "note",
    ]


@pytest.mark.parametrize("reason", ["'again'", "('a', 'tuple')", "ValueError('x')"])
def test_a_transient_service_is_restarted_after_any_other_stop(
    service: Service, reason: str
) -> None:
    service.on(handle_incoming=f"return Stop({reason}, state)")
    ann, bob = service.join("ann"), service.join("bob")
    ann.send("stop")
    service.wait("handle_join", "bob", times=2)
    assert service.wait("init", times=2) == 2
    assert service.calls("handle_close") == []
    service.on(handle_incoming="websocket.send(f'life {state.life}')")
    assert ann.ask("x") == bob.ask("x") == "life 2"


@pytest.mark.parametrize("callback", ["handle_join", "handle_broadcast", "handle_info"])
def test_every_handler_may_stop_the_service(service: Service, callback: str) -> None:
    service.on(**{callback: "return Stop('normal', state)"})
    ann = service.connect("ann")
    if callback == "handle_broadcast":
        service.broadcast("x")
    elif callback == "handle_info":
        service.info("x")
    assert ann.closed()[0] == 1001
    assert service.wait("terminate") == "normal"


def test_handle_close_may_stop_the_service(service: Service) -> None:
    service.on(handle_close="return Stop('normal', state)")
    bob = service.join("bob")
    service.join("ann").close()
    assert bob.closed()[0] == 1001
    assert service.wait("terminate") == "normal"
    assert service.count("handle_close") == 1


# Crashes.

CRASHES = {
    "raises": "raise ValueError('boom')",
    "returns nothing known": "return 'noreply'",
    "returns the state": "return state",
    "returns a tuple": "return ('noreply', state)",
    "returns a class": "return Noreply",
    "returns the result of init": "return Ok(state)",
    "returns false": "return False",
    "is cancelled": "raise asyncio.CancelledError",
    "exits": "raise SystemExit(3)",
    "stops an iteration": "raise StopIteration",
}


@pytest.mark.parametrize("way_to_crash", CRASHES)
def test_a_crash_restarts_the_service_and_closes_only_the_client_it_was_called_for(
    service: Service, way_to_crash: str
) -> None:
    service.on(handle_incoming=f"if message == 'crash': {CRASHES[way_to_crash]}")
    ann, bob = service.join("ann"), service.join("bob")
    ann.send("crash")
    assert ann.closed()[0] == 1011
    service.wait("handle_join", "bob", times=2)
    service.on(handle_incoming="websocket.send(f'life {state.life}')")
    assert bob.ask("x") == "life 2"
    assert service.count("handle_join", "ann") == 1
    assert service.count("handle_close") == 0
    assert service.state()["state"] == "running"


@pytest.mark.parametrize("callback", ["handle_broadcast", "handle_info", "handle_join"])
def test_terminate_is_told_the_exception_and_the_last_state(
    service: Service, callback: str
) -> None:
    service.on(
        handle_incoming="state.kept['last'] = 7; return Noreply(state)",
        terminate="note(repr(reason)); note(state.kept['last'])",
    )
    ann = service.join("ann")
    ann.send("x")
    service.wait("handle_incoming")
    service.on(**{callback: "if who in ('', 'bob'): raise KeyError('boom')"})
    match callback:
        case "handle_broadcast":
            service.broadcast("x")
        case "handle_info":
            service.info("x")
        case "handle_join":
            assert service.connect("bob").closed()[0] == 1011
    service.wait("init", times=2)
    notes = [what for _, _, what in service.calls("note")]
    assert notes == ["KeyError('boom')", 7]


def test_a_crash_in_handle_close_restarts_the_service(service: Service) -> None:
    service.on(handle_close="raise ValueError('boom')")
    bob = service.join("bob")
    service.join("ann").close()
    service.wait("handle_join", "bob", times=2)
    assert service.count("handle_close") == 1
    service.on(handle_incoming="websocket.send('fine')")
    assert bob.ask("x") == "fine"


def test_a_crash_in_terminate_is_logged_and_the_service_restarted(
    service: Service,
) -> None:
    service.on(
        handle_info="return Stop('again', state)",
        terminate=f"raise ValueError('in terminate of {service.name}')",
    )
    bob = service.join("bob")
    service.info("x")
    service.wait("handle_join", "bob", times=2)
    log = service.server.wait_for(f"in terminate of {service.name}")
    assert log
    service.on(handle_incoming="websocket.send('fine')")
    assert bob.ask("x") == "fine"


def test_a_terminate_that_is_cancelled_does_not_keep_the_service_down(
    service: Service,
) -> None:
    service.on(
        handle_info="return Stop('again', state)",
        terminate="raise asyncio.CancelledError",
    )
    service.info("x")
    service.wait("init", times=2)


@pytest.mark.parametrize(
    "wrong",
    [
        "raise ValueError('boom')",
        "return Noreply(state)",
        "raise asyncio.CancelledError",
    ],
)
def test_an_init_that_crashes_at_a_restart_is_tried_again(
    service: Service, wrong: str
) -> None:
    bob = service.join("bob")
    service.on(
        init=f"if state.life < 4: {wrong}",
        handle_info="if message == 'stop': return Stop('again', state)",
    )
    service.info("stop")
    service.wait("handle_join", "bob", times=2)
    assert [what for _, _, what in service.calls("init")] == [1, 2, 3, 4]
    assert service.count("terminate") == 1  # a life begins with an init that succeeds
    service.on(handle_incoming="websocket.send('fine')")
    assert bob.ask("x") == "fine"


def test_a_crash_is_logged_once_with_service_callback_and_traceback(
    service: Service,
) -> None:
    mark = f"boom in {service.name}"
    service.on(handle_incoming=f"raise ValueError({mark!r})")
    service.join("ann").send("x")
    service.wait("init", times=2)
    service.settle()
    log = service.server.log
    assert len(re.findall(rf"^ValueError: {mark}$", log, re.MULTILINE)) == 1
    (line,) = re.findall(rf"^.*{service.name}: handle_incoming.*$", log, re.MULTILINE)
    after = log[log.index(line) : log.index(f"ValueError: {mark}")]
    assert "Traceback (most recent call last)" in after


def test_the_message_that_crashed_is_dropped_and_the_queued_ones_survive(
    awaiting: Service,
) -> None:
    awaiting.on(
        handle_incoming="""
            if message == "crash":
                await gate("go")
                raise ValueError("boom")
        """
    )
    ann, bob = awaiting.join("ann"), awaiting.join("bob")
    ann.send("crash")
    awaiting.wait("handle_incoming", "ann")
    ann.send("never heard: its client is closed")
    ann.ping().wait(PATIENCE)
    bob.send("one")
    bob.send("two")
    bob.ping().wait(PATIENCE)
    awaiting.broadcast("three")
    awaiting.info("four")
    cid = awaiting.connect("cid")
    awaiting.open("go")
    assert ann.closed()[0] == 1011
    awaiting.wait("handle_join", "cid")
    assert awaiting.journal()[3:] == [
        ("handle_incoming", "ann", "crash"),
        ("terminate", "", "ValueError('boom')"),
        ("init", "", 2),
        ("handle_join", "bob", awaiting.url),
        ("handle_incoming", "bob", "one"),
        ("handle_incoming", "bob", "two"),
        ("handle_broadcast", "", "three"),
        ("handle_info", "", "four"),
        ("handle_join", "cid", awaiting.url),
    ]
    assert cid.close_code is None


def test_clients_are_rejoined_in_join_order(service: Service) -> None:
    names = ["eve", "ann", "dan", "bob", "cid"]
    clients = {name: service.join(name) for name in names}
    clients.pop("dan").close()
    service.wait("handle_close")
    service.on(handle_info="if message == 'stop': return Stop('again', state)")
    for times in (2, 3):
        service.info("stop")
        service.wait("handle_join", "cid", times=times)
    joins = [who for _, who, _ in service.calls("handle_join")]
    assert joins == names + ["eve", "ann", "bob", "cid"] * 2


def test_a_client_that_crashes_the_rejoin_is_closed_and_the_others_live_on(
    service: Service,
) -> None:
    clients = {name: service.join(name) for name in ("ann", "bob", "cid")}
    service.on(
        handle_join="if who == 'bob': raise ValueError('boom')",
        handle_info="if message == 'stop': return Stop('again', state)",
    )
    service.info("stop")
    assert clients["bob"].closed()[0] == 1011
    service.wait("handle_join", "cid", times=2)
    service.on(handle_incoming="websocket.send(f'life {state.life}')")
    assert clients["ann"].ask("x") == clients["cid"].ask("x") == "life 3"
    joins = [who for _, who, _ in service.calls("handle_join")]
    assert joins == ["ann", "bob", "cid", "ann", "bob", "ann", "cid"]


def test_a_client_that_goes_while_the_service_restarts_is_told_closed_once(
    awaiting: Service,
) -> None:
    ann, bob = awaiting.join("ann"), awaiting.join("bob")
    awaiting.on(
        terminate="await gate('go')",
        handle_info="if message == 'stop': return Stop('again', state)",
    )
    awaiting.info("stop")
    awaiting.wait("terminate")
    ann.close(1000, "enough")
    cid = awaiting.connect("cid")
    bob.send("queued")
    bob.ping().wait(PATIENCE)
    awaiting.open("go")
    awaiting.wait("handle_incoming", "bob")
    awaiting.settle()
    second = awaiting.journal()[awaiting.journal().index(("init", "", 2)) :]
    closes = [entry for entry in second if entry[0] == "handle_close"]
    assert closes == [("handle_close", "ann", "Remote(code=1000, reason='enough')")]
    joins = [who for callback, who, _ in second if callback == "handle_join"]
    assert joins == ["ann", "bob", "cid"]
    assert cid.close_code is None


def test_a_client_that_goes_before_its_callback_crashes_is_not_rejoined(
    awaiting: Service,
) -> None:
    awaiting.on(
        handle_incoming="await gate('go'); raise ValueError('boom')",
    )
    ann = awaiting.join("ann")
    ann.send("x")
    awaiting.wait("handle_incoming")
    ann.close()
    awaiting.open("go")
    awaiting.wait("init", times=2)
    awaiting.settle()
    assert awaiting.count("handle_join") == 1


def test_a_crash_of_one_service_never_touches_another(
    service: Service, fresh: Fresh
) -> None:
    other = fresh("async def")
    other.on(handle_incoming="websocket.send(f'{message} in life {state.life}')")
    ann = other.join("ann")
    service.on(handle_incoming="raise ValueError('boom')")
    for number in range(10):
        client = service.join("bad")
        client.send("x")
        assert ann.ask(f"{number}") == f"{number} in life 1"
        assert client.closed()[0] == 1011
    assert other.count("handle_join") == 1


def test_a_timeout_of_the_new_life_comes_although_the_bad_client_sent_more(
    awaiting: Service,
) -> None:
    """What waits for a client that has been closed is no message to the service."""
    awaiting.on(
        init="return Ok(state, timeout=0.02)",
        handle_incoming="await gate('go'); raise ValueError('boom')",
    )
    ann = awaiting.join("ann")
    ann.send("crash")
    awaiting.wait("handle_incoming")
    ann.send("more")
    ann.send("and more")
    ann.ping().wait(PATIENCE)
    awaiting.open("go")
    assert awaiting.wait("handle_info") == "TIMEOUT"


# The restart types and intensities other than those of the shared server.


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def project(toml: str) -> Path:
        if toml not in made:
            parent = tmp_path_factory.mktemp("supervision")
            made[toml] = make_project(
                parent, toml=f"[supervisor]\n{toml}\n", services=8
            )
        return made[toml]

    return project


@pytest.fixture
def supervised(
    projects: Callable[[str], Path], way: str, clients: ExitStack
) -> Callable[[str], list[Service]]:
    """Some services, supervised as these lines of boss.toml say."""

    def start(toml: str) -> list[Service]:
        server: Server = clients.enter_context(served(projects(toml), way))
        stack = clients.enter_context(ExitStack())
        return [Service(stack, server, f"{k}{n:02}") for n in range(8) for k in "ad"]

    return start


def test_permanent_restarts_whatever_the_reason(
    supervised: Callable[[str], list[Service]],
) -> None:
    for service in supervised('restart = "permanent"')[:2]:
        service.on(handle_incoming="return Stop(message, state)")
        ann = service.join("ann")
        for times, reason in enumerate(["normal", "shutdown", "other"], 2):
            ann.send(reason)
            service.wait("handle_join", times=times)
        assert [what for _, _, what in service.calls("terminate")] == [
            "normal",
            "shutdown",
            "other",
        ]
        assert service.state() == {"state": "running", "reason": None}


def test_temporary_never_restarts(
    supervised: Callable[[str], list[Service]],
) -> None:
    services = supervised('restart = "temporary"')
    for service, reason in zip(services, ["normal", "other"] * 2, strict=False):
        service.on(handle_incoming="return Stop(message, state)")
        ann = service.join("ann")
        ann.send(reason)
        assert ann.closed()[0] == 1001, "a stop is no crash"
        assert_down(service, "stopped", reason)
        assert service.wait("terminate") == reason
    assert services[0].http.ask("/healthz")[0] == 200
    crashed = services[5]
    crashed.on(handle_incoming="raise ValueError('boom')")
    ann, bob = crashed.join("ann"), crashed.join("bob")
    ann.send("x")
    assert ann.closed()[0] == bob.closed()[0] == 1011
    assert_down(crashed, "failed", "ValueError")
    assert crashed.http.ask("/healthz")[0] == 503


def test_the_service_goes_down_when_it_crashes_too_often(
    supervised: Callable[[str], list[Service]],
) -> None:
    for service in supervised("max_restarts = 2\nperiod = 60")[:2]:
        service.on(handle_info="raise ValueError('boom')")
        ann = service.join("ann")
        for times in (2, 3):
            service.info("crash")
            service.wait("handle_join", times=times)
        service.info("crash")
        assert ann.closed()[0] == 1011
        assert_down(service, "failed", "ValueError")
        assert service.count("init") == service.count("terminate") == 3
        assert service.count("handle_close") == 0
        status, health = service.http.ask("/healthz")
        assert status == 503
        assert health["services"][service.name]["state"] == "failed"
        # Another service is as well as before.
        other = Service(
            service.clients, service.server, service.name.replace("00", "01")
        )
        other.on(handle_incoming="websocket.send('fine')")
        assert other.join().ask("x") == "fine"


def test_old_restarts_are_forgiven(
    supervised: Callable[[str], list[Service]],
) -> None:
    (service, *_) = supervised("max_restarts = 1\nperiod = 0.05")
    service.on(handle_info="if message != 'settle': raise ValueError('boom')")
    for times in range(2, 6):
        # The next crash comes when the restart before it is older than the period.
        service.do(
            f"asyncio.get_running_loop().call_later(0.1, services.{service.name}.info, 'crash')"
        )
        service.wait("init", times=times)
    service.settle()
    assert service.state() == {"state": "running", "reason": None}


def test_an_init_that_goes_on_failing_takes_the_service_down(
    supervised: Callable[[str], list[Service]],
) -> None:
    for service in supervised("max_restarts = 3\nperiod = 60")[:2]:
        ann = service.join("ann")
        service.on(
            init="raise ValueError('boom')",
            handle_info="return Stop('again', state)",
        )
        service.info("x")
        assert ann.closed()[0] == 1011
        assert_down(service, "failed", "ValueError")
        assert service.count("init") == 4
        assert service.count("terminate") == 1


def test_on_restart_close_closes_every_client_and_tells_nobody(
    supervised: Callable[[str], list[Service]],
) -> None:
    for service in supervised('on_restart = "close"')[:2]:
        service.on(
            handle_incoming="raise ValueError('boom')",
            handle_info="return Stop('again', state)",
        )
        clients: list[Client] = [service.join(name) for name in ("ann", "bob", "cid")]
        clients[0].send("crash")
        codes = [client.closed()[0] for client in clients]
        assert codes == [1011, 1012, 1012]
        service.wait("init", times=2)
        dan = service.join("dan")
        service.info("stop")
        assert dan.closed()[0] == 1012
        service.wait("init", times=3)
        assert service.count("handle_close") == 0
        assert service.state()["state"] == "running"


def test_a_start_that_fails_names_the_service(
    tmp_path: Path, way: str, clients: ExitStack
) -> None:
    from tests.e2e.support import starting
    from tests.runtime.project import PYTHON

    broken = """\
from boss import Ok, ServiceHandler


class Broken(ServiceHandler[None]):
    def init(self) -> Ok[None]:
        raise ValueError("no database")
"""
    project = make_project(tmp_path, handlers={"fine": "", "zbroken": broken})
    with starting(PYTHON, project, way) as server:
        server.process.wait(PATIENCE)
        server.reader.join(PATIENCE)
        assert server.process.returncode not in (0, None)
        assert "zbroken" in server.log
        assert "no database" in server.log
        assert "myapp_zbroken_websocket.py" in server.log


@pytest.mark.parametrize(
    "code",
    [
        "asyncio.current_task().cancel(); await asyncio.sleep(0)",
        "state.kept['task'] = asyncio.current_task(); await gate('never')",
    ],
)
def test_a_callback_whose_task_is_cancelled_has_crashed(
    awaiting: Service, code: str
) -> None:
    awaiting.on(handle_incoming=code)
    ann = awaiting.join("ann")
    ann.send("x")
    awaiting.wait("handle_incoming")
    awaiting.do("'task' in state.kept and state.kept['task'].cancel()")
    awaiting.wait("init", times=2)
    assert ann.closed()[0] == 1011


@pytest.mark.parametrize(
    "error", ["BaseException('x')", "BaseExceptionGroup('x', [SystemExit()])"]
)
def test_whatever_a_callback_raises_is_a_crash(service: Service, error: str) -> None:
    """A panic of an extension module, for one, is no `Exception`."""
    service.on(handle_incoming=f"raise {error}")
    ann = service.join("ann")
    ann.send("x")
    service.wait("init", times=2)
    assert ann.closed()[0] == 1011


def test_a_crash_takes_nobody_out_of_the_groups_of_another_service(
    fresh: Fresh,
) -> None:
    one, two = fresh("def"), fresh("def")
    one.on(
        handle_join=f"services.{two.name}.broadcast(websocket)",
        handle_broadcast="1 / 0",
    )
    two.on(
        handle_broadcast="state.group.add(message); message.send('added')",
        handle_info="state.group.send('from two')",
    )
    ann = one.join("ann")
    assert ann.receive() == "added"
    one.on(handle_join="websocket.send('rejoined')")
    one.broadcast("crash")
    assert ann.receive() == "rejoined"
    two.info("x")
    assert ann.receive() == "from two"
