"""Who may connect, and what the others are told, on both ways to serve."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.support import Server


def refused(server: Server, path: str, **options: Any) -> int:
    """The HTTP status with which a handshake is denied."""
    with pytest.raises(InvalidStatus) as caught, server.connect(path, **options):
        pass
    return caught.value.response.status_code


@pytest.mark.parametrize(
    "path",
    [
        "/websocket/nobody",
        "/websocket/myservice/",
        "/websocket/myservice/more",
        "/websocket/",
        "/websocket/myservic",
        "/websocket/%6dyservices",
        "/websocket//myservice",
    ],
)
def test_anything_else_below_websocket_is_404(server: Server, path: str) -> None:
    assert refused(server, path) == 404


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (lambda port: f"http://127.0.0.1:{port}", True),
        (lambda port: f"http://localhost:{port}", True),
        (lambda port: f"http://[::1]:{port}", True),
        (lambda port: f"https://127.0.0.1:{port}", True),
        (lambda port: f"http://127.0.0.1:{port + 1}", False),
        (lambda port: f"http://example.org:{port}", False),
        (lambda port: "https://friend.example", False),
        (lambda port: "null", False),
        (lambda port: "nonsense", False),
    ],
)
def test_origin_must_be_the_host(
    server: Server, origin: Callable[[int], str], allowed: bool
) -> None:
    if allowed:
        with server.joined(origin=origin(server.port)) as client:
            assert client.ask("let in") == "let in"
    else:
        assert (
            refused(server, "/websocket/myservice", origin=origin(server.port)) == 403
        )


def test_listed_origin(server: Server) -> None:
    with server.joined(
        "/websocket/choosy", origin="https://friend.example", subprotocols=["v1"]
    ) as client:
        assert client.ask("let in") == "let in"


@pytest.mark.parametrize(
    ("path", "offered", "chosen"),
    [
        ("/websocket/myservice", ["anything", "else"], "anything"),
        ("/websocket/choosy", ["v1"], "v1"),
        ("/websocket/choosy", ["v3", "v2", "v1"], "v2"),
    ],
)
def test_exactly_one_subprotocol_comes_back(
    server: Server, path: str, offered: list[str], chosen: str
) -> None:
    with server.joined(path, subprotocols=offered) as client:
        assert client.response.headers.get_all("sec-websocket-protocol") == [chosen]


def test_no_subprotocol_offered_none_comes_back(server: Server) -> None:
    with server.joined() as client:
        assert "sec-websocket-protocol" not in client.response.headers


def test_no_allowed_subprotocol_is_400(server: Server) -> None:
    assert refused(server, "/websocket/choosy", subprotocols=["v3"]) == 400


def test_dependencies_come_before_origin_and_after_404(server: Server) -> None:
    evil = "http://evil.example"
    assert refused(server, "/websocket/guarded") == 401
    assert refused(server, "/websocket/guarded", origin=evil) == 401
    assert refused(server, "/websocket/guarded?token=sesame", origin=evil) == 403
    assert refused(server, "/websocket/guarded/?token=sesame", origin=evil) == 404
    choosy = "/websocket/choosy"
    assert refused(server, choosy, origin=evil, subprotocols=["v3"]) == 403


def test_dependency_lasts_as_long_as_the_connection(server: Server) -> None:
    with server.joined() as watcher:
        with server.connect("/websocket/guarded?token=sesame&tell=1") as client:
            assert client.receive() == "welcome"
            assert watcher.ask("nothing yet") == "nothing yet"
        assert watcher.receive() == "broadcast: dependency over"


def test_a_service_that_is_down_is_503(own_server: Server) -> None:
    with own_server.joined() as client:
        client.send("stop normal")
        assert client.closed()[0] == 1001
    path = "/websocket/myservice"
    assert refused(own_server, path) == 503
    assert refused(own_server, path, origin="http://evil.example") == 403
    assert httpx2.post(own_server.url("/say/anyone")).status_code == 409
    with own_server.joined("/websocket/foobar") as other:
        assert other.ask("unharmed") == "unharmed"


def test_forged_cookie_is_replaced(server: Server) -> None:
    with server.joined() as client:
        cookie = client.response.headers["set-cookie"].partition(";")[0]
        session = client.told["session"]
    name, _, value = cookie.partition("=")
    assert name == "_boss_session"
    forged = ("A" if value[0] != "A" else "B") + value[1:]
    with server.joined(headers={"Cookie": f"{name}={forged}"}) as client:
        assert "set-cookie" in client.response.headers
        assert client.told["session"] != session
    with server.joined(headers={"Cookie": cookie}) as client:
        assert client.told["session"] == session


def test_cookie_attributes(server: Server) -> None:
    with server.joined() as client:
        words = client.response.headers["set-cookie"].lower().split("; ")
    assert {"httponly", "samesite=lax", "path=/", "max-age=525600"} <= set(words)


def test_healthz(server: Server) -> None:
    answer = httpx2.get(server.url("/healthz"))
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "services"}
    assert answer.json()["services"]["foobar"]["state"] == "running"


def test_healthz_is_503_when_a_service_gave_up(own_server: Server) -> None:
    for _ in range(11):
        with own_server.joined() as client:
            client.send("crash again")
            assert client.closed()[0] == 1011
    health = httpx2.get(own_server.url("/healthz"))
    assert health.status_code == 503
    assert health.json()["services"]["myservice"]["state"] == "failed"
    assert health.json()["services"]["foobar"]["state"] == "running"
    assert own_server.log.count("ValueError: again") == 11


def test_services_json(server: Server) -> None:
    services = httpx2.get(server.url("/boss/services.json")).json()
    text = str(services)
    for name in ("choosy", "foobar", "guarded", "impatient", "myservice", "small"):
        assert f"/websocket/{name}" in text
