"""The conditions of a function: where they stand, of which parts each is made, and which variables keep one."""

import ast
from collections.abc import Iterable, Iterator

from ..model import Function, Scope
from .patterns import guard_of


def conditions(
    node: Function | ast.Lambda, *, loops: bool = False, cases: bool = False
) -> Iterator[ast.expr]:
    """Every condition in a function.

    Args:
        node: the function.
        loops: also what it loops over, since that a loop is entered says it is not empty.
        cases: also what the literals in the patterns of a `match` ask for.
    """
    parts_of_tests: set[ast.AST] = set()
    for one in ast.walk(node):
        test: ast.expr | None = None
        match one:
            case ast.If() | ast.While() | ast.IfExp() | ast.Assert():
                test = one.test
            case ast.match_case(guard=guard):
                test = guard
            case ast.For() if loops:
                test = one.iter
            case ast.BoolOp() if one not in parts_of_tests:
                test = one
            case ast.Match() if cases:
                for case in one.cases:
                    patterns = as_test(case.pattern, one.subject)
                    yield from filter(None, (patterns, guard_of(case, one.subject)))
        if test is not None:
            parts_of_tests.update(ast.walk(test))
            yield test


def as_test(pattern: ast.pattern, subject: ast.expr) -> ast.expr | None:
    """The condition that a pattern of literals is."""
    match pattern:
        case ast.MatchValue(value=value):
            return ast.Compare(subject, [ast.Eq()], [value])
        case ast.MatchSingleton(value=constant):
            return ast.Compare(subject, [ast.Is()], [ast.Constant(constant)])
        case ast.MatchOr(patterns=parts):
            values = [one.value for one in parts if isinstance(one, ast.MatchValue)]
            if len(values) == len(parts):
                return ast.Compare(subject, [ast.In()], [ast.Tuple(values)])
    return None


def outcomes(scope: Scope) -> Iterator[tuple[str, ast.expr]]:
    """The variables of a function that are assigned the outcome of a condition, and the condition."""
    for one in scope.assignments:
        match one:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if _is_outcome(value):
                    yield name, value


def _is_outcome(node: ast.expr) -> bool:
    """Whether an expression is written as a condition."""
    match node:
        case ast.UnaryOp(op=ast.Not()) | ast.Compare() | ast.BoolOp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in {"isinstance", "bool", "hasattr", "callable", "any", "all"}
    return False


def parts(test: ast.expr) -> Iterable[ast.expr]:
    """The conditions of which one is made."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return parts(operand)
        case ast.BoolOp(values=values):
            return [part for value in values for part in parts(value)]
        case ast.NamedExpr(target=target):
            return parts(target)
        case ast.Compare(ops=[_, _, *_]):
            return links(test)
    return [test]


def links(test: ast.Compare) -> list[ast.expr]:
    """`a < b < c` as `a < b` and `b < c`."""
    sides = [test.left, *test.comparators]
    return [
        ast.Compare(left, [operator], [right])
        for left, operator, right in zip(sides, test.ops, sides[1:], strict=False)
    ]
