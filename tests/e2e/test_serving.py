"""A served project from start to stop, both ways."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.e2e.support import (
    PATIENCE,
    Bossgen,
    Server,
    close_code,
    frame,
    run,
    serving,
    starting,
)


def test_serving_needs_no_bossgen(python: Path, server: Server) -> None:
    run(python, "-c", "import bossgen", expect=1)
    with server.joined() as client:
        assert client.ask("served") == "served"


def test_sigterm_closes_every_client_and_terminates(
    python: Path, myapp: Path, way: str
) -> None:
    note = myapp / "terminated.txt"
    note.unlink(missing_ok=True)
    with serving(python, myapp, way) as server, ExitStack() as stack:
        clients = [stack.enter_context(server.joined()) for _ in range(20)]
        begun = time.monotonic()
        server.process.terminate()
        assert [client.closed()[0] for client in clients] == [1012] * 20
        server.ended()
        assert time.monotonic() - begun < 5
    assert note.read_text().count("'shutdown'") == 5


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (frame(1, b"\xc3\x28"), 1007),
        (frame(1, b"hi", mask=False), 1002),
        (frame(11), 1002),
        (b"\x81\xfe\x07\xd0\0\0\0\0" + b"x" * 2000, 1009),
        (b"GET / HTTP/1.1\r\n\r\n" * 4, 1002),
    ],
)
def test_garbage_is_answered_and_hurts_nobody(
    server: Server, garbage: bytes, code: int
) -> None:
    with server.joined("/websocket/small") as other:
        with server.raw("/websocket/small") as raw:
            raw.sendall(garbage)
            assert close_code(raw) == code
        assert other.ask("still here") == "still here"


def test_garbage_instead_of_a_handshake(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
        raw.sendall(b"\x00\xff" * 200 + b"\r\n\r\n")
        assert b"400" in raw.recv(4096)
    with server.joined() as other:
        assert other.ask("still here") == "still here"


def test_a_crash_is_logged_once_and_the_others_rejoin(own_server: Server) -> None:
    with own_server.joined() as ann, own_server.joined() as bob:
        assert ann.ask("count").startswith("1 ")
        ann.send("crash loudly")
        assert ann.closed()[0] == 1011
        assert json.loads(bob.receive())["id"] == bob.told["id"]
        assert bob.ask("count").startswith("1 ")
    own_server.wait_for("ValueError: loudly")
    log = own_server.log
    assert log.count("ValueError: loudly") == 1
    assert "myservice" in log
    assert "handle_incoming" in log


def test_thirty_clients_at_once(server: Server) -> None:
    def talk(number: int) -> object:
        with server.joined("/websocket/foobar") as client:
            return client.ask(str(number))

    with ThreadPoolExecutor(30) as pool:
        assert list(pool.map(talk, range(30))) == [str(n) for n in range(30)]


def test_port_in_use(python: Path, myapp: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with starting(python, myapp, "fast", env={"BOSS_PORT": port}) as server:
            assert server.ended() != 0
            assert port in server.log
            assert "in use" in server.log
            assert "Traceback" not in server.log


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("BOSS_PORT", "many", "BOSS_PORT"),
        ("BOSS_PORT", "70000", "BOSS_PORT"),
        ("BOSS_COMPRESSION", "perhaps", "BOSS_COMPRESSION"),
    ],
)
def test_bad_value_in_the_environment(
    python: Path, myapp: Path, variable: str, value: str, says: str
) -> None:
    with starting(python, myapp, "fast", env={variable: value}) as server:
        assert server.ended() != 0
        assert says in server.log
        assert "Traceback" not in server.log


def test_more_than_one_worker_is_refused(python: Path, myapp: Path) -> None:
    with starting(python, myapp, "plain", "--workers", "2") as server:
        server.wait_for("(?i)one process|workers")
        assert "running" not in server.log.partition("Application startup")[2]
    with starting(python, myapp, "plain", env={"WEB_CONCURRENCY": "2"}) as server:
        server.wait_for("(?i)one process|WEB_CONCURRENCY")


def test_without_a_secret_a_warning_says_so(
    python: Path, myapp: Path, way: str
) -> None:
    with serving(python, myapp, way, env={"BOSS_SECRET": ""}) as server:
        server.wait_for("BOSS_SECRET")


def test_the_stock_uvicorn_with_our_protocol_class(python: Path, myapp: Path) -> None:
    ours = ("--ws", "boss.runtime.protocol:WebSocketProtocol")
    with serving(python, myapp, "plain", *ours) as server, server.joined() as client:
        assert client.ask("as the issue spells it") == "as the issue spells it"


def test_landing_page(python: Path, work: Path, bossgen: Bossgen, way: str) -> None:
    project = work / f"landing_{way}"
    bossgen("new", project, "--defaults", "--service", "chat", cwd=work)
    with serving(python, project, way) as server:
        page = httpx2.get(server.url("/"))
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
        listed = httpx2.get(server.url("/boss/services.json"))
        assert "/websocket/chat" in listed.text


def test_what_the_landing_page_asks_again_and_again_is_not_logged(
    python: Path, myapp: Path
) -> None:
    with serving(python, myapp, "fast") as server:
        for path in ("/boss/services.json", "/boss/dev.json", "/healthz"):
            httpx2.get(server.url(path))
        server.wait_for("GET /healthz")
        assert "/boss/" not in server.log
