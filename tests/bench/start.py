"""How long a server takes from its start to an open port."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from .contestants import Contestant, serving
from .table import heading, number, table


def run(contestants: Sequence[Contestant], project: Path, rounds: int) -> str:
    """Start each contestant a few times in turn; returns the table."""
    taking_part = [one for one in contestants if one.target("room") is not None]
    seconds: dict[str, list[float]] = {one.name: [] for one in taking_part}
    memory: dict[str, int] = {}
    for _ in range(rounds):
        for contestant in taking_part:
            with serving(contestant, project) as server:
                seconds[contestant.name].append(server.started_after)
                memory[contestant.name] = server.memory()
    rows = [
        [
            name,
            number(median(values) * 1000),
            f"{min(values) * 1000:.0f}-{max(values) * 1000:.0f}",
            number(memory[name] / 1024),
        ]
        for name, values in seconds.items()
    ]
    return heading(
        "start-up, from the process to an open port",
        table(["server", "ms", "spread", "MiB then"], rows),
    )
