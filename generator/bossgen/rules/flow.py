"""How the functions of a handler's file can end, and with what.

A way that ends without a result is reported only when it is sure that it exists.
"""

import ast

from ..model import Function
from .calls import Summary
from .rule import View
from .types import declared, is_one
from .walk import Walk


class Flow:
    """The functions of one handler's file; each is followed at most once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._done: dict[ast.AST, Summary | None] = {}

    def summary(self, node: Function | ast.Lambda) -> Summary | None:
        """All ends of a function; None while it is being followed, where it calls itself."""
        if node not in self._done:
            self._done[node] = None
            self._done[node] = Walk(
                self.view, node, self.summary, self.never_returns
            ).summary()
        return self._done[node]

    def never_returns(self, node: Function) -> bool:
        """Whether a call of the function provably does not come back."""
        if self._named_never(node):
            return True
        if self.view.module.scopes[node].yields or not self.view.plain(node):
            return False
        summary = self.summary(node)
        return summary is not None and not summary.ends and not summary.may_fall

    def _named_never(self, node: Function) -> bool:
        types = declared(self.view, node.returns, self.view.module.scopes[node])
        return is_one(types, "typing.NoReturn") or is_one(types, "typing.Never")


def flow_of(view: View) -> Flow:
    """The one Flow of a handler, for all rules."""
    if "flow" not in view.memo:
        view.memo["flow"] = Flow(view)
    flow = view.memo["flow"]
    assert isinstance(flow, Flow)
    return flow
