"""The results as text: aligned tables that are as readable in a terminal as in a README."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from .rounds import Outcome, Spread

PACKAGES = (
    *(
        "bossgen",
        "fastapi",
        "starlette",
        "uvicorn",
        "uvloop",
        "httptools",
        "websockets",
    ),
    *("python-socketio", "channels", "django"),
)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: the first column to the left, figures to the right."""
    widths = [
        max(len(row[column]) for row in (header, *rows))
        for column in range(len(header))
    ]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))
        return "| " + " | ".join([first, *rest]) + " |"

    ruler = "|" + "|".join(
        "-" * (width + 2) if not column else "-" * (width + 1) + ":"
        for column, width in enumerate(widths)
    )
    return "\n".join([line(header), ruler + "|", *map(line, rows)])


def ratio(spread: Spread) -> str:
    """Return a ratio with its spread: `2.07 (1.98-2.15)`."""
    return f"{spread.middle:.2f} ({spread.low:.2f}-{spread.high:.2f})"


def number(value: float) -> str:
    """Return a figure with a thousands separator and as many digits as it bears."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(passed: bool, floor: float | None) -> str:
    """Return what a floor says: nothing, the floor, or that it was missed."""
    if floor is None:
        return ""
    return f"{floor:g}" if passed else f"{floor:g} MISSED"


def outcome_table(outcome: Outcome) -> str:
    """Return the table of one work, with a heading and the absent named."""
    work = outcome.work
    rows = [
        [
            score.name,
            number(score.rate),
            number(score.cpu_us),
            f"{score.best:.2f}",
            verdict(
                score.best >= work.floors.get(score.name, 0),
                work.floors.get(score.name),
            ),
            ratio(score.by_cpu),
            ratio(score.by_rate),
            number(score.p99_us),
            f"{score.client_share:.0%}",
        ]
        for score in outcome.scores
    ]
    header = [
        "server",
        f"{work.unit}/s",
        "CPU us each",
        "x base",
        "floor",
        "x base in each round",
        "by rate",
        "p99 us",
        "client busy",
    ]
    return heading(work.title, table(header, rows), outcome.absent)


def heading(title: str, text: str, notes: Sequence[str] = ()) -> str:
    """Return a table under its title, with notes below it."""
    return "\n".join([f"\n### {title}\n", text, *(f"({note})" for note in notes)])


def surroundings() -> str:
    """Return one line for each thing that the figures depend on."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    machine = (
        f"Python {platform.python_version()}, {platform.system()} "
        f"{platform.release()}, {os.cpu_count()} cores, load average {load}"
    )
    return f"\n{machine}\n{', '.join(found)}"
