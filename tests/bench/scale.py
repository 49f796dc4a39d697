"""How cost grows: with the number of connections, and with the number of services."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from . import client
from .client import Load, Target
from .contestants import BASE, CONTESTANTS, HERE, Contestant, serving
from .memory import kib_per_connection
from .project import make_project
from .server import cores
from .table import heading, number, table

CONNECTIONS = (10, 100, 1000, 10_000)
SERVICES = (1, 10, 50, 200)
SCALED = (BASE, "boss plain", "boss fast")
LEAST = 2.0  # seconds: a fan-out to 10 000 takes a good part of one


def connection_row(
    contestant: Contestant, connections: int, project: Path, seconds: float
) -> list[str]:
    """Measure echo, fan-out, connecting and memory with so many connections."""
    core = cores()[1]
    row = [contestant.name, number(connections)]
    with serving(contestant, project) as server:
        for mode, kind in (("echo", "echo"), ("fanout", "room")):
            target = contestant.target(kind)
            assert target is not None
            load = Load(mode, connections, seconds=max(seconds, LEAST), warm_up=0.5)
            report = client.run(load, server.port, target, server.pid, core)
            server.settle()
            row.append(number(report.cpu_us))
    row.append(number(kib_per_connection(contestant, project, connections)))
    return row


def service_row(services: int, seconds: float) -> list[str]:
    """Measure a project of so many echo services on the fast path."""
    text = (HERE / "handlers" / "bench_echo_websocket.py").read_text()
    names = [f"echo{number:03}" for number in range(services)]
    fast = next(one for one in CONTESTANTS if one.name == "boss fast")
    load = Load("echo", 50, seconds=seconds)
    with TemporaryDirectory(prefix="bossgen-bench-") as folder:
        project = make_project(
            Path(folder),
            {
                name: text.replace("EchoWebsocket", f"{name.title()}Websocket")
                for name in names
            },
        )
        row = [number(services)]
        with serving(fast, project) as server:
            row += [number(server.started_after * 1000), number(server.memory() / 1024)]
            for name in (names[0], names[-1]):
                target = Target(f"/websocket/{name}")
                report = client.run(load, server.port, target, server.pid, cores()[1])
                row.append(number(report.cpu_us))
            churn = replace(load, mode="churn", connections=16)
            report = client.run(churn, server.port, target, server.pid, cores()[1])
            row.append(number(report.cpu_us))
    return row


def run(contestants: Sequence[Contestant], project: Path, seconds: float) -> str:
    """Measure the base and bossgen in both ways; returns two tables."""
    connections = table(
        ["server", "connections", "echo CPU us", "delivery CPU us", "KiB each"],
        [
            connection_row(contestant, connections, project, seconds)
            for connections in CONNECTIONS
            for contestant in contestants
            if contestant.name in SCALED
        ],
    )
    services = table(
        [
            "services",
            "start ms",
            "MiB",
            "echo CPU us, first service",
            "last service",
            "connect CPU us",
        ],
        [service_row(services, seconds) for services in SERVICES],
    )
    return "\n".join(
        [
            heading("10 to 10 000 connections", connections),
            heading("1 to 200 services, fast path", services),
        ]
    )
