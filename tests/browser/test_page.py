"""The landing page of a served project, used as a person uses it."""

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from bossgen import build, scaffold
from tests.e2e.support import Server, environment, serving
from tests.e2e.test_readme import the

PYTHON = Path(sys.executable)

# What a careful application adds to app.py.
STRICT = """

@app.middleware("http")
async def strict(request, call_next):
    response = await call_next(request)
    response.headers["content-security-policy"] = "default-src 'self'"
    return response
"""


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    with serving(PYTHON, project, "fast") as server:
        yield server


@pytest.fixture(scope="module")
def plain(project: Path) -> Iterator[Server]:
    """The same on uvicorn's own protocol class."""
    with serving(PYTHON, project, "plain") as server:
        yield server


def service(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name)


def client(page: Page, name: str, number: int = 1) -> Locator:
    return service(page, name).get_by_role("region", name=f"Client {number}")


def join(page: Page, name: str) -> Locator:
    """Press Join, and wait until the new client has joined."""
    card = service(page, name)
    before = card.get_by_role("region").count()
    card.get_by_role("button", name="Join").first.click()
    new = client(page, name, before + 1)
    expect(new.get_by_role("status")).to_have_text("joined")
    return new


def say(one: Locator, text: str) -> None:
    one.get_by_label("Message of").fill(text)
    one.get_by_role("button", name="Send", exact=True).click()


def log(one: Locator) -> Locator:
    return one.get_by_role("log")


@pytest.mark.parametrize("way", ["server", "plain"])
def test_two_tabs_chat(
    context: BrowserContext,
    faults: list[str],
    request: pytest.FixtureRequest,
    way: str,
) -> None:
    served: Server = request.getfixturevalue(way)
    tabs = [context.new_page(), context.new_page()]
    clients = []
    for tab in tabs:
        tab.goto(served.url("/"))
        clients.append(join(tab, "chat"))
    say(clients[0], "hello from the first tab")
    for one in clients:
        expect(log(one).locator(".received")).to_contain_text(
            "hello from the first tab"
        )
    expect(log(clients[0]).locator(".sent")).to_contain_text("hello from the first tab")
    expect(log(clients[1]).locator(".sent")).to_have_count(0)
    expect(service(tabs[1], "chat")).to_contain_text("2 clients connected")


@pytest.mark.parametrize("way", ["server", "plain"])
def test_the_call_of_the_seed_connects(
    page: Page, request: pytest.FixtureRequest, way: str
) -> None:
    """Seed: `wsc = new WebSocket("ws://localhost:8001/websocket/foobar", "some_service_name");`."""
    served: Server = request.getfixturevalue(way)
    page.goto(f"http://localhost:{served.port}/")
    told = page.evaluate(
        """url => new Promise((resolve, reject) => {
            wsc = new WebSocket(url, "some_service_name");
            wsc.onopen = () => wsc.send("hello");
            wsc.onmessage = event => resolve([wsc.protocol, event.data]);
            wsc.onclose = event => reject(new Error(`closed with ${event.code}`));
        })""",
        f"ws://localhost:{served.port}/websocket/chat",
    )
    assert told == ["some_service_name", "hello"]


