"""A server as a whole: how it starts, what it refuses, and how it stops."""

import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.support import PATIENCE, Server, environment, starting
from tests.runtime.local import frame
from tests.runtime.project import PYTHON, served
from tests.runtime.semantics.harness import Http, Service, make_project

# The journal of these services is printed, so that it can be read when the server is gone.
PRINTED = """
import sys

import boss.runtime.protocol
import boss.runtime.reading
import boss.runtime.worker
from src.lib import script

# Or the tests would take as long (test_worker.py and test_protocol.py show what the limits are).
boss.runtime.worker.CALLBACK_LIMIT = boss.runtime.worker.TERMINATE_LIMIT = 1.0
boss.runtime.protocol.CLOSE_LIMIT = boss.runtime.reading.CLOSE_LIMIT = 2.0

_note = script.note


def note(service, callback, who="", what=""):
    _note(service, callback, who, what)
    print(f"JOURNAL {service} {callback} {who} {what}", file=sys.stderr, flush=True)


script.note = note
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = (Path(__file__).parent / "application.py").read_text()
    return make_project(
        tmp_path_factory.mktemp("server"), services=2, application=PRINTED + text
    )


@pytest.fixture
def own(small: Path, way: str) -> Iterator[Server]:
    """A server of this test's own."""
    with served(small, way) as server:
        yield server


@pytest.fixture
def services(own: Server, clients: ExitStack) -> list[Service]:
    return [Service(clients, own, name) for name in ("a00", "d00", "a01", "d01")]


def printed(server: Server) -> list[str]:
    """What was noted until the server ended."""
    return re.findall(r"^JOURNAL (.*?)\s*$", server.log, re.MULTILINE)


# Stopping.


def test_stopping_closes_first_and_terminates_then(
    own: Server, services: list[Service]
) -> None:
    clients = []
    for service in services[:2]:
        service.on(
            handle_close="state.group.send(f'{who} goes')",
            terminate="note(sorted(state.clients))",
        )
        clients += [service.join("ann"), service.join("bob")]
    services[0].on(terminate="await asyncio.sleep(0.2); note('slept')")
    started = time.monotonic()
    own.process.terminate()
    own.ended()
    assert time.monotonic() - started < 8
    for client in clients:
        assert client.closed()[0] == 1012
    for name, last in (("a00", "slept"), ("d00", "[]")):
        lines = [
            line.removeprefix(f"{name} ")
            for line in printed(own)
            if line.startswith(name)
        ]
        assert lines[0] == "init  1"
        assert sorted(lines[3:5]) == [
            "handle_close ann Normal(reason='shutdown')",
            "handle_close bob Normal(reason='shutdown')",
        ]
        assert lines[5:] == ["terminate  shutdown", f"note  {last}"]
    assert "a01 terminate  shutdown" in printed(own)
    assert "Traceback" not in own.log


def test_what_is_queued_is_delivered_before_the_end(
    own: Server, services: list[Service]
) -> None:
    service = services[0]
    service.on(handle_incoming="if message == '0': await asyncio.sleep(0.5)")
    ann = service.join("ann")
    for number in range(10):
        ann.send(f"{number}")
    ann.ping().wait(PATIENCE)
    own.process.terminate()
    own.ended()
    heard = [line for line in printed(own) if line.startswith("a00 handle_incoming")]
    assert heard == [f"a00 handle_incoming ann {n}" for n in range(10)]
    ends = [line for line in printed(own) if line.startswith("a00")][-2:]
    assert ends == [
        "a00 handle_close ann Normal(reason='shutdown')",
        "a00 terminate  shutdown",
    ]


