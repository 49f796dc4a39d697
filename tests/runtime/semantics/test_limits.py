"""What bounds a client, and that it bounds nobody else."""

import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.e2e.support import PATIENCE, Server
from tests.runtime.project import served
from tests.runtime.semantics.harness import Http, Service, make_project, until

SECTIONS = """
[service.aclose]
outbound_limit = 20

[service.aburst]
outbound_limit = 20

[service.abytes]
outbound_bytes = 100_000

[service.aold]
outbound_limit = 20
slow_consumer = "drop_oldest"

[service.anew]
outbound_limit = 20
slow_consumer = "drop_newest"

[service.arate]
max_messages_per_second = 5
"""
NAMES = ("aclose", "aburst", "abytes", "aold", "anew", "arate", "acount")
FILL = 12_000_000  # bytes that no socket and no transport takes without being read


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(
        tmp_path_factory.mktemp("limits"),
        toml=SECTIONS,
        handlers=dict.fromkeys(NAMES, ""),
    )


@pytest.fixture(scope="module")
def limits(limited: Path, way: str) -> "Server":
    with served(limited, way, BOSS_METRICS="true") as server:
        yield server


@pytest.fixture
def at(limits: Server, clients: ExitStack) -> Callable[[str], Service]:
    return lambda name: Service(clients, limits, name)


def metric(service: Service, name: str) -> float:
    """One of the numbers for Prometheus."""
    _, text = service.http.ask("/metrics")
    start = f'boss_{name}{{service="{service.name}"}} '
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return float(line.removeprefix(start))


def sleeper(service: Service) -> socket.socket:
    """A client that does not read."""
    raw = service.clients.enter_context(service.server.raw(f"{service.url}?name=slow"))
    service.wait("handle_join", "slow")
    # Fill what lies between: the sockets' buffers and the transport's.
    service.do(f"state.clients['slow'].send(b'x' * {FILL})")
    return raw


def send_numbers(service: Service, first: int, last: int) -> None:
    """One message in each turn of the loop, to both clients."""
    for number in range(first, last):
        service.do(f"for client in state.clients.values(): client.send('{number}')")


def read(raw: socket.socket, size: int) -> bytes:
    """So many bytes, and none of what follows."""
    received = bytearray()
    while len(received) < size:
        chunk = raw.recv(size - len(received))
        assert chunk, "closed"
        received += chunk
    return bytes(received)


def read_numbers(raw: socket.socket, count: int) -> list[int]:
    """So many texts from behind the filling."""
    raw.settimeout(PATIENCE)
    read(raw, 10 + FILL)
    numbers = []
    for _ in range(count):
        opcode, size = read(raw, 2)
        assert opcode == 0x81
        numbers.append(int(read(raw, size)))
    return numbers


def test_a_client_that_does_not_read_is_closed_and_nobody_else_feels_it(
    at: Callable[[str], Service],
) -> None:
    service = at("aclose")
    ann, slow = service.join("ann"), sleeper(service)
    send_numbers(service, 0, 40)
    assert [ann.receive() for _ in range(40)] == [str(n) for n in range(40)]
    assert service.wait("handle_close", "slow") == "Error(reason='slow')"
    assert metric(service, "slow_consumers_total") == 1
    assert metric(service, "messages_dropped_total") >= 20
    assert ann.close_code is None
    slow.settimeout(20)
    received = bytearray()
    while not received.endswith(b"\x88\x0a\x03\xf0too slow"):
        chunk = slow.recv(1 << 20)
        assert chunk, received[-100:]
        received += chunk


def test_bytes_count_as_well(at: Callable[[str], Service]) -> None:
    service = at("abytes")
    sleeper(service)
    for _ in range(4):
        service.do("state.clients['slow'].send(b'x' * 60_000)")
    assert service.wait("handle_close", "slow") == "Error(reason='slow')"


def test_a_burst_to_one_who_does_not_read_is_kept(at: Callable[[str], Service]) -> None:
    """It is slowness only when the next message finds it still there."""
    service = at("aburst")
    raw = sleeper(service)
    service.do("for number in range(100): state.clients['slow'].send(f'{number}')")
    assert service.info("x") is None
    service.settle()
    assert service.count("handle_close") == 0
    assert read_numbers(raw, 100) == list(range(100))


