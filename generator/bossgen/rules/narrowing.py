"""Which types are left of a value after it was tested, by `isinstance`, by comparing, or by `match`.

Where all types of a value are seen, a test that none of the rest can fail leaves nothing. Where they are not, the test
may be the last one that the value can fail, and the way behind it is vague.
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from ..lineage import descends
from ..model import Class, Scope
from .inference import of
from .rule import View
from .types import ANY, NONE, Type, Types, is_one, literal
from .ways import UNKNOWN, VAGUE, Value, Way

_BOOL: Final = Type("builtins.bool")
_BOOLS: Final = (literal(True), literal(False))


class Narrowing:
    """The tests of one function for types and values."""

    def __init__(self, view: View, scope: Scope) -> None:
        self.view = view
        self.scope = scope

    # --- tests ---

    def split(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        """Split by a test that asks for the type of a value, or for one of its values, where all of them are known."""
        both = [way], [way]
        asked = _type_test(test)
        if asked is not None:
            test, negated = asked
            true, false = self.split(test, way)
            return (false, true) if negated else (true, false)
        match test:
            case ast.Call(func=ast.Name(id="isinstance"), args=[subject, cls]):
                covered = []
                for one in class_list(cls):
                    meaning = self.view.resolve(one, self.scope)
                    if not isinstance(meaning, str | Class):
                        return both
                    covered.append(Type(meaning))
                negated = False
            case ast.Compare(
                left=subject,
                ops=[ast.Is() | ast.IsNot() | ast.Eq() | ast.NotEq() as operator],
                comparators=[other],
            ):
                covered = self._value_types(other)
                negated = isinstance(operator, ast.IsNot | ast.NotEq)
            case _:
                return both
        if not isinstance(subject, ast.Name | ast.Attribute):
            return both
        if not covered:
            if self._may_be_exhausted(test, subject, way):
                vague = [{**way, VAGUE: True}]
                return (vague, [way]) if negated else ([way], vague)
            return self._ask(test, subject, way)
        key = ("types", ast.unparse(subject))
        types = way.get(key) or self.types(subject)
        if types is None or ANY in types:
            if types is None and self._may_be_exhausted(test, subject, way):
                vague = [{**way, VAGUE: True}]
                return (vague, [way]) if negated else ([way], vague)
            return self._ask(test, subject, way)
        inside = tuple(
            one for one in types if any(self._overlaps(one, two) for two in covered)
        )
        outside = tuple(
            one for one in types if not any(self._is(one, two) for two in covered)
        )
        true = [{**way, key: inside}] if inside else []
        false = [{**way, key: outside}] if outside else []
        if (
            false
            and isinstance(test, ast.Call)
            and not (
                all(self._is_known(one) for one in outside) and self._is_given(subject)
            )
        ):
            false = [{**false[0], VAGUE: True}]
        return (false, true) if negated else (true, false)

    def _may_be_exhausted(self, test: ast.expr, subject: ast.expr, way: Way) -> bool:
        """Whether a test may be the last one that a value, whose type is not seen here, can fail.

        A union may be exhausted by `isinstance`, an Enum or a Literal by comparing with each of its values.
        """
        if isinstance(test, ast.Call):
            if isinstance(subject, ast.Name) and not self._is_parameter(subject):
                return True
            return self._has_foreign_annotation(subject)
        if ("asked", ast.unparse(subject)) not in way:
            return False  # nothing has only one value
        assert isinstance(test, ast.Compare)
        other = test.comparators[0]
        if isinstance(other, ast.Attribute):
            meaning = self.view.resolve(other.value, self.scope)
            return isinstance(meaning, str) and not meaning.startswith("boss")
        return isinstance(other, ast.Constant) and self._has_foreign_annotation(subject)

    def _ask(
        self, test: ast.expr, subject: ast.expr, way: Way
    ) -> tuple[list[Way], list[Way]]:
        """Note that a value has been compared with one of its values, and was another."""
        if isinstance(test, ast.Call):
            return [way], [way]
        asked = [{**way, ("asked", ast.unparse(subject)): True}]
        assert isinstance(test, ast.Compare)
        if isinstance(test.ops[0], ast.IsNot | ast.NotEq):
            return asked, [way]
        return [way], asked

    # --- match ---

    def fits(self, pattern: ast.pattern, subject: ast.expr, way: Way) -> bool | None:
        """Whether a variable with a known value matches `None`, `True` or `False`; None: cannot be told."""
        if not isinstance(subject, ast.Name):
            return None
        value: Value = way.get(("value", subject.id), UNKNOWN)
        if isinstance(pattern, ast.MatchSingleton):
            if value.constant:
                return value.constant == repr(pattern.value)
            if value.is_something():
                return False
        return None

    def without(
        self, way: Way, source: str, types: Types, pattern: ast.pattern
    ) -> list[Way]:
        """The way on which the pattern does not match, or nothing."""
        key = ("types", source)
        left: tuple[Type, ...] | None = way.get(key, types)
        if left is None or ANY in left:
            return [way]
        covered = self._covers(pattern)
        rest = tuple(
            one for one in left if not any(self._is(one, two) for two in covered)
        )
        return [{**way, key: rest}] if rest else []

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
                return self._value_types(value)
            case ast.MatchSequence(patterns=[ast.MatchStar()]):
                return [Type("builtins.list"), Type("builtins.tuple")]
            case ast.MatchMapping(keys=[]):
                return [Type("builtins.dict")]
            case ast.MatchOr(patterns=parts):
                return [one for part in parts for one in self._covers(part)]
            case ast.MatchAs(pattern=ast.pattern() as inner):
                return self._covers(inner)
        return []

    def may_be_complete(self, node: ast.Match, types: Types) -> bool:
        """Whether the cases may cover all there is, by a type that is not seen here."""
        patterns = [case.pattern for case in node.cases if case.guard is None]
        flat = [one for pattern in patterns for one in _alternatives(pattern)]
        if types is not None:
            kinds = {one.meaning for one in types}
            return (
                ("builtins.tuple" in kinds and _may_be_all_tuples(flat))
                or ("builtins.list" in kinds and _are_all_lengths(flat))
                or not (ANY in types or all(self._is_known(one) for one in types))
            )
        if self._is_unannotated_parameter(node.subject):
            return False
        if _are_all_lengths(flat):
            return True
        if any(
            isinstance(one, ast.MatchClass | ast.MatchSingleton)
            or (
                isinstance(one, ast.MatchValue) and isinstance(one.value, ast.Attribute)
            )
            for one in flat
        ):
            return True
        return isinstance(node.subject, ast.Name | ast.Attribute) and (
            self._has_foreign_annotation(node.subject)
        )

    # --- types ---

    def types(self, node: ast.expr) -> Types:
        """The closed set of types that a value has; None when there is no such set."""
        types = of(self.view, node, self.scope)
        if types is None:
            return None
        if is_one(types, "builtins.object"):
            return (ANY,)
        return tuple(
            each for one in types for each in (_BOOLS if one == _BOOL else (one,))
        )

    def _value_types(self, node: ast.expr) -> list[Type]:
        match node:
            case ast.Constant(value=None):
                return [NONE]
            case ast.Constant(value=value):
                return [literal(value)]
            case ast.Attribute(value=value, attr=attribute):
                meaning = self.view.resolve(value, self.scope)
                if isinstance(meaning, Class):
                    return [Type(meaning, value=(attribute,))]
        return []

    def _is(self, one: Type, other: Type) -> bool:
        """Whether a value of the type `one` is also of the type `other`."""
        if one.meaning == other.meaning:
            return not other.value or one.value == other.value
        if other.value or one.value:
            return False
        return isinstance(one.meaning, Class) and self._descends(
            one.meaning, other.meaning
        )

    def _overlaps(self, one: Type, other: Type) -> bool:
        if self._is(one, other) or self._is(other, one):
            return True
        if one.value and other.value:
            return False
        if one.value or other.value:
            return one.meaning == other.meaning
        # Two classes of the standard types have nothing in common; of others a third may descend from both.
        return not (
            isinstance(one.meaning, str)
            and isinstance(other.meaning, str)
            and one.meaning.startswith(("builtins.", "boss."))
            and other.meaning.startswith(("builtins.", "boss."))
        )

    def _descends(self, class_: Class, base: str | Class) -> bool:
        if isinstance(base, str):
            return base == "builtins.object" or descends(class_, base)
        return any(
            meaning is base
            or (isinstance(meaning, Class) and self._descends(meaning, base))
            for meanings in class_.bases
            for meaning in meanings
        )

    def _is_known(self, one: Type) -> bool:
        """Whether all there is to know of a type is seen: a class of the file, or of the standard types."""
        if isinstance(one.meaning, Class):
            return not self._has_children(one.meaning)
        return one.meaning.startswith(("builtins.", "boss."))

    def _has_children(self, class_: Class) -> bool:
        return any(
            class_ in meanings
            for other in self.view.module.classes
            for meanings in other.bases
        )

    def _is_given(self, node: ast.expr) -> bool:
        """Whether a value has all its types wherever the function uses it; of a variable some may be told apart."""
        return not isinstance(node, ast.Name) or self._is_parameter(node)

    def _is_parameter(self, node: ast.Name) -> bool:
        bound = self.scope.bindings.get(node.id, [])
        return len(bound) == 1 and isinstance(bound[0], ast.arg)

    def _is_unannotated_parameter(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Name):
            return False
        bound = self.scope.bindings.get(node.id, [])
        return (
            len(bound) == 1
            and isinstance(bound[0], ast.arg)
            and bound[0].annotation is None
        )

    def _has_foreign_annotation(self, node: ast.expr) -> bool:
        """Whether the root of `a.b.c` has a type that is not seen here."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            return True
        bound = self.scope.bindings.get(node.id, [])
        if len(bound) == 1 and isinstance(bound[0], ast.arg):
            types = of(self.view, node, self.scope)
            if types is None:
                return bound[0].annotation is not None
            return not all(
                isinstance(one.meaning, Class) or self._is_known(one) for one in types
            )
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


