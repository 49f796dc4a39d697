"""Who is measured: the base, the alternatives, and bossgen on both of its paths."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from .client import Target
from .compiled import compiled
from .server import Server, cores, free_port, running

HERE = Path(__file__).parent
BASE = "base"
PROJECT = "{project}"  # stands for the folder of the project that bossgen made

UVICORN = (
    *("-m", "uvicorn", "--port", "{port}", "--loop", "uvloop"),
    *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
    *("--log-level", "warning", "--no-access-log"),
)

SERVICES = {
    "echo": Target("/websocket/echo"),
    "room": Target("/websocket/room"),
    "set": Target("/websocket/loop"),
}
FALLBACK = {"set": "room", "join": "room"}
ROUTES = {"echo": Target("/echo"), "room": Target("/room")}


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server program.

    `targets` are keyed by what the server has there: "echo", "room", "set" for a room
    whose members are kept in a plain set, "join" for what clients only join and leave;
    where one of the last two is not said, it is the room.
    """

    name: str
    arguments: tuple[str, ...]  # {port} is filled in
    targets: dict[str, Target] = field(default_factory=lambda: dict(ROUTES))
    directory: str = str(HERE)
    needs: tuple[str, ...] = ()  # modules
    environment: dict[str, str] = field(default_factory=dict)  # {port} is filled in
    source: Path | None = None  # of a program in C; None for Python

    def target(self, kind: str) -> Target | None:
        """Return where a kind of work is done, or None where it cannot be."""
        return self.targets.get(kind) or self.targets.get(FALLBACK.get(kind, kind))

    def missing(self) -> tuple[str, ...]:
        """Return the modules it needs and this Python lacks."""
        return tuple(name for name in self.needs if find_spec(name) is None)

    def program(self) -> str:
        """Return the program that is run."""
        return sys.executable if self.source is None else str(compiled(self.source))


CONTESTANTS = (
    Contestant(BASE, (*UVICORN, "apps.base:app")),
    Contestant("boss plain", (*UVICORN, "app:app"), SERVICES, PROJECT, ("bossgen",)),
    Contestant(
        "boss fast",
        ("-m", "boss"),
        SERVICES,
        PROJECT,
        ("bossgen",),
        {"BOSS_PORT": "{port}"},
    ),
    Contestant("fastapi", (*UVICORN, "apps.manager:app")),
    Contestant(
        "fastapi depends",
        (*UVICORN, "apps.manager:app"),
        {"join": Target("/depends")},
    ),
    Contestant(
        "websockets", ("-m", "apps.plain_websockets", "{port}"), needs=("uvloop",)
    ),
    Contestant(
        "socketio",
        (*UVICORN, "apps.socketio_app:app"),
        {
            kind: Target(
                "/socket.io/?EIO=4&transport=websocket", f'42["{kind}","', '"]', "40"
            )
            for kind in ("echo", "room")
        },
        needs=("socketio",),
    ),
    Contestant(
        "channels", (*UVICORN, "apps.channels_app:app"), needs=("channels", "django")
    ),
    # What the kernel leaves to gain: no server with one write for each message is faster.
    Contestant("C", ("{port}",), source=HERE / "limit.c"),
)


@contextmanager
def serving(contestant: Contestant, project: Path) -> Iterator[Server]:
    """Run a contestant on the servers' core for as long as the block lasts."""
    port = free_port()
    command = [
        contestant.program(),
        *(word.format(port=port) for word in contestant.arguments),
    ]
    environment = {
        key: value.format(port=port) for key, value in contestant.environment.items()
    }
    directory = Path(contestant.directory.format(project=project))
    with running(
        command, port, directory=directory, environment=environment, core=cores()[0]
    ) as server:
        yield server
