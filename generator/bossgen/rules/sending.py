"""Rules about sending: to clients, and to services."""

import ast
from collections.abc import Iterator
from typing import Final

from ..model import Class, Scope
from .addresses import addresses_service, receiver, starts_timer
from .inference import is_narrowed, of
from .rule import Finding, View, rule
from .types import Type, in_words

# --- BG401 -------------------------------------------------------------------------------------------


@rule("BG401")
def awaited_send(view: View) -> Iterator[Finding]:
    """Something that is no coroutine is awaited: sending returns at once.

    `websocket.send(...)`, `send_json` and `close`, the same of a `Group`, `services.NAME.broadcast(...)` and `info`, and
    `self.send_after(...)` are plain calls. They put the message into a queue and never wait; awaiting what they return
    is a TypeError, after the message has been sent. In a `def`, where Python does not take an `await`, this is said
    instead: the call may stay in the `def`, without it.

    Example:

        await websocket.send("hello")

    Instead:

        websocket.send("hello")
    """
    for scope in view.module.scopes.values():
        for node in scope.awaits:
            call = node.value
            if not isinstance(call, ast.Call) or not any(
                sends(view, call, scope)
                for sends in (receiver, addresses_service, starts_timer)
            ):
                continue
            called = view.text(call.func)
            yield Finding(
                view.at(node),
                f"`{called}` is awaited, but it is a plain call that returns at once",
                f"write `{called}(...)` without `await`",
            )


# --- BG403 -------------------------------------------------------------------------------------------


@rule("BG403")
def payload_type(view: View) -> Iterator[Finding]:
    """What is sent to a client is neither text nor bytes, or cannot be JSON.

    A WebSocket carries text (`str`) and binary (`bytes`) messages and nothing else; `send` raises a TypeError for
    anything else. `send_json` writes dicts, lists, texts, numbers, booleans and None as JSON text.

    Example:

        websocket.send({"count": 42})
        websocket.send(42)

    Instead:

        websocket.send_json({"count": 42})
        websocket.send("42")
    """
    for scope in view.module.scopes.values():
        for call in scope.calls:
            if not receiver(view, call, scope):
                continue
            assert isinstance(call.func, ast.Attribute)
            payload = _payload(call)
            if payload is None or call.func.attr == "close":
                continue
            for part in _possible(payload):
                yield from _unsendable(view, call, part, scope)


def _possible(node: ast.expr) -> Iterator[ast.expr]:
    """What the value may be: each side of `a if b else c`, what `a or b` ends with."""
    match node:
        case ast.IfExp(body=body, orelse=otherwise):
            yield from _possible(body)
            yield from _possible(otherwise)
        case ast.BoolOp(values=[*_, last]):
            yield from _possible(last)
        case _:
            yield node


def _unsendable(
    view: View, call: ast.Call, payload: ast.expr, scope: Scope
) -> Iterator[Finding]:
    types = of(view, payload, scope)
    if types is None or is_narrowed(view, payload, scope):
        return
    function = call.func
    assert isinstance(function, ast.Attribute)
    called = view.text(function)
    if function.attr == "send":
        kinds = [_not_sendable(one) for one in types]
        if kinds and all(kinds):
            yield Finding(
                view.at(payload),
                f"`{called}` sends text or bytes, and this is {kinds[0]}",
                _instead(view, call, payload, types[0]),
            )
        return
    kinds = [_not_json(one) for one in types]
    if kinds and all(kinds):
        yield Finding(
            view.at(payload),
            f"`{called}` sends JSON, and this is {kinds[0]}",
            _instead(view, call, payload, types[0]),
        )
        return
    for inner, word, instead in _within(view, payload, scope):
        yield Finding(
            view.at(inner),
            f"`{called}` sends JSON, and {word} is in it",
            f"write {instead}",
        )


def _within(
    view: View, node: ast.expr, scope: Scope
) -> Iterator[tuple[ast.expr, str, str]]:
    """What JSON does not have, in a dict or list that is written out: where, what, and what to write."""
    keys: list[ast.expr] = []
    values: list[ast.expr] = []
    match node:
        case ast.Dict():
            keys = [key for key in node.keys if key is not None]
            values = [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if key is not None
            ]
        case ast.DictComp(key=key, value=value):
            keys, values = [key], [value]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            values = [one for one in elements if not isinstance(one, ast.Starred)]
        case ast.ListComp(elt=element):
            values = [element]
    for key in keys:
        types = of(view, key, scope)
        kinds = [_not_json(one) or _not_key(one) for one in types or ()]
        if kinds and all(kinds):
            yield key, f"{kinds[0]} as a key", "a text as the key"
    for value in values:
        for part in _possible(value):
            types = of(view, part, scope)
            kinds = [_not_json(one) for one in types or ()]
            if types and all(kinds) and not is_narrowed(view, part, scope):
                yield part, kinds[0], _as_json(view, part, types[0])
            else:
                yield from _within(view, part, scope)


