"""What the names of a module mean, found without running it.

`define` runs the top level of a module in the mind: imports, definitions and assignments in their order, both sides of
each `if`. `scopes` walks the tree once and notes, for each function, what stands directly in it and which names it
binds. `resolve` joins the two. What cannot be told has the meaning None, and no rule may conclude anything from it.
"""

import ast
import builtins
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, TypeAlias

from .model import Class, Function, Meaning, Scope

Names: TypeAlias = dict[str, tuple[Meaning, ...]]

_STAR: Final = "*"  # under this key: the modules whose names were all imported
_UNKNOWN: Final[tuple[Meaning, ...]] = (None,)
_BUILTINS: Final = frozenset(dir(builtins))
_ALIASES: Final = (ast.Name, ast.Attribute, ast.Subscript)

# --- the top level of a module, and the bodies of its classes ----------------------------------------


def define(
    tree: ast.Module, rebound: Collection[str] = ()
) -> tuple[Names, tuple[Class, ...]]:
    """What each name means once the module has run to its end, and the classes of its top level in their order.

    Args:
        tree: the module.
        rebound: the names that its functions declare as `global`, and may bind to something else.
    """
    names: Names = {}
    classes: list[Class] = []
    _run(tree.body, names, None, classes, typing_only=False)
    for name in rebound:
        names[name] = (*names.get(name, ()), None)
    return names, tuple(classes)


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
                    if name == _STAR:
                        names[_STAR] = (*names.get(_STAR, ()), meaning)
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
                _set(name, attribute, names)
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
                            branches[-1][name] = _UNKNOWN
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
                names[name] = _UNKNOWN
            elif isinstance(value, _ALIASES):
                meanings = meaning_of(value, names, outer)
                names[name] = tuple(
                    value if meaning is None else meaning for meaning in meanings
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
            _set(
                name, ast.Constant(attribute), names
            )  # ChatWebsocket.handle_join = ...


def _set(name: str, attribute: ast.expr, names: Names) -> None:
    """Know nothing more about an attribute of a class; about all of them when its name is made at run time."""
    for meaning in names.get(name, ()):
        if not isinstance(meaning, Class):
            continue
        if isinstance(attribute, ast.Constant):
            meaning.members[str(attribute.value)] = _UNKNOWN
        else:
            meaning.members.update(dict.fromkeys(meaning.members, _UNKNOWN))


def _class(
    node: ast.ClassDef, names: Names, outer: Names | None, typing_only: bool
) -> Class:
    members: Names = {}
    _run(node.body, members, names if outer is None else outer, None, typing_only=False)
    if not all(_leaves_members(one, names, outer) for one in node.decorator_list):
        members = dict.fromkeys(members, _UNKNOWN)
    annotations = {
        statement.target.id: statement.annotation
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
    }
    return Class(
        node=node,
        bases=tuple(
            _UNKNOWN
            if isinstance(base, ast.Constant)
            else meaning_of(base, names, outer)
            for base in node.bases
        ),
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


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Meaning]]:
    """The names that an import binds, with their meaning; "*" for all names of a module."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, canonical(alias.name)
            else:
                top = alias.name.partition(".")[0]
                yield top, top
        return
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            yield _STAR, module
        else:
            dot = "" if module.endswith(".") else "."
            yield alias.asname or alias.name, canonical(f"{module}{dot}{alias.name}")


def canonical(dotted: str) -> str:
    """One name for what can be imported in two ways: `boss.runtime.results.Noreply` is `boss.Noreply`."""
    parts = dotted.split(".")
    if parts[:2] == ["boss", "runtime"] and len(parts) == 4:
        return f"boss.{parts[3]}"
    if parts[0] == "typing_extensions":
        return ".".join(["typing", *parts[1:]])
    return dotted


def captured(pattern: ast.AST) -> Iterator[str]:
    """The name that one part of a pattern binds."""
    match pattern:
        case (
            ast.MatchAs(name=str() as name)
            | ast.MatchStar(name=str() as name)
            | ast.MatchMapping(rest=str() as name)
        ):
            yield name


# --- meanings ----------------------------------------------------------------------------------------


def meaning_of(
    node: ast.expr, names: Names, outer: Names | None = None
) -> tuple[Meaning, ...]:
    """What an expression at the top level of a module, or in the body of a class, may mean."""
    match node:
        case ast.Name(id=name):
            if name in names:
                return names[name]
            return _global(name, names if outer is None else outer)
        case ast.Attribute(value=value, attr=attribute):
            return _attribute(meaning_of(value, names, outer), attribute)
        case ast.Subscript(value=value):  # ServiceHandler[State]
            return meaning_of(value, names, outer)
        case ast.Constant(value=str() as text):
            try:
                return meaning_of(ast.parse(text, mode="eval").body, names, outer)
            except (SyntaxError, ValueError):
                return _UNKNOWN
    return _UNKNOWN


def _global(name: str, names: Mapping[str, tuple[Meaning, ...]]) -> tuple[Meaning, ...]:
    if name in names:
        return names[name]
    stars = names.get(_STAR, ())
    if name in _BUILTINS:
        # A star import may hide a builtin name; boss exports none.
        return (f"builtins.{name}",) if set(stars) <= {"boss"} else _UNKNOWN
    if stars == ("boss",):
        return (f"boss.{name}",)
    return _UNKNOWN


def _attribute(meanings: tuple[Meaning, ...], attribute: str) -> tuple[Meaning, ...]:
    found: list[Meaning] = []
    for meaning in meanings:
        if isinstance(meaning, str):
            found.append(canonical(f"{meaning}.{attribute}"))
        elif isinstance(meaning, Class) and attribute in meaning.members:
            found += meaning.members[attribute]
        else:
            found.append(None)
    return tuple(found)


def resolve(
    node: ast.expr, scope: Scope, names: Mapping[str, tuple[Meaning, ...]]
) -> Meaning:
    """The one thing that an expression in a function means, or None when it may mean several or cannot be told."""
    match node:
        case ast.Name(id=name):
            meanings = lookup(name, scope, names)
        case ast.Attribute(value=value, attr=attribute):
            base = resolve(value, scope, names)
            if base is None or not isinstance(base, str | Class):
                return None
            meanings = _attribute((base,), attribute)
        case ast.Subscript(value=value):
            return resolve(value, scope, names)
        case _:
            return None
    return meanings[0] if len(meanings) == 1 else None


def lookup(
    name: str, scope: Scope, names: Mapping[str, tuple[Meaning, ...]]
) -> tuple[Meaning, ...]:
    """What a name in a function may mean: its own binding, one of the functions around it, or the module's."""
    here: Scope | None = scope
    while here is not None and here.parent is not None:
        if name in here.bindings and (
            here is scope or not isinstance(here.node, ast.ClassDef)
        ):
            return tuple(here.bindings[name])
        here = here.parent
    return _global(name, names)


