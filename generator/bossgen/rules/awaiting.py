"""Rules about coroutines: they run when they are awaited, and only then."""

import ast
from collections.abc import Iterator
from typing import Final

from ..model import Scope
from .rule import Finding, View, rule

_COROUTINES: Final = frozenset(
    f"asyncio.{name}"
    for name in ("sleep", "wait_for", "wait", "to_thread", "open_connection")
)


@rule("BG404", severity="warning")
def missing_await(view: View) -> Iterator[Finding]:
    """A coroutine is made and thrown away.

    Calling an `async def` only makes a coroutine; its lines run when it is awaited. A call that stands alone, without
    `await`, does nothing at all; as a condition it is always true, whatever it would have answered.

    Example:

        self.save(state)        # async def save(self, state)

    Instead:

        await self.save(state)
    """
    for scope in view.module.scopes.values():
        for node in scope.statements:
            call = node.value
            if not isinstance(call, ast.Call):
                continue
            target = view.target(call, scope)
            if isinstance(target, ast.AsyncFunctionDef):
                if not _makes_coroutine(view, target):
                    continue
                called = f"`{target.name}` is an `async def`"
            elif target in _COROUTINES:
                called = f"`{view.text(call.func)}` makes a coroutine"
            else:
                continue
            yield Finding(
                view.at(call),
                f"{called}: without `await` this does nothing",
                _await(view, call, scope),
            )
    yield from _used_as_values(view)


def _makes_coroutine(view: View, function: ast.AsyncFunctionDef) -> bool:
    return view.plain(function) and not view.module.scopes[function].yields


def _await(view: View, call: ast.Call, scope: Scope) -> str:
    function = scope.node
    if isinstance(function, ast.FunctionDef):
        return f"write `await {_shown(view, call)}`, and make `{function.name}` an `async def`"
    return f"write `await {_shown(view, call)}`"


def _used_as_values(view: View) -> Iterator[Finding]:
    """Coroutines of which the answer is used: as a condition, in a comparison, in a text."""
    names = {
        node.name
        for node in view.module.scopes
        if isinstance(node, ast.AsyncFunctionDef) and _makes_coroutine(view, node)
    }
    calls = {
        call: (scope, target)
        for scope in view.module.scopes.values()
        for call in scope.calls
        if _last_name(call.func) in names
        and isinstance(target := view.target(call, scope), ast.AsyncFunctionDef)
        and _makes_coroutine(view, target)
    }
    if not calls:
        return
    for node in ast.walk(view.module.tree):
        for used in _values_used(node):
            if isinstance(used, ast.Call) and used in calls:
                scope, target = calls[used]
                yield Finding(
                    view.at(used),
                    f"`{target.name}` is an `async def`: without `await` this is a coroutine, not what it returns",
                    _await(view, used, scope),
                )


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _values_used(node: ast.AST) -> list[ast.expr]:
    """Parts of a node for which a coroutine is never right."""
    match node:
        case (
            ast.If(test=test)
            | ast.While(test=test)
            | ast.IfExp(test=test)
            | ast.Assert(test=test)
        ):
            return _operands(test)
        case ast.comprehension(ifs=tests):
            return [one for test in tests for one in _operands(test)]
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case (
            ast.FormattedValue(value=value)
            | ast.Subscript(value=value)
            | ast.AugAssign(value=value)
        ):
            return [value]
    return []


def _operands(test: ast.expr) -> list[ast.expr]:
    if isinstance(test, ast.BoolOp):
        return [one for value in test.values for one in _operands(value)]
    return [test]


def _shown(view: View, call: ast.Call) -> str:
    text = view.text(call)
    return text if len(text) <= 60 else f"{view.text(call.func)}(...)"
