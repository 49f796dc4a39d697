# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What Prometheus is told: the counters of every worker, read when it asks.

Source: Prometheus, "Exposition formats", text format 0.0.4; the name of a service needs no escaping there.
"""

from collections.abc import Callable, Iterable

from .worker import Worker

# Name, type, help and value.
_METRICS: tuple[tuple[str, str, str, Callable[[Worker], float]], ...] = (
    ("clients", "gauge", "Open connections.", lambda worker: worker.connected),
    (
        "mailbox_depth",
        "gauge",
        "Messages that wait for the service.",
        lambda worker: len(worker.mailbox),
    ),
    (
        "service_running",
        "gauge",
        "1 while the service is running.",
        lambda worker: worker.status == "running",
    ),
    (
        "messages_in_total",
        "counter",
        "Messages received from clients.",
        lambda worker: worker.counters.messages_in,
    ),
    (
        "messages_out_total",
        "counter",
        "Messages queued for clients.",
        lambda worker: worker.counters.messages_out,
    ),
    (
        "messages_to_gone_clients_total",
        "counter",
        "Messages to clients that had gone.",
        lambda worker: worker.counters.sent_to_gone,
    ),
    (
        "messages_dropped_total",
        "counter",
        "Messages dropped because a client did not read.",
        lambda worker: worker.counters.dropped,
    ),
    (
        "slow_consumers_total",
        "counter",
        "Times that a client did not read fast enough.",
        lambda worker: worker.counters.slow_consumers,
    ),
    (
        "crashes_total",
        "counter",
        "Callbacks that raised or returned something else.",
        lambda worker: worker.counters.crashes,
    ),
    (
        "restarts_total",
        "counter",
        "Lives begun after the first.",
        lambda worker: worker.counters.restarts,
    ),
    (
        "callbacks_total",
        "counter",
        "Calls of callbacks.",
        lambda worker: worker.counters.callbacks,
    ),
    (
        "callback_seconds_total",
        "counter",
        "Time of the event loop spent in callbacks.",
        lambda worker: worker.counters.callback_seconds,
    ),
)


def exposition(workers: Iterable[Worker]) -> str:
    """The metrics of these workers in Prometheus' text format."""
    workers = tuple(workers)
    lines: list[str] = []
    for name, kind, help_text, value in _METRICS:
        lines.append(f"# HELP boss_{name} {help_text}")
        lines.append(f"# TYPE boss_{name} {kind}")
        for worker in workers:
            number = float(value(worker))
            lines.append(f'boss_{name}{{service="{worker.name}"}} {number}')
    return "\n".join([*lines, ""])
