# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What Prometheus is told: the counters of every worker, read when it asks. Imports prometheus-client, only then."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .worker import Worker

_COUNTERS = (
    ("messages_in", "boss_messages_in", "Messages received from clients."),
    ("messages_out", "boss_messages_out", "Messages queued for clients."),
    (
        "sent_to_gone",
        "boss_messages_to_gone_clients",
        "Messages to clients that had gone.",
    ),
    (
        "dropped",
        "boss_messages_dropped",
        "Messages dropped because a client did not read.",
    ),
    (
        "slow_consumers",
        "boss_slow_consumers",
        "Times that a client did not read fast enough.",
    ),
    ("crashes", "boss_crashes", "Callbacks that raised or returned something else."),
    ("restarts", "boss_restarts", "Lives begun after the first."),
    ("callbacks", "boss_callbacks", "Steps of callbacks."),
    (
        "callback_seconds",
        "boss_callback_seconds",
        "Time of the event loop spent in callbacks.",
    ),
)


class _Workers(Collector):
    def __init__(self, workers: Iterable[Worker]) -> None:
        self._workers = tuple(workers)

    def collect(self) -> Iterable[Metric]:
        clients = GaugeMetricFamily(
            "boss_clients", "Open connections.", labels=["service"]
        )
        mailbox = GaugeMetricFamily(
            "boss_mailbox_depth",
            "Messages that wait for the service.",
            labels=["service"],
        )
        running = GaugeMetricFamily(
            "boss_service_running",
            "1 while the service is running.",
            labels=["service"],
        )
        for worker in self._workers:
            clients.add_metric([worker.name], worker.connected)
            mailbox.add_metric([worker.name], len(worker.mailbox))
            running.add_metric([worker.name], float(worker.status == "running"))
        yield from (clients, mailbox, running)
        for attribute, name, help_text in _COUNTERS:
            family = CounterMetricFamily(name, help_text, labels=["service"])
            for worker in self._workers:
                family.add_metric([worker.name], getattr(worker.counters, attribute))
            yield family


def exposition(workers: Iterable[Worker]) -> bytes:
    """The metrics of these workers in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Workers(workers))
    return generate_latest(registry)
