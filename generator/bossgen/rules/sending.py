"""Rules about sending: to clients, and to services."""

import ast
import difflib
from collections.abc import Iterator
from typing import Final

from ..diagnostics import Span
from ..model import Class, Scope
from .rule import Finding, View, attribute_span, rule
from .types import Type, is_one, of

_SENDS: Final = frozenset({"send", "send_json", "close"})
_SERVICES: Final = "boss.services"
_TO_SERVICE: Final = frozenset({"broadcast", "info"})


def _receiver(view: View, call: ast.Call, scope: Scope) -> str:
    """What is sent to: "boss.WebSocket", "boss.Group", or "" when it is not sure to be one of them."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _SENDS:
        return ""
    types = of(view, function.value, scope)
    if is_one(types, "boss.WebSocket"):
        return "boss.WebSocket"
    if is_one(types, "boss.Group") and function.attr != "close":
        return "boss.Group"
    return ""


# --- BG401 -------------------------------------------------------------------------------------------


@rule("BG401")
def awaited_send(view: View) -> Iterator[Finding]:
    """Something that is no coroutine is awaited: sending returns at once.

    `websocket.send(...)`, `send_json` and `close`, the same of a `Group`, and `services.NAME.broadcast(...)` and
    `info` are plain calls. They put the message into a queue, return None and never wait; awaiting None is a TypeError,
    after the message has been sent.

    Example:

        await websocket.send("hello")

    Instead:

        websocket.send("hello")
    """
    for scope in view.module.scopes.values():
        for node in scope.awaits:
            call = node.value
            if not isinstance(call, ast.Call) or not isinstance(
                call.func, ast.Attribute
            ):
                continue
            if not _receiver(view, call, scope) and not _addresses_service(
                view, call, scope
            ):
                continue
            called = view.text(call.func)
            yield Finding(
                view.at(node),
                f"`{called}` is awaited, but it is a plain call that returns at once",
                f"write `{called}(...)` without `await`",
            )


def _addresses_service(view: View, call: ast.Call, scope: Scope) -> bool:
    meaning = view.resolve(call.func, scope)
    if not isinstance(meaning, str) or not meaning.startswith(f"{_SERVICES}."):
        return False
    service, _, method = meaning.removeprefix(f"{_SERVICES}.").partition(".")
    return service in view.services and method in _TO_SERVICE


# --- BG402 -------------------------------------------------------------------------------------------

# What else the generated boss/services.py contains.
_NO_SERVICES: Final = frozenset({"ServiceAddress"})


@rule("BG402")
def unknown_service(view: View) -> Iterator[Finding]:
    """A message goes to a service that does not exist.

    `boss.services` has one name for each handler in `src/websocket/`. Chicago Boss dropped messages for unknown
    services silently; here the name is looked up when you build, and the nearest one is proposed.

    Example, with the handler src/websocket/myapp_chat_websocket.py:

        services.chta.broadcast("hello")

    Instead:

        services.chat.broadcast("hello")
    """
    if "services" not in view.module.source.text and "*" not in view.module.names:
        return
    for scope in view.module.scopes.values():
        for node in scope.attributes:
            if (
                not _is_unknown(view, node.attr)
                or not isinstance(node.ctx, ast.Load)
                or view.resolve(node.value, scope) != _SERVICES
                or _is_guarded(scope, node)
            ):
                continue
            yield _unknown(view, node.attr, attribute_span(view.module, node))
        imported = {
            meaning.removeprefix(f"{_SERVICES}.")
            for meanings in scope.bindings.values()
            for meaning in meanings
            if isinstance(meaning, str) and meaning.startswith(f"{_SERVICES}.")
        }
        if any(_is_unknown(view, name) for name in imported):
            yield from _imported(view, scope)


def _is_unknown(view: View, name: str) -> bool:
    return (
        name not in view.services
        and name not in _NO_SERVICES
        and not name.startswith("__")
    )


def _imported(view: View, scope: Scope) -> Iterator[Finding]:
    for node in _directly_in(scope):
        if isinstance(node, ast.ImportFrom) and node.module == _SERVICES:
            for alias in node.names:
                if _is_unknown(view, alias.name) and not _is_guarded(scope, node):
                    yield _unknown(view, alias.name, view.at(alias))


def _directly_in(scope: Scope) -> Iterator[ast.AST]:
    """The nodes of a function, not those of the functions in it."""
    waiting = list(ast.iter_child_nodes(scope.node))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            waiting += ast.iter_child_nodes(node)


def _unknown(view: View, name: str, place: Span) -> Finding:
    near = difflib.get_close_matches(name, sorted(view.services), 1, 0.6)
    if near:
        help_ = f"did you mean `{near[0]}`?"
    else:
        known = [f"`{service}`" for service in sorted(view.services)]
        are = "the services are" if len(known) > 1 else "the only service is"
        help_ = f"{are} {', '.join(known)}; `bossgen add-service {name}` makes this one"
    return Finding(place, f"there is no service `{name}`", help_)


_CAUGHT: Final = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError"})


def _is_guarded(scope: Scope, node: ast.AST) -> bool:
    """Whether the code is prepared for the name not to be there."""
    for one in _directly_in(scope):
        words: set[str] = set()
        prepared = _CAUGHT
        match one:
            case ast.Try(body=body, handlers=handlers):
                inside = any(_contains(part, node) for part in body)
                prepared = _CAUGHT | {"Exception", "BaseException"}
                for handler in handlers:
                    words |= _words(handler.type) if handler.type else {"Exception"}
            case ast.With(body=body, items=items):
                inside = any(_contains(part, node) for part in body)
                words = {word for item in items for word in _words(item.context_expr)}
            case ast.If(test=test) | ast.IfExp(test=test):
                inside = _contains(one, node)
                prepared = frozenset({"hasattr"})
                words = _words(test)
            case _:
                continue
        if inside and words & prepared:
            return True
    return False


def _words(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _contains(outer: ast.AST, node: ast.AST) -> bool:
    return any(one is node for one in ast.walk(outer))


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
            if not _receiver(view, call, scope):
                continue
            assert isinstance(call.func, ast.Attribute)
            payload = _payload(call)
            if payload is None or call.func.attr == "close":
                continue
            types = of(view, payload, scope)
            if types is None:
                continue
            called = view.text(call.func)
            if call.func.attr == "send":
                kinds = [_not_sendable(one) for one in types]
            else:
                kinds = [_not_json(one) for one in types]
            if not kinds or not all(kinds):
                continue
            takes = "sends text or bytes" if call.func.attr == "send" else "sends JSON"
            yield Finding(
                view.at(payload),
                f"`{called}` {takes}, and this is {kinds[0]}",
                _instead(view, call.func, payload, types[0]),
            )


def _payload(call: ast.Call) -> ast.expr | None:
    if call.args:
        return None if isinstance(call.args[0], ast.Starred) else call.args[0]
    return next(
        (one.value for one in call.keywords if one.arg in {"message", "value"}), None
    )


_WORDS: Final = {
    **{f"builtins.{name}": f"a {name}" for name in ("dict", "list", "tuple", "set")},
    "builtins.frozenset": "a frozenset",
    "builtins.bool": "a bool",
    "builtins.float": "a number",
    "builtins.int": "a number",
    "builtins.complex": "a complex number",
    "builtins.NoneType": "None",
    "builtins.None": "None",
    "types.FunctionType": "a function",
    "types.GeneratorType": "a generator",
    "boss.Group": "a Group",
    "boss.WebSocket": "a websocket",
    "boss.Ok": "a result",
    "boss.Noreply": "a result",
    "boss.Stop": "a result",
    "boss.Normal": "a close reason",
    "boss.Error": "a close reason",
    "boss.Remote": "a close reason",
}
_JSON: Final = frozenset(
    f"builtins.{name}"
    for name in ("dict", "list", "tuple", "bool", "float", "int", "NoneType", "None")
)


def _not_sendable(one: Type) -> str:
    """What a type is called that cannot be sent; "" for one that can, or may."""
    if isinstance(one.meaning, Class):
        return _plain_class(one.meaning)
    return _WORDS.get(one.meaning, "")


def _not_json(one: Type) -> str:
    if isinstance(one.meaning, Class):
        return _plain_class(one.meaning)
    if one.meaning == "builtins.bytes":
        return "bytes"
    return "" if one.meaning in _JSON else _WORDS.get(one.meaning, "")


def _plain_class(class_: Class) -> str:
    """The name of a class that is nothing but itself: no base that could make it a text or a dict."""
    if any(
        meaning not in {"builtins.object", "typing.Generic", "abc.ABC"}
        for meanings in class_.bases
        for meaning in meanings
    ):
        return ""
    return f"a `{class_.node.name}`"


def _instead(view: View, function: ast.Attribute, payload: ast.expr, one: Type) -> str:
    target = view.text(function.value)
    text = view.text(payload)
    short = text if len(text) <= 40 else "..."
    if one.meaning in {"builtins.dict", "builtins.list", "builtins.tuple"}:
        return f"write `{target}.send_json({short})`"
    if isinstance(one.meaning, Class):
        if any("dataclass" in ast.unparse(d) for d in one.meaning.node.decorator_list):
            return f"write `{target}.send_json(dataclasses.asdict({short}))`"
        return f"make a text or a dict of it: `{target}.send_json({{...}})`"
    if one.meaning in {"builtins.set", "builtins.frozenset"}:
        return f"write `{target}.send_json(sorted({short}))`"
    if one.meaning == "builtins.bytes":
        return f"write `{target}.send({short})`, which sends a binary message"
    if one.meaning in {"builtins.int", "builtins.float"}:
        if isinstance(payload, ast.Constant):
            return f'write `{target}.send("{short}")`'
        return f"write `{target}.send(str({short}))`"
    if one.meaning in {"builtins.bool", "builtins.NoneType", "builtins.None"}:
        return f"write `{target}.send_json({short})`, or send a text"
    return f"send a text: `{target}.send(...)`"
