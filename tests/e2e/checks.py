"""The four commands that a project passes at every time, bare, at its root."""

from pathlib import Path

from tests.e2e.support import environment, run

COMMANDS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy", "--strict"),
    ("pytest", "-q", "-p", "no:cacheprovider"),
)


def check(project: Path, tools: dict[str, str]) -> None:
    """Run them all; fails with what they print."""
    for command in COMMANDS:
        run(*command, cwd=project, env=environment(**tools))
