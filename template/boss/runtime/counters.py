# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What has happened in a service, as numbers: metrics.py tells them to Prometheus."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """What has happened in a service since the server started."""

    messages_in: int = 0  # from clients
    messages_out: int = 0  # to clients, as queued
    sent_to_gone: int = 0  # messages to clients that had gone
    dropped: int = 0  # messages dropped by slow_consumer
    slow_consumers: int = 0  # clients that did not read fast enough
    crashes: int = 0
    restarts: int = 0
    callbacks: int = 0  # called
    callback_seconds: float = 0.0  # of the event loop's time