def binding_scope(name: str, scope: Scope) -> Scope | None:
    """The function around that binds the name; None when it is the module's, or nobody's."""
    here: Scope | None = scope
    while here is not None and here.parent is not None:
        if name in here.bindings and (
            here is scope or not isinstance(here.node, ast.ClassDef)
        ):
            return here
        here = here.parent
    return None


# --- lineage -----------------------------------------------------------------------------------------


def descends(class_: Class, base: str) -> bool:
    """Whether the class provably descends from `base`, a dotted name, within the module."""
    return _descends(class_, base, {})


def _descends(class_: Class, base: str, known: dict[Class, bool]) -> bool:
    if class_ not in known:
        known[class_] = any(
            bool(meanings)
            and all(
                meaning == base
                or (isinstance(meaning, Class) and _descends(meaning, base, known))
                for meaning in meanings
            )
            for meanings in map(_meant, class_.bases)
        )
    return known[class_]


def _meant(meanings: tuple[Meaning, ...]) -> tuple[Meaning, ...]:
    """What a base may be, without the `object` that stands in where an import has failed."""
    return tuple(meaning for meaning in meanings if meaning != "builtins.object")


def lineage(class_: Class, base: str) -> tuple[Class | None, ...]:
    """The class and its bases in the order in which Python searches them; None for one that is not seen.

    `base` itself is left out; `overriding` tells where it stands.
    """
    order = _linearised(class_, base, {})
    return tuple(one for one in order if not isinstance(one, str))


def overriding(class_: Class, base: str) -> tuple[Class | None, ...]:
    """The part of the lineage that is searched before `base`, and so can override what that defines."""
    order = _linearised(class_, base, {})
    before = takewhile(lambda one: one != base, order)
    return tuple(one for one in before if not isinstance(one, str))


