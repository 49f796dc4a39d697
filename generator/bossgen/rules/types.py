"""What is known of the type of an expression: from annotations, from what the callbacks are given, from literals.

None means that nothing is known; a rule then concludes nothing.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..model import Class, Function, Meaning, Scope
from ..names import binding_scope, resolve
from .definitions import HANDLER
from .rule import View, positional


@dataclass(frozen=True, slots=True)
class Type:
    """One class, or one value of a closed set."""

    meaning: str | Class  # "boss.WebSocket", "builtins.str", or a class of the module
    arguments: tuple[ast.expr, ...] = ()  # of `set[WebSocket]`
    value: tuple[
        str, ...
    ] = ()  # of a Literal or an Enum: ("str", "'lobby'"), ("OPEN",)


Types: TypeAlias = tuple[Type, ...] | None
"""The types of which an expression has one; None when that cannot be told."""

NONE: Final = Type("builtins.None")
ANY: Final = Type("typing.Any")

# What the callbacks are given, where the handler has no annotation that says otherwise.
_GIVEN: Final = {
    "service_url": (Type("builtins.str"),),
    "websocket": (Type("boss.WebSocket"),),
    ("handle_incoming", "message"): (Type("builtins.str"), Type("builtins.bytes")),
    ("handle_close", "reason"): (
        Type("boss.Normal"),
        Type("boss.Error"),
        Type("boss.Remote"),
    ),
}
_ALIASES: Final = {
    "boss.CloseReason": (
        Type("boss.Normal"),
        Type("boss.Error"),
        Type("boss.Remote"),
    )
}
_COLLECTIONS: Final = frozenset(
    {
        *(f"builtins.{name}" for name in ("set", "frozenset", "list", "tuple", "dict")),
        *(f"typing.{name}" for name in ("Set", "FrozenSet", "List", "Tuple", "Dict")),
        *(
            f"{module}.{name}"
            for module in ("typing", "collections.abc")
            for name in (
                *("Iterable", "Iterator", "Collection", "Sequence", "MutableSequence"),
                *("AbstractSet", "Set", "MutableSet", "Mapping", "MutableMapping"),
                *("KeysView", "ValuesView"),
            )
        ),
        *(f"collections.{name}" for name in ("deque", "OrderedDict", "defaultdict")),
        *("typing.Deque", "typing.DefaultDict"),
    }
)
_ENUMS: Final = frozenset({"enum.Enum", "enum.StrEnum", "enum.IntEnum"})

# What some builtin functions give, whatever they are given.
_CALLS: Final = {
    **{
        f"builtins.{name}": f"builtins.{kind}"
        for names, kind in (
            (("len", "int", "hash", "id", "ord"), "int"),
            (("float",), "float"),
            (("bool", "isinstance", "callable", "all", "any", "hasattr"), "bool"),
            (("str", "repr", "chr", "ascii", "hex", "oct", "bin", "format"), "str"),
            (("bytes",), "bytes"),
            (("list", "sorted"), "list"),
            (("tuple",), "tuple"),
            (("dict",), "dict"),
            (("set",), "set"),
            (("frozenset",), "frozenset"),
        )
        for name in names
    },
    "json.dumps": "builtins.str",
    "json.loads": "typing.Any",
    "boss.Group": "boss.Group",
    "boss.Ok": "boss.Ok",
    "boss.Noreply": "boss.Noreply",
    "boss.Stop": "boss.Stop",
}
_DISPLAYS: Final = {
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Tuple: "tuple",
    ast.JoinedStr: "str",
    ast.Compare: "bool",
}


# --- annotations -------------------------------------------------------------------------------------


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
            if isinstance(meaning, str | Class):
                return (Type(meaning, arguments),)
            return None
        case ast.Name() | ast.Attribute():
            return _named(view, view.at_top(node), depth)
    return None


def _named(view: View, meaning: Meaning, depth: int) -> Types:
    if isinstance(meaning, Class):
        members = enum_members(view, meaning)
        if members:
            return tuple(Type(meaning, value=(name,)) for name in members)
        return (Type(meaning),)
    if isinstance(meaning, str):
        if meaning == "builtins.bool":
            return _literals((ast.Constant(True), ast.Constant(False)))
        return _ALIASES.get(meaning, (Type(meaning),))
    if isinstance(meaning, ast.expr):  # Event = Tick | Tock
        return of_annotation(view, meaning, depth + 1)
    return None


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


def enum_members(view: View, class_: Class) -> tuple[str, ...]:
    """The names of the members, when the class is a plain Enum of the module."""
    if not any(set(meanings) <= _ENUMS for meanings in class_.bases if meanings):
        return ()
    return tuple(
        name
        for name, meanings in class_.members.items()
        if not name.startswith("_")
        and all(isinstance(meaning, ast.expr) for meaning in meanings)
    )


# --- expressions -------------------------------------------------------------------------------------


def of(view: View, node: ast.expr, scope: Scope, depth: int = 0) -> Types:
    """The types an expression in a function may have."""
    if depth > 8:
        return None
    match node:
        case ast.Name(id=name):
            return _of_name(view, name, scope, depth)
        case ast.Attribute(value=value, attr=attribute):
            bases = of(view, value, scope, depth + 1)
            if bases is not None and len(bases) == 1:
                return _of_attribute(view, bases[0].meaning, attribute)
        case ast.Call(func=function):
            meaning = resolve(function, scope, view.module.names)
            if isinstance(meaning, Class):
                return (Type(meaning),)
            if isinstance(meaning, str) and meaning in _CALLS:
                return (Type(_CALLS[meaning]),)
        case ast.Constant(value=value):
            if value is None:
                return (NONE,)
            return (Type(f"builtins.{type(value).__name__}"),)
        case ast.UnaryOp(op=ast.Not()):
            return (Type("builtins.bool"),)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return of(view, operand, scope, depth + 1)
        case ast.Lambda():
            return (Type("types.FunctionType"),)
        case ast.GeneratorExp():
            return (Type("types.GeneratorType"),)
        case _ if node.__class__ in _DISPLAYS:
            return (Type(f"builtins.{_DISPLAYS[node.__class__]}"),)
    return None


def _of_name(view: View, name: str, scope: Scope, depth: int) -> Types:
    home = binding_scope(name, scope)
    if home is None:
        return None
    bound = home.bindings[name]
    if len(bound) == 1 and isinstance(bound[0], ast.arg):
        return _of_parameter(view, bound[0], home)
    if any(meaning is not None for meaning in bound):
        return None
    found = [
        types
        for node in home.assignments
        for types in _assigned(view, node, name, home, depth + 1)
    ]
    # Every way in which the variable gets a value is followed, and all agree.
    if len(found) == len(bound) and all(types == found[0] for types in found):
        return found[0]
    return None


def _assigned(
    view: View, node: ast.AST, name: str, scope: Scope, depth: int
) -> Iterator[Types]:
    """The types that one statement gives to a variable, if it binds it."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=target), annotation=annotation):
            if target == name:
                yield of_annotation(view, annotation)
        case (
            ast.Assign(targets=[ast.Name(id=target)], value=value)
            | ast.NamedExpr(target=ast.Name(id=target), value=value)
        ):
            if target == name:
                yield of(view, value, scope, depth)
        case (
            ast.For(target=ast.Name(id=target), iter=iterable)
            | ast.comprehension(target=ast.Name(id=target), iter=iterable)
        ):
            if target == name:
                yield _element(view, iterable, scope, depth)


