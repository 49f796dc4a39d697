"""Types, and what an annotation says of them.

None means that nothing is known; a rule then concludes nothing.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..model import Class, Meaning, Scope
from .enums import members
from .rule import HANDLER, View


@dataclass(frozen=True, slots=True)
class Type:
    """One class, or one value of a closed set."""

    meaning: str | Class  # "boss.WebSocket", "builtins.str", or a class of the module
    arguments: tuple[ast.expr, ...] = ()  # of `set[WebSocket]`
    # Of a Literal or an Enum: ("str", "'lobby'"), ("OPEN",).
    value: tuple[str, ...] = ()


Types: TypeAlias = tuple[Type, ...] | None
"""The types of which an expression has one; None when that cannot be told."""

RESULTS: Final = ("boss.Ok", "boss.Noreply", "boss.Stop")
NONE: Final = Type("builtins.None")
ANY: Final = Type("typing.Any")

CLOSE_REASONS: Final = (Type("boss.Normal"), Type("boss.Error"), Type("boss.Remote"))
NUMBERS: Final = frozenset(f"builtins.{name}" for name in ("bool", "int", "float"))

_ALIASES: Final = {"boss.CloseReason": CLOSE_REASONS}
_BUILTIN: Final = {
    **{
        f"typing.{name}": f"builtins.{name.lower()}"
        for name in ("Set", "FrozenSet", "List", "Tuple", "Dict", "Type")
    },
    "typing.Text": "builtins.str",
}


def of_annotation(view: View, node: ast.expr | None, depth: int = 0) -> Types:
    """The types that an annotation allows; None for one that cannot be followed."""
    if node is None or depth > 8:
        return None
    match node:
        case ast.Constant(value=None):
            return (NONE,)
        case ast.Constant(value=str() as text):
            try:
                return of_annotation(view, ast.parse(text, mode="eval").body, depth + 1)
            except (SyntaxError, ValueError):
                return None
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _union(view, (left, right), depth)
        case ast.Subscript(value=value, slice=inner):
            arguments = tuple(inner.elts) if isinstance(inner, ast.Tuple) else (inner,)
            meaning = view.at_top(value)
            if meaning == "typing.Union":
                return _union(view, arguments, depth)
            if meaning == "typing.Optional":
                return _union(view, (*arguments, ast.Constant(None)), depth)
            if meaning == "typing.Literal":
                return _literals(arguments)
            if meaning in {"typing.Annotated", "typing.Final", "typing.ClassVar"}:
                return of_annotation(view, arguments[0], depth + 1)
            if isinstance(meaning, str):
                return (Type(_BUILTIN.get(meaning, meaning), arguments),)
            if isinstance(meaning, Class):
                return (Type(meaning, arguments),)
            return None
        case ast.Name() | ast.Attribute():
            return _named(view, view.at_top(node), depth)
    return None


def declared(view: View, node: ast.expr | None, scope: Scope) -> Types:
    """The types that an annotation in a function allows; None where it names what a function or class binds."""
    here: Scope | None = scope
    words = set(_words(node))
    while here is not None and here.parent is not None:
        if not words.isdisjoint(here.bindings):
            return None
        here = here.parent
    return of_annotation(view, node)


def _words(node: ast.expr | None) -> Iterator[str]:
    """The names in an annotation, also in the quoted parts of it."""
    for one in ast.walk(node) if node is not None else ():
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield from _WORD.findall(one.value)


_WORD: Final = re.compile(r"[^\W\d]\w*")


def _named(view: View, meaning: Meaning, depth: int) -> Types:
    if isinstance(meaning, Class):
        return of_class(view, meaning)
    if isinstance(meaning, str):
        if meaning == "builtins.bool":
            return _literals((ast.Constant(True), ast.Constant(False)))
        return _ALIASES.get(meaning, (Type(_BUILTIN.get(meaning, meaning)),))
    if isinstance(meaning, ast.expr):  # Event = Tick | Tock
        return of_annotation(view, meaning, depth + 1)
    return None


def of_class(view: View, class_: Class) -> tuple[Type, ...]:
    """What an instance of the class is; of an Enum, whose members are all told apart, one of these."""
    known = dict.fromkeys(members(view, class_).values())
    return tuple(Type(class_, value=(name,)) for name in known) or (Type(class_),)


def of_member(view: View, class_: Class, name: str) -> Type:
    """What `CLASS.name` is, a member of an Enum; the class alone where another name may stand for the same one."""
    first = members(view, class_).get(name)
    return Type(class_) if first is None else Type(class_, value=(first,))


def _union(view: View, parts: Sequence[ast.expr], depth: int) -> Types:
    found: list[Type] = []
    for part in parts:
        types = of_annotation(view, part, depth + 1)
        if types is None:
            return None
        found += types
    return tuple(found)


def _literals(values: Sequence[ast.expr]) -> Types:
    found: list[Type] = []
    for value in values:
        if not isinstance(value, ast.Constant):
            return None
        found.append(NONE if value.value is None else literal(value.value))
    return tuple(found)


def literal(value: object) -> Type:
    """The type that has this one value."""
    kind = type(value).__name__
    return Type(f"builtins.{kind}", value=(kind, repr(value)))


def state_types(view: View) -> Types:
    """What stands in the brackets of `ServiceHandler[State]`."""
    for class_ in view.handler.lineage:
        if class_ is None:
            return None
        for base, meanings in zip(class_.node.bases, class_.bases, strict=True):
            if meanings == (HANDLER,) and isinstance(base, ast.Subscript):
                return of_annotation(view, base.slice)
    return None


def is_one(types: Types, meaning: str) -> bool:
    """Whether an expression has exactly this type."""
    return types is not None and len(types) == 1 and types[0].meaning == meaning


# --- in messages -------------------------------------------------------------------------------------

_WORDS: Final = {
    **{f"builtins.{name}": f"a {name}" for name in ("dict", "list", "tuple", "set")},
    "builtins.frozenset": "a frozenset",
    "builtins.str": "a text",
    "builtins.bytes": "bytes",
    "builtins.bytearray": "a bytearray",
    "builtins.memoryview": "a memoryview",
    "builtins.bool": "a bool",
    "builtins.float": "a number",
    "builtins.int": "a number",
    "builtins.complex": "a complex number",
    "builtins.ellipsis": "`...`",
    "builtins.NoneType": "None",
    "builtins.None": "None",
    "types.FunctionType": "a function",
    "types.GeneratorType": "a generator",
    "types.CoroutineType": "a coroutine",
    "datetime.datetime": "a datetime",
    "datetime.date": "a date",
    "datetime.time": "a time",
    "datetime.timedelta": "a timedelta",
    "decimal.Decimal": "a Decimal",
    "uuid.UUID": "a UUID",
    "boss.Group": "a Group",
    "boss.WebSocket": "a websocket",
    "boss.Ok": "a result",
    "boss.Noreply": "a result",
    "boss.Stop": "a result",
    "boss.Normal": "a close reason",
    "boss.Error": "a close reason",
    "boss.Remote": "a close reason",
}
# Bases that make nothing else of a class.
_PLAIN: Final = frozenset({"builtins.object", "typing.Generic", "abc.ABC", "enum.Enum"})


def in_words(one: Type) -> str:
    """What a value of the type is called; "" when there is more to the type than is seen here."""
    if isinstance(one.meaning, str):
        return _WORDS.get(one.meaning, "")
    if any(
        meaning not in _PLAIN for meanings in one.meaning.bases for meaning in meanings
    ):
        return ""
    return f"a `{one.meaning.node.name}`"