def test_a_callback_that_never_ends_is_cancelled_and_terminate_as_well(
    own: Server, services: list[Service]
) -> None:
    """Not even when its client has sent more than may wait."""
    stuck = services[0]
    stuck.on(
        handle_incoming="""
            if message == "stuck":
                try:
                    await asyncio.sleep(3600)
                finally:
                    note("cancelled")
        """,
        terminate="await asyncio.sleep(3600)",
    )
    ann = stuck.join("ann")
    ann.send("stuck")
    stuck.wait("handle_incoming")
    for _ in range(100):  # more than may wait
        ann.send("and more")
    started = time.monotonic()
    own.process.send_signal(signal.SIGTERM)
    own.wait_for("JOURNAL a00 note  cancelled")
    cancelled = time.monotonic() - started
    own.process.wait(PATIENCE)
    own.reader.join(PATIENCE)
    ended = time.monotonic() - started
    lines = [line for line in printed(own) if line.startswith("a00")]
    assert lines[-2:] == [
        "a00 handle_close ann Normal(reason='shutdown')",
        "a00 terminate  shutdown",
    ]
    assert 0.9 < cancelled < 3
    assert 1.9 < ended < 5


def test_a_client_that_does_not_answer_is_cut(
    own: Server, services: list[Service]
) -> None:
    service = services[0]
    raw = service.clients.enter_context(own.raw(f"{service.url}?name=raw"))
    service.wait("handle_join", "raw")
    started = time.monotonic()
    own.process.terminate()
    own.ended()
    assert time.monotonic() - started < 4
    assert raw.recv(100)[2:4] == b"\x03\xf4", "1012"
    assert printed(own)[-1].endswith("terminate  shutdown")


@pytest.mark.parametrize("way", ["fast"])
def test_a_client_of_the_applications_own_that_closes_and_does_not_read(
    own: Server, services: list[Service]
) -> None:
    """On the fast path: stock uvicorn closes it once more, an error that ends the stop."""
    client = services[0].join("ann")
    raw = services[0].clients.enter_context(own.raw("/own"))
    raw.sendall(frame(1, b"x" * 15_000_000))
    assert raw.recv(1)
    raw.sendall(frame(8, b"\x03\xe9"))
    client.send("read after that")
    services[0].wait("handle_incoming")
    own.process.terminate()
    assert client.closed()[0] == 1012
    assert own.ended() == -signal.SIGTERM
    assert "Traceback" not in own.log


def test_a_crash_while_the_server_stops_ends_the_life_as_usual(
    own: Server, services: list[Service]
) -> None:
    service = services[1]
    service.on(handle_close="raise ValueError('boom')")
    service.join("ann")
    own.process.terminate()
    own.ended()
    lines = [line for line in printed(own) if line.startswith("d00")]
    assert lines.count("d00 handle_close ann Normal(reason='shutdown')") == 1
    ends = [line for line in lines if line.startswith("d00 terminate")]
    assert ends[0] == "d00 terminate  boom"
    inits = [line for line in lines if line.startswith("d00 init")]
    assert len(ends) == len(inits)
    assert lines[-1] == ends[-1]


def test_no_handshake_is_let_in_while_the_server_stops(
    own: Server, services: list[Service]
) -> None:
    service = services[0]
    service.on(terminate="await asyncio.sleep(1)")
    own.process.send_signal(signal.SIGTERM)
    own.wait_for("JOURNAL a00 terminate")
    with pytest.raises((InvalidStatus, OSError)):
        service.connect("late")


def test_ctrl_c_is_no_error(own: Server, services: list[Service]) -> None:
    client = services[0].join("ann")
    own.process.send_signal(signal.SIGINT)
    assert client.closed()[0] == 1012
    assert own.ended() == 0
    assert "a00 terminate  shutdown" in printed(own)
    assert "Traceback" not in own.log


# Starting.


@pytest.mark.parametrize(
    ("way", "arguments", "variables"),
    [
        ("plain", ["--workers", "2"], {}),
        ("plain", [], {"UVICORN_WORKERS": "2"}),
        ("fast", ["--workers", "2"], {}),
        ("fast", [], {"WEB_CONCURRENCY": "2"}),
    ],
)
def test_more_than_one_worker_is_refused(
    small: Path, way: str, arguments: list[str], variables: dict[str, str]
) -> None:
    with starting(PYTHON, small, way, *arguments, env=variables) as server:
        server.wait_for("a service lives in one process")
        if way == "fast":
            assert server.ended() == 1
            assert "Traceback" not in server.log


