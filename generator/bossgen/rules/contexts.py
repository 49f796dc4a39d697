"""Context managers: which let the code behind them run when their body has failed."""

import ast
from typing import Final

from ..model import Scope
from .rule import View

_SWALLOWING: Final = frozenset(
    {
        *("contextlib.suppress", "anyio.move_on_after", "anyio.move_on_at"),
        *("anyio.CancelScope", "trio.move_on_after", "trio.move_on_at"),
        *("trio.CancelScope",),
    }
)


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
