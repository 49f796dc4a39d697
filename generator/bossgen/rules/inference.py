"""What types an expression may have: from annotations, from what the callbacks are given, from literals.

All types are told that it may have, so a rule may conclude something when each of them is wrong. Which statement comes
before which is not looked at: a variable has a type when all that is ever assigned to it agrees.
"""

import ast
from collections.abc import Container, Iterable, Iterator
from typing import Final

from ..model import Class, Function, Scope
from ..names import binding_scope
from .bindings import assignments, parameter
from .enums import enum_members
from .library import (
    CALLS,
    COLLECTIONS,
    CONTEXTS,
    COPIES,
    MAPPINGS,
    METHODS,
    SAME,
    TEXTS,
)
from .rule import View, positional
from .types import (
    CLOSE_REASONS,
    NONE,
    NUMBERS,
    Type,
    Types,
    declared,
    of_annotation,
    of_class,
    of_member,
    state_types,
)

# What the callbacks are given, where the handler has no annotation that says otherwise.
_GIVEN: Final = {
    "service_url": (Type("builtins.str"),),
    "websocket": (Type("boss.WebSocket"),),
    ("handle_incoming", "message"): (Type("builtins.str"), Type("builtins.bytes")),
    ("handle_close", "reason"): CLOSE_REASONS,
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
_STR: Final = Type("builtins.str")
_COROUTINE: Final = Type("types.CoroutineType")
_GENERATOR: Final = Type("types.GeneratorType")


def of(view: View, node: ast.expr, scope: Scope, depth: int = 0) -> Types:
    """The types an expression in a function may have."""
    if depth > 8:
        return None
    depth += 1
    match node:
        case ast.Name(id=name):
            return _of_name(view, name, scope, depth)
        case ast.Attribute(value=value, attr=attribute):
            owner = view.resolve(value, scope)
            if isinstance(owner, Class) and attribute in enum_members(owner):
                return (of_member(view, owner, attribute),)
            bases = of(view, value, scope, depth)
            if bases is not None and len(bases) == 1:
                return _of_attribute(view, bases[0].meaning, attribute)
        case ast.Call():
            return _of_call(view, node, scope, depth, awaited=False)
        case ast.Await(value=ast.Call() as call):
            return _of_call(view, call, scope, depth, awaited=True)
        case ast.Constant(value=value):
            if value is None:
                return (NONE,)
            return (Type(f"builtins.{type(value).__name__}"),)
        case ast.UnaryOp(op=ast.Not()):
            return (Type("builtins.bool"),)
        case ast.UnaryOp(operand=operand):
            types = of(view, operand, scope, depth)
            return types if _all(types, NUMBERS) else None
        case ast.BinOp():
            return _calculated(view, node, scope, depth)
        case ast.IfExp(body=body, orelse=otherwise):
            return _either(view, (body, otherwise), scope, depth)
        case ast.BoolOp(values=values):
            return _either(view, values, scope, depth)
        case ast.NamedExpr(value=value):
            return of(view, value, scope, depth)
        case ast.Subscript():
            return _item(view, node, scope, depth)
        case ast.Lambda():
            return (Type("types.FunctionType"),)
        case ast.GeneratorExp():
            return (_GENERATOR,)
        case _ if node.__class__ in _DISPLAYS:
            return (Type(f"builtins.{_DISPLAYS[node.__class__]}"),)
    return None


def is_narrowed(view: View, node: ast.expr, scope: Scope) -> bool:
    """Whether the function asks for the type of a value: then it may be more than it is declared to be."""
    known = view.memo.setdefault("narrowed", {})
    if scope.node not in known:
        known[scope.node] = {
            ast.unparse(call.args[0])
            for call in scope.calls
            if isinstance(call.func, ast.Name)
            and call.func.id == "isinstance"
            and call.args
        }
    return bool(known[scope.node]) and ast.unparse(node) in known[scope.node]


def _either(view: View, nodes: Iterable[ast.expr], scope: Scope, depth: int) -> Types:
    found: list[Type] = []
    for node in nodes:
        types = of(view, node, scope, depth)
        if types is None:
            return None
        found += types
    return tuple(dict.fromkeys(found))


_SETS: Final = frozenset({"builtins.set", "builtins.frozenset"})
# Of these one can be added to another.
_ADDED: Final = frozenset(
    f"builtins.{name}" for name in ("str", "bytes", "list", "tuple")
)


def _all(types: Types, meanings: Container[object]) -> bool:
    return bool(types) and all(one.meaning in meanings for one in types or ())


def _calculated(view: View, node: ast.BinOp, scope: Scope, depth: int) -> Types:
    left = of(view, node.left, scope, depth)
    if isinstance(node.op, ast.Mod) and _all(left, {"builtins.str"}):
        return (_STR,)
    right = of(view, node.right, scope, depth)
    if _all(left, NUMBERS) and _all(right, NUMBERS):
        return (Type("builtins.float"),)
    if left is None or right is None or len(left) > 1 or len(right) > 1:
        return None
    same = left[0].meaning == right[0].meaning
    match node.op:
        case ast.Add() if same and left[0].meaning in _ADDED:
            return (Type(left[0].meaning),)
        case ast.Mult() if left[0].meaning in _ADDED and _all(right, NUMBERS):
            return (Type(left[0].meaning),)
        case ast.Mult() if right[0].meaning in _ADDED and _all(left, NUMBERS):
            return (Type(right[0].meaning),)
        case ast.Sub() if left[0].meaning in _SETS and right[0].meaning in _SETS:
            return left
        case ast.BitOr() if same and left[0].meaning == "builtins.dict":
            return (Type("builtins.dict"),)
    return None


def _of_call(
    view: View, call: ast.Call, scope: Scope, depth: int, *, awaited: bool
) -> Types:
    meaning = view.target(call, scope)
    if isinstance(meaning, Function):
        return _given(view, meaning, awaited=awaited)
    if awaited:
        return None
    if isinstance(meaning, Class):
        return of_class(view, meaning)
    if isinstance(meaning, str) and meaning in COPIES and call.args:
        return of(view, call.args[0], scope, depth)
    if isinstance(meaning, str) and meaning in CALLS:
        kind = CALLS[meaning]
        return (NONE if kind == NONE.meaning else Type(kind),)
    function = call.func
    if meaning is None and isinstance(function, ast.Attribute):
        bases = of(view, function.value, scope, depth)
        if _all(bases, {"builtins.str", "builtins.bytes"}):
            if function.attr in TEXTS:
                return bases
            if function.attr in METHODS:
                return (Type(f"builtins.{METHODS[function.attr]}"),)
        if function.attr == "copy" and _all(bases, COLLECTIONS):
            return bases
    return None


def _given(view: View, function: Function, *, awaited: bool) -> Types:
    """What a function of the file gives, by its annotation."""
    if not view.plain(function):
        return None
    if view.module.scopes[function].yields:
        return None if awaited else (_GENERATOR,)
    if isinstance(function, ast.AsyncFunctionDef) == awaited:
        return declared(view, function.returns, view.module.scopes[function])
    return None if awaited else (_COROUTINE,)


# --- names -------------------------------------------------------------------------------------------


def _of_name(view: View, name: str, scope: Scope, depth: int) -> Types:
    home = binding_scope(name, scope)
    known = view.memo.setdefault("types", {})
    key = (home and home.node, name)
    if key not in known:
        known[key] = None  # while it is looked for: a variable that is made of itself
        known[key] = _of_variable(view, name, scope, home, depth)
    types: Types = known[key]
    return types


def _of_variable(
    view: View, name: str, scope: Scope, home: Scope | None, depth: int
) -> Types:
    if home is None:
        meanings = view.lookup(name, scope)
        if len(meanings) == 1 and isinstance(meanings[0], ast.expr):
            return of(view, meanings[0], view.top, depth)
        return None
    bound = home.bindings[name]
    if given := parameter(name, home):
        return _of_parameter(view, given, home)
    if any(meaning is not None for meaning in bound):
        return None
    found = [
        types
        for node in assignments(view, home).get(name, ())
        for types in _assigned(view, node, name, home, depth)
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
                yield declared(view, annotation, scope)
        case (
            ast.Assign(targets=[ast.Name(id=target)], value=value)
            | ast.NamedExpr(target=ast.Name(id=target), value=value)
        ):
            if target == name:
                yield of(view, value, scope, depth)
        case (
            ast.For(target=target, iter=iterable)
            | ast.comprehension(target=target, iter=iterable)
        ):
            yield from _unpacked(view, target, iterable, name, scope, depth)
        case ast.With(items=items):
            for item in items:
                match item.optional_vars:
                    case ast.Name(id=target) if target == name:
                        types = of(view, item.context_expr, scope, depth)
                        yield types if _all(types, CONTEXTS) else None


def _unpacked(
    view: View,
    target: ast.expr,
    iterable: ast.expr,
    name: str,
    scope: Scope,
    depth: int,
) -> Iterator[Types]:
    """The types that a loop gives to a variable, if it is in the target."""
    match target, iterable:
        case ast.Name(id=one), _:
            if one == name:
                yield _element(view, iterable, scope, depth)
        case (
            ast.Tuple(elts=[first, second]),
            ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[]),
        ):
            arguments = _arguments(view, inner, scope, depth)
            for place, part in enumerate((first, second)):
                if isinstance(part, ast.Name) and part.id == name:
                    yield of_annotation(view, arguments[place]) if arguments else None
        case (
            ast.Tuple(elts=[ast.Name(id=count), second]),
            ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]),
        ):
            if count == name:
                yield (Type("builtins.int"),)
            yield from _unpacked(view, second, inner, name, scope, depth)


