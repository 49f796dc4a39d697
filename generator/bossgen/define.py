"""What the names of a module mean once it has run, and what its classes bind, found without running it.

The top level is run in the mind: imports, definitions and assignments in their order, both sides of each `if`. What
may be bound in another way, a method by a decorator of its class or by a name made at run time, becomes unknown.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from .model import Class, Meaning, Scope
from .names import (
    ANY_NAME,
    STAR,
    UNKNOWN,
    Names,
    captured,
    imported,
    lookup,
    meaning_of,
)

_ALIASES: Final = (ast.Name, ast.Attribute, ast.Subscript)


def define(
    tree: ast.Module, rebound: Collection[str] = ()
) -> tuple[Names, tuple[Class, ...]]:
    """What each name means once the module has run to its end, and the classes of its top level in their order.

    Args:
        tree: the module.
        rebound: the names that stand for something else in places: functions declare them as `global`, comprehensions
            of the top level call their variables so.
    """
    names: Names = {}
    classes: list[Class] = []
    _run(tree.body, names, None, classes, typing_only=False)
    for name in rebound:
        names[name] = (*names.get(name, ()), None)
    return names, tuple(classes)


def forget_changed(
    scopes: Iterable[Scope], names: Mapping[str, tuple[Meaning, ...]]
) -> None:
    """Know nothing more about members of classes that a function replaces: `ChatWebsocket.handle_join = ...`."""
    for scope in scopes:
        if scope.parent is None:
            continue  # `define` has seen to it
        for node in scope.attributes:
            if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
                _set(lookup(node.value.id, scope, names), ast.Constant(node.attr))
        for call in scope.calls:
            match call:
                case ast.Call(
                    func=ast.Name(id="setattr"),
                    args=[ast.Name(id=name), attribute, _],
                ):
                    _set(lookup(name, scope, names), attribute)


def _run(
    body: Sequence[ast.stmt],
    names: Names,
    outer: Names | None,
    classes: list[Class] | None,
    *,
    typing_only: bool,
) -> None:
    """Run statements in the order in which Python would, binding names."""
    for statement in body:
        for value in _evaluated(statement):
            _evaluate(value, names, outer)
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names[name] = (statement,)
            case ast.ClassDef(name=name):
                class_ = _class(statement, names, outer, typing_only)
                names[name] = (class_,)
                if classes is not None:
                    classes.append(class_)
            case ast.Import() | ast.ImportFrom():
                for name, meaning in imported(statement):
                    if name == STAR:
                        names[STAR] = (*names.get(STAR, ()), meaning)
                    else:
                        names[name] = (meaning,)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _assign(target, value, names, outer)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                _assign(target, value, names, outer)
            case ast.AugAssign(target=target):
                _assign(target, None, names, outer)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        names.pop(target.id, None)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Name(id="setattr"),
                    args=[ast.Name(id=name), attribute, _],
                )
            ):
                _set(names.get(name, ()), attribute)
            case ast.If(test=test, body=then, orelse=otherwise):
                branches: list[Names] = []
                only_types = _mentions_type_checking(test)
                # What only type checkers see counts for the meaning of names, but it is no member of a class.
                if not _is_main(test) and not (only_types and classes is None):
                    branches.append(dict(names))
                    _run(
                        then,
                        branches[-1],
                        outer,
                        classes,
                        typing_only=typing_only or only_types,
                    )
                branches.append(dict(names))
                _run(otherwise, branches[-1], outer, classes, typing_only=typing_only)
                if (
                    only_types and classes is not None
                ):  # where both bind a name, the one that runs counts
                    before = dict(names)
                    names.update(branches[0])
                    names.update(
                        (name, meaning)
                        for name, meaning in branches[-1].items()
                        if before.get(name) != meaning or name not in branches[0]
                    )
                else:
                    _join(names, branches)
            case ast.Try() | ast.TryStar():
                before = dict(names)
                _run(statement.body, names, outer, classes, typing_only=typing_only)
                branches = [dict(names)]
                _join(names, [before, names])
                for handler in statement.handlers:
                    branches.append(dict(names))
                    if handler.name:
                        branches[-1].pop(handler.name, None)
                    _run(
                        handler.body,
                        branches[-1],
                        outer,
                        classes,
                        typing_only=typing_only,
                    )
                _run(
                    statement.orelse,
                    branches[0],
                    outer,
                    classes,
                    typing_only=typing_only,
                )
                _join(names, branches)
                _run(
                    statement.finalbody, names, outer, classes, typing_only=typing_only
                )
            case ast.For() | ast.AsyncFor() | ast.While():
                branches = [dict(names)]
                if not isinstance(statement, ast.While):
                    _assign(statement.target, None, names, outer)
                _run(statement.body, names, outer, classes, typing_only=typing_only)
                _run(statement.orelse, names, outer, classes, typing_only=typing_only)
                _join(names, [*branches, dict(names)])
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    if item.optional_vars is not None:
                        _assign(item.optional_vars, None, names, outer)
                _run(statement.body, names, outer, classes, typing_only=typing_only)
            case ast.Match(cases=cases):
                branches = [dict(names)]
                for case in cases:
                    branches.append(dict(names))
                    for pattern in ast.walk(case.pattern):
                        for name in captured(pattern):
                            branches[-1][name] = UNKNOWN
                    _run(
                        case.body, branches[-1], outer, classes, typing_only=typing_only
                    )
                _join(names, branches)
            case _ if statement.__class__.__name__ == "TypeAlias":
                name = statement.name.id  # type: ignore[attr-defined]
                names[name] = (statement.value,)  # type: ignore[attr-defined]


def _join(names: Names, branches: Sequence[Names]) -> None:
    """After a fork a name means what it means on any of the ways; where it is not bound it adds nothing."""
    merged: Names = {}
    for branch in branches:
        for name, meanings in branch.items():
            known = merged.get(name, ())
            merged[name] = known + tuple(m for m in meanings if m not in known)
    names.clear()
    names.update(merged)


def _assign(
    target: ast.expr, value: ast.expr | None, names: Names, outer: Names | None
) -> None:
    match target:
        case ast.Name(id=name):
            if value is None:
                names[name] = UNKNOWN
            elif isinstance(value, _ALIASES):
                names[name] = tuple(
                    value if meaning is None or _is_form(value, meaning) else meaning
                    for meaning in meaning_of(value, names, outer)
                )
            else:
                names[name] = (value,)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            values: Sequence[ast.expr | None] = [None] * len(parts)
            if isinstance(value, ast.Tuple) and len(value.elts) == len(parts):
                values = value.elts
            for part, one in zip(parts, values, strict=True):
                _assign(part, one, names, outer)
        case ast.Starred(value=part):
            _assign(part, None, names, outer)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            # ChatWebsocket.handle_join = ...
            _set(names.get(name, ()), ast.Constant(attribute))
        case ast.Subscript(
            value=ast.Call(func=ast.Name(id=namespace), args=[]),
            slice=ast.Constant(value=str() as name),
        ) if namespace in _NAMESPACES:
            # locals()["handle_join"] = ...
            inside = outer is None or namespace != "globals"
            (names if inside else outer or names)[name] = UNKNOWN


def _is_form(value: ast.expr, meaning: Meaning) -> bool:
    """Whether it is `Literal["a", "b"]` and the like, which mean what stands in the brackets."""
    return isinstance(value, ast.Subscript) and str(meaning).startswith("typing.")


def _set(meanings: tuple[Meaning, ...], attribute: ast.expr) -> None:
    """Know nothing more about an attribute of a class; about all of them when its name is made at run time."""
    for meaning in meanings:
        if not isinstance(meaning, Class):
            continue
        if isinstance(attribute, ast.Constant):
            meaning.members[str(attribute.value)] = UNKNOWN
        else:
            meaning.members.update(_unknown_members(meaning.members))


def _unknown_members(members: Names) -> Names:
    """The members of a class that may bind any name to anything."""
    return dict.fromkeys((*members, ANY_NAME), UNKNOWN)


_SIMPLE: Final = (ast.Constant, ast.Name, ast.Attribute)


def _evaluated(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions that a statement evaluates before all else, but for those that do nothing."""
    for field in ("value", "test", "iter", "subject"):
        value = getattr(statement, field, None)
        if isinstance(value, ast.expr) and not isinstance(value, _SIMPLE):
            yield value
    for item in getattr(statement, "items", ()):
        yield item.context_expr