@pytest.mark.parametrize("name", ["aold", "anew"])
def test_drop_policies_keep_the_client_and_so_many_messages(
    at: Callable[[str], Service], name: str
) -> None:
    service = at(name)
    ann, raw = service.join("ann"), sleeper(service)
    send_numbers(service, 0, 60)
    assert [ann.receive() for _ in range(60)] == [str(n) for n in range(60)]
    dropped = metric(service, "messages_dropped_total")
    got = read_numbers(raw, 60 - int(dropped))
    # Of 0 and 1 one may have left already, and the first one that waits is a burst.
    if name == "aold":
        assert got[-20:] == list(range(40, 60))
        assert len(got) <= 22
    else:
        assert got == list(range(len(got)))
        assert 20 <= len(got) <= 22
    assert service.count("handle_close") == 0
    service.do("state.clients['slow'].send('61')")
    assert raw.recv(100) == b"\x81\x0261", "and nothing before"


def test_a_client_that_sends_too_fast_is_closed(
    at: Callable[[str], Service],
) -> None:
    service = at("arate")
    ann, bob = service.join("ann"), service.join("bob")
    with suppress(ConnectionClosed):  # it may be closed before it has sent them all
        for _ in range(20):
            ann.send("x")
    bob.send("slow and steady")
    assert ann.closed()[0] == 1008
    assert service.wait("handle_close", "ann").startswith("Error(")
    assert 5 <= service.count("handle_incoming", "ann") < 20
    assert service.count("handle_incoming", "bob") == 1
    assert bob.close_code is None


def test_metrics_tell_what_happened(at: Callable[[str], Service]) -> None:
    service = at("acount")
    service.on(handle_incoming="websocket.send('1'); state.group.send('2')")
    service.on(handle_join="state.group.add(websocket)")
    ann, bob = service.join("ann"), service.join("bob")
    assert ann.ask("x") == "1"
    assert ann.receive() == bob.receive() == "2"
    service.do("state.kept['bob'] = state.clients['bob']")
    bob.close()
    service.wait("handle_close")
    service.do("state.kept['bob'].send('gone')")
    service.on(handle_incoming="raise ValueError('boom')")
    ann.send("x")
    service.wait("init", times=2)
    service.settle()
    assert metric(service, "clients") == 0
    assert metric(service, "service_running") == 1
    assert metric(service, "mailbox_depth") == 0
    assert metric(service, "messages_in_total") == 2
    assert metric(service, "messages_out_total") == 3
    assert metric(service, "messages_to_gone_clients_total") == 1
    assert metric(service, "crashes_total") == 1
    assert metric(service, "restarts_total") == 1
    assert metric(service, "callbacks_total") == 6


def test_metrics_are_off_unless_asked_for(server: Server) -> None:
    assert Http(server).ask("/metrics")[0] == 404


@pytest.mark.parametrize(
    ("variable", "status"),
    [("BOSS_MAX_CONNECTIONS", 503), ("BOSS_MAX_CONNECTIONS_PER_ADDRESS", 429)],
)
def test_so_many_connections_and_no_more(
    limited: Path, way: str, clients: ExitStack, variable: str, status: int
) -> None:
    server = clients.enter_context(served(limited, way, **{variable: "2"}))
    service = Service(clients, server, "acount")
    other = Service(clients, server, "aclose")
    ann = service.join("ann")
    bob = other.join("bob")
    with pytest.raises(InvalidStatus) as caught:
        service.connect("cid")
    assert caught.value.response.status_code == status
    ann.close()
    service.wait("handle_close", "ann")
    service.join("dan")
    bob.socket.close()
    other.wait("handle_close", "bob")
    # A client that the service closes makes room, too.
    other.on(handle_join="websocket.close()")
    other.connect("eve").closed()
    other.wait("handle_close", "eve")
    other.on(handle_join="")
    until(lambda: other.state()["state"] == "running", other.journal)
    other.join("fay")


def test_the_landing_page_may_be_switched_off(
    limited: Path, way: str, clients: ExitStack
) -> None:
    server = clients.enter_context(served(limited, way, BOSS_LANDING_PAGE="no"))
    assert Http(server).ask("/boss/services.json")[0] == 404
    assert Http(server).ask("/healthz")[0] == 200
