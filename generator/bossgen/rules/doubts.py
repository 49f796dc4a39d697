"""Conditions of which it cannot be told that both outcomes exist, where they stand.

A way that ends without a result is reported only when it is sure that it exists. Mostly a condition asks for what the
callback was given, and may hold or not. Some hang together with what the function did before, or with where it runs.
"""

import ast
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

from ..model import Class, Function, Scope
from .bindings import only_value, parameter
from .conditions import conditions, outcomes, parts
from .enums import may_be_enum
from .inference import of
from .rule import View
from .variables import named
from .ways import Way

# What these say is the same for the whole process.
_SURROUNDINGS: Final = ("sys.", "os.name", "os.environ", "platform.")


class Doubts:
    """The doubtful conditions of one function."""

    def __init__(self, view: View, node: Function | ast.Lambda) -> None:
        self.view = view
        self.node = node
        self.scope: Scope = view.module.scopes[node]
        # Variables that functions within, or elsewhere, may assign to.
        self.shared = _declared(node, view.module.source.text)
        # Variables that keep the outcome of a condition on something that is asked for in another way as well: those
        # of which it is not told how the conditions hang together, and those that are followed like the condition.
        self._linked, self.followed = _kept(node, self.scope, self.shared)

    @cached_property
    def _conditions(self) -> tuple[ast.expr, ...]:
        return tuple(conditions(self.node, loops=True))

    @cached_property
    def _matched(self) -> frozenset[str]:
        """The variables that the function gives to a `match`."""
        return frozenset(
            name
            for one in ast.walk(self.node)
            if isinstance(one, ast.Match)
            for name in named(one.subject)
        )

    def of(self, test: ast.expr, way: Way) -> tuple[bool, bool]:
        """Whether it is doubtful that a condition holds, and that it does not."""
        if not named(test).isdisjoint(self.shared | self._linked):
            return True, True
        known = self._constant(test)
        if known is not None:
            return not known, known
        assigned = {key[1] for key in way if key[0] == "set"}
        if assigned and not assigned.isdisjoint(_sources(test)):
            return True, True
        fixed = self._fixed(test)
        doubtful = bool(fixed) and not self._is_about_given(test, fixed)
        return doubtful, doubtful

    def is_given_alone(self, target: ast.Attribute, value: ast.expr) -> bool:
        """Whether an attribute is set to what the function was given, and the one condition on it is the only one."""
        match value:
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]):
                pass
            case ast.Name(id=name):
                pass
            case _:
                return False
        source = ast.unparse(target)
        asking = [test for test in self._conditions if source in _sources(test)]
        return (
            len(asking) == 1
            and self._is_given(name)
            and name not in self._matched
            and not any(name in self._given(test) for test in self._conditions)
        )

    def may_be_empty(self, iterable: ast.expr) -> bool:
        """Whether a loop goes over what the function was given, and not as often as somebody has set."""
        functions = {
            one.func.id
            for one in ast.walk(iterable)
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
        }
        return bool(self._given(iterable)) and (
            "range" not in functions or "len" in functions
        )

    def _is_about_given(self, test: ast.expr, fixed: set[str]) -> bool:
        """Whether a condition holds one thing that is fixed against what the function was given.

        Two limits may leave nothing between them: `n < self.low` and `n > self.high`; nor may two values of a Literal.
        """
        given = self._given(test)
        return (
            bool(given)
            and not any(map(self._has_few_values, given))
            and not (
                _asks_for_order(test)
                and any(
                    _asks_for_order(other)
                    and not given.isdisjoint(self._given(other))
                    and self._fixed(other) != fixed
                    for other in self._conditions
                )
            )
        )

    def _given(self, test: ast.expr) -> set[str]:
        """The parameters that a condition depends on, also by a variable that is assigned once."""
        found: set[str] = set()
        for one in ast.walk(test):
            if isinstance(one, ast.Name):
                value = only_value(one, self.scope)
                names = {one.id} if value is None else named(value)
                found.update(filter(self._is_given, names))
        return found

    def _is_given(self, name: str) -> bool:
        """Whether a variable is a parameter, and stays it; the instance is none."""
        return parameter(name, self.scope) is not None and not self.view.is_self(
            ast.Name(name, ast.Load()), self.scope
        )

    def _has_few_values(self, name: str) -> bool:
        """Whether a parameter is of a type that has few values, or that is not seen."""
        types = of(self.view, ast.Name(name, ast.Load()), self.scope)
        if types is None:
            bound = parameter(name, self.scope)
            return bound is not None and bound.annotation is not None
        return any(
            one.value
            or one.meaning == "builtins.bool"
            or (isinstance(one.meaning, Class) and may_be_enum(one.meaning))
            for one in types
        )

    def _fixed(self, test: ast.expr) -> set[str]:
        return {
            ast.unparse(one)
            for one in ast.walk(test)
            if isinstance(one, ast.Name | ast.Attribute) and self._is_fixed(one)
        }

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


