"""Lives in the project under test as src/lib/script.py: callbacks note that they were called, then do what they are told.

What a callback is to do is a piece of Python that the test sends beforehand (`Service.on` in harness.py). Its names: the
arguments of the callback, `who` (the client's `?name=`), `note(...)`, `gate(name)` to await, `state.clients[name]`,
`state.group`, and everything that handlers may import from boss.
"""

import asyncio
import inspect
import textwrap
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import boss
from boss import Group, ServiceHandler, WebSocket

JOURNAL: dict[str, list[dict[str, Any]]] = defaultdict(list)
SCRIPTS: dict[tuple[str, str], Any] = {}
GATES: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
LIVES: dict[str, int] = defaultdict(int)


@dataclass
class State:
    """What scripts may keep: the clients by name, and a group for those who want one."""

    life: int
    clients: dict[str, WebSocket] = field(default_factory=dict)
    group: Group = field(default_factory=Group)
    kept: dict[str, Any] = field(default_factory=dict)


STATES: dict[str, State] = {}


def new_state(service: str) -> State:
    LIVES[service] += 1
    return State(LIVES[service])


def note(service: str, callback: str, who: str = "", what: object = "") -> None:
    shown = what if isinstance(what, (str, int)) else repr(what)
    JOURNAL[service].append({"callback": callback, "who": who, "what": shown})


def world(service: str) -> dict[str, Any]:
    """The names that scripts of `service` may use."""
    names = {name: getattr(boss, name) for name in boss.__all__}
    return names | {
        "asyncio": asyncio,
        "threading": threading,
        "gate": lambda name: GATES[f"{service} {name}"].wait(),
        "open_gate": lambda name: GATES[f"{service} {name}"].set(),
        "note": lambda what, who="": note(service, "note", who, what),
        "STATES": STATES,
    }


def define(service: str, code: str, awaits: bool) -> Any:
    """A function that runs `code`, with `service`'s names."""
    head = "async def" if awaits else "def"
    body = textwrap.indent(textwrap.dedent(code).strip() or "pass", "    ")
    scope = world(service)
    parameters = "self, state, websocket, message, reason, who"
    exec(f"{head} script({parameters}):\n{body}\n", scope)  # noqa: S102  # what a test wrote
    return scope["script"]


def called(
    handler: ServiceHandler[State],
    callback: str,
    state: State,
    default: object,
    *,
    what: object,
    websocket: WebSocket | None = None,
    message: object = None,
    reason: object = None,
) -> Any:
    """Note the call and run its script: what that returns, or `default` when it returns nothing."""
    module = import_module(type(handler).__module__)
    service: str = module.NAME
    who = ""
    if websocket is not None:
        who = handler.req.query_params.get("name", "")
        if callback == "handle_join":
            state.clients[who] = websocket
        elif callback == "handle_close":
            state.clients.pop(who, None)
    STATES[service] = state
    note(service, callback, who, what)
    script = SCRIPTS.get((service, callback))
    result = (
        None
        if script is None
        else script(handler, state, websocket, message, reason, who)
    )
    if inspect.iscoroutinefunction(getattr(type(handler), callback)):
        return _awaited(result, default)
    return default if result is None else result


async def _awaited(result: Any, default: object) -> object:
    if inspect.isawaitable(result):
        result = await result
    return default if result is None else result
