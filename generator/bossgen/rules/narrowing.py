"""Which types are left of a value after it was tested, by `isinstance`, by comparing, or by `match`.

Where all types of a value are seen, a test that none of the rest can fail leaves nothing. Where they are not, the test
may be the last one that the value can fail, and the way behind it is vague.
"""

import ast
from collections.abc import Sequence
from typing import Final

from ..model import Class, Scope
from .bindings import parameter
from .closed import (
    compared_with,
    is_abstract,
    is_foreign,
    is_known,
    is_of,
    is_open,
    is_single,
    may_equal,
    overlaps,
    truth,
    types_of,
    value_types,
)
from .origins import sides_of_few
from .patterns import class_list, irrefutable
from .rule import View
from .types import ANY, NONE, Type, Types, literal
from .unseen import Unseen
from .ways import VAGUE, Way, vague

_NEGATED: Final = (ast.IsNot, ast.NotEq, ast.NotIn)
_COMPARED: Final = (ast.Is, ast.Eq, ast.In, *_NEGATED)


class Narrowing:
    """The tests of one function for types and values."""

    def __init__(self, view: View, scope: Scope) -> None:
        self.view = view
        self.scope = scope
        self.unseen = Unseen(view, scope)
        # What the conditions that are not followed ask about.
        self._unclear: dict[ast.expr, list[tuple[str, str]]] = {}
        # What the conditions ask one side of.
        self._sides: dict[ast.expr, list[tuple[str, str]]] = {}

    # --- tests ---

    def split(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        """Split by a test that asks for the type of a value, or for one of its values, where all of them are known."""
        asked = _type_test(test)
        if asked is not None:
            test, negated = asked
            true, false = self.split(test, way)
            return (false, true) if negated else (true, false)
        true, false = self._split(test, way)
        if test not in self._sides:
            sides = sides_of_few(self.view, test, self.scope)
            self._sides[test] = [("asked", side) for side in sides]
        if not self._sides[test]:
            return true, false
        if _says_absent(test):
            return self._without(test, true, way), false
        return true, self._without(test, false, way)

    def _without(self, test: ast.expr, ways: list[Way], before: Way) -> list[Way]:
        """The ways on which a side of something is not there; vague where another side is not there either."""
        after: Way = dict.fromkeys(self._sides[test], True)
        if any(side in before for side in self._sides[test]):
            after[VAGUE] = True
        return [{**way, **after} for way in ways]

    def _split(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        match test:
            case ast.Call(func=ast.Name(id="isinstance"), args=[subject, cls]):
                covered = []
                for one in class_list(cls):
                    meaning = self.view.resolve(one, self.scope)
                    if not isinstance(meaning, str | Class):
                        return self._unfollowed(test, way)
                    covered.append(Type(meaning))
                negated = False
            case ast.Compare(left=subject, ops=[operator]) if isinstance(
                operator, _COMPARED
            ):
                found = [
                    value_types(self.view, one, self.scope)
                    for one in compared_with(self.view, test, self.scope)
                ]
                # What is not seen of `kind in KINDS` may be all that is left.
                covered = [one for types in found for one in types if all(found)]
                negated = isinstance(operator, _NEGATED)
            case ast.Name() | ast.Attribute():
                return self._by_truth(test, way)
            case _:
                return self._unfollowed(test, way)
        if isinstance(subject, ast.NamedExpr):
            subject = subject.target
        source = ast.unparse(subject)
        key = ("types", source)
        types = way.get(key) or types_of(self.view, subject, self.scope)
        unseen = (
            not covered
            or types is None
            or (isinstance(test, ast.Compare) and may_equal(types, covered))
            or (
                not all(map(is_single, types))
                and any(one.value for one in covered)
                and self.unseen.is_one_of_few(subject, way)
            )
        )
        if unseen or types is None or ANY in types:
            after = self._after_unclear(test, way)
            if unseen and self.unseen.may_be_exhausted(test, subject, types, way):
                last = vague([after])
                return (last, [after]) if negated else ([after], last)
            return self._ask(test, subject, after)
        inside = tuple(
            one for one in types if any(overlaps(one, two) for two in covered)
        )
        outside = tuple(
            one for one in types if not any(is_of(one, two) for two in covered)
        )
        true = [{**way, key: inside}] if inside else []
        false = [{**way, key: outside}] if outside else []
        if false and (
            self._may_be_used_up(source, outside, way)
            or self._may_be_of(outside, covered, types)
            or (
                isinstance(test, ast.Call)
                and not (
                    all(is_known(self.view, one) for one in outside)
                    and (
                        not isinstance(subject, ast.Name)
                        or parameter(subject.id, self.scope)
                    )
                )
            )
        ):
            false = vague(false)
        return (false, true) if negated else (true, false)

    def _unfollowed(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        after = self._after_unclear(test, way)
        return [{**after, **self._limited(test)}], [after]

    def _limited(self, test: ast.expr) -> Way:
        """What is known where a function has answered yes: what it was given may be one of few, `is_known(kind)`."""
        call = test.value if isinstance(test, ast.Await) else test
        if not isinstance(call, ast.Call) or str(
            self.view.target(call, self.scope)
        ).startswith("builtins."):
            return {}
        return {
            ("few", ast.unparse(one)): True
            for one in call.args
            if isinstance(one, ast.Name | ast.Attribute)
        }

    def _after_unclear(self, test: ast.expr, way: Way) -> Way:
        """The way behind a condition that is not followed, `kind.is_open()` or `level > 1`: which values are left?"""
        if test not in self._unclear:
            self._unclear[test] = [
                ("asked", ast.unparse(node))
                for node in ast.walk(test)
                if isinstance(node, ast.Name | ast.Attribute)
                and any(map(is_single, types_of(self.view, node, self.scope) or ()))
            ]
        return {**way, **dict.fromkeys(self._unclear[test], True)}

    @staticmethod
    def _may_be_used_up(source: str, left: Sequence[Type], way: Way) -> bool:
        """Whether all values that seem to be left may have been told apart by a condition that is not followed."""
        return ("asked", source) in way and all(map(is_single, left))

    def _may_be_of(
        self, left: Sequence[Type], covered: Sequence[Type], types: Sequence[Type]
    ) -> bool:
        """Whether what seems to be left of some types is covered after all, by a type of which that is not seen."""
        kinds = {one.meaning for one in types}
        return any(one != NONE and is_known(self.view, one) for one in left) and any(
            is_abstract(one) or (is_foreign(one) and one.meaning not in kinds)
            for one in covered
        )

    def _by_truth(
        self, test: ast.Name | ast.Attribute, way: Way
    ) -> tuple[list[Way], list[Way]]:
        """Split by a value as a condition: of None, and of literals, it is told whether they are true."""
        source = ast.unparse(test)
        key = ("types", source)
        types = way.get(key) or types_of(self.view, test, self.scope)
        if types is None or not any(map(is_single, types)):
            return self._unfollowed(test, way)
        true = tuple(one for one in types if truth(one) is not False)
        false = tuple(one for one in types if truth(one) is not True)
        after = {**way, key: false}
        if any(truth(one) is None for one in false):
            after["asked", source] = True
        return [{**way, key: true}] if true else [], [after] if false else []

    def _ask(
        self, test: ast.expr, subject: ast.expr, way: Way
    ) -> tuple[list[Way], list[Way]]:
        """Note that a value has been compared with one of its values, and was another; or is one of a collection."""
        if isinstance(test, ast.Call):
            return [way], [way]
        source = ast.unparse(subject)
        asked = [{**way, ("asked", source): True}]
        assert isinstance(test, ast.Compare)
        held = [way]
        if (
            isinstance(test.ops[0], ast.In | ast.NotIn)
            and compared_with(self.view, test, self.scope)[0] is test.comparators[0]
        ):
            held = [{**way, ("few", source): True}]
        if isinstance(test.ops[0], _NEGATED):
            return asked, held
        return held, asked

    # --- match ---

    def without(
        self, way: Way, source: str, types: Types, pattern: ast.pattern
    ) -> list[Way]:
        """The way on which the pattern does not match, or nothing."""
        key = ("types", source)
        left: tuple[Type, ...] | None = way.get(key, types)
        if left is None or ANY in left:
            return [way]
        covered = self._covers(pattern)
        rest = tuple(one for one in left if not any(is_of(one, two) for two in covered))
        if not rest:
            return []
        after = {**way, key: rest}
        if (
            self._may_be_used_up(source, rest, way)
            or self._may_be_of(rest, covered, left)
            or (any(map(is_open, rest)) and any(one.value for one in covered))
        ):
            after[VAGUE] = True
        return [after]

    def behind(self, node: ast.Match, types: Types, ways: list[Way]) -> list[Way]:
        """The ways on which no case matches; vague where the cases may cover all there is."""
        if ways and self.unseen.may_be_complete(node, types):
            return vague(ways)
        return [
            after
            for way in ways
            for after in (vague([way]) if self.unseen.is_limited(node, way) else [way])
        ]

    def _covers(self, pattern: ast.pattern) -> list[Type]:
        """The types of which every value matches a pattern."""
        match pattern:
            case ast.MatchClass(cls=cls, patterns=parts, kwd_patterns=more):
                meaning = self.view.resolve(cls, self.scope)
                if all(irrefutable(part) for part in (*parts, *more)) and isinstance(
                    meaning, str | Class
                ):
                    return [Type(meaning)]
            case ast.MatchSingleton(value=value):
                return [NONE if value is None else literal(value)]
            case ast.MatchValue(value=value):
                return value_types(self.view, value, self.scope)
            case ast.MatchSequence(patterns=[ast.MatchStar()]):
                return [Type("builtins.list"), Type("builtins.tuple")]
            case ast.MatchMapping(keys=[]):
                return [Type("builtins.dict")]
            case ast.MatchOr(patterns=parts):
                return [one for part in parts for one in self._covers(part)]
            case ast.MatchAs(pattern=ast.pattern() as inner):
                return self._covers(inner)
        return []


def _says_absent(test: ast.expr) -> bool:
    """Whether what a condition asks for is not there when it holds: `x is None`, `x != "a"`."""
    match test:
        case ast.Compare(ops=[operator], comparators=[other]):
            is_none = isinstance(other, ast.Constant) and other.value is None
            return isinstance(operator, _NEGATED) != is_none
    return False


def _type_test(test: ast.expr) -> tuple[ast.expr, bool] | None:
    """`type(x) is T` as `isinstance(x, T)`, and whether it is negated."""
    match test:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="type"), args=[subject])
            | ast.Attribute(value=subject, attr="__class__"),
            ops=[ast.Is() | ast.IsNot() | ast.Eq() | ast.NotEq() as operator],
            comparators=[kind],
        ):
            function = ast.Name("isinstance", ast.Load())
            return (
                ast.Call(function, [subject, kind], []),
                isinstance(operator, ast.IsNot | ast.NotEq),
            )
    return None
