"""Real servers on both paths, and everything that can go wrong around them: nothing is lost, and nobody else suffers."""

import contextlib
import os
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.support import PATIENCE, WAYS, environment, starting
from tests.runtime.faults import (
    HANDLERS,
    SERVICES,
    TOML,
    Ledgered,
    Raw,
    ledgered,
    until,
)
from tests.runtime.project import PYTHON, make_project

CLOSED = "Error(reason='closed')"
SHUTDOWN = "Normal(reason='shutdown')"
SLOW = "Error(reason='slow')"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the services that write a ledger."""
    text = (HANDLERS / "ledger.py").read_text()
    handlers = dict.fromkeys(SERVICES, text)
    project = make_project(tmp_path_factory.mktemp("faults"), handlers, TOML)
    (project / "app.py").write_text((HANDLERS / "app.py").read_text())
    return project


@pytest.fixture(scope="session")
def shared(
    project: Path, way: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledgered]:
    """A server for tests that leave it as they found it."""
    with ledgered(project, tmp_path_factory.mktemp("shared"), way) as server:
        yield server


# Connections.


@pytest.mark.parametrize("cut", [0, 1, 7, 40])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_client_killed_mid_frame(shared: Ledgered, cut: int, how: str) -> None:
    with shared.joined() as other, shared.joined() as victim:
        victim.socket.sendall(
            b"\x81\xfe\x00\xff\0\0\0\0half of what was promised"[:cut]
        )
        if how == "reset":
            victim.reset()
        else:
            victim.socket.close()
        shared.wait_close(victim.id, CLOSED)
        assert other.ask("unharmed") == "unharmed"


def test_half_closed_client(shared: Ledgered) -> None:
    """Who ends his side without a close frame has gone."""
    with shared.joined() as client:
        client.socket.shutdown(socket.SHUT_WR)
        shared.wait_close(client.id, CLOSED)
        assert client.closed() is None


QUICK = "--ws-ping-interval", "0.2", "--ws-ping-timeout", "0.4"


def test_half_open_peer(project: Path, tmp_path: Path, way: str) -> None:
    """Nothing comes any more, not even an answer to pings; a client that answers stays."""
    with (
        ledgered(project, tmp_path, way, *QUICK) as server,
        server.joined() as dead,
        server.joined() as living,
    ):
        pings = 0
        while not server.reasons(dead.id):
            living.socket.settimeout(2)
            opcode, _payload = answer_pings(living)
            pings += opcode == 9
        assert pings >= 2
        reason = "Normal(reason='timeout')" if way == "fast" else CLOSED
        server.wait_close(dead.id, reason)
        assert dead.closed() == 1011
        living.say("alive")
        while answer_pings(living) != (1, b"alive"):
            pass


def answer_pings(client: Raw) -> tuple[int, bytes]:
    """The next frame, answered when it is a ping."""
    while (found := client.next_frame()) is None:
        assert client.more()
    if found[0] == 9:
        client.send(10, found[1])
    return found


def test_a_blocked_loop_makes_no_living_client_look_dead(
    project: Path, tmp_path: Path
) -> None:
    """On the fast path; stock uvicorn looks at its timers before it reads."""
    with (
        ledgered(project, tmp_path, "fast", *QUICK) as server,
        server.joined("other") as living,
    ):
        pings = 0
        while pings < 3:
            living.say("block 1.1")
            living.say("over")
            while (found := answer_pings(living)) != (1, b"over"):
                assert found[0] == 9
                pings += 1
        assert not server.reasons(living.id)


def test_log_names_the_callback_that_blocks(shared: Ledgered) -> None:
    with shared.joined("other") as client:
        client.say("block 0.6")
        shared.server.wait_for(
            r"other: handle_incoming blocked the event loop for \d+\.\d seconds"
        )
        assert client.ask("back") == "back"


def test_five_hundred_clients_come_and_go(shared: Ledgered) -> None:
    """One close for each that joined, however it went; nothing is left behind."""
    chance = random.Random(20261123)
    descriptors = shared.descriptors()
    before = len(shared.ledger("handle_join", "ledger"))
    already = len(shared.ledger("handle_close", "ledger"))
    with shared.joined() as canary, ExitStack() as stack:
        waiting: list[Raw] = []
        for number in range(500):
            client = stack.enter_context(Raw(shared.server.port))
            misbehave(client, chance)
            if client.id == "waits":
                waiting.append(client)
            if number % 50 == 0:
                assert canary.ask(f"{number}") == f"{number}"
        for client in waiting:
            client.reset()
        until(lambda: shared.clients("ledger") == 1, lambda: shared.clients("ledger"))
        until(
            lambda: (
                len(shared.ledger("handle_close", "ledger")) - already + 1
                == len(shared.ledger("handle_join", "ledger")) - before
            ),
            "as many closes as joins",
        )
    until(lambda: shared.clients("ledger") == 0)
    # The last of them may still be let in: whoever has reset the connection before it was accepted.
    joins = who_told(shared, "handle_join")
    closes = who_told(shared, "handle_close")
    until(lambda: joins() == closes(), lambda: set(joins()) ^ set(closes()))
    assert len(joins()) - before > 200
    assert len(set(joins())) == len(joins())
    until(lambda: shared.descriptors() <= descriptors, shared.descriptors)
    assert "Traceback" not in shared.server.log


def who_told(shared: Ledgered, callback: str) -> Callable[[], list[str]]:
    """Whom that callback of the ledger has been called for so far, sorted; a client for each call."""
    return lambda: sorted(entry.who for entry in shared.ledger(callback, "ledger"))


def misbehave(client: Raw, chance: random.Random) -> None:
    """One of the ways in which a client may come and go."""
    match chance.randrange(9):
        case 0:
            client.socket.sendall(b"GET /websocket/ledger HTTP/1.1\r\nUpgra")
        case 1:
            client.request("/websocket/ledger")
            client.reset()
            return
        case 2:
            client.request("/websocket/ledger")
        case 3:
            client.shake_hands("/websocket/ledger")
            client.reset()
            return
        case 4:
            client.shake_hands("/websocket/ledger")
            client.say("hello")
            client.send(8, b"\x03\xe8")
        case 5:
            client.shake_hands("/websocket/ledger")
            client.send(8, b"\x03\xe8")
            assert client.closed() == 1000
        case 6:
            client.shake_hands("/websocket/ledger")
            client.socket.sendall(chance.randbytes(20))
        case 7:
            client.shake_hands("/websocket/ledger")
            client.say("close")
        case 8:
            client.shake_hands("/websocket/ledger")
            client.id = "waits"
            return
    if chance.randrange(2):
        client.reset()
    else:
        client.socket.close()


# Clients that do not read.


def test_a_sleeper_among_fifty_readers(project: Path, tmp_path: Path, way: str) -> None:
    """64 KiB messages: memory is bounded, the others are on time, the sleeper is closed."""
    with ledgered(project, tmp_path, way) as server, ExitStack() as stack:
        sleeper = stack.enter_context(sleeping(server, "room"))
        readers = [stack.enter_context(server.joined("room")) for _ in range(50)]
        before = server.memory()
        for first in range(1, 161, 8):
            began = time.monotonic()
            server.broadcast("room", f"{first} {first + 7} 64")
            read_all(readers, 8 * FRAME)
            assert time.monotonic() - began < 2
        assert server.memory() - before < 48 * 1024
        server.wait_close(sleeper.id, SLOW)
        # It wakes up: what was on its way, then the close frame.
        assert sleeper.closed() == 1008
        assert len(server.ledger("handle_close", "room")) == 1


FRAME = 64 * 1024 + 10  # bytes of a message of 64 KiB


def sleeping(server: Ledgered, service: str) -> Raw:
    """A client that has joined and does not read."""
    client = Raw(server.server.port, receive_buffer=4096)
    client.shake_hands(f"/websocket/{service}")
    client.id = client.receive()[1].decode().removeprefix("welcome ")
    return client


def read_all(clients: list[Raw], size: int) -> None:
    """Let all of them read at once until each has got `size` bytes."""
    left = dict.fromkeys((client.socket for client in clients), size)
    poll = select.poll()
    sockets = {client.fileno(): client for client in left}
    for number in sockets:
        poll.register(number, select.POLLIN)
    buffer = bytearray(1 << 20)
    while any(left.values()):
        ready = poll.poll(PATIENCE * 1000)
        assert ready, left
        for number, _ in ready:
            got = sockets[number].recv_into(buffer)
            assert got, "closed"
            left[sockets[number]] -= got
    assert set(left.values()) == {0}


@pytest.mark.parametrize("service", ["oldest", "newest"])
def test_messages_are_dropped_for_a_sleeper(shared: Ledgered, service: str) -> None:
    count = 200
    with sleeping(shared, service) as sleeper, shared.joined(service) as reader:
        for number in range(1, count + 1, 8):
            shared.broadcast(service, f"{number} {number + 7} 64")
            got = [int(reader.receive()[1][:6]) for _ in range(8)]
            assert got == list(range(number, number + 8))
        first = [int(sleeper.receive()[1][:6]) for _ in range(8)]
        assert first == [1, 2, 3, 4, 5, 6, 7, 8]
        rest, later = [0], 1000
        while rest[-1] < 1000:
            if not sleeper.readable(0.05):  # it has caught up: it gets what is new
                shared.broadcast(service, f"{later} {later} 1")
                later += 1
            rest.append(int(sleeper.receive()[1][:6]))
        got = [*first, *rest[1:]]
        assert got == sorted(got)
        assert len(got) < count, "nothing was dropped"
        assert (rest[-2] == count) == (service == "oldest")
        assert sleeper.ask("still in") == "still in"
        assert not shared.reasons(sleeper.id)


def test_a_flood_of_pings_that_are_never_read(project: Path, tmp_path: Path) -> None:
    """Pongs are no way to fill the memory; on the plain path uvicorn answers each."""
    with (
        ledgered(project, tmp_path, "fast") as shared,
        shared.joined() as flooder,
        shared.joined() as other,
    ):
        before = shared.memory()
        pings = b"\x89\xfd\0\0\0\0" + bytes(125)
        flooder.socket.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            for _ in range(300):
                flooder.socket.sendall(pings * 2000)
        assert other.ask("unharmed") == "unharmed"
        assert shared.memory() - before < 32 * 1024


# Crashes.


def test_a_poisonous_client(shared: Ledgered) -> None:
    """It is closed and not rejoined; the others stay, and so does the service."""
    with shared.joined() as poisonous, shared.joined() as other:
        told = "RuntimeError: poison, as told"
        crashes = shared.server.log.count(told)
        poisonous.say("crash poison")
        assert poisonous.closed() == 1011
        assert other.receive()[1].decode() == f"welcome {other.id}"
        assert other.ask("still here") == "still here"
        # What the server has printed is read beside the test.
        until(lambda: shared.server.log.count(told) == crashes + 1, shared.server.log)
        assert not shared.reasons(poisonous.id)


def test_a_service_that_crashes_while_it_restarts(
    project: Path, tmp_path: Path, way: str
) -> None:
    """It tries again until init succeeds; terminate crashes, too."""
    with (
        ledgered(project, tmp_path, way) as server,
        server.joined() as client,
        server.joined() as other,
    ):
        server.let_go_wrong("terminate", "init")
        client.say("crash once")
        until(lambda: len(server.ledger("init", "ledger")) > 1)
        assert client.closed() == 1011
        # Ten restarts without a pause: it has given up, unless init was repaired in time.
        until(lambda: server.health()[1]["ledger"] == "failed")
        assert server.health()[0] == 503
        assert len(server.ledger("init", "ledger")) == 11
        assert other.closed() == 1011
        server.server.wait_for("RuntimeError: terminate, as told")
        with server.joined("other") as unharmed:
            assert unharmed.ask("unharmed") == "unharmed"


def test_restart_intensity_exceeded(project: Path, tmp_path: Path, way: str) -> None:
    with (
        ledgered(project, tmp_path, way) as server,
        server.joined() as bystander,
        server.joined("other") as unharmed,
    ):
        for number in range(11):
            with server.joined() as client:
                client.say(f"crash {number}")
                assert client.closed() == 1011
        assert bystander.closed() == 1011
        with Raw(server.server.port) as late:
            late.request("/websocket/ledger")
            assert late.answer().startswith(b"HTTP/1.1 503")
        status, states = server.health()
        assert status == 503
        assert states.pop("ledger") == "failed"
        assert set(states.values()) == {"running"}
        assert unharmed.ask("unharmed") == "unharmed"
        assert len(server.ledger("terminate", "ledger")) == 11
        assert not server.ledger("terminate", "other")


def test_init_fails_at_start(project: Path, tmp_path: Path, way: str) -> None:
    faults = tmp_path / "faults"
    faults.write_text("init")
    with starting(PYTHON, project, way, env={"FAULTS": str(faults)}) as server:
        assert server.process.wait(PATIENCE) != 0
        server.reader.join()
        assert "src/websocket/myapp_ledger_websocket.py" in server.log
        assert "init, as told" in server.log


def test_init_hangs_at_start(project: Path, tmp_path: Path) -> None:
    """The half minute that it gets is real; both ways are waited for at once."""
    faults = tmp_path / "faults"
    faults.write_text("hanging_init")
    began = time.monotonic()
    with ExitStack() as stack:
        for server in [
            stack.enter_context(
                starting(PYTHON, project, way, env={"FAULTS": str(faults)})
            )
            for way in WAYS
        ]:
            assert server.process.wait(30 + PATIENCE) != 0
            assert time.monotonic() - began > 29
            server.reader.join()
            assert "src/websocket/myapp_ledger_websocket.py" in server.log
            assert "init took longer than 30 seconds" in server.log


# The end of the server.


def test_sigterm_with_two_hundred_clients_and_queued_messages(
    project: Path, tmp_path: Path, way: str
) -> None:
    """Everyone gets a close frame, every message is handled, every close told, and terminate is last."""
    with ledgered(project, tmp_path, way) as server, ExitStack() as stack:
        clients = [stack.enter_context(server.joined()) for _ in range(200)]
        clients[0].say("slowly 0.3")
        until(lambda: server.ledger("handle_incoming"))
        for client in clients:
            client.say("queued")
        until(lambda: server.clients("ledger") == 200)  # all has been read by now
        began = time.monotonic()
        server.server.process.send_signal(signal.SIGTERM)
        assert {client.closed() for client in clients} == {1012}
        server.server.process.wait(PATIENCE)
        assert time.monotonic() - began < 5
        ledger = server.ledger(service="ledger")
        assert ledger[-1].callback == "terminate"
        assert ledger[-1].what == "'shutdown'"
        closes = [entry for entry in ledger if entry.callback == "handle_close"]
        assert len(closes) == 200
        assert {entry.what for entry in closes} == {SHUTDOWN}
        heard = [entry for entry in ledger if entry.callback == "handle_incoming"]
        assert len(heard) == 201


def both_ways(test: Callable[[str], None]) -> None:
    """Run a test that has to wait for long on both paths at the same time."""
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(test, way) for way in WAYS]:
            done.result()


def test_sigterm_with_clients_that_do_not_listen(project: Path, tmp_path: Path) -> None:
    """One never reads, one never answers the close: the server goes nevertheless."""

    def stop(way: str) -> None:
        with (
            ledgered(project, tmp_path, way) as server,
            sleeping(server, "other") as sleeper,
            server.joined() as silent,
        ):
            server.broadcast("other", "1 200 64")
            until(lambda: len(server.ledger("init")) == len(SERVICES))
            began = time.monotonic()
            server.server.process.send_signal(signal.SIGTERM)
            assert silent.receive()[0] == 8
            server.server.process.wait(PATIENCE)
            assert time.monotonic() - began < 15
            assert server.reasons(sleeper.id) == [SHUTDOWN]
            assert server.reasons(silent.id) == [SHUTDOWN]
            assert len(server.ledger("terminate")) == len(SERVICES)

    both_ways(stop)


def test_sigterm_while_a_client_that_does_not_read_closes(
    project: Path, tmp_path: Path
) -> None:
    """It has said that it goes, and what it was sent has not left: no other close frame is owed to it, or sent."""

    def stop(way: str) -> None:
        with (
            ledgered(project, tmp_path, way) as server,
            sleeping(server, "other") as sleeper,
            server.joined() as client,
        ):
            server.broadcast("other", "1 1 12000")
            assert sleeper.readable(PATIENCE)
            sleeper.send(8, b"\x03\xe9")
            server.wait_close(sleeper.id, "Remote(code=1001, reason='')")
            server.server.process.send_signal(signal.SIGTERM)
            assert client.closed() == 1012
            assert server.server.process.wait(PATIENCE) == -signal.SIGTERM
            assert server.reasons(client.id) == [SHUTDOWN]
            assert len(server.ledger("terminate")) == len(SERVICES)

    both_ways(stop)


def test_a_closed_client_that_never_reads_is_cut(project: Path, tmp_path: Path) -> None:
    """So that no descriptor is kept for ever; nor for one that never answers our close frame."""

    def cut(way: str) -> None:
        with ledgered(project, tmp_path, way) as server:
            before = server.descriptors()
            with sleeping(server, "room") as sleeper, server.joined() as silent:
                server.broadcast("room", "1 200 64")
                silent.say("close")
                server.wait_close(sleeper.id, SLOW)
                server.wait_close(silent.id, SHUTDOWN)
                until(lambda: server.descriptors() <= before, server.descriptors, 30)

    both_ways(cut)


def test_async_callbacks_that_never_return(project: Path, tmp_path: Path) -> None:
    """The others go on, and the server stops within its bound: 5 seconds for callbacks, 5 for terminate, and some.

    Even where one swallows that it is cancelled: told to stop by Ctrl-C, asyncio would wait for it for ever.
    """

    def stop(way: str) -> None:
        with (
            ledgered(project, tmp_path, way) as server,
            server.joined() as stuck,
            server.joined() as waiting,
            server.joined("other") as other,
            server.joined("small") as clinging,
        ):
            stuck.say("hang")
            clinging.say("cling")
            waiting.say("not heard while it hangs")
            until(lambda: len(server.ledger("hangs")) == 2)
            assert other.ask("unharmed") == "unharmed"
            server.let_go_wrong("hanging_close", "hanging_terminate")
            began = time.monotonic()
            server.server.process.send_signal(signal.SIGINT)
            for client in (stuck, waiting, other, clinging):
                assert client.closed() == 1012
            server.server.process.wait(PATIENCE)
            assert time.monotonic() - began < 16
            for service in ("ledger", "other", "small"):
                ledger = server.ledger(service=service)
                ended = [entry.callback for entry in ledger].index("terminate")
                assert ended == len(ledger) - 1, "something was called after terminate"

    both_ways(stop)


def test_sigkill_and_restart(project: Path, tmp_path: Path, way: str) -> None:
    with ledgered(project, tmp_path, way) as server, server.joined() as client:
        port = server.server.port
        server.server.process.kill()
        assert client.closed() is None
        arguments = ("--port", str(port)) if way == "plain" else ()
        with (
            ledgered(project, tmp_path, way, *arguments, BOSS_PORT=str(port)) as again,
            again.joined() as client,
        ):
            assert again.server.port == port
            assert client.ask("back") == "back"


# What the surroundings lack.


def test_descriptors_exhausted(project: Path, tmp_path: Path, way: str) -> None:
    """Nobody new gets in; who is in stays, and when there is room again others may come."""
    with ledgered(project, tmp_path, way) as server, ExitStack() as stack:
        pid = server.server.process.pid
        inside = stack.enter_context(server.joined())
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        enough = highest(pid) + 4
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (enough, limits[1]))
        crowd = [stack.enter_context(Raw(server.server.port)) for _ in range(20)]
        for client in crowd:
            with contextlib.suppress(ConnectionError):
                client.request("/websocket/ledger")
        until(lambda: highest(pid) >= enough - 1, lambda: highest(pid))
        assert inside.ask("still here") == "still here"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        for client in crowd:
            client.reset()
        until(lambda: let_in(server))
        assert inside.ask("still here") == "still here"


def highest(pid: int) -> int:
    """The highest file descriptor of a process."""
    return max(int(number) for number in os.listdir(f"/proc/{pid}/fd"))


def let_in(server: Ledgered) -> bool:
    """Is a new client served?"""
    with Raw(server.server.port) as client:
        client.socket.settimeout(0.5)
        try:
            client.shake_hands("/websocket/other?silent=1")
            return client.ask("in") == "in"
        except (OSError, AssertionError):
            return False


def test_the_log_cannot_be_written(project: Path, tmp_path: Path, way: str) -> None:
    """The disk is full: that is no reason to stop serving."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ledger = tmp_path / "ledger"
    commands = {
        "plain": ["-m", "uvicorn", "app:app", "--port", str(port)],
        "fast": ["-m", "boss"],
    }
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [sys.executable, *commands[way]],
            cwd=project,
            env=environment(BOSS_PORT=str(port), LEDGER=str(ledger)),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=full,
        )
    try:
        until(lambda: answers(port))
        with Raw(port) as client, Raw(port) as other:
            for one in (client, other):
                one.shake_hands("/websocket/ledger")
                one.receive()
            client.say("crash with nobody to tell")
            assert client.closed() == 1011
            other.receive()
            assert other.ask("still here") == "still here"
        process.terminate()
        process.wait(PATIENCE)
        assert "ledger terminate  'shutdown'" in ledger.read_text()
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Does anybody listen there?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
