"""What stands in each function of a module, and which names it binds, found by one walk."""

import ast
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from .model import Scope
from .names import captured, imported

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
    _bind_types(opened, node)
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
    if types := getattr(node, "type_params", ()):
        # The methods see the type parameters, unlike what the body of the class binds.
        scope = Scope(types[0], scope)
        _bind_types(scope, node)
    return Scope(node, scope), list(node.body), [*around, *node.decorator_list]


def _bind_types(scope: Scope, node: ast.AST) -> None:
    """Bind the type parameters of `def f[T](...)` and `class C[T]`, which Python has from 3.12 on."""
    for parameter in getattr(node, "type_params", ()):
        scope.bindings.setdefault(parameter.name, []).append(None)


def _note_alias(scope: Scope, node: ast.AST) -> None:
    scope.bindings.setdefault(node.name.id, []).append(None)  # type: ignore[attr-defined]


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
    getattr(ast, "TypeAlias", None): _note_alias,  # Python 3.12
}