def _kept(
    node: Function | ast.Lambda, scope: Scope, shared: frozenset[str]
) -> tuple[set[str], set[str]]:
    """The variables that keep a condition which hangs together with others; those that can be followed apart.

    `empty = not items` and then `if empty: ...`, `if items: ...`: one of the two holds.
    """
    kept: dict[str, list[ast.expr]] = {}
    inside: set[ast.AST] = set()
    for name, value in outcomes(scope):
        kept.setdefault(name, []).append(value)
        inside.update(ast.walk(value))
    linked: set[str] = set()
    followed: set[str] = set()
    asking = conditions(node, cases=True) if kept else ()
    tests = [test for test in asking if test not in inside]
    for name, values in kept.items():
        about = {one for value in values for one in named(value)}

        def meets(test: ast.expr, name: str = name, about: set[str] = about) -> bool:
            # Another such variable stands for what it is about.
            names = named(test)
            meant = [one for other in names for one in kept.get(other, ())]
            return name not in names and not all(
                about.isdisjoint(named(one)) for one in (test, *meant)
            )

        others = [part for test in tests for part in parts(test) if meets(part)]
        meant = [value for other in others for value in _meant(other, kept)]
        asked = [part for one in (*values, *meant) for part in parts(one)]
        if not others:
            continue
        changed = any(len(scope.bindings.get(one, ())) > 1 for one in about)
        if (
            name not in shared
            and not changed
            and all(_is_plain(one, scope) for one in asked)
        ):
            followed.add(name)
        elif any(meets(unit) for test in tests for unit in _units(test)):
            linked.add(name)
    return linked, followed


def _meant(part: ast.expr, kept: Mapping[str, list[ast.expr]]) -> list[ast.expr]:
    """The conditions that a variable keeps, or the condition itself."""
    return kept.get(part.id, [part]) if isinstance(part, ast.Name) else [part]


def _units(test: ast.expr) -> Iterable[ast.expr]:
    """A condition as a whole; where one of its parts is enough to make it hold, these."""
    enough = any(
        isinstance(one, ast.Or)
        or (isinstance(one, ast.UnaryOp) and isinstance(one.operand, ast.BoolOp))
        for one in ast.walk(test)
    )
    return parts(test) if enough else [test]


def _is_plain(test: ast.expr, scope: Scope) -> bool:
    """Whether a condition asks for one value, and for no more than facts and types can tell."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[subject, _]):
            return _is_dotted(subject)
        case ast.Compare(left=left, ops=[_], comparators=[right]):
            root = _root(right.operand if isinstance(right, ast.UnaryOp) else right)
            return _is_dotted(left) and (
                isinstance(root, ast.Constant)
                or (isinstance(root, ast.Name) and root.id not in scope.bindings)
            )
    return _is_dotted(test)


def _is_dotted(node: ast.expr) -> bool:
    """Whether it is a variable, an attribute of one, or the length of that."""
    match node:
        case ast.Call(func=ast.Name(id="len"), args=[inner]):
            node = inner
    return isinstance(_root(node), ast.Name)


def _root(node: ast.expr) -> ast.expr:
    """`a` of `a.b.c`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def _asks_for_order(test: ast.expr) -> bool:
    return any(
        isinstance(one, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for one in ast.walk(test)
    )


def _sources(node: ast.expr) -> set[str]:
    return {
        ast.unparse(one)
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
    }
