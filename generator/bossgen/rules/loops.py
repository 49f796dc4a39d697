"""Loops: whether their body is run at all, and whether they are left by their end."""

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, TypeAlias

from ..model import Class, Function, Scope
from .bindings import only_value, parameter
from .conditions import conditions, outcomes, parts
from .enums import enum_members
from .library import ENDLESS, SAME, lengths
from .rule import View
from .variables import named, stored

Rounds: TypeAlias = Literal["any", "likely", "some", "endless"]
"""How many rounds a loop makes: any number, or none; surely one, or as far as can be seen; or one after the other."""

# These give as many as they are given.
_AS_MANY: Final = SAME | {"builtins.enumerate"}
_LIMITED: Final = frozenset({"builtins.range", "builtins.enumerate"})


def rounds(view: View, iterable: ast.expr, scope: Scope) -> Rounds:
    """How many rounds a loop over an expression makes."""
    match iterable:
        case (
            ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements)
        ):
            sure = any(not isinstance(one, ast.Starred) for one in elements)
            return "some" if sure else "any"
        case ast.Dict(keys=keys):
            return "some" if any(key is not None for key in keys) else "any"
        case ast.Constant(value=str() | bytes() as text):
            return "some" if text else "any"
        case ast.Call() if lengths(iterable)[0]:
            return "some"
        case ast.Call(func=function, args=arguments):
            meaning = view.resolve(function, scope)
            if meaning in ENDLESS:
                return "endless"
            if meaning == "itertools.repeat" and len(arguments) == 1:
                return "endless"
            if meaning == "builtins.range":
                return _numbers(view, arguments, scope)
            if meaning in _AS_MANY and arguments:
                return rounds(view, arguments[0], scope)
            if (
                isinstance(function, ast.Attribute)
                and function.attr in {"items", "keys", "values", "copy"}
                and not arguments
            ):
                return rounds(view, function.value, scope)
        case ast.Name() | ast.Attribute():
            meaning = only_value(iterable, scope) or view.resolve(iterable, scope)
            if isinstance(meaning, Class):
                return "likely" if enum_members(meaning) else "any"
            if isinstance(meaning, ast.expr) and not isinstance(meaning, ast.Name):
                # Somebody may have changed it since.
                return "any" if rounds(view, meaning, view.top) == "any" else "likely"
    return "any"


def _numbers(view: View, arguments: list[ast.expr], scope: Scope) -> Rounds:
    """How many rounds `range(...)` makes."""
    values: list[int] = []
    sure: Rounds = "some"
    for one in arguments:
        meaning = one
        if not isinstance(one, ast.Constant):
            found = only_value(one, scope) or view.resolve(one, scope)
            if not isinstance(found, ast.expr):
                return "any"
            meaning, sure = found, "likely"
        match meaning:
            case ast.Constant(value=int() as value):
                values.append(value)
            case _:
                return "any"
    try:
        return sure if range(*values) else "any"
    except (TypeError, ValueError):
        return "any"


def is_left_by_count(
    view: View,
    node: ast.For | ast.While,
    scope: Scope,
    comes_back: Callable[[ast.Call], bool],
) -> bool:
    """Whether the last round may leave the loop, because its body asks which round it is.

    `if attempt == 2: raise` at the end of `for attempt in range(3)`: then the end of the loop is never come to.
    """
    names = _counters(view, node, scope)
    written = (
        set(_written(view, node.target, node.iter, scope))
        if isinstance(node, ast.For)
        else set()
    )
    if not names and not written:
        return False
    names.update(
        name  # last = attempt == 2
        for name, value in outcomes(scope)
        if not names.isdisjoint(named(value))
    )
    asked = [
        one
        for one, test in _asked_within(node)
        if not names.isdisjoint(named(test)) or _is_about(view, test, written, scope)
    ]
    return (
        bool(asked)
        and _may_leave(node, comes_back)
        and any(
            _may_leave(one, comes_back)
            or any(isinstance(inner, ast.Continue) for inner in ast.walk(one))
            for one in asked
        )
    )


def _asked_within(node: ast.For | ast.While) -> Iterator[tuple[ast.AST, ast.expr]]:
    """What a loop asks in a round, and of what it decides."""
    for statement in node.body:
        for one in ast.walk(statement):
            match one:
                case ast.If() | ast.While() | ast.IfExp() | ast.Assert():
                    yield one, one.test
                case ast.Match():
                    yield one, one.subject
                case ast.BoolOp():
                    yield one, one


def _may_leave(node: ast.AST, comes_back: Callable[[ast.Call], bool]) -> bool:
    return any(
        isinstance(one, ast.Return | ast.Raise | ast.Break | ast.Assert)
        or (isinstance(one, ast.Call) and not comes_back(one))
        for one in ast.walk(node)
    )


