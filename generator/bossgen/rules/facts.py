"""What a condition asks for, in a form in which two conditions about the same thing look alike.

`n < 5` and `n >= 5` ask for the same and have answers that exclude each other; together they leave nothing. A way
through a function keeps the answers that are still possible, and takes no branch that none of them leads into.
"""

import ast
import math
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from ..model import Function, Scope
from .conditions import conditions, outcomes, parts
from .library import lengths


@dataclass(frozen=True, slots=True)
class Fact:
    """One question, and what the condition makes of its answers."""

    about: str  # "n <>", with the names of all variables in it
    holds: frozenset[int]  # the answers that make the condition true
    possible: frozenset[int]  # all the answers there are


@dataclass(frozen=True, slots=True)
class Listed:
    """A condition on a value: that it is one of some literals, or none of them."""

    subject: ast.expr
    values: list[str | bytes | float]  # all numbers, or none of them
    is_one: bool


Whole: TypeAlias = Callable[[ast.expr], bool | None]
"""Whether an expression gives whole numbers; None: cannot be told."""

Origin: TypeAlias = Callable[[ast.expr], ast.expr]
"""What a variable is assigned, where that is all it ever is; else the expression itself."""

_LESS, _EQUAL, _GREATER = 0, 1, 2
_SAYS: Final[Mapping[type[ast.cmpop], frozenset[int]]] = {
    ast.Lt: frozenset({_LESS}),
    ast.LtE: frozenset({_LESS, _EQUAL}),
    ast.Gt: frozenset({_GREATER}),
    ast.GtE: frozenset({_GREATER, _EQUAL}),
    ast.Eq: frozenset({_EQUAL}),
    ast.NotEq: frozenset({_LESS, _GREATER}),
}
_ORDER: Final = frozenset({_LESS, _EQUAL, _GREATER})
_BOTH: Final = frozenset({False, True})
_NONE, _FALSE, _TRUE = 0, 1, 2
# Of what is asked to be true, or to be None: what is true is not None.
_TRUTH: Final = frozenset({_NONE, _FALSE, _TRUE})


