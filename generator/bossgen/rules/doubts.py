"""Conditions of which it cannot be told that both outcomes exist, where they stand.

A way that ends without a result is reported only when it is sure that it exists. Mostly a condition asks for what the
callback was given, and may hold or not. Some hang together with what the function did before, or with where it runs.
"""

import ast
from collections.abc import Iterator
from typing import Final

from ..model import Function, Scope
from .facts import conditions
from .rule import View
from .ways import Way

# What these say is the same for the whole process.
_SURROUNDINGS: Final = ("sys.", "os.name", "os.environ", "platform.")


class Doubts:
    """The doubtful conditions of one function."""

    def __init__(self, view: View, node: Function | ast.Lambda) -> None:
        self.view = view
        self.scope: Scope = view.module.scopes[node]
        # Variables that functions within, or elsewhere, may assign to.
        self.shared = _declared(node, view.module.source.text)
        self._linked = frozenset(_linked(node, self.scope))

    def of(self, test: ast.expr, way: Way) -> tuple[bool, bool]:
        """Whether it is doubtful that a condition holds, and that it does not."""
        names = {one.id for one in ast.walk(test) if isinstance(one, ast.Name)}
        if not names.isdisjoint(self.shared | self._linked):
            return True, True
        known = self._constant(test)
        if known is not None:
            return not known, known
        assigned = {key[1] for key in way if key[0] == "set"}
        doubtful = any(
            isinstance(one, ast.Name | ast.Attribute)
            and (self._is_fixed(one) or (assigned and ast.unparse(one) in assigned))
            for one in ast.walk(test)
        )
        return doubtful, doubtful

    def _constant(self, test: ast.expr) -> bool | None:
        """What a constant of the module is as a condition; somebody may have changed it since."""
        if isinstance(test, ast.Name | ast.Attribute):
            meaning = self.view.resolve(test, self.scope)
            if isinstance(meaning, ast.Constant):
                return bool(meaning.value)
        return None

    def _is_fixed(self, node: ast.Name | ast.Attribute) -> bool:
        """Whether a value is the same each time that it is asked for."""
        if isinstance(node, ast.Attribute) and self.view.is_self(
            node.value, self.scope
        ):
            return any(
                isinstance(meaning, ast.Constant)
                for meaning in self.view.member(node.attr)
            )
        meaning = self.view.resolve(node, self.scope)
        return isinstance(meaning, str) and meaning.startswith(_SURROUNDINGS)


def _declared(node: Function | ast.Lambda, text: str) -> frozenset[str]:
    """The names that are declared as `nonlocal` or `global` in a function, or in one within it."""
    if "nonlocal" not in text and "global" not in text:
        return frozenset()
    return frozenset(
        name
        for one in ast.walk(node)
        if isinstance(one, ast.Nonlocal | ast.Global)
        for name in one.names
    )


def _linked(node: Function | ast.Lambda, scope: Scope) -> Iterator[str]:
    """The variables that keep the outcome of a condition on something that is asked for in another way as well.

    `empty = not items` and then `if empty: ...`, `if items: ...`: one of the two holds.
    """
    kept: dict[str, set[str]] = {}
    inside: set[ast.AST] = set()
    for one in scope.assignments:
        match one:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_outcome(
                value
            ):
                kept[name] = _names(value)
                inside.update(ast.walk(value))
    if not kept:
        return
    asked = [_names(test) for test in conditions(node) if test not in inside]
    for name, about in kept.items():
        others = [names for names in asked if name not in names]
        # Another such variable stands for what it is about.
        meant = [names.union(*(kept.get(one, ()) for one in names)) for names in others]
        if not all(map(about.isdisjoint, meant)):
            yield name


def _is_outcome(node: ast.expr) -> bool:
    """Whether an expression is written as a condition."""
    match node:
        case ast.UnaryOp(op=ast.Not()) | ast.Compare() | ast.BoolOp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in {"isinstance", "bool", "hasattr", "callable", "any", "all"}
    return False


def _names(node: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