def _of_parameter(view: View, parameter: ast.arg, scope: Scope) -> Types:
    node = scope.node
    if not isinstance(node, Function | ast.Lambda):
        return None
    if parameter in (node.args.vararg, node.args.kwarg):
        return None
    if parameter.annotation is not None:
        return of_annotation(view, parameter.annotation)
    for method in view.methods:
        if method.definition is node:
            place = (
                positional(node).index(parameter) - 1
                if parameter in positional(node)
                else -1
            )
            if not 0 <= place < len(method.callback.parameters):
                return None
            name = method.callback.parameters[place]
            if name == "state":
                return state_types(view)
            return _GIVEN.get(name) or _GIVEN.get((method.name, name))
    return None


def state_types(view: View) -> Types:
    """What stands in the brackets of `ServiceHandler[State]`."""
    for class_ in view.handler.lineage:
        if class_ is None:
            return None
        for base, meanings in zip(class_.node.bases, class_.bases, strict=True):
            if meanings == (HANDLER,) and isinstance(base, ast.Subscript):
                return of_annotation(view, base.slice)
    return None


def _of_attribute(view: View, meaning: str | Class, attribute: str) -> Types:
    for class_ in _seen(meaning):
        if class_ is None:
            return None
        if attribute in class_.annotations:
            return of_annotation(view, class_.annotations[attribute])
        if attribute in class_.members:
            return None
    return None


def _seen(meaning: str | Class) -> Iterator[Class | None]:
    if not isinstance(meaning, Class):
        yield None
        return
    yield meaning
    for meanings in meaning.bases:
        for base in meanings:
            yield from _seen(base) if isinstance(base, Class) else (None,)


def _element(view: View, node: ast.expr, scope: Scope, depth: int) -> Types:
    """The types of what a loop over an expression yields."""
    match node:
        case ast.Call(
            func=ast.Name(
                id="list" | "tuple" | "set" | "sorted" | "frozenset" | "reversed"
            ),
            args=[inner],
        ):
            return _element(view, inner, scope, depth + 1)
        case ast.Call(func=ast.Attribute(value=inner, attr="copy" | "keys"), args=[]):
            return _element(view, inner, scope, depth + 1)
        case ast.Call(func=ast.Attribute(value=inner, attr="values"), args=[]):
            types = of(view, inner, scope, depth + 1)
            if types is not None and len(types) == 1 and len(types[0].arguments) == 2:
                return of_annotation(view, types[0].arguments[1])
            return None
    types = of(view, node, scope, depth + 1)
    if types is None or len(types) != 1:
        return None
    if types[0].meaning == "boss.Group":
        return (Type("boss.WebSocket"),)
    if types[0].meaning in _COLLECTIONS and types[0].arguments:
        return of_annotation(view, types[0].arguments[0])
    return None


def is_one(types: Types, meaning: str) -> bool:
    """Whether an expression has exactly this type."""
    return types is not None and len(types) == 1 and types[0].meaning == meaning
