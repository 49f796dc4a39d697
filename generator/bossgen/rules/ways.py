"""What is known on one way through a function, and what is forgotten on it.

A way is a dictionary of what is known: the values of variables, the outcome of tests that occur more than once, the
types that are left of a value after it was tested. Two ways that know the same are one. Where the number of ways grows
too large, or where somebody else's code decides, a way is marked as vague, and nothing is concluded from it. Where two
ways part of which it is sure only that one of them exists, both are doubted: something is concluded from what they have
in common.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from .library import ADDS
from .variables import walruses

_MOST_WAYS: Final = 128


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a value: that it is a result, that it is none, or nothing."""

    kind: Literal["unknown", "result", "none", "wrong", "mixed", "parameter"]
    what: str = ""  # of a result "Noreply"; of something wrong "a tuple"; of a parameter its name
    truth: bool | None = None  # as a condition; None: cannot be told
    constant: str = ""  # how a literal is written, to be compared
    may_be_none: bool = False

    def is_something(self) -> bool:
        """Whether it is not None, for sure."""
        return self.kind in {"result", "wrong"} and not self.may_be_none


UNKNOWN: Final = Value("unknown")
NOTHING: Final = Value("none", "None", truth=False, constant="None")


Way: TypeAlias = dict[Any, Any]
"""Keyed by ("value", name), ("test", source), ("types", source), ("asked", source), ("few", source), by ("set", source)
of an attribute that was assigned or of what was changed since it was asked for, and by the marks below."""

VAGUE: Final = ("vague",)
DECIDED: Final = ("decided",)
DOUBTED: Final = ("doubted",)
HANDLED: Final = ("handled",)  # the exceptions that are caught before they come so far


def reduce(ways: list[Way]) -> list[Way]:
    """Make one of those that know the same; and give up telling them apart when they are too many."""
    if len(ways) < 2:
        return ways
    distinct = {frozenset(way.items()): way for way in ways}
    if len(distinct) <= _MOST_WAYS:
        return list(distinct.values())
    common = set.intersection(*(set(items) for items in distinct))
    doubted = {DOUBTED: True} if any(DOUBTED in way for way in ways) else {}
    return [{**dict(common), VAGUE: True, **doubted}]


def decide(ways: list[Way], *, sure: bool) -> list[Way]:
    """Note that the way depends on a condition."""
    if sure:
        return ways
    return [way if DECIDED in way else {**way, DECIDED: True} for way in ways]


def vague(ways: list[Way]) -> list[Way]:
    """Note that nothing can be concluded from these ways: they may not exist."""
    return [way if VAGUE in way else {**way, VAGUE: True} for way in ways]


def doubt(ways: list[Way]) -> list[Way]:
    """Note that these ways may not exist, but then the others do that part from them here, and are doubted as well."""
    return [way if DOUBTED in way else {**way, DOUBTED: True} for way in ways]


def forget(way: Way, names: Sequence[str]) -> Way:
    """Know nothing more about some variables."""
    if not names:
        return way
    gone = set(names)
    return {
        key: value
        for key, value in way.items()
        if not (
            (key[0] in {"value", "set"} and key[1] in gone)
            or (key[0] in {"test", "types", "asked", "few"} and gone & _words(key[1]))
        )
    } | {
        # An assigned variable is no longer the parameter of that name.
        ("value", name): UNKNOWN
        for name in gone
    }


def forget_impure(way: Way) -> Way:
    """Know nothing more about what may change behind our back: attributes, items, what calls give."""
    return {
        key: value
        for key, value in way.items()
        if not (key[0] in {"test", "types"} and _IMPURE.search(key[1]))
    }


def after_effects(node: ast.expr | None, way: Way) -> Way:
    """What is still known when an expression has been evaluated: calls may have changed anything but variables."""
    if node is None or isinstance(node, ast.Constant | ast.Name):
        return way
    way = forget(way, walruses(node))
    if any(key[0] in {"test", "types"} for key in way) and _acts(node):
        for one in ast.walk(node):
            match one:
                case ast.Call(func=ast.Attribute(value=value, attr=attribute)) if (
                    attribute in ADDS
                ):
                    way = changed(way, value)
        way = forget_impure(way)
    return way


def changed(way: Way, node: ast.expr) -> Way:
    """Note that something is made another by what it was, as by `append`, since it was asked for.

    Who asks `if not items` before `items.append(...)` knows what is in it then; we know nothing more. Who takes
    something out may leave nothing.
    """
    source = ast.unparse(node)
    subject = re.compile(rf"(?<![\w.]){re.escape(source)}(?![\w.\[(])")
    asked = {key for key in way if key[0] == "test" and subject.search(key[1])}
    if not asked:
        return way
    left = {key: value for key, value in way.items() if key not in asked}
    return {**left, ("set", source): True}


_IMPURE: Final = re.compile(r"[.\[(]")
_WORD: Final = re.compile(r"[^\W\d]\w*")


def _words(source: str) -> set[str]:
    return set(_WORD.findall(source))


def new(ways: list[Way], seen: set[frozenset[Any]]) -> list[Way]:
    """Those that were not there in an earlier round of a loop."""
    found = []
    for way in ways:
        items = frozenset(way.items())
        if items not in seen:
            seen.add(items)
            found.append(way)
    return found


def _acts(node: ast.expr) -> bool:
    """Whether an expression can change something: it calls or awaits; making a result does not."""
    return any(
        isinstance(one, ast.Await | ast.Yield | ast.YieldFrom)
        or (
            isinstance(one, ast.Call)
            and not (isinstance(one.func, ast.Name) and one.func.id in _PURE)
        )
        for one in ast.walk(node)
    )


_PURE: Final = frozenset({"isinstance", "len", "hasattr", "callable", "type"})
