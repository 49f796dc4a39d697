"""What the patterns of a `match`, and the classes of an `isinstance`, ask for."""

import ast
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy


def constant_of(node: ast.expr) -> ast.Constant | None:
    """A literal, also a negative number, which Python parses as an operation."""
    match node:
        case ast.Constant():
            return node
        case ast.UnaryOp(
            op=ast.USub(), operand=ast.Constant(value=int() | float() as number)
        ):
            return ast.Constant(-number)
    return None


def number_of(constant: str) -> float | None:
    """The number that a literal is, as Python compares it: `True` is 1, and so is `1.0`."""
    if constant in {"False", "True"}:
        return int(constant == "True")
    for kind in (int, float):
        try:
            return kind(constant)
        except ValueError:
            pass
    return None


def equals(constant: str, other: object) -> bool:
    """Whether a literal, as it is written, is equal to the value of another one."""
    if not isinstance(other, int | float):
        return constant == repr(other)
    return number_of(constant) == other


def class_list(node: ast.expr) -> list[ast.expr]:
    """The classes in the second argument of isinstance."""
    match node:
        case ast.Tuple(elts=parts):
            return [one for part in parts for one in class_list(part)]
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return [*class_list(left), *class_list(right)]
    return [node]


def irrefutable(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchClass(cls=ast.Name(id="object"), patterns=[], kwd_patterns=[]):
            return True
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return irrefutable(inner)
        case ast.MatchOr(patterns=parts):
            return any(irrefutable(part) for part in parts)
    return False


def guard_of(case: ast.match_case, subject: ast.expr) -> ast.expr | None:
    """The guard of a case; of the subject, where it is about the variable that stands for all of that.

    `case n if n > 5` asks for the same as `if count > 5`, in a `match count`.
    """
    match case.pattern:
        case ast.MatchAs(name=str() as name) if case.guard is not None and (
            _may_be_asked_again(subject)
        ):
            guard: ast.expr = _Renamed(name, subject).visit(deepcopy(case.guard))
            return guard
    return case.guard


def _may_be_asked_again(subject: ast.expr) -> bool:
    """Whether a subject stays as it is when a guard is evaluated in its words: it calls nothing but `len`."""
    return not any(
        isinstance(one, ast.Await | ast.NamedExpr | ast.Yield | ast.YieldFrom)
        or (isinstance(one, ast.Call) and ast.unparse(one.func) != "len")
        for one in ast.walk(subject)
    )


class _Renamed(ast.NodeTransformer):
    """Puts an expression in the place of a variable."""

    def __init__(self, name: str, meaning: ast.expr) -> None:
        self.name = name
        self.meaning = meaning

    def visit_Name(self, node: ast.Name) -> ast.expr:
        same = node.id == self.name and isinstance(node.ctx, ast.Load)
        return self.meaning if same else node


def alternatives(pattern: ast.pattern) -> Iterator[ast.pattern]:
    match pattern:
        case ast.MatchOr(patterns=parts):
            for part in parts:
                yield from alternatives(part)
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from alternatives(inner)
        case _:
            yield pattern


def may_be_all_instances(patterns: Sequence[ast.pattern]) -> bool:
    """Whether two cases or more may cover each instance of a class by its parts, of which none is a text or a number."""
    parted = Counter(
        ast.unparse(pattern.cls)
        for pattern in patterns
        if isinstance(pattern, ast.MatchClass)
        and not all(map(irrefutable, (*pattern.patterns, *pattern.kwd_patterns)))
        and not _asks_for_constant(pattern)
    )
    return any(count > 1 for count in parted.values())


def may_be_all_tuples(patterns: Sequence[ast.pattern]) -> bool:
    """Whether the cases may cover each tuple of some length: one does, or none asks for a text or a number."""
    return any(map(_asks_for_length, patterns)) or not any(
        map(_asks_for_constant, patterns)
    )


def are_all_lengths(
    patterns: Sequence[ast.pattern], shortest: float, longest: float
) -> bool:
    """Whether the cases cover each length that a list may have, as `[]` and `[first, *rest]` do."""
    exact: set[float] = set()
    open_ = math.inf
    for pattern in patterns:
        if isinstance(pattern, ast.MatchSequence) and _asks_for_length(pattern):
            parts = pattern.patterns
            fixed = sum(not isinstance(part, ast.MatchStar) for part in parts)
            if fixed < len(parts):
                open_ = min(open_, fixed)
            else:
                exact.add(fixed)
    end = min(open_, longest + 1)
    return end < math.inf and exact.issuperset(range(int(shortest), int(end)))


def _asks_for_constant(pattern: ast.pattern) -> bool:
    """Whether a text or a number is among what a pattern asks for."""
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str | int | bytes)
        for node in ast.walk(pattern)
    )


def _asks_for_length(pattern: ast.pattern) -> bool:
    """Whether a sequence of the right length is all that the pattern asks for."""
    return isinstance(pattern, ast.MatchSequence) and all(
        isinstance(part, ast.MatchStar) or irrefutable(part)
        for part in pattern.patterns
    )
