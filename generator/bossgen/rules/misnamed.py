"""The rule about methods that are named nearly like a callback, and whether anything calls a method by its name."""

import ast
from collections.abc import Iterator
from typing import Final

from ..diagnostics import Span
from ..model import Class, Function, Module
from .rule import Finding, View, name_span, rule

# What other libraries call the moments that the callbacks are there for.
_ELSEWHERE: Final = {
    "connect": "handle_join",
    "open": "handle_join",
    "join": "handle_join",
    "enter": "handle_join",
    "disconnect": "handle_close",
    "close": "handle_close",
    "leave": "handle_close",
    "message": "handle_incoming",
    "receive": "handle_incoming",
    "incoming": "handle_incoming",
    "broadcast": "handle_broadcast",
    "info": "handle_info",
    "timeout": "handle_info",
    "init": "init",
    "terminate": "terminate",
    "shutdown": "terminate",
}
_ENDINGS: Final = frozenset({"s", "d", "ed", "ing", "r", "er"})


@rule("BG304")
def callback_unknown(view: View) -> Iterator[Finding]:
    """A method is named nearly like a callback, and nobody calls it.

    A callback with a letter wrong is a method that is never called, and the default, which does nothing, runs in its
    place. A method is reported when its name is nearly that of a callback (or what other libraries call the same
    moment, `on_message`) and nothing in the file mentions it. Begin the name with `_` if it is meant to be your own.

    Example:

        def handle_incomming(self, service_url, websocket, message, state):
            ...

    Instead:

        def handle_incoming(self, service_url, websocket, message, state):
            ...
    """
    if not view.closed or calls_by_text(view):
        return  # a base that is not seen may call it, or a name made at run time
    names = view.behaviour.names
    for class_ in view.handler.lineage:
        assert class_ is not None
        for name, meanings in class_.members.items():
            if name in names or name.startswith("_"):
                continue
            node = meanings[0]
            if not isinstance(node, Function | ast.Lambda) or (
                isinstance(node, Function) and not view.plain(node)
            ):
                continue
            near = _nearest(name, names, view.handler.callbacks)
            if near is None or _mentions(view.module, name):
                continue
            yield Finding(
                _bound(view, class_, name, node),
                f"`{name}` is no callback, and nothing in this file calls it",
                f"write `{near}`, or `_{name}` if it is your own",
            )


def _bound(view: View, class_: Class, name: str, node: Function | ast.Lambda) -> Span:
    """Where the body of a class gives a method its name: in its definition, or where it is assigned."""
    if isinstance(node, Function) and node.name == name:
        return name_span(view.module, node)
    return next(
        view.at(one)
        for one in ast.walk(class_.node)
        if isinstance(one, ast.Name) and one.id == name
    )


def calls_by_text(view: View) -> bool:
    """Whether the file looks up attributes whose names it makes at run time: `getattr(self, f"on_{kind}")`."""
    for scope in view.module.scopes.values():
        if any(attribute.attr in _NAMESPACES for attribute in scope.attributes):
            return True
        for call in scope.calls:
            match call.func:
                case (
                    ast.Name(id="getattr" | "methodcaller" | "attrgetter")
                    | ast.Attribute(
                        attr="methodcaller" | "attrgetter" | "__getattribute__"
                    )
                ):
                    if not all(isinstance(one, ast.Constant) for one in call.args[-1:]):
                        return True
                    if len(call.args) > 1 and not isinstance(
                        call.args[1], ast.Constant
                    ):
                        return True
                case ast.Name(id="vars" | "dir"):
                    return True
    return False


_NAMESPACES: Final = frozenset({"__dict__", "getmembers", "getmembers_static"})


def _nearest(
    name: str, callbacks: tuple[str, ...], defined: tuple[str, ...]
) -> str | None:
    plain = name.lower().replace("_", "")
    for callback in callbacks:
        right = callback.replace("_", "")
        if plain == right or (
            plain.startswith(right) and plain.removeprefix(right) in _ENDINGS
        ):
            return callback
    for prefix in ("on", "handle"):
        moment = _ELSEWHERE.get(plain.removeprefix(prefix))
        if plain.startswith(prefix) and moment in callbacks:
            return None if moment in defined else moment
    distance, nearest = min(
        (_distance(plain, callback.replace("_", "")), callback)
        for callback in callbacks
    )
    allowed = 1 if len(nearest) < 8 else 2
    if distance > allowed:
        return None
    moment, right = plain.removeprefix("handle"), nearest.removeprefix("handle_")
    if plain.startswith("handle") and _distance(moment, right) > max(
        1, len(right) // 4
    ):
        return None  # handle_login is not handle_join
    return nearest


def _distance(one: str, other: str) -> int:
    """How many letters have to be put in, left out, changed or exchanged with the next.

    Source: the optimal string alignment distance (Damerau, Levenshtein).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(row[-1] + 1, before[j] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _mentions(module: Module, name: str) -> bool:
    """Whether anything but its definition mentions a name: an attribute, a variable, or a text that equals it."""
    if module.source.text.count(name) < 2:
        return False
    return any(
        (isinstance(node, ast.Attribute) and node.attr == name)
        or (
            isinstance(node, ast.Name)
            and node.id == name
            and isinstance(node.ctx, ast.Load)
        )
        or (isinstance(node, ast.Constant) and node.value == name)
        or (isinstance(node, ast.keyword) and node.arg == name)
        for node in ast.walk(module.tree)
    )
