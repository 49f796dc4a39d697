"""One server for each path, shared by the tests of a module; a fresh service for each test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.support import Server
from tests.runtime.project import served
from tests.runtime.semantics.harness import Service, make_project

SERVICES = 120  # of each kind on the shared server

BARE = """\
from boss import ServiceHandler


class Bare(ServiceHandler[None]):
    pass
"""
EARS = """\
from boss import Noreply, ServiceHandler, WebSocket


class Ears(ServiceHandler[None]):
    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        websocket.send(f"{state} {message!s}")
        return Noreply(state)
"""


# Services of their own kind, and what boss.toml says of them.
SECTIONS = {
    "idle": "idle_timeout = 0.3",
    "small": "max_message_size = 1000",
    "just": "max_message_size = 1000",
    "abox": "mailbox_limit = 5",
    "choosy": 'subprotocols = ["v2", "v1"]',
}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many scripted services, restarted as often as it takes."""
    toml = "[supervisor]\nmax_restarts = 1000\nperiod = 1\n"
    for name, settings in SECTIONS.items():
        toml += f"[service.{name}]\n{settings}\n"
    return make_project(
        tmp_path_factory.mktemp("semantics"),
        toml=toml,
        services=SERVICES,
        handlers={"bare": BARE, "ears": EARS, **dict.fromkeys(SECTIONS, "")},
    )


@pytest.fixture(scope="module")
def server(project: Path, way: str) -> Iterator[Server]:
    with served(project, way) as server:
        yield server


@pytest.fixture(scope="module")
def numbers(way: str) -> Iterator[int]:
    return count()


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as clients:
        yield clients


@pytest.fixture
def fresh(
    clients: ExitStack, server: Server, numbers: Iterator[int]
) -> Callable[[str], Service]:
    """Makes services that nobody has touched: "def" or "async def" ones."""
    return lambda kind: Service(clients, server, f"{kind[0]}{next(numbers):02}")


@pytest.fixture(params=["def", "async def"])
def service(fresh: Callable[[str], Service], request: pytest.FixtureRequest) -> Service:
    """A service that nobody has touched, with `def` callbacks or with `async def` ones."""
    return fresh(request.param)


@pytest.fixture
def awaiting(fresh: Callable[[str], Service]) -> Service:
    """A service that nobody has touched, with `async def` callbacks."""
    return fresh("async def")


@pytest.fixture
def prompt(fresh: Callable[[str], Service]) -> Service:
    """A service that nobody has touched, with `def` callbacks."""
    return fresh("def")