def test_every_service_is_listed_with_what_it_is_made_of(
    page: Page, server: Server
) -> None:
    page.goto(server.url("/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("myapp")
    expect(page.get_by_role("heading", level=2)).to_have_text(["chat", "obedient"])
    chat = service(page, "chat")
    expect(chat).to_contain_text(server.url("/websocket/chat", "ws"))
    chat.get_by_text("How it is made").click()
    for fact in (
        "src/websocket/myapp_chat_websocket.py",
        "handle_broadcast",
        "max_message_size",
        "1 MiB",
    ):
        expect(chat).to_contain_text(fact)


def test_a_client_can_be_used_with_the_keyboard_alone(
    page: Page, server: Server
) -> None:
    page.goto(server.url("/"))
    expect(service(page, "chat")).to_be_visible()
    press = page.keyboard.press

    def focused() -> str:
        return page.evaluate(
            "document.activeElement.ariaLabel ?? document.activeElement.textContent"
        )

    for _ in range(10):
        press("Tab")
        if focused() == "Join":
            break
    press("Enter")
    one = client(page, "chat")
    expect(one.get_by_role("status")).to_have_text("joined")
    assert focused() == "Message of Client 1"
    page.keyboard.type("first")
    press("Shift+Enter")
    page.keyboard.type("second")
    press("Enter")
    expect(log(one).locator(".received pre")).to_have_text("first\nsecond")
    page.keyboard.type("third")
    press("Enter")
    expect(log(one).locator(".received")).to_have_count(2)
    press("ArrowUp")
    expect(one.get_by_label("Message of")).to_have_value("third")
    press("ArrowUp")
    expect(one.get_by_label("Message of")).to_have_value("first\nsecond")
    for name in ("What Client 1 sent and heard", "Remove Client 1", "Leave: Client 1"):
        press("Shift+Tab")
        assert focused() == name
    press("Enter")
    expect(one.get_by_role("status")).to_have_text("closed")
    expect(log(one)).to_contain_text("1000, closed normally")


def test_json_is_checked_before_it_is_sent(page: Page, server: Server) -> None:
    page.goto(server.url("/"))
    one = join(page, "chat")
    one.get_by_label("Kind of message").select_option("JSON")
    say(one, '{"broken')
    expect(one.get_by_role("alert")).to_contain_text("no JSON yet")
    expect(log(one).locator(".sent")).to_have_count(0)
    say(one, '{"words": ["are", "here", "and", "there", "and", "everywhere", "else"]}')
    expect(one.get_by_role("alert")).to_be_hidden()
    expect(log(one).locator(".received pre")).to_contain_text('"everywhere",\n')


def test_a_file_is_sent_as_bytes(page: Page, server: Server) -> None:
    page.goto(server.url("/"))
    one = join(page, "chat")
    one.get_by_label("Send files as bytes").set_input_files(
        {"name": "a.bin", "mimeType": "application/octet-stream", "buffer": b"\0ab\xff"}
    )
    expect(log(one).locator(".sent")).to_contain_text("a.bin, binary, 4 bytes")
    expect(log(one).locator(".received")).to_contain_text("00 61 62 ff")
    expect(log(one).locator(".received")).to_contain_text("·ab·")


def test_a_long_log_does_not_lengthen_the_page(page: Page, server: Server) -> None:
    page.goto(server.url("/"))
    one = join(page, "obedient")
    before = page.evaluate("document.documentElement.scrollHeight")
    say(one, "flood 500")
    expect(log(one).locator(".received").last).to_contain_text("499")
    assert page.evaluate("document.documentElement.scrollHeight") == before


def test_a_flood_of_messages_does_not_hold_up_the_page(
    page: Page, server: Server
) -> None:
    """The log is measured once for a frame, and not for each message."""
    page.goto(server.url("/"))
    one = join(page, "obedient")
    page.evaluate("""() => {
        const measured = Object.getOwnPropertyDescriptor(Element.prototype, "scrollHeight");
        window.measured = 0;
        Object.defineProperty(document.querySelector(".log"), "scrollHeight", {
            get() {
                window.measured += 1;
                return measured.get.call(this);
            },
        });
    }""")
    say(one, "flood 5000")
    expect(log(one).locator(".received").last).to_contain_text("4999")
    assert page.evaluate("measured") < 2500
    assert log(one).locator(".entry").count() == 500
    page.wait_for_function("""() => {
        const box = document.querySelector(".log");
        return box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
    }""")


def test_text_that_runs_from_right_to_left_does_so(page: Page, server: Server) -> None:
    page.goto(server.url("/"))
    one = join(page, "chat")
    for text, direction in (("\u05e9\u05dc\u05d5\u05dd!", "rtl"), ("hello!", "ltr")):
        one.get_by_label("Message of").fill(text)
        expect(one.get_by_label("Message of")).to_have_css("direction", direction)
        one.get_by_role("button", name="Send", exact=True).click()
        shown = log(one).locator(".received pre").last
        expect(shown).to_have_text(text)
        expect(shown).to_have_css("direction", direction)


@pytest.mark.parametrize(
    ("order", "words", "state"),
    [
        ("close 1000 bye", "1000, closed normally: “bye”", "closed"),
        (
            "close 4001 because",
            "4001, a code of the application's own: “because”",
            "closed",
        ),
        ("close 1008 slow", "1008, refused by a rule of the service", "closed"),
        ("crash", "1011, the service failed", "joined"),
    ],
)
def test_it_says_why_a_socket_was_closed(
    page: Page, server: Server, order: str, words: str, state: str
) -> None:
    page.goto(server.url("/"))
    one = join(page, "obedient")
    say(one, order)
    expect(log(one).locator(".closed")).to_contain_text(words)
    expect(one.get_by_role("status")).to_have_text(state)


def test_a_closed_client_joins_again_with_another_query_and_subprotocol(
    page: Page, server: Server
) -> None:
    page.goto(server.url("/"))
    one = join(page, "obedient")
    one.get_by_role("button", name="Leave").click()
    expect(one.get_by_role("status")).to_have_text("closed")
    one.get_by_text("Options").click()
    one.get_by_label("Query").fill("name=ann")
    one.get_by_label("Subprotocol").fill("v1")
    one.get_by_role("button", name="Join").click()
    expect(log(one)).to_contain_text("joined, subprotocol v1")
    say(one, "where am I?")
    expect(log(one).locator(".received")).to_contain_text(
        "/websocket/obedient?name=ann"
    )


@pytest.mark.parametrize("option", ["Query", "Subprotocol"])
def test_enter_in_the_options_joins_anew_with_them(
    page: Page, server: Server, option: str
) -> None:
    page.goto(server.url("/"))
    one = join(page, "obedient")
    one.get_by_text("Options").click()
    one.get_by_label("Query").fill("name=ann")
    one.get_by_label("Subprotocol").fill("v1")
    one.get_by_label(option).press("Enter")
    expect(log(one).locator(".joined .words")).to_have_text(
        ["joined", "joined, subprotocol v1"]
    )
    expect(log(one).locator(".closed .words")).to_have_text("1000, closed normally")
    expect(one.get_by_role("status")).to_have_text("joined")
    say(one, "where am I?")
    expect(log(one).locator(".received")).to_contain_text(
        "/websocket/obedient?name=ann"
    )
    expect(service(page, "obedient")).to_contain_text("1 client connected")


def test_what_cannot_be_a_subprotocol_is_told(page: Page, server: Server) -> None:
    page.goto(server.url("/"))
    one = join(page, "obedient")
    one.get_by_text("Options").click()
    one.get_by_label("Subprotocol").fill("caf\u00e9")
    one.get_by_label("Subprotocol").press("Enter")
    expect(one.get_by_role("status")).to_have_text("closed")
    expect(log(one).locator(".closed").first).to_contain_text("is invalid")
    one.get_by_label("Subprotocol").fill("v1")
    one.get_by_role("button", name="Join").click()
    expect(one.get_by_role("status")).to_have_text("joined")


def test_a_message_to_a_closed_client_is_not_lost(page: Page, server: Server) -> None:
    page.goto(server.url("/"))
    one = join(page, "chat")
    one.get_by_role("button", name="Leave").click()
    expect(one.get_by_role("status")).to_have_text("closed")
    say(one, "still here")
    expect(one.get_by_role("alert")).to_contain_text("Not sent")
    expect(one.get_by_label("Message of")).to_have_value("still here")


def test_clients_of_several_services_are_told_apart_without_seeing_them(
    page: Page, server: Server
) -> None:
    page.goto(server.url("/"))
    join(page, "chat")
    join(page, "obedient")
    for name in ("Client 1 of chat", "Client 1 of obedient"):
        expect(page.get_by_role("region", name=name, exact=True)).to_have_count(1)


def test_clients_stand_side_by_side_and_can_be_removed(
    page: Page, server: Server
) -> None:
    page.set_viewport_size({"width": 1200, "height": 900})
    page.goto(server.url("/"))
    first, second = join(page, "chat"), join(page, "chat")
    boxes = [one.bounding_box() for one in (first, second)]
    assert boxes[0] and boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]
    first.get_by_role("button", name="Remove").click()
    expect(first).to_have_count(0)
    say(second, "alone")
    expect(log(second).locator(".received")).to_contain_text("alone")


def test_a_service_that_is_down_says_so(
    project: Path, page: Page, faults: list[str]
) -> None:
    with serving(PYTHON, project, "fast") as server:
        page.goto(server.url("/"))
        say(join(page, "obedient"), "stop")
        expect(service(page, "obedient")).to_contain_text("stopped")
        again = service(page, "obedient").get_by_role("button", name="Join once more")
        expect(again).to_be_disabled()
        expect(service(page, "chat")).to_contain_text("running")
    # The client may have tried to come back.
    assert all("response code: 503" in fault for fault in faults)
    faults.clear()


def test_after_a_crash_of_the_server_a_client_comes_back(
    project: Path, page: Page, faults: list[str]
) -> None:
    with serving(PYTHON, project, "fast") as first:
        page.goto(first.url("/"))
        one = join(page, "chat")
        first.process.send_signal(signal.SIGKILL)
        expect(log(one).locator(".closed").first).to_contain_text("1006")
        say(one, "said while it was away")
        expect(log(one).locator(".sent")).to_contain_text("waits for the connection")
    again = {"BOSS_PORT": str(first.port)}
    with serving(PYTHON, project, "fast", env=again):
        expect(log(one)).to_contain_text("joined again")
        expect(log(one).locator(".received")).to_contain_text("said while it was away")
        expect(log(one).locator(".sent")).to_contain_text("waited for the connection")
        expect(page.get_by_text("The server does not answer")).to_be_hidden()
    # The browser itself reports every try that failed.
    assert all(
        "net::ERR_" in fault or "WebSocket connection" in fault for fault in faults
    )
    faults.clear()


def test_what_a_client_that_gives_up_has_not_sent_is_told(
    project: Path, page: Page, faults: list[str]
) -> None:
    with serving(PYTHON, project, "fast") as server:
        page.goto(server.url("/"))
        one = join(page, "chat")
        server.process.send_signal(signal.SIGKILL)
        expect(log(one).locator(".closed").first).to_contain_text("1006")
        say(one, "too late")
        one.get_by_text("Options").click()
        one.get_by_label("Reconnect by itself").uncheck()
        expect(log(one).locator(".sent")).to_contain_text("was not sent")
        expect(one.get_by_role("status")).to_have_text("closed")
    faults.clear()  # the browser reports every try that failed


def test_while_the_server_is_away_the_page_claims_nothing_and_then_joins_at_once(
    project: Path, page: Page, faults: list[str]
) -> None:
    never = (
        500  # seconds, before a client would try again by itself for the second time
    )
    page.add_init_script(
        f"let tries = 0; Math.random = () => tries++ ? {2 * never} : 0;"
    )
    page.clock.install()
    with serving(PYTHON, project, "fast") as first:
        page.goto(first.url("/"))
        one = join(page, "chat")
        first.process.send_signal(signal.SIGKILL)
        lost = "1006, the connection was lost, or the server refused it"
        expect(log(one).locator(".closed")).to_have_count(1)
        expect(log(one).locator(".closed .words")).to_have_text(f"{lost}, 2 times")
        expect(page.get_by_text("The server does not answer")).to_be_visible(
            timeout=10_000
        )
        expect(page.get_by_text("The terminal of")).to_be_hidden()
        expect(service(page, "chat")).to_contain_text("unknown")
        expect(service(page, "chat")).not_to_contain_text("connected")
        again = service(page, "chat").get_by_role("button", name="Join once more")
        expect(again).to_be_disabled()
    with serving(PYTHON, project, "fast", env={"BOSS_PORT": str(first.port)}):
        expect(log(one)).to_contain_text("joined again", timeout=10_000)
        page.clock.fast_forward(5000)  # milliseconds; a countdown would go on
        expect(one.get_by_role("status")).to_have_text("joined")
        expect(service(page, "chat")).to_contain_text("running")
        expect(again).to_be_enabled()
    faults.clear()  # the browser reports every try while the server was away


def test_a_broken_build_covers_the_page_until_it_is_mended(
    project: Path, page: Page, faults: list[str], tmp_path: Path
) -> None:
    status = tmp_path / "status.json"
    where = "src/websocket/myapp_chat_websocket.py"

    def outcome(build: int, text: str = "") -> None:
        new = tmp_path / "new.json"
        problem = {"severity": "error", "path": where}
        new.write_text(
            json.dumps(
                {
                    "build": build,
                    "ok": not text,
                    "diagnostics": [problem] if text else [],
                    "text": text,
                }
            )
        )
        new.replace(status)

    def broken(code: str) -> str:
        return (
            f"error[{code}]: `handle_join` lacks the parameter `state`\n"
            f"  --> {where}:14:15\n   |\n14 |     def handle_join(self):\n"
            "   |         ^^^^^^^^^^^\n   = help: write it\n"
        )

    outcome(1)
    with serving(
        PYTHON, project, "fast", env={"BOSS_DEV_STATUS": str(status)}
    ) as server:
        page.goto(server.url("/"))
        one = join(page, "chat")
        overlay = page.get_by_role("dialog")
        expect(overlay).to_be_hidden()
        outcome(2, broken("BG305"))
        expect(overlay).to_contain_text("The build failed: 1 error")
        expect(overlay.locator(".files")).to_have_text(where)
        expect(overlay).to_contain_text(f"{where}:14:15")
        expect(overlay.locator(".caret")).to_contain_text("^^^^^^^^^^^")
        page.keyboard.press("Escape")
        expect(overlay).to_be_hidden()
        page.get_by_role("button", name="The build failed").click()
        expect(overlay).to_be_visible()
        overlay.get_by_role("button", name="Close").click()
        say(one, "the last good build serves")
        expect(log(one).locator(".received")).to_contain_text("the last good build")
        outcome(3, broken("BG306"))
        expect(overlay).to_contain_text("BG306")
        outcome(4)
        expect(overlay).to_be_hidden()
        expect(page.get_by_role("button", name="The build failed")).to_be_hidden()
        outcome(5, broken("BG307"))
        expect(overlay).to_contain_text("BG307")
        server.process.send_signal(signal.SIGKILL)
        expect(overlay).to_be_hidden()
        expect(page.get_by_text("The terminal of bossgen dev")).to_be_visible(
            timeout=10_000
        )
        expect(page.get_by_role("button", name="The build failed")).to_be_hidden()
    faults.clear()  # the browser reports every try while the server was away


def test_bossgen_dev_shows_a_mistake_and_forgets_it_when_it_is_mended(
    make_project: Callable[..., Path], page: Page, faults: list[str]
) -> None:
    """The real command, from the first save to the service that is there afterwards."""
    project = make_project(name="dev")
    handler = project / "src/websocket/dev_chat_websocket.py"
    good = handler.read_text()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])  # the same one after each restart
    command = [sys.executable, "-m", "bossgen", "dev"]
    variables = environment(BOSS_PORT=port, BOSS_SECRET="kept")
    with Server(command, project, variables) as server:
        server.started()
        page.goto(server.url("/"))
        one = join(page, "chat")
        overlay = page.get_by_role("dialog")
        handler.write_text(good.replace("service_url: str, websocket", "websocket"))
        expect(overlay).to_contain_text("src/websocket/dev_chat_websocket.py")
        expect(overlay).to_contain_text("BG305")
        expect(overlay.locator(".caret").first).to_contain_text("^")
        page.keyboard.press("Escape")
        say(one, "the last good build serves")
        expect(log(one).locator(".received")).to_contain_text("the last good build")
        handler.write_text(
            good
            + "\n    def handle_info(self, info, state):\n        return Noreply(state)\n"
        )
        expect(page.get_by_role("button", name="The build failed")).to_be_hidden()
        expect(log(one)).to_contain_text("1012, the server restarts")
        expect(log(one)).to_contain_text("joined again")
        service(page, "chat").get_by_text("How it is made").click()
        expect(service(page, "chat")).to_contain_text("handle_info")
    faults.clear()  # the browser reports every try while the server was away


