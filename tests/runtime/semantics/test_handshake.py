"""Who may connect, what the others are told, and what passes through the application."""

import json
import socket
import string
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import TimestampSigner
from websockets.exceptions import InvalidStatus

from tests.e2e.support import PATIENCE, Server, frame
from tests.runtime.project import served
from tests.runtime.semantics.harness import Http, Service, make_project, until

GUARDED = """\
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from boss import Noreply, ServiceHandler, WebSocket
from fastapi import Depends, Header, HTTPException, Query, WebSocketException
from src.lib.script import note


def user(token: Annotated[str, Query()] = "") -> str:
    if token == "policy":
        raise WebSocketException(1008)
    if token not in ("sesame", "bad session"):
        raise HTTPException(401, "who are you?", headers={"www-authenticate": "Bearer"})
    return token


def first(name: Annotated[str, Depends(user)]) -> Iterator[None]:
    note("deps", "first", "", "begins")
    try:
        yield
    finally:
        note("deps", "first", "", "ends")


async def second(x_tenant: Annotated[int, Header()] = 0) -> AsyncIterator[None]:
    note("deps", "second", "", f"begins for {x_tenant}")
    yield
    note("deps", "second", "", "ends")


class Guarded(ServiceHandler[None]):
    dependencies = [Depends(first), Depends(second)]

    def handle_join(self, service_url: str, websocket: WebSocket, state: None) -> Any:
        websocket.send("welcome")
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Any:
        websocket.close(4000)
        return Noreply(state)
"""

SECTIONS = """
[service.choosy]
subprotocols = ["v2", "v1"]
allowed_origins = ["https://friend.example", "http://friend.example:8080", "capacitor://localhost"]

[service.anyone]
allowed_origins = ["*"]
"""


@pytest.fixture(scope="module", params=["directly", "through dependencies"])
def inclusion(request: pytest.FixtureRequest) -> str:
    """How a handshake comes to a service that has no dependencies itself: see `ServiceRouter`."""
    return str(request.param)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, way: str, inclusion: str
) -> Iterator[Server]:
    here = Path(__file__).parent
    text = (here / "application.py").read_text()
    plain = "app = FastAPI()\napp.include_router(router)\n"
    assert plain in text
    text = text.replace(
        plain, SETUP + (plain if inclusion == "directly" else DEPENDING)
    )
    text += "\napp.add_middleware(Doorman)\n"
    project = make_project(
        tmp_path_factory.mktemp("house"),
        toml=SECTIONS,
        handlers={"guarded": GUARDED, "choosy": "", "anyone": "", "door": ""},
        base_url="/a/b",
        application=text,
    )
    with served(project, way) as server:
        yield server


SETUP = '''
from collections.abc import Iterator

from fastapi import Depends, HTTPException, Query
from src.lib.script import note
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Doorman:
    """A middleware that sees every handshake and adds a header to the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            note("doorman", "sees", "", scope["path"])

        async def answer(message: Message) -> None:
            if message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", []), (b"x-doorman", b"hello")]
            await send(message)
            if message["type"] == "websocket.accept" and b"slowly" in scope["query_string"]:
                await asyncio.sleep(0.2)

        await self.app(scope, receive, answer)


'''
DEPENDING = """
def of_the_application(watch: Annotated[str, Query()] = "") -> Iterator[None]:
    yield
    if watch:
        note("deps", "of the application", "", watch)


def of_the_inclusion(watch: Annotated[str, Query()] = "") -> Iterator[None]:
    if watch == "refuse":
        raise HTTPException(402)
    yield
    if watch:
        note("deps", "of the inclusion", "", watch)


app = FastAPI(dependencies=[Depends(of_the_application)])
app.include_router(router, dependencies=[Depends(of_the_inclusion)])
"""


@pytest.fixture
def at(house: Server, clients: ExitStack) -> Callable[[str], Service]:
    """The services of the house."""
    return lambda name: Service(clients, house, name, "/a/b")


