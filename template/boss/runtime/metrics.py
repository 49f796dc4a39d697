# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What Prometheus is told of every worker, read when it asks.

Source: Prometheus, "Exposition formats", text format 0.0.4; the name of a service needs no escaping there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

from .counters import Counters
from .worker import Worker

# Name, help and value.
_GAUGES: tuple[tuple[str, str, Callable[[Worker], float]], ...] = (
    ("clients", "Open connections.", lambda worker: worker.connected),
    (
        "mailbox_depth",
        "Messages that wait for the service.",
        lambda worker: len(worker.mailbox),
    ),
    (
        "service_running",
        "1 while the service is running.",
        lambda worker: worker.status == "running",
    ),
)


def exposition(workers: Iterable[Worker]) -> str:
    """The metrics of these workers in Prometheus' text format."""
    workers = tuple(workers)
    lines: list[str] = []
    for name, what, value in _GAUGES:
        values = [(worker.name, value(worker)) for worker in workers]
        lines += _metric(name, "gauge", what, values)
    for counter in fields(Counters):
        values = [
            (worker.name, getattr(worker.counters, counter.name)) for worker in workers
        ]
        what = counter.metadata["help"]
        lines += _metric(f"{counter.name}_total", "counter", what, values)
    return "\n".join([*lines, ""])


def _metric(
    name: str, kind: str, what: str, values: Iterable[tuple[str, float]]
) -> Iterator[str]:
    yield f"# HELP boss_{name} {what}"
    yield f"# TYPE boss_{name} {kind}"
    for service, value in values:
        yield f'boss_{name}{{service="{service}"}} {float(value)}'