def test_below_a_base_url_everything_is_found(
    make_project: Callable[..., Path], page: Page
) -> None:
    project = make_project(name="other", base_url="/chat")
    with serving(PYTHON, project, "fast") as server:
        page.goto(server.url("/chat"))  # the slash at its end comes by itself
        one = join(page, "chat")
        say(one, "hello")
        expect(log(one).locator(".received")).to_contain_text("hello")


def test_without_services_it_tells_what_to_type(page: Page, tmp_path: Path) -> None:
    scaffold.new(tmp_path / "myapp")
    with serving(PYTHON, tmp_path / "myapp", "fast") as server:
        page.goto(server.url("/"))
        expect(page.get_by_role("heading", level=2)).to_have_text("No services yet")
        expect(page.locator("main pre")).to_have_text(
            "bossgen add-service chat\nbossgen build"
        )


def test_switched_off_it_says_so_kindly(
    make_project: Callable[..., Path], page: Page, faults: list[str]
) -> None:
    project = make_project(name="quiet", toml="\n[server]\nlanding_page = false\n")
    with serving(PYTHON, project, "fast") as server:
        page.goto(server.url("/"))
        expect(page.get_by_role("heading", level=2)).to_contain_text("switched off")
        expect(page.get_by_text("The server does not answer")).to_be_hidden()
    assert all("404" in fault for fault in faults)
    faults.clear()