def _alternatives(pattern: ast.pattern) -> Iterator[ast.pattern]:
    match pattern:
        case ast.MatchOr(patterns=parts):
            for part in parts:
                yield from _alternatives(part)
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _alternatives(inner)
        case _:
            yield pattern


def _may_be_all_tuples(patterns: Sequence[ast.pattern]) -> bool:
    """Whether the cases may cover each tuple of some length: one does, or none asks for a text or a number."""
    return any(_asks_for_length(pattern) for pattern in patterns) or not any(
        isinstance(node, ast.Constant) and isinstance(node.value, str | int | bytes)
        for pattern in patterns
        for node in ast.walk(pattern)
    )


def _are_all_lengths(patterns: Sequence[ast.pattern]) -> bool:
    """Whether the cases cover each length of a list, as `[]` and `[first, *rest]` do."""
    exact: set[int] = set()
    least: list[int] = []
    for pattern in patterns:
        if isinstance(pattern, ast.MatchSequence) and _asks_for_length(pattern):
            parts = pattern.patterns
            fixed = sum(not isinstance(part, ast.MatchStar) for part in parts)
            if fixed < len(parts):
                least.append(fixed)
            else:
                exact.add(fixed)
    return bool(least) and exact.issuperset(range(min(least)))


def _asks_for_length(pattern: ast.pattern) -> bool:
    """Whether a sequence of the right length is all that the pattern asks for."""
    return isinstance(pattern, ast.MatchSequence) and all(
        isinstance(part, ast.MatchStar) or irrefutable(part)
        for part in pattern.patterns
    )