def refusal(server: Server, path: str, **options: Any) -> tuple[int, str]:
    """Status and body of a handshake that is denied."""
    with pytest.raises(InvalidStatus) as caught:
        server.connect(path, **options).__enter__()
    response = caught.value.response
    return response.status_code, response.body.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/a/b/websocket/nobody",
        "/a/b/websocket/door/",
        "/a/b/websocket/door/x",
        "/a/b/websocket/",
        "/a/b/websocket//door",
        "/a/b/websocket/Door",
        "/a/b/websocket/door%2F",
        "/a/b/websocket/guarded/",
    ],
)
def test_anything_else_below_websocket_is_404(house: Server, path: str) -> None:
    assert refusal(house, path)[0] == 404
    assert refusal(house, f"{path}?x=1", origin="http://evil.example")[0] == 404


@pytest.mark.parametrize("path", ["/a/b/websocket", "/websocket/door", "/nowhere"])
def test_elsewhere_the_application_answers(house: Server, path: str) -> None:
    assert refusal(house, path)[0] == 403, "as FastAPI does"


def test_the_applications_own_websockets_are_left_alone(house: Server) -> None:
    with house.connect("/own") as own:
        for number in range(20):
            assert own.ask(f"{number}") == f"own {number}"
        own.send("one")
        own.send("two")
        assert own.receive() == "own one"
        assert own.receive() == "own two"


def test_the_service_url_is_the_path_with_base_url_and_without_the_query(
    at: Callable[[str], Service],
) -> None:
    door = at("door")
    before = door.count("handle_join", "x")
    client = door.connect("x&more=yes")
    assert door.wait("handle_join", "x", times=before + 1) == "/a/b/websocket/door"
    assert client.response.headers["x-doorman"] == "hello"
    assert ["sees", "", "/a/b/websocket/door"] in [
        [e["callback"], e["who"], e["what"]]
        for e in Http(door.server).ask("/journal/doorman")[1]
    ]


def test_what_the_client_sends_before_the_application_has_gone_on_is_not_lost(
    at: Callable[[str], Service],
) -> None:
    """A middleware that takes its time after the accept."""
    door = at("door")
    with door.server.raw(f"{door.url}?name=early&slowly") as raw:
        raw.sendall(frame(1, b"one") + frame(1, b"two"))
        raw.sendall(frame(8, b"\x0f\xa1bye"))
        reason = door.wait("handle_close", "early")
    assert reason == "Remote(code=4001, reason='bye')"
    calls = [entry for entry in door.journal() if entry[1] == "early"]
    assert [what for _, _, what in calls[1:3]] == ["one", "two"]
    assert [callback for callback, _, _ in calls] == [
        "handle_join",
        "handle_incoming",
        "handle_incoming",
        "handle_close",
    ]


def test_a_client_may_leave_before_the_application_has_gone_on(
    at: Callable[[str], Service],
) -> None:
    door = at("door")
    with door.server.raw(f"{door.url}?name=hasty&slowly") as raw:
        raw.sendall(frame(8, b"\x0f\xa1bye"))
        reason = door.wait("handle_close", "hasty")
    assert reason == "Remote(code=4001, reason='bye')"


def test_a_message_may_begin_before_the_application_has_gone_on(
    at: Callable[[str], Service],
) -> None:
    door = at("door")
    with door.server.raw(f"{door.url}?name=half&slowly") as raw:
        second_half = frame(1, b"not a frame of its own")
        message = frame(2, b"half" + second_half)
        raw.sendall(message[: -len(second_half)])
        door.wait("handle_join", "half")
        raw.sendall(second_half + frame(1, b"whole"))
        assert door.wait("handle_incoming", "half") == repr(b"half" + second_half)
        assert door.wait("handle_incoming", "half", times=2) == "whole"


