"""The rule about the services that a message may go to."""

import ast
import difflib
from collections.abc import Iterator
from typing import Final

from ..diagnostics import Span
from ..model import Scope
from .addresses import SERVICES
from .failing import tried
from .files import LONGEST, SERVICE
from .rule import Finding, View, attribute_span, rule
from .variables import named

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
                or view.resolve(node.value, scope) != SERVICES
                or _is_guarded(view, scope, node)
            ):
                continue
            yield _unknown(view, node.attr, attribute_span(view.module, node))
        imported = {
            meaning.removeprefix(f"{SERVICES}.")
            for meanings in scope.bindings.values()
            for meaning in meanings
            if isinstance(meaning, str) and meaning.startswith(f"{SERVICES}.")
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
        if isinstance(node, ast.ImportFrom) and node.module == SERVICES:
            for alias in node.names:
                if _is_unknown(view, alias.name) and not _is_guarded(view, scope, node):
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
        help_ = f"{are} {', '.join(known)}"
        if SERVICE.fullmatch(name) and len(name) <= LONGEST:
            help_ += f"; `bossgen add-service {name}` makes this one"
    return Finding(place, f"there is no service `{name}`", help_)


_CAUGHT: Final = frozenset(
    {
        *("AttributeError", "ImportError", "ModuleNotFoundError"),
        *("Exception", "BaseException"),
    }
)


def _is_guarded(view: View, scope: Scope, node: ast.AST) -> bool:
    """Whether the code is prepared for the name not to be there."""
    known = view.memo.setdefault("guarded", {})
    if scope.node not in known:
        known[scope.node] = {
            inner for part in _guarded_parts(scope) for inner in ast.walk(part)
        }
    return node in known[scope.node]


def _guarded_parts(scope: Scope) -> Iterator[ast.AST]:
    for one in _directly_in(scope):
        yield from tried(one, _CAUGHT)
        match one:
            case ast.If(test=test) | ast.IfExp(test=test):
                if "hasattr" in named(test):
                    yield one