def _evaluate(value: ast.expr, names: Names, outer: Names | None) -> None:
    """Bind what an expression binds by `:=`, and know nothing more about a class that it gives to a function."""
    waiting: list[ast.AST] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Lambda):
            continue  # run later, if at all
        if isinstance(node, ast.NamedExpr):
            _assign(node.target, node.value, names, outer)
        elif isinstance(node, ast.Call):
            _hand_over(node, names, outer)
        waiting += ast.iter_child_nodes(node)


def _hand_over(call: ast.Call, names: Names, outer: Names | None) -> None:
    """Know nothing more about the members of a class that is given to a function, which may replace them."""
    given = [
        meaning
        for one in call.args
        if isinstance(one, ast.Name)
        for meaning in meaning_of(one, names, outer)
        if isinstance(meaning, Class)
    ]
    if given and not all(
        isinstance(meaning, str) and meaning.startswith(_LEAVES_ALONE)
        for meaning in meaning_of(call.func, names, outer)
    ):
        for meaning in given:
            meaning.members.update(dict.fromkeys(meaning.members, UNKNOWN))


# Modules whose functions leave a class they are given as it is.
_LEAVES_ALONE: Final = ("builtins.", "typing.", "dataclasses.", "boss.")


def _class(
    node: ast.ClassDef, names: Names, outer: Names | None, typing_only: bool
) -> Class:
    members: Names = {}
    _run(node.body, members, names if outer is None else outer, None, typing_only=False)
    bases = tuple(
        UNKNOWN if isinstance(base, ast.Constant) else meaning_of(base, names, outer)
        for base in node.bases
    )
    if _binds_any_name(node.body):
        members = _unknown_members(members)
    elif any(
        isinstance(base, Class) and _HOOK in base.members
        for base in chain.from_iterable(bases)
    ):
        # The bases of a base need not be looked at: it passes the name on.
        members = dict.fromkeys((*members, _HOOK), UNKNOWN)
    elif not (
        all(_leaves_members(one, names, outer) for one in node.decorator_list)
        and all(_is_plain(keyword, names, outer) for keyword in node.keywords)
    ):
        members = dict.fromkeys(members, UNKNOWN)
    annotations = {
        statement.target.id: statement.annotation
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
    }
    return Class(
        node=node,
        bases=bases,
        members=members,
        annotations=annotations,
        typing_only=typing_only,
    )


