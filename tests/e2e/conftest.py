"""The wheel is built once, installed once beside nothing else, and projects are shared."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support import REPOSITORY, WAYS, Bossgen, Server, make_venv, run, serving

HANDLERS = Path(__file__).parent / "handlers"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything happens below a path with a space in it."""
    work = tmp_path_factory.mktemp("e2e") / "a folder"
    work.mkdir()
    return work


@pytest.fixture(scope="session")
def wheel(work: Path) -> Path:
    build = [sys.executable, "-m", "build", "--no-isolation"]  # by way of an sdist
    run(*build, "--outdir", work / "dist", REPOSITORY)
    (wheel,) = (work / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def bossgen(work: Path, wheel: Path) -> Bossgen:
    """The command, in an environment that holds the wheel and what it needs."""
    python = make_venv(work / "with bossgen", str(wheel))
    return Bossgen(python.with_name("bossgen"))


@pytest.fixture(scope="session")
def python(work: Path) -> Path:
    """The Python of an environment that has what serving needs, and no bossgen."""
    needs = ("fastapi", "uvicorn[standard]", "itsdangerous")
    python = make_venv(work / "without bossgen", *needs)
    run(python, "-c", "import bossgen", expect=1)
    return python


@pytest.fixture(scope="session")
def tools(work: Path) -> dict[str, str]:
    """Variables for ruff, mypy and pytest on projects: one cache for all of them."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "MYPY_CACHE_DIR": str(work / "mypy cache")}


# service: the file of tests/e2e/handlers that becomes its handler, and its section of boss.toml
SERVICES = {
    "myservice": ("probe", {}),
    "foobar": ("probe", {}),
    "impatient": ("probe", {"idle_timeout": 0.2}),
    "small": ("probe", {"max_message_size": 1000}),
    "choosy": (
        "probe",
        {"subprotocols": ["v2", "v1"], "allowed_origins": ["https://friend.example"]},
    ),
    "guarded": ("guarded", {}),
}


def make_project(bossgen: Bossgen, project: Path, *, base_url: str = "/") -> Path:
    """`new`, the services above, an app.py with routes that speak to them, `build`."""
    bossgen("new", project, "--defaults", "--base-url", base_url, cwd=project.parent)
    (project / "app.py").write_text((HANDLERS / "app.py").read_text())
    for service, (handler, settings) in SERVICES.items():
        path = project / "src/websocket" / f"{project.name}_{service}_websocket.py"
        path.write_text((HANDLERS / f"{handler}.py").read_text())
        if settings:
            with (project / "boss.toml").open("a") as file:
                file.write(f"\n[service.{service}]\n")
                file.writelines(f"{k} = {json.dumps(v)}\n" for k, v in settings.items())
    bossgen("build", cwd=project)
    return project


@pytest.fixture(scope="session")
def myapp(work: Path, bossgen: Bossgen) -> Path:
    return make_project(bossgen, work / "myapp")


@pytest.fixture(scope="session")
def based(work: Path, bossgen: Bossgen) -> Path:
    """The same with the base_url of the seed."""
    return make_project(bossgen, work / "based", base_url="/chat")


@pytest.fixture(scope="session", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def server(python: Path, myapp: Path, way: str) -> Iterator[Server]:
    """`myapp`, served both ways, for tests that leave it as they found it."""
    with serving(python, myapp, way) as server:
        yield server


@pytest.fixture
def own_server(python: Path, myapp: Path, way: str) -> Iterator[Server]:
    """The same for one test alone, which may do with it what it likes."""
    with serving(python, myapp, way) as server:
        yield server