def test_order_of_refusal(house: Server, inclusion: str) -> None:
    evil = {"origin": "http://evil.example"}
    none = {"subprotocols": ["v3"]}
    guarded, choosy = "/a/b/websocket/guarded", "/a/b/websocket/choosy"
    if inclusion != "directly":
        assert refusal(house, f"{choosy}/?watch=refuse", **evil)[0] == 404
        assert refusal(house, f"{choosy}?watch=refuse", **evil)[0] == 402
    assert refusal(house, f"{guarded}/", **evil)[0] == 404
    assert refusal(house, guarded, **evil)[0] == 401
    assert refusal(house, f"{guarded}?token=sesame", **evil)[0] == 403
    assert refusal(house, choosy, **evil, **none)[0] == 403
    assert refusal(house, choosy, **none)[0] == 400


def test_a_service_that_is_down_is_refused_last(
    house: Server, way: str, project: Path
) -> None:
    with ExitStack() as clients:
        server = clients.enter_context(served(project, way))
        service = Service(clients, server, "choosy")
        service.on(handle_info="return Stop('normal', state)")
        service.info("stop")
        service.wait_state("stopped")
        evil, none = {"origin": "http://evil.example"}, {"subprotocols": ["v3"]}
        url = "/websocket/choosy"
        assert refusal(server, url, **evil, **none)[0] == 403
        assert refusal(server, url, **none)[0] == 400
        assert refusal(server, url, subprotocols=["v1"])[0] == 503
        assert refusal(server, url)[0] == 503


def test_dependencies_answer_before_the_accept(
    at: Callable[[str], Service],
) -> None:
    guarded = at("guarded")
    status, body = refusal(guarded.server, guarded.url)
    assert (status, json.loads(body)) == (401, {"detail": "who are you?"})
    with pytest.raises(InvalidStatus) as caught:
        guarded.connect("x")
    assert caught.value.response.headers["www-authenticate"] == "Bearer"
    assert refusal(guarded.server, f"{guarded.url}?token=policy")[0] == 403
    allowed = f"{guarded.url}?token=sesame"
    assert refusal(guarded.server, allowed, headers={"X-Tenant": "none"})[0] == 403


def notes(server: Server, key: str) -> list[tuple[str, str]]:
    _, entries = Http(server).ask(f"/journal/{key}")
    return [(e["callback"], e["what"]) for e in entries]


@pytest.mark.parametrize("ending", ["client", "service", "lost"])
def test_code_after_yield_runs_when_the_connection_ends(
    house: Server, ending: str
) -> None:
    before = len(notes(house, "deps"))
    with house.connect(
        "/a/b/websocket/guarded?token=sesame", headers={"X-Tenant": "7"}
    ) as client:
        assert client.receive() == "welcome"
        during = notes(house, "deps")[before:]
        assert during == [("first", "begins"), ("second", "begins for 7")]
        match ending:
            case "client":
                client.close()
            case "service":
                client.send("close me")
                assert client.closed()[0] == 4000
            case "lost":
                client.socket.close()
        until(lambda: len(notes(house, "deps")) >= before + 4, lambda: during)
        after = notes(house, "deps")[before + 2 :]
        assert after == [("second", "ends"), ("first", "ends")]


@pytest.mark.parametrize("inclusion", ["through dependencies"], indirect=True)
def test_dependencies_of_the_application_and_of_the_inclusion_last_as_long(
    house: Server,
) -> None:
    """The service itself declares none."""
    with house.connect("/a/b/websocket/door?name=dep&watch=door") as client:
        until(
            lambda: ("handle_join", "/a/b/websocket/door") in notes(house, "door"),
            lambda: notes(house, "door"),
        )
        client.ping().wait(10)
        assert "door" not in [what for _, what in notes(house, "deps")]
    until(
        lambda: (
            {("of the application", "door"), ("of the inclusion", "door")}
            <= set(notes(house, "deps"))
        ),
        lambda: notes(house, "deps"),
    )


