"""Interleaved rounds: every server in turn under the same load, again and again."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from . import client
from .client import Report
from .contestants import BASE, Contestant, serving
from .server import Server, ServerFailed, cores
from .works import Work


@dataclass(frozen=True, slots=True)
class Spread:
    """The lowest, the middle and the highest of some figures."""

    low: float
    middle: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        """Return the spread of one or more figures."""
        return Spread(min(values), median(values), max(values))


@dataclass(frozen=True, slots=True)
class Score:
    """What one contestant reached in a work."""

    name: str
    rate: float  # units per second, the median
    cpu_us: float  # CPU time of the server for a unit, in its least disturbed round
    best: float  # base's `cpu_us` to its own: the figure that the floors are about
    by_cpu: Spread  # base's CPU time to its own, in the same round
    by_rate: Spread  # its rate to base's, in the same round
    p99_us: float
    client_share: float  # of its core that the load client used, the highest


@dataclass(frozen=True, slots=True)
class Outcome:
    """All scores of a work, and why someone is not among them."""

    work: Work
    scores: tuple[Score, ...]
    absent: tuple[str, ...]  # "channels: needs ..., which is not installed"


def measure(
    work: Work,
    contestants: Sequence[Contestant],
    project: Path,
    *,
    rounds: int,
    seconds: float,
) -> Outcome:
    """Run a work on all contestants, `rounds` times in turn."""
    absent: list[str] = []
    reports: dict[str, list[Report]] = {}
    load = replace(work.load, seconds=seconds)
    with ExitStack() as stack:
        servers: list[tuple[Contestant, Server]] = []
        for contestant in contestants:
            if contestant.target(work.target) is None:
                continue
            try:
                server = stack.enter_context(serving(contestant, project))
            except ServerFailed as error:
                absent.append(f"{contestant.name}: did not start: {error}")
                continue
            servers.append((contestant, server))
            reports[contestant.name] = []
        for _ in range(rounds):
            for contestant, server in list(servers):
                target = contestant.target(work.target)
                assert target is not None
                try:
                    report = client.run(
                        load, server.port, target, server.pid, cores()[1]
                    )
                except client.LoadFailed as error:
                    absent.append(f"{contestant.name}: {error}")
                    servers.remove((contestant, server))
                    del reports[contestant.name]
                    continue
                reports[contestant.name].append(report)
                server.settle()
    return Outcome(work, scores(reports), tuple(absent))


def scores(reports: dict[str, list[Report]]) -> tuple[Score, ...]:
    """Compare the reports, keyed by contestant, with those of the base."""
    base = reports.get(BASE, [])
    return tuple(
        Score(
            name,
            rate=median(report.rate for report in own),
            cpu_us=lowest_cpu(own),
            best=lowest_cpu(base) / lowest_cpu(own),
            by_cpu=Spread.of(
                [
                    one.cpu_us / other.cpu_us
                    for one, other in zip(base, own, strict=True)
                ]
            ),
            by_rate=Spread.of(
                [other.rate / one.rate for one, other in zip(base, own, strict=True)]
            ),
            p99_us=median(report.p99_us for report in own),
            client_share=max(report.client_cpu / report.seconds for report in own),
        )
        for name, own in reports.items()
        if base
    )


def lowest_cpu(reports: Sequence[Report]) -> float:
    """Return the CPU time for a unit, in microseconds: neighbours only ever add to it."""
    return min(report.cpu_us for report in reports)
