"""The sentences of Chicago Boss's page on WebSockets, one test each, on real servers.

Each docstring quotes the sentence that the test shows.
"""

import json
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.e2e.support import Bossgen, Server, close_code, frame, serving


def test_two_way_messaging(server: Server) -> None:
    """Seed: used for two-way messaging from inside a web page"""
    with server.joined() as client:
        assert client.ask("hello") == "hello"
        assert client.ask(b"\x00\xff") == b"\x00\xff"
        assert client.ask("grüße " * 100) == "grüße " * 100


def test_one_or_more_controllers(server: Server) -> None:
    """Seed: infrastructure for defining one or more WebSocket controllers"""
    with server.joined() as one, server.joined("/websocket/foobar") as other:
        one.send("all only here")
        assert one.receive() == "only here"
        assert other.ask("nothing came before this") == "nothing came before this"


def test_put_the_server_into_the_config(
    bossgen: Bossgen, python: Path, tmp_path: Path
) -> None:
    """Seed: put {server, cowboy} in your boss.config: here `[server]` of boss.toml."""
    bossgen("new", "myapp", "--defaults", cwd=tmp_path)
    toml = tmp_path / "myapp" / "boss.toml"
    toml.write_text('app = "myapp"\n\n[server]\nhost = "127.0.0.2"\n')
    with serving(python, tmp_path / "myapp", "fast") as server:
        assert "running on http://127.0.0.2:" in server.log


def test_send_to_a_particular_client(server: Server) -> None:
    """Seed: to send a message to a particular client, simply send it a message"""
    with server.joined() as ann, server.joined() as bob:
        assert ann.ask("for ann alone") == "for ann alone"
        assert bob.ask("for bob alone") == "for bob alone"


@pytest.mark.parametrize("sender", ["say", "thread"])
def test_broadcast_is_handled_by_handle_broadcast(server: Server, sender: str) -> None:
    """Seed: you can broadcast a message that will be handled by your handle_broadcast/2"""
    with server.joined() as ann, server.joined() as bob:
        httpx2.post(server.url(f"/{sender}/news")).raise_for_status()
        assert ann.receive() == bob.receive() == "broadcast: news"


def test_broadcast_from_a_handler_by_the_service_s_name(server: Server) -> None:
    """Seed: by using the module name of your websocket module"""
    with server.joined() as member, server.joined("/websocket/foobar") as other:
        other.send("broadcast from next door")
        assert member.receive() == "broadcast: from next door"


def test_name_of_the_form(bossgen: Bossgen, tmp_path: Path) -> None:
    """Seed: a name of the form <app name>_<service name>_websocket"""
    bossgen("new", "myapp", "--defaults", cwd=tmp_path)
    handlers = tmp_path / "myapp" / "src" / "websocket"
    handler = (
        "from boss import ServiceHandler\n\n\nclass A(ServiceHandler[None]): ...\n"
    )
    (handlers / "myapp_foo_bar_websocket.py").write_text(handler)
    bossgen("build", cwd=tmp_path / "myapp")
    (route,) = json.loads(bossgen("routes", "--json", cwd=tmp_path / "myapp").stdout)
    assert (route["name"], route["url"]) == ("foo_bar", "/websocket/foo_bar")
    (handlers / "chat_websocket.py").write_text(handler)
    failed = bossgen("build", cwd=tmp_path / "myapp", expect=1)
    assert "error[BG201]" in failed.stderr
    assert "myapp_chat_websocket.py" in failed.stderr


def test_parameterised_with_request_and_session(server: Server) -> None:
    """Seed: a parameterized module with parameters for Req and SessionId"""
    with server.joined("/websocket/myservice?name=ann") as ann:
        assert ann.told["query"] == {"name": "ann"}
        assert ann.told["path"] == "/websocket/myservice"
        cookie = ann.response.headers["set-cookie"].partition(";")[0]
        again = {"Cookie": cookie}
        with server.joined(headers=again) as same, server.joined() as other:
            assert same.told["session"] == ann.told["session"]
            assert other.told["session"] != ann.told["session"]
            same.send("count")
            assert same.receive().endswith(f"for {ann.told['session']}")


def test_init_initialises_the_service(own_server: Server) -> None:
    """Seed: init() -> {ok, InitialState}: Initialize the service."""
    with own_server.joined() as ann, own_server.joined() as bob:
        assert ann.ask("count").startswith("1 ")
        assert bob.ask("count").startswith("2 ")


def test_handle_join(server: Server) -> None:
    """Seed: handle_join(ServiceURL, WebSocket, State): a client joining a service"""
    with server.joined() as ann, server.joined() as bob:
        assert ann.told["url"] == "/websocket/myservice"
        assert ann.told["id"] != bob.told["id"]


def test_handle_incoming(server: Server) -> None:
    """Seed: To handle incoming messages from clients: text and binary, in order."""
    with server.joined() as client:
        for number in range(200):
            client.send(str(number))
        assert [client.receive() for _ in range(200)] == [
            str(number) for number in range(200)
        ]


def test_handle_info(server: Server) -> None:
    """Seed: Handle an informational message sent to the underlying gen_server process."""
    with server.joined() as client:
        httpx2.post(server.url("/info/water")).raise_for_status()
        assert client.receive() == "info: water"
        client.send("later")
        assert client.receive() == "info: later"


