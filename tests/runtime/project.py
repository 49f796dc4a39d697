"""A small real project for tests of the runtime: handlers as texts, built by this checkout, served both ways."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.support import REPOSITORY, Server, environment, run, serving

PYTHON = Path(sys.executable)
PROTOCOL = "boss.runtime.protocol:WebSocketProtocol"


def bossgen(*arguments: str | Path, cwd: Path) -> None:
    """Run one bossgen command of this checkout."""
    path = str(REPOSITORY / "generator")
    run(PYTHON, "-m", "bossgen", *arguments, cwd=cwd, env=environment(PYTHONPATH=path))


def make_project(parent: Path, handlers: Mapping[str, str], toml: str = "") -> Path:
    """Make and build the project `myapp`.

    Args:
        handlers: texts of handler modules, keyed by service name.
        toml: what comes after boss.toml as scaffolded, from `[service.NAME]` on.
    """
    bossgen("new", "myapp", "--defaults", cwd=parent)
    project = parent / "myapp"
    for name, text in handlers.items():
        path = project / "src" / "websocket" / f"myapp_{name}_websocket.py"
        path.write_text(text)
    with (project / "boss.toml").open("a") as file:
        file.write(f"\n{toml}")
    bossgen("build", cwd=project)
    return project


@contextmanager
def served(
    project: Path, way: str, *arguments: str, **variables: str
) -> Iterator[Server]:
    """The project on a started server: `way` is "plain" or "fast".

    Args:
        arguments: of uvicorn's command line, which serves the fast path, too, where there are any.
    """
    if arguments and way == "fast":
        way, arguments = "plain", ("--ws", PROTOCOL, *arguments)
    with serving(PYTHON, project, way, *arguments, env=variables) as server:
        yield server
