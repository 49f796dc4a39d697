"""What others notice of a client that never reads, and of a service that is overloaded."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import client
from .client import Load, LoadFailed
from .contestants import Contestant, serving
from .server import Server, cores
from .table import heading, number, table

ROOM = Load("fanout", 50, size=4096)
BUSY = Load("fanout", 200, in_flight=8, seconds=3)
PATIENT = Load("echo", 1)
LEAST = 3.0  # seconds: it takes a while until the buffers of a sleeper are full


def sleeper_row(contestant: Contestant, server: Server, seconds: float) -> list[str]:
    """Measure a room without and with a member that never reads."""
    target = contestant.target("room")
    assert target is not None
    core = cores()[1]
    load = replace(ROOM, seconds=seconds)
    usual = client.run(load, server.port, target, server.pid, core)
    server.settle()
    before = server.forget_peak()
    load = replace(load, sleepers=1, seconds=max(seconds, LEAST))
    asleep = client.run(load, server.port, target, server.pid, core)
    return [
        contestant.name,
        number(usual.messages / usual.seconds),
        number(asleep.messages / asleep.seconds),
        number(asleep.lowest_rate),
        number(asleep.longest_gap_us / 1000),
        f"{(server.peak() - before) / 1024:.1f}",
    ]


def overload_row(contestant: Contestant, server: Server, seconds: float) -> list[str]:
    """Measure the echo service while the room of the same server is overloaded."""
    echo, room = contestant.target("echo"), contestant.target("room")
    assert echo is not None and room is not None
    core = cores()[1]
    load = replace(PATIENT, seconds=seconds)
    quiet = client.run(load, server.port, echo, server.pid, core)
    busy = replace(BUSY, seconds=seconds + 2)
    with client.spawn(busy, server.port, room, core=core) as other:
        loud = client.run(replace(load, warm_up=0.8), server.port, echo, 0, core)
        if other.poll() is not None:
            raise LoadFailed("the overload ended before its time")
        other.wait(60)
    return [
        contestant.name,
        *(number(figure) for figure in (quiet.p50_us, quiet.p99_us, quiet.max_us)),
        *(number(figure) for figure in (loud.p50_us, loud.p99_us, loud.max_us)),
    ]


def run(contestants: Sequence[Contestant], project: Path, seconds: float) -> str:
    """Measure all contestants that have both services; returns two tables."""
    sleepers: list[list[str]] = []
    overloads: list[list[str]] = []
    absent: list[str] = []
    for contestant in contestants:
        if not contestant.target("room") or not contestant.target("echo"):
            continue
        with serving(contestant, project) as server:
            try:
                sleepers.append(sleeper_row(contestant, server, seconds))
                server.settle()
                overloads.append(overload_row(contestant, server, seconds))
            except LoadFailed as error:
                absent.append(f"{contestant.name}: {error}")
    room = table(
        [
            "server",
            "messages/s",
            "with a sleeper",
            "its worst 0.1 s",
            "longest gap ms",
            "memory growth MiB",
        ],
        sleepers,
    )
    echo = table(
        [
            "server",
            *("quiet p50 us", "p99 us", "worst us"),
            *("overloaded p50 us", "p99 us", "worst us"),
        ],
        overloads,
    )
    return "\n".join(
        [
            heading("a room of 50 of which one never reads, 4 KiB texts", room, absent),
            heading("echo while another service is overloaded", echo),
        ]
    )
