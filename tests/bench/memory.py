"""Memory for one idle connection that has joined a room."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from . import client
from .client import Load
from .contestants import BASE, Contestant, serving
from .server import cores
from .table import heading, number, table, verdict

CONNECTIONS = 2000
BEFORE = Load("churn", 16, seconds=0.5)  # what is allocated once is allocated by then
CEILINGS = {"boss plain": 1.8, "boss fast": 0.5}  # x base


def kib_per_connection(
    contestant: Contestant, project: Path, connections: int = CONNECTIONS
) -> float:
    """Return the growth of a fresh server by one idle connection, in KiB."""
    target = contestant.target("room")
    assert target is not None
    client_core = cores()[1]
    with serving(contestant, project) as server:
        client.run(BEFORE, server.port, target, core=client_core)
        server.settle()
        before = server.memory()
        with client.idle(connections, server.port, target, client_core):
            server.settle()
            return (server.memory() - before) / connections


def run(contestants: Sequence[Contestant], project: Path, rounds: int) -> str:
    """Measure all contestants that have a room; returns the table."""
    taking_part = [one for one in contestants if one.target("room") is not None]
    found: dict[str, list[float]] = {one.name: [] for one in taking_part}
    for _ in range(min(rounds, 3)):
        for contestant in taking_part:
            found[contestant.name].append(kib_per_connection(contestant, project))
    base = median(found[BASE])
    rows = [
        [
            name,
            number(median(values)),
            f"{min(values):.1f}-{max(values):.1f}",
            f"{median(values) / base:.2f}",
            verdict(median(values) <= CEILINGS.get(name, 0) * base, CEILINGS.get(name)),
        ]
        for name, values in found.items()
    ]
    header = ["server", "KiB each", "spread", "x base", "at most"]
    return heading(f"memory per idle connection, of {CONNECTIONS}", table(header, rows))