@pytest.mark.parametrize("mistake", ["forgotten", "too late"])
def test_it_says_when_the_application_lacks_the_router(
    make_project: Callable[..., Path], page: Page, faults: list[str], mistake: str
) -> None:
    project = make_project(name="bare")
    app = project / "app.py"
    line = "app.include_router(router)\n"
    text = app.read_text().replace(line, "")
    app.write_text(text + line * (mistake == "too late"))
    with serving(PYTHON, project, "fast") as server:
        page.goto(server.url("/"))
        expect(page.get_by_role("heading", level=2)).to_contain_text("does not include")
        expect(page.locator("main pre")).to_contain_text(line.strip())
    assert all("404" in fault for fault in faults)
    faults.clear()


def test_it_works_under_a_strict_content_security_policy(
    make_project: Callable[..., Path], page: Page
) -> None:
    project = make_project(name="strict")
    with (project / "app.py").open("a") as stream:
        stream.write(STRICT)
    with serving(PYTHON, project, "fast") as server:
        page.goto(server.url("/"))
        one = join(page, "chat")
        say(one, "within the rules")
        expect(log(one).locator(".received")).to_contain_text("within the rules")


def test_the_page_of_the_readme(
    context: BrowserContext, faults: list[str], tmp_path: Path
) -> None:
    root = tmp_path / "myapp"
    scaffold.new(root)
    handler = the("src/websocket/myapp_lobby_websocket.py")
    (root / handler.path).write_text(handler.body)
    page = the("<!-- priv/static/lobby.html")
    (root / "priv/static/lobby.html").write_text(page.text)
    assert not build.build(root).problems
    with serving(PYTHON, root, "fast") as server:
        ann, bob = context.new_page(), context.new_page()
        ann.goto(server.url("/lobby.html?room=tea&name=ann"))
        expect(ann.get_by_role("status")).to_have_text("ann")
        bob.goto(server.url("/lobby.html?room=tea&name=bob"))
        expect(ann.get_by_role("status")).to_have_text("ann, bob")
        bob.get_by_label("Message").fill("hi")
        bob.keyboard.press("Enter")
        for page_of in (ann, bob):
            expect(page_of.get_by_role("listitem")).to_have_text("bob: hi")
        expect(bob.get_by_label("Message")).to_have_value("")
        bob.close()
        expect(ann.get_by_role("status")).to_have_text("ann")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1400])
def test_nothing_stands_out_on_any_screen(
    browser: Browser, server: Server, scheme: str, width: int
) -> None:
    with browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 800},
    ) as context:
        page = context.new_page()
        page.goto(server.url("/"))
        one = join(page, "chat")
        say(one, "a" * 300)
        expect(log(one).locator(".received")).to_be_visible()
        for details in page.locator("summary").all():
            details.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(245, 244, 239)") == (scheme == "light")
