"""What the stages hand to each other: frozen values, no behaviour. Imports nothing of ours."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    instead: str = ""  # what stands there in the place of a file: "a folder"


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
    properties: tuple[str, ...]  # those of them that tell of the client: "req"
    # What websocket.py and group.py declare: the attributes of each class, keyed by "boss.WebSocket", "boss.Group".
    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the callbacks, in canonical order."""
        return tuple(callback.name for callback in self.callbacks)


Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class of a module, with what is known of it without running anything."""

    node: ast.ClassDef
    bases: tuple[tuple["Meaning", ...], ...]  # for each base what it may be
    # What its body binds; "*" is among it when names made at run time may be.
    members: dict[str, tuple["Meaning", ...]]
    annotations: Mapping[str, ast.expr]  # `members: Group` in its body
    typing_only: bool  # it stands under `if TYPE_CHECKING`


Meaning: TypeAlias = str | ast.AST | Class | None
"""What a name may stand for: the dotted name of something imported or built in ("boss.Noreply"), a function or an
expression of the module, a class of the module, or None for what cannot be told."""


@dataclass(slots=True, eq=False)
class Scope:
    """A function, lambda, class or the module itself, and what stands directly in it.

    Filled by the one walk of `scopes.scopes`, and left alone from then on.
    """

    node: ast.AST
    parent: "Scope | None"
    calls: list[ast.Call] = field(default_factory=list)
    awaits: list[ast.Await] = field(default_factory=list)
    attributes: list[ast.Attribute] = field(default_factory=list)
    returns: list[ast.Return] = field(default_factory=list)
    statements: list[ast.Expr] = field(default_factory=list)  # expression statements
    # By =, :=, for, with, and in comprehensions.
    assignments: list[ast.AST] = field(default_factory=list)
    yields: list[ast.AST] = field(default_factory=list)
    bindings: dict[str, list[Meaning]] = field(default_factory=dict)  # its own names


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A parsed file."""

    source: Source
    tree: ast.Module
    lines: tuple[str, ...]
    names: Mapping[str, tuple[Meaning, ...]]  # once the module has run to its end
    classes: tuple[Class, ...]  # of the module's top level, in order
    scopes: Mapping[ast.AST, Scope]  # keyed by the node that opens each
    refused: bool = False  # Python parses it, but does not compile it


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
    definition: Class
    # The definition and its bases as Python searches them; None: not seen.
    lineage: tuple[Class | None, ...]
    # Those of them before ServiceHandler: the others' callbacks are not called.
    overriding: tuple[Class | None, ...]


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