def _arguments(
    view: View, node: ast.expr, scope: Scope, depth: int
) -> tuple[ast.expr, ...]:
    """Key and value of what is declared as `dict[K, V]`; nothing for anything else."""
    types = of(view, node, scope, depth)
    if types is None or len(types) != 1 or types[0].meaning not in MAPPINGS:
        return ()
    return types[0].arguments if len(types[0].arguments) == 2 else ()


def _of_parameter(view: View, parameter: ast.arg, scope: Scope) -> Types:
    node = scope.node
    if not isinstance(node, Function | ast.Lambda):
        return None
    if parameter in (node.args.vararg, node.args.kwarg):
        return None
    given = _given_to(view, parameter, node)
    if parameter.annotation is None:
        return given
    types = declared(view, parameter.annotation, scope)
    if given is None or types is None:
        return types
    known = {one.meaning for one in given}
    # An annotation that says something else does not change what is given.
    return types if any(one.meaning in {*known, *_ALL} for one in types) else given


_ALL: Final = ("typing.Any", "builtins.object")


def _given_to(view: View, parameter: ast.arg, node: Function | ast.Lambda) -> Types:
    """What a parameter of a callback is given."""
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
                return None if parameter.annotation else state_types(view)
            return _GIVEN.get(name) or _GIVEN.get((method.name, name))
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
        case ast.Call(func=ast.Name() as function, args=[inner]) if (
            view.resolve(function, scope) in SAME
        ):
            return _element(view, inner, scope, depth + 1)
        case ast.Call(func=ast.Attribute(value=inner, attr="copy" | "keys"), args=[]):
            return _element(view, inner, scope, depth + 1)
        case ast.Call(func=ast.Attribute(value=inner, attr="values"), args=[]):
            arguments = _arguments(view, inner, scope, depth)
            return of_annotation(view, arguments[1]) if arguments else None
        case (
            ast.ListComp(elt=element)
            | ast.SetComp(elt=element)
            | ast.GeneratorExp(elt=element)
        ):
            return of(view, element, scope, depth + 1)
    types = of(view, node, scope, depth + 1)
    if types is None or len(types) != 1:
        return None
    if types[0].meaning == "boss.Group":
        return (Type("boss.WebSocket"),)
    if types[0].meaning in COLLECTIONS and types[0].arguments:
        return of_annotation(view, types[0].arguments[0])
    return None


def _item(view: View, node: ast.Subscript, scope: Scope, depth: int) -> Types:
    """The types of `state.names[key]`, and of parts of a text or a list."""
    types = of(view, node.value, scope, depth)
    if types is None or len(types) != 1:
        return None
    (whole,) = types
    if isinstance(node.slice, ast.Slice):
        return (Type(whole.meaning),) if whole.meaning in _ADDED else None
    if whole.meaning == "builtins.str":
        return (_STR,)
    if whole.meaning in MAPPINGS and len(whole.arguments) == 2:
        return of_annotation(view, whole.arguments[1])
    if whole.meaning == "builtins.list" and len(whole.arguments) == 1:
        return of_annotation(view, whole.arguments[0])
    return None