ORIGINS: dict[str, tuple[str, str, bool]] = {
    "the host itself": ("door", "http://127.0.0.1:{port}", True),
    "another scheme": ("door", "https://127.0.0.1:{port}", True),
    "a name of this machine": ("door", "http://localhost:{port}", True),
    "its name in capitals": ("door", "HTTP://LOCALHOST:{port}", True),
    "its IPv6 address": ("door", "http://[::1]:{port}", True),
    "another port": ("door", "http://127.0.0.1:{other}", False),
    "no port": ("door", "http://127.0.0.1", False),
    "another host": ("door", "http://example.org:{port}", False),
    "a name that ends in it": ("door", "http://evil-localhost:{port}", False),
    "a name that begins with it": ("door", "http://localhost.evil:{port}", False),
    "user information": ("door", "http://localhost:{port}@evil", False),
    "null": ("door", "null", False),
    "nothing": ("door", "", False),
    "no URL": ("door", "localhost:{port}", False),
    "a path": ("door", "http://localhost:{port}/x", False),
    "listed": ("choosy", "https://friend.example", True),
    "listed, port spelled out": ("choosy", "https://friend.example:443", True),
    "listed with a port": ("choosy", "http://friend.example:8080", True),
    "listed, but for the port": ("choosy", "https://friend.example:444", False),
    "listed, of an app's own scheme": ("choosy", "capacitor://localhost", True),
    "beside a list, the host itself": ("choosy", "http://127.0.0.1:{port}", True),
    "beside a list, null": ("choosy", "null", False),
    "any": ("anyone", "https://anything.example", True),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_origin(house: Server, case: str) -> None:
    service, origin, allowed = ORIGINS[case]
    origin = origin.format(port=house.port, other=house.port % 60000 + 1)
    url = f"/a/b/websocket/{service}"
    if allowed:
        house.connect(url, origin=origin).__enter__().close()
    else:
        assert refusal(house, url, headers={"Origin": origin})[0] == 403


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("example.com", "https://example.com", True),
        ("example.com", "http://example.com", True),
        ("example.com:443", "https://example.com", True),
        ("example.com", "https://example.com:443", True),
        ("example.com:8443", "https://example.com:8443", True),
        ("example.com:8443", "https://example.com", False),
        ("EXAMPLE.com", "https://example.COM", True),
        ("example.com", "https://www.example.com", False),
    ],
)
def test_origin_behind_a_proxy(
    house: Server, host: str, origin: str, allowed: bool
) -> None:
    """The proxy ends TLS and hands on the `Host` that the browser sent."""
    raw = house_handshake(house, f"Host: {host}\r\nOrigin: {origin}\r\n")
    assert raw.startswith(b"HTTP/1.1 101" if allowed else b"HTTP/1.1 403")


