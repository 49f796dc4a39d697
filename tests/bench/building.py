"""How fast bossgen itself is: `build` and `--help`, beside the least they could take."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .project import CHECKOUT, make_project
from .server import surroundings
from .table import heading, number, table, verdict

HANDLERS = 1000
LINES = 100  # of each handler
SOME = 10  # handlers, for the rebuild that changes nothing

PARSE_ALONE = """
import ast, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    ast.parse(path.read_text())
"""
NOTHING = "pass"
HELLO = """
import typer
app = typer.Typer()
@app.command()
def main(name: str = "world") -> None:
    print(f"Hello {name}")
app()
"""
EMPTY = """
import typer
app = typer.Typer()
@app.command()
def main() -> None:
    import jinja2
app()
"""

HANDLER = '''"""A handler of {lines} lines, as people write them."""

from dataclasses import dataclass, field

from boss import CloseReason, Group, Noreply, Ok, ServiceHandler, WebSocket


@dataclass
class State:
    """Who is there, and what was said."""

    members: Group = field(default_factory=Group)
    said: list[str] = field(default_factory=list)


class {name}Websocket(ServiceHandler[State]):
    """Everyone who joins hears everyone who speaks."""

    def init(self) -> Ok[State]:
        return Ok(State())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.members.add(websocket)
        websocket.send_json({{"type": "welcome", "members": len(state.members)}})
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: State
    ) -> Noreply[State]:
        if not isinstance(message, str):
            websocket.close(1003, "text only")
            return Noreply(state)
        state.said.append(message)
        state.members.send(message, exclude=websocket)
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.members.discard(websocket)
        return Noreply(state)

    def handle_info(self, info: object, state: State) -> Noreply[State]:
        state.said.clear()
        return Noreply(state)
'''
HELPER = """

def weigh_{number}(words: list[str], limit: int = {number}) -> dict[str, int]:
    weights: dict[str, int] = {{}}
    for word in words:
        if len(word) > limit and not word.startswith("#"):
            weights[word] = weights.get(word, 0) + 1
    return weights
"""


def handler(name: str) -> str:
    """Return the text of a handler of exactly `LINES` lines."""
    text = HANDLER.format(name=name.title(), lines=LINES)
    number = 0
    while text.count("\n") + HELPER.count("\n") <= LINES:
        text += HELPER.format(number=number)
        number += 1
    missing = LINES - text.count("\n")
    return text + "".join(f"LIMIT_{index} = {index}\n" for index in range(missing))


def cpu_seconds(words: Sequence[str], directory: Path) -> float:
    """Run a command to its end and return the CPU time it took."""
    process = subprocess.Popen(
        words,
        cwd=directory,
        env=surroundings(CHECKOUT),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: {errors.decode()[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def interleaved(
    rounds: int, measured: dict[str, Callable[[], float]]
) -> dict[str, list[float]]:
    """Call each in turn, `rounds` times; returns what they gave."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, measure in measured.items():
            found[name].append(measure())
    return found


def python(folder: Path, *words: str) -> Callable[[], float]:
    """Return what runs this Python in a folder and gives its CPU seconds."""
    return lambda: cpu_seconds([sys.executable, *words], folder)


def rows(
    found: dict[str, list[float]], base: str, ceilings: dict[str, float]
) -> list[list[str]]:
    """Return a row for each: milliseconds, spread, ratio to the base, ceiling."""
    least = median(found[base])
    return [
        [
            name,
            number(median(values) * 1000),
            f"{min(values) * 1000:.0f}-{max(values) * 1000:.0f}",
            f"{median(values) / least:.2f}",
            verdict(
                median(values) <= ceilings.get(name, 0) * least, ceilings.get(name)
            ),
        ]
        for name, values in found.items()
    ]


def run(rounds: int) -> str:
    """Measure all three; returns the tables."""
    header = ["command", "CPU ms", "spread", "ratio", "at most"]
    with TemporaryDirectory(prefix="bossgen-bench-") as folder:
        here = Path(folder)
        return "\n".join(
            [
                heading(
                    f"`bossgen build` of {HANDLERS} handlers of {LINES} lines",
                    table(header, full_build(here, rounds)),
                ),
                heading(
                    f"`bossgen build` of {SOME} handlers when nothing has changed",
                    table(header, unchanged_build(here, rounds)),
                ),
                heading("`bossgen --help`", table(header, help_text(here, rounds))),
            ]
        )


def full_build(folder: Path, rounds: int) -> list[list[str]]:
    """Compare a build from nothing with `ast.parse` of the same files."""
    names = [f"service{number:04}" for number in range(HANDLERS)]
    (folder / "full").mkdir()
    project = make_project(folder / "full", {name: handler(name) for name in names})
    sources = project / "src" / "websocket"
    start_up = python(folder, "-c", NOTHING)
    generated = [project / "boss" / name for name in ("router.py", "services.py")]

    def parse_alone() -> float:
        return python(folder, "-c", PARSE_ALONE, str(sources))() - start_up()

    def build() -> float:
        for path in generated:
            path.unlink()
        return python(project, "-m", "bossgen", "build")()

    found = interleaved(
        max(2, rounds // 2),
        {"ast.parse alone, without Python's start": parse_alone, "build": build},
    )
    base = next(iter(found))
    return rows(found, base, {"build": 4})


def unchanged_build(folder: Path, rounds: int) -> list[list[str]]:
    """Compare a rebuild that changes nothing with an empty command."""
    names = [f"service{number:02}" for number in range(SOME)]
    (folder / "some").mkdir()
    project = make_project(folder / "some", {name: handler(name) for name in names})
    (folder / "empty.py").write_text(EMPTY)
    found = interleaved(
        rounds,
        {
            "an empty Typer command, import jinja2": python(folder, "empty.py"),
            "build": python(project, "-m", "bossgen", "build"),
        },
    )
    return rows(found, next(iter(found)), {"build": 1.5})


def help_text(folder: Path, rounds: int) -> list[list[str]]:
    """Compare `--help` with that of a Typer hello world."""
    (folder / "hello.py").write_text(HELLO)
    found = interleaved(
        rounds,
        {
            "a Typer hello world": python(folder, "hello.py", "--help"),
            "bossgen --help": python(folder, "-m", "bossgen", "--help"),
            "Python alone": python(folder, "-c", NOTHING),
        },
    )
    return rows(found, next(iter(found)), {"bossgen --help": 1.2})
