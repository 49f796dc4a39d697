"""How the functions of a handler's file can end, and with what.

A way that ends without a result is reported only when it is sure that it exists.
"""

import ast

from ..model import Function
from .calls import Summary
from .rule import View
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
            self._done[node] = Walk(self.view, node, self.summary).summary()
        return self._done[node]


def flow_of(view: View) -> Flow:
    """The one Flow of a handler, for all rules."""
    if "flow" not in view.memo:
        view.memo["flow"] = Flow(view)
    flow = view.memo["flow"]
    assert isinstance(flow, Flow)
    return flow