_Order: TypeAlias = tuple[Class | str | None, ...]


def _linearised(class_: Class, base: str, known: dict[Class, _Order]) -> _Order:
    """Source: Python, the C3 method resolution order."""
    if class_ in known:
        return known[class_]
    parents: list[_Order] = []
    direct: list[Class | str | None] = []
    for meanings in map(_meant, class_.bases):
        if not meanings:
            continue
        meaning = meanings[0] if len(meanings) == 1 else None
        if isinstance(meaning, Class):
            parents.append(_linearised(meaning, base, known))
            direct.append(meaning)
        elif meaning == base:
            parents.append((base,))
            direct.append(base)
        elif meaning not in {"typing.Generic", "typing.Protocol", "abc.ABC"}:
            parents.append((None,))
            direct.append(None)
    rest = _merge([list(parent) for parent in (*parents, direct)])
    known[class_] = (class_, *rest)
    return known[class_]


def _merge(sequences: list[list[Class | str | None]]) -> Iterator[Class | str | None]:
    while sequences := [sequence for sequence in sequences if sequence]:
        head = next(
            (
                sequence[0]
                for sequence in sequences
                if sequence[0] is None
                or not any(sequence[0] in other[1:] for other in sequences)
            ),
            sequences[0][0],  # Python refuses such bases; any order will do
        )
        yield head
        if head is None:  # two that are not seen may be two different classes
            next(sequence for sequence in sequences if sequence[0] is None).pop(0)
            for sequence in sequences:
                if sequence and sequence[0] is None:
                    sequence.pop(0)
                    break
        else:
            sequences = [
                [other for other in sequence if other is not head]
                for sequence in sequences
            ]


def leaves(
    classes: Sequence[Class], names: Mapping[str, tuple[Meaning, ...]], base: str
) -> tuple[Class, ...]:
    """The classes that descend from `base`, that no other extends, and that their name still leads to."""
    extended = {
        meaning
        for class_ in classes
        for meanings in class_.bases
        for meaning in meanings
    }
    found: list[Class] = []
    for class_ in classes:
        now = names.get(class_.node.name, ())
        replaced = class_ not in now and (
            not now or any(isinstance(one, Class | Function) for one in now)
        )
        if (
            class_ not in extended
            and not class_.typing_only
            and not replaced
            and descends(class_, base)
        ):
            found.append(class_)
    by_name = {class_.node.name: class_ for class_ in found}  # both sides of an `if`
    return tuple(by_name.values())


# --- scopes ------------------------------------------------------------------------------------------

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
# Values of fields that hold nothing further.
_LEAVES: Final = frozenset(
    {
        *(str, int, float, complex, bytes, bool, type(None), type(...)),
        *(ast.Constant, ast.Pass, ast.Break, ast.Continue),
    }
)
_NO_CHILDREN: Final = frozenset(
    {"ctx", "op", "ops", "id", "attr", "name", "type_comment", "kind", "conversion"}
)


class _Fields(dict[type[Any], tuple[str, ...]]):
    """For each kind of node the fields that may hold other nodes."""

    def __missing__(self, kind: type[Any]) -> tuple[str, ...]:
        # Some lists hold texts or None: these have no fields at all.
        fields = tuple(
            field for field in getattr(kind, "_fields", ()) if field not in _NO_CHILDREN
        )
        self[kind] = fields
        return fields


_FIELDS: Final = _Fields()


def scopes(tree: ast.Module) -> dict[ast.AST, Scope]:
    """What stands directly in the module, and in each function and class of it, by one walk.

    This sees every node of every handler, so it is written for speed: names, half of all nodes, are dealt with where
    they are met, and most other nodes of interest go into their list by one call.
    """
    root = Scope(tree, None)
    found: dict[ast.AST, Scope] = {tree: root}
    waiting: list[tuple[Scope, list[ast.AST]]] = [(root, list(tree.body))]
    leaves, fields, name_kind, load = _LEAVES, _FIELDS, ast.Name, ast.Load
    while waiting:
        scope, stack = waiting.pop()
        bindings = scope.bindings
        take = _lists(scope)
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind in take:
                take[kind](node)
            elif kind in _NOTES:
                inner = _NOTES[kind](scope, node)
                if inner is not None:
                    opened, body, around = inner
                    found[node] = opened
                    waiting.append((opened, body))
                    stack += around
                    continue
            elif kind is name_kind:
                if node.ctx.__class__ is not load:  # type: ignore[attr-defined]
                    bindings.setdefault(node.id, []).append(None)  # type: ignore[attr-defined]
                continue
            for field in fields[kind]:
                value = getattr(node, field)
                sort = value.__class__
                if sort is name_kind:
                    if value.ctx.__class__ is not load:
                        bindings.setdefault(value.id, []).append(None)
                elif sort is list:
                    stack += value
                elif sort not in leaves:
                    stack.append(value)
    return found


