"""The load client: `load.c`, run for each round."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .compiled import compiled

SOURCE = Path(__file__).parent / "load.c"


class LoadFailed(Exception):
    """The load client gave up; the message is what it wrote to stderr."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the load goes, and how that server wants its texts wrapped."""

    path: str  # "/websocket/echo"
    prefix: str = ""  # '42["echo","'
    suffix: str = ""  # '"]'
    greeting: str = ""  # two characters, said once and awaited back: "40"


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the client does; the modes are explained in `load.c`."""

    mode: str  # "echo", "fanout", "chat", "churn", "idle"
    connections: int
    speakers: int = 1  # of a chat
    in_flight: int = 1  # messages, of a fan-out
    size: int = 64  # bytes of each text, prefix and suffix not counted
    sleepers: int = 0  # members of a fan-out that never read
    seconds: float = 1.0  # that are counted
    warm_up: float = 0.2  # seconds before them
    headers: tuple[str, ...] = ()  # "Origin: http://127.0.0.1"

    def arguments(self, port: int, target: Target, pid: int) -> list[str]:
        """Return the command line of `load` for this load."""
        options = {
            "-n": self.connections,
            "-k": self.speakers,
            "-m": self.in_flight,
            "-b": self.size,
            "-z": self.sleepers,
            "-t": self.seconds,
            "-w": self.warm_up,
            "-x": round(self.warm_up + self.seconds) + 60,
            "-p": pid,
            "-P": target.prefix,
            "-S": target.suffix,
            "-g": target.greeting,
        }
        words = [self.mode, "127.0.0.1", str(port), target.path]
        for letter, value in options.items():
            if value != "":
                words += [letter, str(value)]
        for header in self.headers:
            words += ["-H", header]
        return words


@dataclass(frozen=True, slots=True)
class Report:
    """What the client counted, in seconds and microseconds."""

    messages: int  # answered, or delivered to everybody; churn: connections
    deliveries: int
    seconds: float
    server_cpu: float  # seconds
    client_cpu: float  # seconds
    p50_us: float  # from sending a message to its last delivery
    p99_us: float
    max_us: float
    lowest_rate: float  # messages per second in the worst tenth of a second
    longest_gap_us: float  # between two messages
    units: int = field(init=False)  # what a rate counts: deliveries, or connections

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", self.deliveries or self.messages)

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.units / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU time of the server for one unit, in microseconds."""
        return self.server_cpu * 1e6 / self.units if self.units else float("inf")


def run(
    load: Load, port: int, target: Target, pid: int = 0, core: int | None = None
) -> Report:
    """Put one load on the server at a port of this machine and say what came of it.

    Args:
        pid: of the server, to count its CPU time; 0 for none.
        core: the core that the client is bound to; None for any.

    Raises:
        LoadFailed: the server refused or lost a client, or nothing moved for a minute.
    """
    with spawn(load, port, target, pid, core) as process:
        output, errors = process.communicate(timeout=load.seconds + load.warm_up + 90)
    if process.returncode != 0:
        raise LoadFailed(errors.strip() or f"{load.mode}: no progress")
    return Report(**json.loads(output))


@contextmanager
def spawn(
    load: Load, port: int, target: Target, pid: int = 0, core: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start the client and end it with the block, whatever happens."""
    words = [str(compiled(SOURCE)), *load.arguments(port, target, pid)]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@contextmanager
def idle(connections: int, port: int, target: Target, core: int) -> Iterator[None]:
    """Hold connections that say nothing for as long as the block lasts."""
    load = Load("idle", connections, seconds=600)
    with spawn(load, port, target, core=core) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise LoadFailed(process.communicate()[1].strip())
        yield


if __name__ == "__main__":
    sys.exit(subprocess.call([str(compiled(SOURCE)), *sys.argv[1:]]))