def _is_about(view: View, asked: ast.expr, names: set[str], scope: Scope) -> bool:
    """Whether a part of a condition asks for some variables, and besides them for what is fixed."""
    for part in parts(asked):
        used = [one for one in ast.walk(part) if isinstance(one, ast.Name)]
        if (
            any(one.id in names for one in used)
            and not any(isinstance(one, ast.Call) for one in ast.walk(part))
            and all(
                one.id in names
                or one.id not in scope.bindings
                or isinstance(only_value(one, scope), _LITERALS)
                or view.is_self(one, scope)
                for one in used
            )
        ):
            return True
    return False


_LITERALS: Final = (ast.Constant, ast.Tuple, ast.List, ast.Set)


def _written(
    view: View, target: ast.expr, iterable: ast.expr, scope: Scope
) -> Iterator[str]:
    """The variables of a loop that take values which stand in the file: `delay` in `for delay in (1, 2, 4)`."""
    targets = target.elts if isinstance(target, ast.Tuple) else []
    match iterable:
        case ast.Tuple(elts=rows) | ast.List(elts=rows) | ast.Set(elts=rows):
            if isinstance(target, ast.Name) and _all_written(rows, scope):
                yield target.id
            columns = [row.elts for row in rows if isinstance(row, ast.Tuple)]
            if len(columns) == len(rows):
                for one, *column in zip(targets, *columns, strict=False):
                    if _all_written(column, scope):
                        yield from stored(one)
        case ast.Call(func=function, args=arguments):
            meaning = view.resolve(function, scope)
            if meaning == "builtins.range":
                yield from stored(target)
            elif meaning == "builtins.enumerate":
                targets = targets[1:]
            elif meaning != "builtins.zip":
                targets = [target] if meaning in _AS_MANY else []
            for one, argument in zip(targets, arguments, strict=False):
                yield from _written(view, one, argument, scope)
        case ast.Name() | ast.Attribute():
            found = only_value(iterable, scope) or view.resolve(iterable, scope)
            if isinstance(found, ast.Tuple | ast.List | ast.Set):
                yield from _written(view, target, found, scope)


def _all_written(values: Iterable[ast.expr], scope: Scope) -> bool:
    """Whether values stand there as they are: literals, and what has a name in the file or in a module."""
    return all(
        isinstance(one, ast.Constant)
        or (
            isinstance(one, ast.Attribute)
            and isinstance(one.value, ast.Name)
            and one.value.id not in scope.bindings
        )
        for one in values
    )


def may_have_no_rounds(
    view: View, node: ast.While, function: Function | ast.Lambda, scope: Scope
) -> bool:
    """Whether a loop over what is left may begin with nothing: it starts with what the function is given.

    `rest = message` and then `while rest:`, where nothing else asks for `rest` or `message`, or may have changed
    them before.
    """
    match node.test:
        case ast.Name(id=name):
            pass
        case ast.Compare(
            left=ast.Name(id=name),
            ops=[ast.IsNot()],
            comparators=[ast.Constant(value=None)],
        ):
            pass
        case _:
            return False
    inside = set(ast.walk(node))
    begins = [
        one
        for one in scope.assignments
        if one not in inside and name in set(stored(one))
    ]
    match begins:
        case [ast.Assign(targets=[ast.Name()], value=value) as begin]:
            root = _root(value)
        case _:
            return False
    begun = parameter(getattr(root, "id", ""), scope)
    if begun is None:
        return False
    names = {name, begun.arg}
    used = [
        one
        for one in ast.walk(function)
        if isinstance(one, ast.Name) and one.id in names
    ]
    if view.is_self(root, scope) or any(
        one.lineno < node.lineno and one not in begin.targets and one is not root
        for one in used
    ):
        return False
    asked = [test for test in conditions(function, loops=True) if test not in inside]
    asked += [
        one.subject
        for one in ast.walk(function)
        if isinstance(one, ast.Match) and one not in inside
    ]
    counted = any(
        isinstance(one, ast.AugAssign) and name in set(stored(one.target))
        for one in inside
    )
    return not counted and all(names.isdisjoint(named(one)) for one in asked)


def _root(node: ast.expr) -> ast.expr:
    """`a` of `a.b[c]`, and of calls that give as little as there is in it: `list(a.b)`, `a.b.get(c)`."""
    while True:
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                node = inner
            case ast.Call(
                func=ast.Name(id="list" | "tuple" | "set" | "sorted"), args=[inner]
            ):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=attribute)) if (
                attribute in _AS_LITTLE and len(node.args) < 2
            ):
                node = inner
            case _:
                return node


# What these methods give is nothing, or empty, where that is so of what they are called on.
_AS_LITTLE: Final = frozenset({"strip", "lstrip", "rstrip", "copy", "get"})


def _counters(view: View, node: ast.For | ast.While, scope: Scope) -> set[str]:
    """The variables that count the rounds."""
    if isinstance(node, ast.While):
        changed = {name for part in node.body for name in stored(part)}
        return named(node.test) & changed
    if not isinstance(node.iter, ast.Call):
        return set()
    if view.resolve(node.iter.func, scope) not in _LIMITED:
        return set()
    match node.target:
        case ast.Tuple(elts=[ast.Name(id=name), _]):
            return {name}
    return set(stored(node.target))
