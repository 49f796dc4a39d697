"""What the stages hand to each other: frozen values, no behaviour. Imports nothing of ours."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

Files: TypeAlias = Mapping[PurePosixPath, str]
"""Keyed by path relative to the project root; the values end in a newline."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file below src/websocket/, as it was read."""

    path: str  # "src/websocket/myapp_chat_websocket.py", with "/" everywhere
    text: str  # decoded by its BOM or encoding cookie
    unreadable: str = ""  # why it is no text: "byte 0xe9 is not UTF-8"; in `text` U+FFFD stands in its place


@dataclass(frozen=True, slots=True)
class Callback:
    """One method of the base class that a handler may define."""

    name: str  # "handle_join"
    parameters: tuple[str, ...]  # ("service_url", "websocket", "state"), without self
    results: tuple[str, ...]  # ("Noreply", "Stop"); empty: whatever it returns is right
    has_client: bool  # called for one client: self.req and self.session_id are there


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What template/boss/runtime/handler.py declares: the callbacks, in its order."""

    callbacks: tuple[Callback, ...]
    attributes: tuple[str, ...]  # what else the base class offers: "req", "send_after"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the callbacks, in canonical order."""
        return tuple(callback.name for callback in self.callbacks)


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed file."""

    source: Source
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Handler:
    """The one class of a handler file that defines a service."""

    service: str  # "chat"
    path: str  # "src/websocket/myapp_chat_websocket.py"
    module: str  # "src.websocket.myapp_chat_websocket"
    class_name: str  # "ChatWebsocket"
    callbacks: tuple[str, ...]  # the ones it defines, in canonical order
    summary: str  # the first line of the class's docstring, or of the module's; or ""
    parsed: Module


Value: TypeAlias = str | int | float | bool | tuple[str, ...]
"""The value of one key of boss.toml."""

Settings: TypeAlias = tuple[tuple[str, Value], ...]
"""Keys and values of one section, `("idle_timeout", 60)`, in the order in which the runtime declares them."""


@dataclass(frozen=True, slots=True)
class ServiceSection:
    """What one [service.NAME] of boss.toml overrides."""

    name: str  # "chat"
    line: int  # where NAME stands, 1-based characters
    column: int
    end_column: int
    settings: Settings  # only the keys that are there


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """boss.toml, checked and with its defaults filled in."""

    app: str  # "myapp"
    base_url: str = ""  # normalised: "" or "/chat"
    server: Settings = ()
    session: Settings = ()
    websocket: Settings = ()
    supervisor: Settings = ()
    services: tuple[ServiceSection, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedService:
    """One service, with everything that the generated router says about it."""

    name: str  # "chat"
    url: str  # "/websocket/chat", base_url included
    handler: Handler
    imported: str = ""  # what router.py calls the class: "ChatWebsocket", or "ChatWebsocket_chat" where that is taken
    overrides: Settings = ()  # what differs from [websocket]
    limits: Settings = ()  # all of them, the overrides put in


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be generated, in final order."""

    app: str
    base_url: str  # "" or "/chat"
    services: tuple[PlannedService, ...]  # sorted by name
    imports: tuple[PlannedService, ...] = ()  # the same, in the order of their imports
    session: Settings = ()
    websocket: Settings = ()
    supervisor: Settings = ()


@dataclass(frozen=True, slots=True)
class Template:
    """template/boss, as text."""

    copied: Files  # keyed by where each goes: "boss/runtime/worker.py"; sorted
    router: str  # router.py.jinja
    services: str  # services.py.jinja