def _not_key(one: Type) -> str:
    containers = {"builtins.tuple", "builtins.list", "builtins.dict"}
    return in_words(one) if one.meaning in containers else ""


def _as_json(view: View, node: ast.expr, one: Type) -> str:
    text = view.text(node)
    if one.meaning in {"builtins.set", "builtins.frozenset"}:
        return f"`sorted({text})`"
    if one.meaning == "boss.WebSocket":
        return f"`{text}.id`"
    if one.meaning == "boss.Group":
        return f"`len({text})`, or a list of what is to be told of each member"
    if one.meaning == "builtins.bytes":
        return f"`{text}.decode()`"
    if one.meaning == "types.CoroutineType":
        return f"`await {text}`"
    if isinstance(one.meaning, str) and one.meaning.startswith(_PRINTED):
        return f"`str({text})`"
    return "what JSON has: dicts, lists, texts, numbers, booleans and None"


_PRINTED: Final = ("datetime.", "uuid.", "decimal.")


def _payload(call: ast.Call) -> ast.expr | None:
    if call.args:
        return None if isinstance(call.args[0], ast.Starred) else call.args[0]
    return next(
        (one.value for one in call.keywords if one.arg in {"message", "value"}), None
    )


_JSON: Final = frozenset(
    f"builtins.{name}"
    for name in (
        *("dict", "list", "tuple", "str", "bool", "float", "int", "NoneType", "None"),
    )
)


def _not_sendable(one: Type) -> str:
    """What a type is called that cannot be sent; "" for one that can, or may."""
    return "" if one.meaning in {"builtins.str", "builtins.bytes"} else in_words(one)


def _not_json(one: Type) -> str:
    return "" if one.meaning in _JSON else in_words(one)


def _instead(view: View, call: ast.Call, payload: ast.expr, one: Type) -> str:
    function = call.func
    assert isinstance(function, ast.Attribute)
    target = view.text(function.value)
    text = view.text(payload)
    short = text if len(text) <= 40 else "..."
    # What else is given: the member of a Group that is left out.
    rest = [f", {view.text(one)}" for one in call.args[1:]]
    rest += [
        f", {one.arg}={view.text(one.value)}"
        for one in call.keywords
        if one.arg == "exclude"
    ]
    more = "".join(rest)
    if one.meaning in {"builtins.dict", "builtins.list", "builtins.tuple"}:
        return f"write `{target}.send_json({short}{more})`"
    if isinstance(one.meaning, Class):
        if any("dataclass" in ast.unparse(d) for d in one.meaning.node.decorator_list):
            return f"write `{target}.send_json(dataclasses.asdict({short}){more})`"
        return f"make a text or a dict of it: `{target}.send_json({{...}})`"
    if one.meaning in {"builtins.set", "builtins.frozenset"}:
        return f"write `{target}.send_json(sorted({short}){more})`"
    if one.meaning == "builtins.bytes":
        return f"write `{target}.send({short}{more})`, which sends a binary message"
    if one.meaning in {"builtins.int", "builtins.float"}:
        if isinstance(payload, ast.Constant):
            return f'write `{target}.send("{short}"{more})`'
        return f"write `{target}.send(str({short}){more})`"
    if one.meaning in {"builtins.bytearray", "builtins.memoryview"}:
        return f"write `{target}.send(bytes({short}){more})`"
    if one.meaning == "types.CoroutineType":
        return f"write `{target}.{function.attr}(await {short}{more})`"
    if isinstance(one.meaning, str) and one.meaning.startswith(_PRINTED):
        return f"write `{target}.{function.attr}(str({short}){more})`"
    if one.meaning in {"builtins.bool", "builtins.NoneType", "builtins.None"}:
        return f"write `{target}.send_json({short}{more})`, or send a text"
    return f"send a text: `{target}.send(...)`"
