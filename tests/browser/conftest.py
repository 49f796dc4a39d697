"""A real browser, and projects for it to look at."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bossgen import build, scaffold

CHROMIUM = Path("/usr/bin/chromium")  # Debian's
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# A service that does as it is told, so that a page can see every kind of end.
OBEDIENT = '''"""Does what it is told."""

from boss import Noreply, ServiceHandler, Stop, WebSocket


class ObedientWebsocket(ServiceHandler[None]):
    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None] | Stop[None]:
        match str(message).split():
            case ["close", code, reason]:
                websocket.close(int(code), reason)
            case ["crash"]:
                raise RuntimeError("as I was told")
            case ["flood", count]:
                for number in range(int(count)):
                    websocket.send(str(number))
            case ["stop"]:
                return Stop("normal", state)
            case _:
                websocket.send(f"{service_url}?{self.req.url.query}")
        return Noreply(state)
'''


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


# One browser for each module, not for the session: while it is there the thread has a running
# event loop, and async tests of other modules could not have their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    expect.set_options(timeout=20_000)  # milliseconds
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as context:
        context.set_default_timeout(15_000)
        yield context


@pytest.fixture
def faults(context: BrowserContext) -> Iterator[list[str]]:
    """What the pages complained about; a test in which they did fails, unless it empties the list."""
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on(
        "console",
        lambda message: (
            faults.append(message.text) if message.type == "error" else None
        ),
    )
    yield faults
    assert faults == []


@pytest.fixture
def page(context: BrowserContext, faults: list[str]) -> Page:
    return context.new_page()


@pytest.fixture(scope="module")
def make_project(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Path]:
    """Scaffold a project with the services chat (a room) and obedient, and build it."""

    def make(name: str = "myapp", base_url: str = "/", toml: str = "") -> Path:
        root = tmp_path_factory.mktemp("browser") / name
        scaffold.new(root, base_url=base_url, services=["chat"])
        handler = root / f"src/websocket/{name}_obedient_websocket.py"
        handler.write_text(OBEDIENT)
        with (root / "boss.toml").open("a") as stream:
            stream.write(toml)
        assert not build.build(root).problems
        return root

    return make


@pytest.fixture(scope="module")
def project(make_project: Callable[..., Path]) -> Path:
    return make_project()