# Decorators of classes that leave the methods as they are written.
_KEEPING: Final = frozenset(
    {
        *("dataclasses.dataclass", "enum.unique", "functools.total_ordering"),
        *("typing.final", "typing.runtime_checkable"),
    }
)


def _leaves_members(decorator: ast.expr, names: Names, outer: Names | None) -> bool:
    made = decorator.func if isinstance(decorator, ast.Call) else decorator
    return set(meaning_of(made, names, outer)) <= _KEEPING


_HOOK: Final = "__init_subclass__"  # may change the members of what extends the class
_NAMESPACES: Final = frozenset({"locals", "vars", "globals"})


def _binds_any_name(body: Sequence[ast.stmt]) -> bool:
    """Whether the body of a class may bind names that are made at run time: by `exec`, or through `locals()`."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="locals" | "vars"), args=[]),
                slice=ast.Constant(),
            ):
                continue
            case (
                ast.Call(func=ast.Name(id="locals" | "vars"), args=[])
                | ast.Call(func=ast.Name(id="exec"))
                | ast.Attribute(attr="f_locals")
            ):
                return True
        waiting += ast.iter_child_nodes(node)
    return False


def _is_plain(keyword: ast.keyword, names: Names, outer: Names | None) -> bool:
    """Whether what stands behind the bases of a class leaves its members alone."""
    if keyword.arg != "metaclass":
        return False  # an `__init_subclass__` reads it
    return set(meaning_of(keyword.value, names, outer)) <= {
        "abc.ABCMeta",
        "builtins.type",
    }


def _mentions_type_checking(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False


def _is_main(test: ast.expr) -> bool:
    """`__name__ == "__main__"`, which is false in a module that is imported."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
    )
