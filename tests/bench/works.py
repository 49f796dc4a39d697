"""What is measured under load, and the floors that bossgen promises."""

from dataclasses import dataclass

from .client import Load


@dataclass(frozen=True, slots=True)
class Work:
    """One line of the table: a load, and the ratio to `base` that must be passed."""

    group: str  # the word on the command line
    title: str
    target: str  # "echo", "room", "set", "join": see Contestant.targets
    load: Load
    unit: str  # what the rate counts
    floors: dict[str, float]  # keyed by contestant


def floors(plain: float, fast: float) -> dict[str, float]:
    """Return the floors of the two paths."""
    return {"boss plain": plain, "boss fast": fast}


WORKS = (
    Work("echo", "echo, 1 connection", "echo", Load("echo", 1), "messages", {}),
    Work(
        "echo",
        "echo, 50 connections",
        "echo",
        Load("echo", 50),
        "messages",
        floors(0.85, 1.9),
    ),
    Work(
        "fanout",
        "fan-out to 100, one message in flight",
        "room",
        Load("fanout", 100),
        "deliveries",
        {},
    ),
    Work(
        "fanout",
        "fan-out to 1000, one message in flight",
        "room",
        Load("fanout", 1000),
        "deliveries",
        floors(0.7, 1.6),
    ),
    Work(
        "fanout",
        "fan-out to 1000, eight in flight, with a Group",
        "room",
        Load("fanout", 1000, in_flight=8),
        "deliveries",
        floors(0.75, 6),
    ),
    Work(
        "fanout",
        "fan-out to 1000, eight in flight, a plain set and send in a loop",
        "set",
        Load("fanout", 1000, in_flight=8),
        "deliveries",
        floors(0.7, 2.5),
    ),
    Work(
        "chat",
        "a chat of 100 in which 50 speak at once",
        "room",
        Load("chat", 100, speakers=50),
        "deliveries",
        floors(0.7, 15),
    ),
    Work(
        "churn",
        "connect, join, close",
        "join",
        Load("churn", 16),
        "connections",
        floors(0.65, 0.7),
    ),
)