class Facts:
    """The questions of one function; only those count that occur more than once."""

    def __init__(
        self, node: Function | ast.Lambda, scope: Scope, whole: Whole, origin: Origin
    ) -> None:
        self._whole = whole
        self._origin = origin
        # The numbers that an expression is compared with, sorted; they divide its values into cells.
        self._numbers: dict[str, list[float]] = {}
        kept = [value for _, value in outcomes(scope)]
        asked_for = (*conditions(node, loops=True, cases=True), *kept)
        tests = [part for test in asked_for for part in parts(test)]
        self._known: dict[ast.expr, list[Fact]] = {}
        # What the function asks for the length of.
        self.measured = {
            ast.unparse(part.args[0])
            for test in tests
            for part in ast.walk(test)
            if isinstance(part, ast.Call)
            and isinstance(part.func, ast.Name)
            and part.func.id == "len"
            and part.args
        }
        compared = [found for test in tests if (found := _with_number(test))]
        for subject, _, number in compared:
            self._divide(subject, number)
        # The texts that an expression is compared with.
        self._texts: dict[str, list[str | bytes]] = {}
        for test in tests:
            listed = self._listed(test)
            if listed is not None:
                self._note(listed)
            if not isinstance(test, ast.Compare | ast.Constant):
                source = ast.unparse(test)
                if source in self._numbers:
                    self._divide(test, 0)
                if source in self.measured:
                    self._divide(_length(test), 0)
        asked = [fact.about for test in tests for fact in self._facts(test)]
        self._repeated = {about for about, count in Counter(asked).items() if count > 1}

    def _note(self, listed: Listed) -> None:
        texts = self._texts.setdefault(ast.unparse(listed.subject), [])
        for value in listed.values:
            if isinstance(value, int | float):
                self._divide(listed.subject, value)
            elif value not in texts:
                texts.append(value)

    def _divide(self, subject: ast.expr, number: float) -> None:
        numbers = self._numbers.setdefault(ast.unparse(subject), [])
        if number not in numbers:
            insort(numbers, number)

    def of(self, test: ast.expr) -> list[Fact]:
        """What a condition asks for, as far as another one asks for it too."""
        if test not in self._known:
            facts = [one for one in self._facts(test) if one.about in self._repeated]
            self._known[test] = facts
        return self._known[test]

    def _facts(self, test: ast.expr) -> Iterator[Fact]:
        found = _with_number(test)
        if found is not None:
            yield self._in_cells(*found)
            return
        listed = self._listed(test)
        if listed is not None:
            yield from self._among(listed)
        match test:
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                one, other = ast.unparse(_value(left)), ast.unparse(_value(right))
                yes = isinstance(operator, ast.In | ast.Is)
                if other == "None" and isinstance(operator, ast.Is | ast.IsNot):
                    none = frozenset({_NONE})
                    yield Fact(one, none if yes else _TRUTH - none, _TRUTH)
                    return
                if type(operator) not in _SAYS:
                    word = "in" if isinstance(operator, ast.In | ast.NotIn) else "is"
                    yield Fact(f"{one} {word} {other}", frozenset({yes}), _BOTH)
                    return
                if other in _EMPTY and isinstance(operator, ast.Eq | ast.NotEq):
                    true = frozenset({_TRUE})
                    unequal = isinstance(operator, ast.NotEq)
                    yield Fact(one, true if unequal else _TRUTH - true, _TRUTH)
                holds = _SAYS[type(operator)]
                if other < one:
                    one, other = other, one
                    holds = frozenset(_GREATER - answer for answer in holds)
                yield Fact(f"{one} <> {other}", holds, _ORDER)
            case ast.Constant() | ast.Compare():
                return
            case _:
                source = ast.unparse(test)
                yield Fact(source, frozenset({_TRUE}), _TRUTH)
                # What is true is not 0, and not empty.
                if source in self.measured:
                    yield self._in_cells(_length(test), ast.NotEq, 0)
                if source in self._numbers and self._is_whole(test):
                    yield self._in_cells(test, ast.NotEq, 0)

    def _listed(self, test: ast.expr) -> Listed | None:
        """What is asked to be, or not to be, one of some texts or one of some numbers."""
        match test:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()]):
                values = _literals([test.comparators[0]])
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()]):
                match self._origin(test.comparators[0]):
                    case (
                        ast.Tuple(elts=parts)
                        | ast.List(elts=parts)
                        | ast.Set(elts=parts)
                    ):
                        values = _literals(parts)
                    case _:
                        return None
            case _:
                return None
        if not values:
            return None
        return Listed(_value(left), values, isinstance(test.ops[0], ast.Eq | ast.In))

    def _among(self, listed: Listed) -> Iterator[Fact]:
        source = ast.unparse(listed.subject)
        about, possible, holds = f"{source} ==", frozenset[int](), frozenset[int]()
        for value in listed.values:
            if isinstance(value, int | float):
                cell = self._in_cells(listed.subject, ast.Eq, value)
                about, possible, holds = cell.about, cell.possible, holds | cell.holds
            else:
                texts = self._texts[source]
                possible = frozenset(range(-1, len(texts)))  # -1: none of them
                holds |= {texts.index(value)}
        yield Fact(about, holds if listed.is_one else possible - holds, possible)

    def _is_whole(self, subject: ast.expr) -> bool:
        match self._origin(subject):
            case ast.Call(func=ast.Name(id="len" | "sum")) | ast.BinOp(op=ast.Mod()):
                return True
            case origin:
                return bool(self._whole(origin))

    def _bounds(self, subject: ast.expr) -> tuple[bool, float, float]:
        """Whether the values are whole numbers, the least of them, and what they stay below."""
        origin = self._origin(subject)
        match origin:
            case ast.Call(func=ast.Name(id="int" | "float")):
                return bool(self._whole(origin)), -math.inf, math.inf
            case ast.Call(func=ast.Name(id="len"), args=[measured]):
                least, most = lengths(self._origin(measured))
                return True, least, most + 1
            case ast.BinOp(op=ast.Mod(), right=right):
                number = _number(right)
                if number is not None and number > 0:
                    return True, 0, number
            case ast.BinOp(op=ast.BitAnd(), right=right):
                number = _number(right)
                if number is not None and number >= 0:
                    return True, 0, number + 1
        # Of a number that nobody has sent: it counts something, unless it is held against others.
        numbers = self._numbers[ast.unparse(subject)]
        whole = self._whole(origin)
        if whole is None:
            whole = all(number == int(number) for number in numbers)
        return whole, min(0, *numbers), math.inf

    def _in_cells(
        self, subject: ast.expr, operator: type[ast.cmpop], number: float
    ) -> Fact:
        """Of the numbers a < b the cells are: 0 below a, 1 a itself, 2 between, 3 b itself, 4 above b."""
        source = ast.unparse(subject)
        numbers = self._numbers[source]
        place = 2 * bisect_left(numbers, number) + 1
        holds = frozenset(
            cell
            for cell in range(2 * len(numbers) + 1)
            if (cell > place) - (cell < place) + 1 in _SAYS[operator]
        )
        possible = frozenset(_cells(numbers, *self._bounds(subject)))
        return Fact(f"{source} <>", holds, possible)


# An object that is not equal to one of these is taken for true: that it may be None is not followed.
_EMPTY: Final = frozenset({"''", "b''", "[]", "{}", "()"})


def _length(subject: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("len", ast.Load()), [subject], [])


def _with_number(
    test: ast.expr,
) -> tuple[ast.expr, type[ast.cmpop], float] | None:
    """What is compared with which number, the number on the right."""
    match test:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            kind = type(operator)
            if kind not in _SAYS:
                return None
            number = _number(right)
            if number is not None and _number(left) is None:
                return _value(left), kind, number
            number = _number(left)
            if number is not None and _number(right) is None:
                return _value(right), _SWAPPED.get(kind, kind), number
    return None


def _literals(nodes: Sequence[ast.expr]) -> list[str | bytes | float]:
    """The values of some literals; none where one is another kind of expression, or numbers are mixed with texts."""
    found: list[str | bytes | float] = []
    for node in nodes:
        number = _number(node)
        if number is not None:
            found.append(number)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            found.append(node.value)
        else:
            return []
    numbers = sum(isinstance(value, int | float) for value in found)
    return found if numbers in {0, len(found)} else []


def _value(node: ast.expr) -> ast.expr:
    """The variable of `(n := ...)`."""
    return node.target if isinstance(node, ast.NamedExpr) else node


_SWAPPED: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}


def _number(node: ast.expr) -> float | None:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = _number(operand)
            return None if number is None else -number
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int() as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
    return None


def _cells(
    numbers: list[float], whole: bool, least: float, limit: float
) -> Iterator[int]:
    """The cells in which a value can lie."""
    if not whole:
        yield from range(2 * len(numbers) + 1)
        return
    edges = [-math.inf, *numbers, math.inf]
    for place, (low, high) in enumerate(pairwise(edges)):
        if place and low == int(low) and least <= low < limit:
            yield 2 * place - 1
        first = least if low < least else math.floor(low) + 1 if place else low
        if first < min(high, limit):
            yield 2 * place
