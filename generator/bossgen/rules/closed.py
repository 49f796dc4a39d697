"""Closed sets of types: which of them a value has, and how two types stand to each other."""

import ast
from collections.abc import Mapping, Sequence
from typing import Final

from ..lineage import descends
from ..model import Class, Scope
from .enums import may_be_enum, members
from .inference import of
from .rule import View
from .types import ANY, NONE, NUMBERS, Type, Types, is_one, literal

_BOOL: Final = Type("builtins.bool")
_BOOLS: Final = (literal(True), literal(False))

# --- of a value --------------------------------------------------------------------------------------


def types_of(view: View, node: ast.expr, scope: Scope) -> Types:
    """The closed set of types that a value has; None when there is no such set."""
    types = of(view, node, scope)
    if types is None:
        return None
    if is_one(types, "builtins.object"):
        return (ANY,)
    return tuple(each for one in types for each in (_BOOLS if one == _BOOL else (one,)))


def value_types(view: View, node: ast.expr, scope: Scope) -> list[Type]:
    """The type that has just the one value which is written there; nothing where that is not seen."""
    match node:
        case ast.Constant(value=None):
            return [NONE]
        case ast.Constant(value=value):
            return [literal(value)]
        case ast.Name():
            types = of(view, node, scope) or ()
            return [one for one in types if one.value and len(types) == 1]
        case ast.Attribute(value=value, attr=attribute):
            meaning = view.resolve(value, scope)
            if isinstance(meaning, Class):
                first = members(view, meaning).get(attribute, attribute)
                return [Type(meaning, value=(first,))]
    return []


def compared_with(view: View, test: ast.Compare, scope: Scope) -> Sequence[ast.expr]:
    """What a value is compared with: by `in` with each part of what is written out, here or at the top."""
    other = test.comparators[0]
    if not isinstance(test.ops[0], ast.In | ast.NotIn):
        return (other,)
    meaning = view.resolve(other, scope)
    match meaning if isinstance(meaning, ast.expr) else other:
        case (
            ast.Tuple(elts=[_, *_] as parts)
            | ast.List(elts=[_, *_] as parts)
            | ast.Set(elts=[_, *_] as parts)
        ):
            return parts
    return (other,)


# --- of a type ---------------------------------------------------------------------------------------


def is_enum(one: Type) -> bool:
    """Whether a type is an Enum of the module, or may be one."""
    return isinstance(one.meaning, Class) and may_be_enum(one.meaning)


def is_open(one: Type) -> bool:
    """Whether a type is an Enum of which the members are not all seen."""
    return is_enum(one) and not one.value


def is_single(one: Type) -> bool:
    """Whether a type has one value."""
    return bool(one.value) or one == NONE


_FALSE: Final = frozenset({"False", "0", "''", "b''"})  # as they are written


def truth(one: Type) -> bool | None:
    """What the values of a type are as a condition; None: cannot be told."""
    if one.value and isinstance(one.meaning, str):
        return one.value[1] not in _FALSE
    return False if one == NONE else None


def is_known(view: View, one: Type) -> bool:
    """Whether all there is to know of a type is seen: a class of the file, or of the standard types."""
    if isinstance(one.meaning, Class):
        return not any(
            one.meaning in meanings
            for other in view.module.classes
            for meanings in other.bases
        )
    return not is_foreign(one)


def is_abstract(one: Type) -> bool:
    """Whether objects of classes that do not descend from a type may be of it: a list is a `Sequence`."""
    if isinstance(one.meaning, Class):
        return descends(one.meaning, "typing.Protocol")
    return one.meaning.startswith(("collections.abc.", "typing.", "numbers."))


def is_foreign(one: Type) -> bool:
    """Whether a type is of another module, where it may be anything, also a tuple of types."""
    return isinstance(one.meaning, str) and not one.meaning.startswith(
        ("builtins.", "boss.")
    )


# --- of two types ------------------------------------------------------------------------------------


def is_of(one: Type, other: Type) -> bool:
    """Whether a value of the type `one` is also of the type `other`."""
    if one.meaning == other.meaning:
        return not other.value or one.value == other.value
    if other.value:
        return False
    if other.meaning == "builtins.object":
        return True
    if isinstance(one.meaning, str):
        return _ALSO.get(one.meaning) == other.meaning
    return any(
        descends(one.meaning, base)
        for base in (other.meaning, *_ALSO)
        if other.meaning in {base, _ALSO.get(base)}
    )


# What some of the standard types are, besides what they are called.
_ALSO: Final[Mapping[str | Class, str]] = {
    "builtins.bool": "builtins.int",
    "enum.IntEnum": "builtins.int",
    "enum.StrEnum": "builtins.str",
}


def overlaps(one: Type, other: Type) -> bool:
    """Whether a value may be of both types."""
    if is_of(one, other) or is_of(other, one):
        return True
    if other.value:
        return False
    if one.value:
        return is_foreign(other) or is_abstract(other)
    # Two classes of the standard types have nothing in common; of others a third may descend from both.
    return not all(
        isinstance(each.meaning, str) and not is_foreign(each) for each in (one, other)
    )


def may_equal(types: Sequence[Type], covered: Sequence[Type]) -> bool:
    """Whether a value may equal another that is not of its types: the member of an Enum a text, True a 1."""
    if ANY in types:
        return False
    if any(map(is_enum, types)) and (
        any(map(is_open, types))
        or any(isinstance(one.meaning, str) and one != NONE for one in covered)
    ):
        return True
    return any(
        other.value and one != NONE and _may_be_equal(one.meaning, other.meaning)
        for one in types
        for other in covered
    )


def _may_be_equal(one: str | Class, other: str | Class) -> bool:
    """Whether something of a type may equal something of another; texts, bytes and numbers are not equal."""
    if one == other:
        return False
    return (
        not all(
            isinstance(kind, str) and kind.startswith("builtins.")
            for kind in (one, other)
        )
        or {one, other} <= NUMBERS
    )
