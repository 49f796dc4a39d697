"""`python -m tests.bench`: reads the command line and prints one table after another."""

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import building, memory, scale, slow, start, table
from .client import LoadFailed
from .compiled import NoCompiler
from .contestants import BASE, CONTESTANTS, PROJECT, Contestant
from .project import ProjectFailed, make_project
from .rounds import measure
from .server import ServerFailed, cores
from .works import WORKS


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asked for."""

    contestants: tuple[Contestant, ...]
    project: Path
    rounds: int
    seconds: float


def load_works(group: str) -> Callable[[Plan], None]:
    """Return what runs all works of a group."""

    def run(plan: Plan) -> None:
        for work in WORKS:
            if work.group == group:
                outcome = measure(
                    work,
                    plan.contestants,
                    plan.project,
                    rounds=plan.rounds,
                    seconds=plan.seconds,
                )
                print(table.outcome_table(outcome), flush=True)

    return run


BENCHES: dict[str, Callable[[Plan], None]] = {
    "echo": load_works("echo"),
    "fanout": load_works("fanout"),
    "chat": load_works("chat"),
    "churn": load_works("churn"),
    "memory": lambda plan: print(
        memory.run(plan.contestants, plan.project, plan.rounds)
    ),
    "slow": lambda plan: print(slow.run(plan.contestants, plan.project, plan.seconds)),
    "start": lambda plan: print(start.run(plan.contestants, plan.project, plan.rounds)),
    "build": lambda plan: print(building.run(plan.rounds)),
    "scale": lambda plan: print(
        scale.run(plan.contestants, plan.project, plan.seconds)
    ),
}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the program when it is wrong."""
    parser = argparse.ArgumentParser("tests.bench", description=__doc__)
    parser.add_argument("bench", nargs="*", help=f"{', '.join(BENCHES)}, or all")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="counted in a round; default: 1"
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help=f"this server and {BASE}, may be repeated: "
        + ", ".join(contestant.name for contestant in CONTESTANTS),
    )
    options = parser.parse_args(arguments)
    wrong = set(options.bench) - {*BENCHES, "all"}
    if wrong:
        parser.error(f"there is no bench {', '.join(sorted(wrong))}")
    unknown = set(options.only or ()) - {entry.name for entry in CONTESTANTS}
    if unknown:
        parser.error(f"there is no server {', '.join(sorted(unknown))}")
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    return options


def present(only: Sequence[str] | None) -> tuple[Contestant, ...]:
    """Return the contestants that can take part, saying why others do not."""
    chosen = []
    for contestant in CONTESTANTS:
        if only and contestant.name not in (BASE, *only):
            continue
        if missing := contestant.missing():
            print(
                f"{contestant.name} is left out: {', '.join(missing)} not installed "
                "(pip install -r tests/bench/requirements.txt)"
            )
        else:
            chosen.append(contestant)
    return tuple(chosen)


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; returns the exit code."""
    options = parse(arguments)
    names = (
        list(BENCHES) if not options.bench or "all" in options.bench else options.bench
    )
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if len(set(cores())) < 2:
        print("there is one core only: the load client takes its share of it")
    try:
        contestants = present(options.only)
        with tempfile.TemporaryDirectory(prefix="bossgen-bench-") as folder:
            ours = any(one.directory == PROJECT for one in contestants)
            project = make_project(Path(folder)) if ours else Path(folder)
            plan = Plan(contestants, project, options.rounds, options.seconds)
            for name in names:
                BENCHES[name](plan)
    except (LoadFailed, NoCompiler, ProjectFailed, ServerFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(table.surroundings())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
