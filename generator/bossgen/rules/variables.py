"""The variables that an expression, or the target of an assignment, has in it."""

import ast
from collections.abc import Iterator


def named(node: ast.AST) -> set[str]:
    """All that are named in it."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def walruses(node: ast.expr) -> list[str]:
    """The variables that an expression binds with `:=`."""
    return [one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr)]


def stored(target: ast.AST) -> Iterator[str]:
    """The variables that the target of an assignment binds."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
