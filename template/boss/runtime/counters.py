# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What has happened in a service, as numbers: metrics.py tells them to Prometheus by the same names."""

from dataclasses import dataclass, field
from typing import Any


def _counted(what: str) -> Any:
    return field(default=0, metadata={"help": what})


@dataclass(slots=True)
class Counters:
    """What has happened in a service since the server started."""

    messages_in: int = _counted("Messages received from clients.")
    messages_out: int = _counted("Messages queued for clients.")
    messages_to_gone_clients: int = _counted("Messages to clients that had gone.")
    messages_dropped: int = _counted("Messages dropped because a client did not read.")
    slow_consumers: int = _counted("Clients found not to read fast enough.")
    crashes: int = _counted("Callbacks that raised or returned something else.")
    restarts: int = _counted("Lives begun after the first.")
    callbacks: int = _counted("Calls of callbacks.")
    callback_seconds: float = _counted("Time of the event loop spent in callbacks.")
