"""The members of an Enum of the file, and which of their names stand for the same one."""

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from ..model import Class, Function, Meaning
from .rule import View

_ENUMS: Final = frozenset(
    f"enum.{name}" for name in ("Enum", "StrEnum", "IntEnum", "ReprEnum")
)
# Bases that make no Enum of a class.
_OTHERS: Final = ("builtins.", "typing.", "abc.", "boss.", "dataclasses.")
_FLAGS: Final = frozenset({"enum.Flag", "enum.IntFlag"})
# What may change the values of the members, or leave some of them out.
_HOOKS: Final = frozenset({"__new__", "_generate_next_value_", "_ignore_"})


def enum_members(class_: Class) -> tuple[str, ...]:
    """The names of what are members, as far as is seen, when the class is an Enum; two may stand for the same one."""
    if _ENUMS.isdisjoint(_bases(class_)):
        return ()
    return tuple(
        name
        for name, meanings in class_.members.items()
        if not name.startswith("_")
        and all(isinstance(meaning, ast.expr) for meaning in meanings)
    )


def members(view: View, class_: Class) -> Mapping[str, str]:
    """For the name of each member the first name of the same one; empty when they cannot be told apart.

    `SECOND = "b"` behind `B = "b"` is another name of `B`.
    """
    known = view.memo.setdefault("enums", {})
    if class_ not in known:
        known[class_] = _told_apart(view, class_)
    found: Mapping[str, str] = known[class_]
    return found


def may_be_enum(class_: Class) -> bool:
    """Whether the class is an Enum, or may be one by a base that is not seen.

    A Flag is left out: it has values that are none of its members.
    """
    bases = set(_bases(class_))
    return bases.isdisjoint(_FLAGS) and any(
        base is None or (isinstance(base, str) and not base.startswith(_OTHERS))
        for base in bases
    )


def _bases(class_: Class) -> Iterator[Meaning]:
    """All that a class may descend from: classes of the file, dotted names, None for what is not seen."""
    for meanings in class_.bases:
        for base in meanings:
            yield base
            if isinstance(base, Class):
                yield from _bases(base)


def _told_apart(view: View, class_: Class) -> Mapping[str, str]:
    bases = tuple(_bases(class_))
    for base in bases:
        if isinstance(base, Class):
            if not _HOOKS.isdisjoint(base.members):
                return {}
        elif base not in _ENUMS and not str(base).startswith("builtins."):
            return {}
    if not _HOOKS.isdisjoint(class_.members):
        return {}
    texts = "enum.StrEnum" in bases
    names: list[str] = []
    values: list[object] = []
    found: dict[str, str] = {}
    for name in enum_members(class_):
        (first, *others) = class_.members[name]
        assert isinstance(first, ast.expr)
        if others:
            return {}
        if isinstance(first, ast.Call):
            if view.at_top(first.func) != "enum.auto":
                return {}
            value: object = name.lower() if texts else _next(values)
        else:
            value = _literal(first)
        if value is None:
            return {}
        if value in values:
            found[name] = names[values.index(value)]
            continue
        found[name] = name
        names.append(name)
        values.append(value)
    return found


def _next(values: list[object]) -> int | None:
    """What `auto()` gives behind these values; None where that depends on the version of Python."""
    numbers = [value for value in values if isinstance(value, int)]
    if not values:
        return 1
    if len(numbers) < len(values) or numbers[-1] < max(numbers):
        return None
    return numbers[-1] + 1


def _literal(node: ast.expr) -> object:
    """A value that is written out; None for any other."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def is_member(meaning: Meaning, attribute: str) -> bool:
    """Whether `CLASS.attribute` may be a member of an Enum."""
    if isinstance(meaning, Class):
        return may_be_enum(meaning) and not any(
            isinstance(one, Function) for one in meaning.members.get(attribute, ())
        )
    # Kind = Enum("Kind", "A B")
    return isinstance(meaning, ast.Call)