def test_one_worker_is_not_refused(small: Path, way: str) -> None:
    arguments = ("--workers", "1") if way == "plain" else ()
    variables = {"WEB_CONCURRENCY": "1"}
    with served(small, way, *arguments, **variables) as server:
        assert Http(server).ask("/healthz")[0] == 200


def test_a_count_of_workers_that_is_no_number_is_nothing_to_boss(small: Path) -> None:
    with served(small, "fast", WEB_CONCURRENCY="auto") as server:
        assert Http(server).ask("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("BOSS_PORT", "70000", "BOSS_PORT must be 0 to 65535"),
        ("BOSS_METRICS", "perhaps", "BOSS_METRICS must be true or false"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    small: Path, way: str, variable: str, value: str, says: str
) -> None:
    with starting(PYTHON, small, way, env={variable: value}) as server:
        assert server.process.wait(PATIENCE) not in (0, None)
        server.reader.join(PATIENCE)
        assert says in server.log
        if way == "fast":
            assert "Traceback" not in server.log


def run_boss(
    project: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "boss", *arguments],
        cwd=project,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_port_in_use_is_named_with_a_remedy(small: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_boss(small, BOSS_PORT=str(port), BOSS_HOST="127.0.0.1")
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "BOSS_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_that_is_none_of_this_machine_is_named(small: Path) -> None:
    done = run_boss(small, BOSS_PORT="0", BOSS_HOST="192.0.2.1")  # of documentation
    assert done.returncode == 1
    assert "cannot listen on 192.0.2.1" in done.stderr
    assert "Choose another" in done.stderr


def test_settings_and_where_they_come_from_are_shown(tmp_path: Path) -> None:
    project = make_project(
        tmp_path, toml="[server]\nport = 1234\nmax_connections = 7\n", services=1
    )
    done = run_boss(
        project,
        "--show-settings",
        BOSS_PORT="4321",
        BOSS_SECRET="not to be seen",
        BOSS_PROT="not to be seen either",
    )
    assert done.returncode == 0
    assert tomllib.loads(done.stdout)["server"] == {
        "application": "app:app",
        "host": "127.0.0.1",
        "port": 4321,
        "compression": False,
        "max_connections": 7,
        "max_connections_per_address": 0,
        "landing_page": True,
        "metrics": False,
    }
    assert "port = 4321  # BOSS_PORT" in done.stdout
    assert "max_connections = 7  # boss.toml" in done.stdout
    assert 'host = "127.0.0.1"  # default' in done.stdout
    assert "# BOSS_SECRET: set, not shown" in done.stdout
    assert "# BOSS_PROT: set, but no setting of boss" in done.stdout
    assert "not to be seen" not in done.stdout + done.stderr


def test_boss_toml_is_read_at_start_and_the_environment_goes_before(
    tmp_path: Path,
) -> None:
    project = make_project(
        tmp_path, toml="[server]\nport = 1\nmetrics = true\n", services=1
    )
    with served(project, "fast", BOSS_HOST="localhost") as server:
        assert Http(server).ask("/metrics")[0] == 200
    toml = project / "boss.toml"
    toml.write_text(toml.read_text().replace("true", "false"))
    with served(project, "fast") as server:  # no build in between
        assert Http(server).ask("/metrics")[0] == 404


@pytest.mark.parametrize("secret", ["", "kept"])
def test_a_session_outlives_the_process_only_with_a_secret(
    small: Path, way: str, clients: ExitStack, secret: str
) -> None:
    cookies, told = [], []
    for _ in range(2):
        with ExitStack() as stack:
            server = stack.enter_context(served(small, way, BOSS_SECRET=secret))
            service = Service(stack, server, "d00")
            service.on(handle_join="websocket.send(self.session_id)")
            headers = {"Cookie": cookies[0]} if cookies else {}
            client = service.connect("x", headers=headers)
            told.append(client.receive())
            cookie = client.response.headers.get("set-cookie")
            cookies.append(cookie and cookie.partition(";")[0])
            assert ("BOSS_SECRET is not set" in server.log) is not bool(secret)
    assert (told[0] == told[1]) is bool(secret)
    assert (cookies[1] is None) is bool(secret)


@pytest.mark.parametrize("seconds", [0.3, 3600])
def test_closes_are_told_before_terminate_whatever_is_queued(
    small: Path, way: str, clients: ExitStack, seconds: float
) -> None:
    """Messages for which no time is left are dropped; who came and who went is not."""
    with served(small, way) as server:
        service = Service(clients, server, "a00")
        service.on(
            handle_incoming=f"""
                note('begins')
                try:
                    await asyncio.sleep({seconds})
                finally:
                    note('ends')
            """,
            terminate="await asyncio.sleep(0.1)",
        )
        ann = service.join("ann")
        for number in range(30):
            ann.send(f"{number}")
        service.wait_note("begins")
        server.process.terminate()
        server.ended()
        lines = [
            line.removeprefix("a00 ")
            for line in printed(server)
            if line.startswith("a00")
        ]
        assert "handle_close ann Normal(reason='shutdown')" in lines
        assert lines[-1] == "terminate  shutdown", "nothing is called afterwards"


# The interpreter waits for the thread, and so for sends when the server has stopped.
TICKING = """
import sys

def tick():
    main = threading.main_thread()
    after = 0
    while after < 3:
        after += not main.is_alive()
        try:
            websocket.send("tick")
            state.group.send("tick")
            websocket.close()
        except BaseException as error:
            print("RAISED", repr(error), file=sys.stderr, flush=True)
            return
    print("QUIET", file=sys.stderr, flush=True)

threading.Thread(target=tick).start()
"""


def test_a_thread_may_send_when_the_server_has_stopped(
    small: Path, way: str, clients: ExitStack
) -> None:
    with served(small, way) as server:
        service = Service(clients, server, "d00")
        service.on(handle_join=f"state.group.add(websocket)\n{TICKING}")
        service.join("ann")
        server.process.send_signal(signal.SIGINT)
        server.ended()
        assert "QUIET" in server.log


# Pings.


@pytest.fixture
def pinging(small: Path, way: str) -> Iterator[Server]:
    """A server that pings every 0.2 seconds and waits 0.2 seconds for the answer."""
    options = ("--ws-ping-interval", "0.2", "--ws-ping-timeout", "0.2")
    with served(small, way, *options) as server:
        yield server


def test_no_answer_to_pings(pinging: Server, way: str, clients: ExitStack) -> None:
    service = Service(clients, pinging, "d00")
    raw = clients.enter_context(pinging.raw(f"{service.url}?name=raw"))
    reason = service.wait("handle_close", "raw")
    if way == "fast":
        assert reason == "Normal(reason='timeout')"
    else:
        assert reason == "Error(reason='closed')", "uvicorn does not say why"
    received = b""
    while chunk := raw.recv(1000):
        received += chunk
    assert b"\x03\xf3" in received, "1011"


@pytest.mark.parametrize("messages", [30, 3000])  # less and more than may wait
def test_a_service_that_takes_its_time_costs_no_client_that_answers_pings(
    pinging: Server, clients: ExitStack, messages: int
) -> None:
    service = Service(clients, pinging, "a00")
    service.on(handle_incoming="await gate('go')")
    ann = service.join("ann")
    for _ in range(messages):
        ann.send("x" * 100)
    service.wait("handle_incoming")
    # Some pings come and go meanwhile.
    service.do(
        "asyncio.get_running_loop().call_later(1.2, open_gate, 'go')",
    )
    service.wait("handle_incoming", times=messages)
    assert ann.close_code is None
    assert service.count("handle_close") == 0
