"""What may fail, and what catches it."""

import ast
from collections.abc import Set as AbstractSet
from typing import Final

from ..model import Meaning, Scope
from .patterns import class_list
from .rule import View
from .types import RESULTS
from .variables import named

_SWALLOWING: Final = frozenset(
    {
        *("contextlib.suppress", "anyio.move_on_after", "anyio.move_on_at"),
        *("anyio.CancelScope", "trio.move_on_after", "trio.move_on_at"),
        *("trio.CancelScope",),
    }
)


def can_raise(view: View, node: ast.expr, scope: Scope) -> bool:
    """Whether evaluating an expression can fail; making a result of a variable cannot."""
    parts = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
    match node:
        case ast.Name() | ast.Constant() | ast.Lambda() | ast.JoinedStr():
            return False
        case ast.Attribute(value=ast.Name()):
            return False
        case ast.Call(func=function) if view.resolve(function, scope) in RESULTS:
            parts = [*node.args, *(keyword.value for keyword in node.keywords)]
        case ast.UnaryOp() | ast.BoolOp() | ast.IfExp() | ast.Tuple():
            pass
        case ast.NamedExpr():
            pass
        case ast.Compare(ops=operators) if all(
            isinstance(one, ast.Is | ast.IsNot | ast.Eq | ast.NotEq)
            for one in operators
        ):
            pass
        case _:
            return True
    return any(can_raise(view, one, scope) for one in parts)


ALL_KINDS: Final = frozenset({"builtins.Exception", "builtins.BaseException"})


def kinds(view: View, handler: ast.ExceptHandler, scope: Scope) -> frozenset[Meaning]:
    """The exceptions that a handler is for."""
    if handler.type is None:
        return ALL_KINDS
    return frozenset(view.resolve(one, scope) for one in class_list(handler.type))


def may_swallow(view: View, context: ast.expr, scope: Scope) -> bool:
    """Whether a `with` statement with this may go on behind an exception."""
    function = context.func if isinstance(context, ast.Call) else context
    if view.resolve(function, scope) not in _SWALLOWING:
        return False
    match context:
        case ast.Call(
            func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=[]
        ):
            return False  # `suppress()` has no exceptions to suppress
    return True


def tried(node: ast.AST, errors: AbstractSet[str]) -> list[ast.stmt]:
    """The statements of which a `try`, or a `with suppress(...)`, catches one of some errors, by their names."""
    match node:
        case ast.Try(body=body, handlers=handlers):
            caught = [
                {"Exception"} if one.type is None else named(one.type)
                for one in handlers
            ]
        case ast.With(body=body, items=items):
            caught = [named(item.context_expr) for item in items]
        case _:
            return []
    return body if any(errors & names for names in caught) else []