CALLBACKS = ("join", "close", "incoming", "broadcast", "info")


@pytest.mark.parametrize("callback", CALLBACKS)
def test_noreply_with_timeout(own_server: Server, callback: str) -> None:
    """Seed: {noreply, NewState, Timeout}, returned by each callback."""
    with (
        own_server.joined() as member,
        causing(own_server, callback, "timeout", "0.01"),
    ):
        assert member.until("info:") == "info: TIMEOUT"


@pytest.mark.parametrize("callback", CALLBACKS)
def test_stop(own_server: Server, callback: str) -> None:
    """Seed: {stop, Reason, NewState}, returned by each callback."""
    with (
        own_server.joined() as member,
        causing(own_server, callback, "stop", "normal"),
    ):
        assert member.closed()[0] == 1001
    health = httpx2.get(own_server.url("/healthz")).json()
    assert health["services"]["myservice"]["state"] == "stopped"
    assert health["services"]["foobar"]["state"] == "running"


@contextmanager
def causing(
    server: Server, callback: str, result: str, argument: str
) -> Iterator[None]:
    """Make handle_<callback> of `myservice` return a timeout or a stop."""
    path = "/websocket/myservice"
    match callback:
        case "join":
            with server.connect(f"{path}?{result}={argument}"):
                yield
        case "close":
            with server.joined(f"{path}?{result}_on_close={argument}"):
                pass
            yield
        case "incoming":
            with server.joined(path) as client:
                client.send(f"{result} {argument}")
                yield
        case "broadcast":
            httpx2.post(server.url(f"/say/{result} {argument}")).raise_for_status()
            yield
        case "info":
            httpx2.post(server.url(f"/info/{result} {argument}")).raise_for_status()
            yield


Leave = Callable[[Server, str], None]


def leave_with_code(server: Server, path: str) -> None:
    with server.joined(path) as client:
        client.close(4001, "because")


def leave_with_frame(*frames: bytes) -> Leave:
    def leave(server: Server, path: str) -> None:
        with server.raw(path) as raw:
            raw.sendall(b"".join(frames))
            close_code(raw)

    return leave


def leave_by_reset(server: Server, path: str) -> None:
    raw = server.raw(path)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def leave_by_end_of_file(server: Server, path: str) -> None:
    server.raw(path).close()


def leave_on_demand(server: Server, path: str) -> None:
    with server.joined(path) as client:
        client.send("close that is all")
        assert client.closed() == (4000, "that is all")


@pytest.mark.parametrize(
    ("reason", "leave"),
    [
        ("Normal(reason='shutdown')", leave_on_demand),
        ("Error(reason='closed')", leave_by_reset),
        ("Error(reason='closed')", leave_by_end_of_file),
        ("Remote(code=None, reason='')", leave_with_frame(frame(8))),
        ("Remote(code=4001, reason='because')", leave_with_code),
        ("Error(reason='badencoding')", leave_with_frame(frame(1, b"\xff\xfe"))),
        (
            "Error(reason='badframe')",
            leave_with_frame(frame(1, b"unmasked", mask=False)),
        ),
        ("Error(reason='badframe')", leave_with_frame(frame(3))),
    ],
)
def test_handle_close_and_its_reasons(
    server: Server, reason: str, leave: Leave
) -> None:
    """Seed: Handle a client leaving a service. With each terminate_reason() of the page."""
    with server.joined() as watcher:
        leave(server, "/websocket/myservice?name=leaver")
        said = watcher.until("leaver left ")
        assert said == f"leaver left /websocket/myservice: {reason}"


def test_close_reason_normal_timeout(server: Server) -> None:
    """Seed: {normal, timeout}: `idle_timeout`, Chicago Boss's websocket_timeout."""
    with server.joined("/websocket/impatient") as idle:
        assert idle.closed()[0] == 1000


def test_terminate(python: Path, myapp: Path, way: str) -> None:
    """Seed: Perform any cleanup before shutting down the service."""
    note = myapp / "terminated.txt"
    note.unlink(missing_ok=True)
    with serving(python, myapp, way) as server:
        with server.joined() as client:
            assert client.ask("count").startswith("1 ")
            server.process.terminate()
            assert client.closed()[0] == 1012
        server.ended()
    assert "'shutdown' after 1\n" in note.read_text()


def test_url_is_generated_from_the_file_name(server: Server) -> None:
    """Seed: `new WebSocket("ws://localhost:8001/websocket/foobar", "some_service_name")`."""
    with server.joined(
        "/websocket/foobar", subprotocols=["some_service_name"]
    ) as client:
        assert client.subprotocol == "some_service_name"
        assert client.told["url"] == "/websocket/foobar"


def test_urls_respect_base_url(python: Path, based: Path, way: str) -> None:
    """Seed: if the base_url is set to "/chat" ... ws://localhost:8001/chat/websocket/foobar"""
    with serving(python, based, way) as server:
        with server.joined("/chat/websocket/foobar") as client:
            assert client.told["url"] == "/chat/websocket/foobar"
        assert httpx2.get(server.url("/chat/healthz")).status_code == 200
        assert httpx2.get(server.url("/healthz")).status_code == 404