def house_handshake(house: Server, headers: str) -> bytes:
    """The head of the answer to a handshake with exactly these further headers."""
    with socket.create_connection(("127.0.0.1", house.port), timeout=10) as raw:
        raw.sendall(
            b"GET /a/b/websocket/door HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + headers.encode()
            + b"\r\n"
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            chunk = raw.recv(4096)
            assert chunk, answer
            answer += chunk
        return answer


def test_two_origins_are_none(house: Server) -> None:
    host = f"localhost:{house.port}"
    one = f"Host: {host}\r\nOrigin: http://{host}\r\n"
    assert house_handshake(house, one).startswith(b"HTTP/1.1 101")
    two = f"{one}Origin: http://{host}\r\n"
    assert not house_handshake(house, two).startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize(
    ("service", "offered", "chosen"),
    [
        ("door", ["some_service_name"], "some_service_name"),
        ("door", ["b", "a"], "b"),
        ("choosy", ["v1"], "v1"),
        ("choosy", ["v3", "v1", "v2"], "v1"),
        ("choosy", ["V1", "v2"], "v2"),
    ],
)
def test_one_subprotocol_comes_back(
    house: Server, service: str, offered: Any, chosen: str
) -> None:
    with house.connect(f"/a/b/websocket/{service}", subprotocols=offered) as client:
        assert client.response.headers.get_all("sec-websocket-protocol") == [chosen]


def test_subprotocols_over_several_headers(house: Server) -> None:
    host = f"Host: localhost:{house.port}\r\n"
    answer = house_handshake(
        house,
        f"{host}Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Protocol: a\r\n",
    )
    assert answer.lower().count(b"sec-websocket-protocol: ") == 1
    assert b"sec-websocket-protocol: b\r\n" in answer.lower()


def test_none_offered_none_comes_back(house: Server) -> None:
    for service in ("door", "choosy"):
        with house.connect(f"/a/b/websocket/{service}") as client:
            assert "sec-websocket-protocol" not in client.response.headers


# The session.


def session(at: Callable[[str], Service], cookie: str | None) -> tuple[str, str | None]:
    """What the handler is told, and the cookie that is set, if one is."""
    door = at("door")
    door.on(handle_join="websocket.send(self.session_id)")
    headers = {} if cookie is None else {"Cookie": cookie}
    client = door.connect("session", headers=headers)
    told = str(client.receive())
    door.on(handle_join="")
    return told, client.response.headers.get("set-cookie")


def test_a_fresh_session_is_set_once_and_then_kept(
    at: Callable[[str], Service],
) -> None:
    first, fresh = session(at, None)
    assert fresh is not None
    cookie, *attributes = fresh.split("; ")
    assert {a.lower() for a in attributes} == {
        "path=/",
        "max-age=525600",
        "httponly",
        "samesite=lax",
    }
    assert session(at, cookie) == (first, None)
    assert session(at, f"other=1; {cookie}; more=2") == (first, None)
    second, _ = session(at, None)
    assert second != first


def one_bit_off(value: str, bit: int) -> str:
    """The last digit of the signature with one of its six bits turned; the lowest two mean nothing to a decoder."""
    digits = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    return value[:-1] + digits[digits.index(value[-1]) ^ 1 << bit]


@pytest.mark.parametrize("rest", [b"d00%0a", b"d00%0a%0a", b"d00%0aroom", b"%0a"])
def test_a_line_break_in_the_path_names_no_service(server: Server, rest: bytes) -> None:
    """A pattern matches before a last line break, as `$` of regular expressions does, and `.` matches none."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(
            b"GET /websocket/"
            + rest
            + b" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert connection.recv(12) == b"HTTP/1.1 404"


COPYING = """
class Copying:
    \"\"\"As Starlette advises: the scope of others is not changed, but copied.\"\"\"

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            path = scope["path"].removeprefix("/proxy")
            scope = dict(scope, user="ann", path=path)
        await self.app(scope, receive, send)


app = FastAPI()
app.include_router(router)
app.add_middleware(Copying)
"""


def test_a_handler_sees_the_request_as_it_came_through_middleware(
    tmp_path: Path, way: str, clients: ExitStack
) -> None:
    text = (Path(__file__).parent / "application.py").read_text()
    plain = "app = FastAPI()\napp.include_router(router)\n"
    assert plain in text
    project = make_project(
        tmp_path, services=1, application=text.replace(plain, COPYING)
    )
    with served(project, way) as server:
        service = Service(clients, server, "d00")
        service.on(handle_join="websocket.send(self.req.scope['user'])")
        client = clients.enter_context(server.connect("/proxy/websocket/d00?name=ann"))
        assert client.receive() == "ann"
        assert service.wait("handle_join") == "/websocket/d00"


SETTING = """
from contextvars import ContextVar

import boss

boss.WHO = ContextVar("who", default="nobody")


class Setting:
    \"\"\"As those do that write in every line of the log whose request it is.\"\"\"

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            boss.WHO.set(scope["query_string"].decode().removeprefix("name="))
        await self.app(scope, receive, send)


app = FastAPI()
app.include_router(router)
app.add_middleware(Setting)
"""


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_no_callback_sees_what_middleware_has_set_for_a_client(
    tmp_path: Path, way: str, clients: ExitStack, kind: str
) -> None:
    text = (Path(__file__).parent / "application.py").read_text()
    plain = "app = FastAPI()\napp.include_router(router)\n"
    project = make_project(
        tmp_path, services=1, application=text.replace(plain, SETTING)
    )
    with served(project, way) as server:
        service = Service(clients, server, f"{kind[0]}00")
        tell = "import boss; note(boss.WHO.get(), who)"
        rest = "await gate('all are here')\n" if kind == "async def" else ""
        service.on(
            init=tell,
            handle_join=tell,
            handle_incoming=f"{rest}{tell}\nself.send_after(0, 1)",
            handle_close=tell,
            handle_broadcast=tell,
            handle_info=tell,
            terminate=tell,
        )
        ann, bob = service.join("ann"), service.join("bob")
        ann.send("x")
        service.wait("handle_incoming")
        bob.send("x")
        service.broadcast("x")
        bob.close()
        service.open("all are here")
        service.wait("handle_info", times=2)
        service.wait("handle_close", "bob")
        service.on(handle_incoming="raise ValueError")
        ann.send("x")
        service.wait("init", times=2)
        notes = service.calls("note")
        assert len(notes) >= 9
        assert all(what == "nobody" for _, _, what in notes), notes


@pytest.mark.parametrize(
    "forge",
    [
        lambda value: one_bit_off(value, 0),
        lambda value: one_bit_off(value, 1),
        lambda value: one_bit_off(value, 2),
        lambda value: one_bit_off(value, 5),
        lambda value: "x" + value,
        lambda value: value.partition(".")[0],
        lambda value: "",
        lambda value: "garbage",
        lambda value: TimestampSigner("another secret").sign("x").decode(),
    ],
)
def test_a_forged_session_is_replaced(
    at: Callable[[str], Service], forge: Callable[[str], str]
) -> None:
    told, fresh = session(at, None)
    assert fresh is not None
    name, _, value = fresh.partition(";")[0].partition("=")
    again, replaced = session(at, f"{name}={forge(value)}")
    assert again != told
    assert replaced is not None
    assert session(at, replaced.partition(";")[0]) == (again, None)


def test_a_session_ends_with_its_age_and_the_cookie_is_as_configured(
    tmp_path: Path, way: str
) -> None:
    toml = '[session]\ncookie = "mine"\nmax_age = 1\nsecure = true\n'
    project = make_project(tmp_path, toml=toml, handlers={"door": ""})
    with ExitStack() as clients, served(project, way) as server:
        door = Service(clients, server, "door")

        def look(cookie: str | None) -> tuple[str, str | None]:
            return session(lambda _: door, cookie)

        told, fresh = look(None)
        issued = time.monotonic()
        assert fresh is not None
        assert fresh.startswith("mine=")
        assert "max-age=1" in fresh.lower()
        assert "; secure" in fresh.lower()
        cookie = fresh.partition(";")[0]
        assert look(cookie) == (told, None) or time.monotonic() > issued + 1
        until(lambda: look(cookie)[0] != told, lambda: "the session never ended")


def test_pages_are_not_websockets(house: Server) -> None:
    assert Http(house).ask("/a/b/websocket/door")[0] == 404
    assert Http(house).ask("/a/b/healthz") == (
        200,
        {
            "status": "ok",
            "services": {
                name: {"state": "running", "reason": None}
                for name in ("anyone", "choosy", "door", "guarded")
            },
        },
    )
    status, table = Http(house).ask("/a/b/boss/services.json")
    assert status == 200
    assert table["base_url"] == "/a/b"
    assert [(s["name"], s["url"]) for s in table["services"]] == [
        (name, f"/a/b/websocket/{name}")
        for name in ("anyone", "choosy", "door", "guarded")
    ]
