"""The project that bossgen is measured on: made by `bossgen new`, with our handlers."""

import shutil
import subprocess
import sys
from pathlib import Path

from .server import surroundings

HANDLERS = Path(__file__).parent / "handlers"
CHECKOUT = {"PYTHONPATH": str(Path(__file__).parents[2] / "generator")}


class ProjectFailed(Exception):
    """bossgen did not make the project; the message is what it printed."""


def bossgen(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run one bossgen command of this checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "bossgen", *arguments],
        cwd=directory,
        env=surroundings(CHECKOUT),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise ProjectFailed(f"bossgen {' '.join(arguments)}: {done.stderr.strip()}")
    return done


def make_project(parent: Path, handlers: dict[str, str] | None = None) -> Path:
    """Make and build the project `bench` in a folder.

    Args:
        handlers: texts keyed by service name; None for those in `handlers/`.
    """
    bossgen("new", "bench", "--defaults", directory=parent)
    project = parent / "bench"
    folder = project / "src" / "websocket"
    if handlers is None:
        for source in HANDLERS.glob("*_websocket.py"):
            shutil.copy(source, folder)
    else:
        for name, text in handlers.items():
            (folder / f"bench_{name}_websocket.py").write_text(text)
    bossgen("build", directory=project)
    return project