def _lists(scope: Scope) -> dict[type[Any], Callable[[Any], None]]:
    """Where in the scope the nodes of most kinds go."""
    assignment = scope.assignments.append
    expression = scope.yields.append
    return {
        ast.Call: scope.calls.append,
        ast.Attribute: scope.attributes.append,
        ast.Await: scope.awaits.append,
        ast.Return: scope.returns.append,
        ast.Expr: scope.statements.append,
        ast.Yield: expression,
        ast.YieldFrom: expression,
        ast.Assign: assignment,
        ast.AugAssign: assignment,
        ast.AnnAssign: assignment,
        ast.NamedExpr: assignment,
        ast.For: assignment,
        ast.AsyncFor: assignment,
        ast.With: assignment,
        ast.AsyncWith: assignment,
        ast.comprehension: assignment,
    }


_Opened: TypeAlias = tuple[Scope, list[ast.AST], list[ast.AST]]
"""A new scope, what lies in it, and what of its node lies around it."""


def _note_function(scope: Scope, node: ast.AST) -> _Opened | None:
    assert isinstance(node, _FUNCTIONS)
    opened = Scope(node, scope)
    arguments = node.args
    for argument in (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        *([arguments.vararg] if arguments.vararg else ()),
        *([arguments.kwarg] if arguments.kwarg else ()),
    ):
        opened.bindings.setdefault(argument.arg, []).append(argument)
    around: list[ast.AST] = [*arguments.defaults]
    around += [default for default in arguments.kw_defaults if default is not None]
    if isinstance(node, ast.Lambda):
        return opened, [node.body], around
    scope.bindings.setdefault(node.name, []).append(node)
    return opened, list(node.body), [*around, *node.decorator_list]


def _note_class(scope: Scope, node: ast.AST) -> _Opened | None:
    assert isinstance(node, ast.ClassDef)
    scope.bindings.setdefault(node.name, []).append(None)
    around: list[ast.AST] = [*node.bases, *(kw.value for kw in node.keywords)]
    return Scope(node, scope), list(node.body), [*around, *node.decorator_list]


def _note_import(scope: Scope, node: ast.AST) -> None:
    assert isinstance(node, ast.Import | ast.ImportFrom)
    for name, meaning in imported(node):
        scope.bindings.setdefault(name, []).append(meaning)


def _note_handler(scope: Scope, node: ast.AST) -> None:
    assert isinstance(node, ast.ExceptHandler)
    if node.name:
        scope.bindings.setdefault(node.name, []).append(None)


def _note_pattern(scope: Scope, node: ast.AST) -> None:
    for name in captured(node):
        scope.bindings.setdefault(name, []).append(None)


def _note_outside(scope: Scope, node: ast.AST) -> None:
    # What the function assigns to these names belongs to somebody else: tell nothing about them.
    assert isinstance(node, ast.Global | ast.Nonlocal)
    for name in node.names:
        scope.bindings.setdefault(name, []).extend((None, None))
        if isinstance(node, ast.Nonlocal):
            home = scope.parent
            while home is not None and name not in home.bindings:
                home = home.parent
            if home is not None:
                home.bindings[name].append(None)


_NOTES: Final = {
    ast.FunctionDef: _note_function,
    ast.AsyncFunctionDef: _note_function,
    ast.Lambda: _note_function,
    ast.ClassDef: _note_class,
    ast.Import: _note_import,
    ast.ImportFrom: _note_import,
    ast.ExceptHandler: _note_handler,
    ast.MatchAs: _note_pattern,
    ast.MatchStar: _note_pattern,
    ast.MatchMapping: _note_pattern,
    ast.Global: _note_outside,
    ast.Nonlocal: _note_outside,
}
