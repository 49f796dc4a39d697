"""Which statements of a function give its variables their values."""

import ast
from collections.abc import Iterator

from ..model import Scope
from ..names import binding_scope
from .rule import View


def assignments(view: View, home: Scope) -> dict[str, list[ast.AST]]:
    """The assignments of a function that bind each of its variables, or put something into what it is."""
    known = view.memo.setdefault("binding", {})
    if home.node not in known:
        binding: dict[str, list[ast.AST]] = {}
        for node in home.assignments:
            for name in dict.fromkeys(_targets(node)):
                binding.setdefault(name, []).append(node)
        known[home.node] = binding
    found: dict[str, list[ast.AST]] = known[home.node]
    return found


def _targets(node: ast.AST) -> Iterator[str]:
    """The variables that a statement assigns to, or puts something into: `found["kind"] = message`."""
    targets: list[ast.AST] = [*getattr(node, "targets", ())]
    if (target := getattr(node, "target", None)) is not None:
        targets.append(target)
    for item in getattr(node, "items", ()):
        if item.optional_vars is not None:
            targets.append(item.optional_vars)
    for one in targets:
        for part in ast.walk(one):
            if isinstance(part, ast.Name):
                yield part.id


def parameter(name: str, scope: Scope) -> ast.arg | None:
    """The parameter of a function that a variable of it is, and stays."""
    match scope.bindings.get(name):
        case [ast.arg() as bound]:
            return bound
    return None


def only_value(node: ast.expr, scope: Scope) -> ast.expr | None:
    """All that is ever assigned to a variable of a function; None for anything else."""
    home = binding_scope(node.id, scope) if isinstance(node, ast.Name) else None
    if home is None or not isinstance(node, ast.Name):
        return None
    if len(home.bindings[node.id]) != 1:
        return None
    for one in home.assignments:
        match one:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if (
                target == node.id
            ):
                return value
    return None
