"""Which types are left of a value after it was tested, by `isinstance`, by comparing, or by `match`.

Where all types of a value are seen, a test that none of the rest can fail leaves nothing. Where they are not, the test
may be the last one that the value can fail, and the way behind it is vague.
"""

import ast
from collections.abc import Sequence
from typing import Final

from ..lineage import descends
from ..model import Class, Scope
from ..names import binding_scope
from .bindings import only_value
from .enums import is_member, may_be_enum, members
from .inference import of
from .library import lengths
from .origins import is_one_of_few, sides_of_few
from .patterns import (
    alternatives,
    are_all_lengths,
    class_list,
    constant_of,
    equals,
    irrefutable,
    may_be_all_instances,
    may_be_all_tuples,
)
from .rule import View
from .types import ANY, NONE, Type, Types, is_one, literal
from .ways import UNKNOWN, VAGUE, Value, Way

_NEGATED: Final = (ast.IsNot, ast.NotEq, ast.NotIn)
_COMPARED: Final = (ast.Is, ast.Eq, ast.In, *_NEGATED)
_BOOL: Final = Type("builtins.bool")
_BOOLS: Final = (literal(True), literal(False))


class Narrowing:
    """The tests of one function for types and values."""

    def __init__(self, view: View, scope: Scope) -> None:
        self.view = view
        self.scope = scope
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
                found = [self._value_types(one) for one in self._compared_with(test)]
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
        types = way.get(key) or self.types(subject)
        unseen = (
            not covered
            or types is None
            or self._may_equal(types, covered)
            or (
                not all(map(_is_single, types))
                and any(one.value for one in covered)
                and self._is_one_of_few(subject, way)
            )
        )
        if unseen or types is None or ANY in types:
            after = self._after_unclear(test, way)
            if unseen and self._may_be_exhausted(test, subject, types, way):
                vague = [{**after, VAGUE: True}]
                return (vague, [after]) if negated else ([after], vague)
            return self._ask(test, subject, after)
        inside = tuple(
            one for one in types if any(self._overlaps(one, two) for two in covered)
        )
        outside = tuple(
            one for one in types if not any(self._is(one, two) for two in covered)
        )
        true = [{**way, key: inside}] if inside else []
        false = [{**way, key: outside}] if outside else []
        if false and (
            self._may_be_used_up(source, outside, way)
            or (
                isinstance(test, ast.Call)
                and not (
                    all(self._is_known(one) for one in outside)
                    and self._is_given(subject)
                )
            )
        ):
            false = [{**false[0], VAGUE: True}]
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
                and any(map(_is_single, self.types(node) or ()))
            ]
        return {**way, **dict.fromkeys(self._unclear[test], True)}

    @staticmethod
    def _may_be_used_up(source: str, left: Sequence[Type], way: Way) -> bool:
        """Whether all values that seem to be left may have been told apart by a condition that is not followed."""
        return ("asked", source) in way and all(map(_is_single, left))

    def _by_truth(
        self, test: ast.Name | ast.Attribute, way: Way
    ) -> tuple[list[Way], list[Way]]:
        """Split by a value as a condition: of None, and of literals, it is told whether they are true."""
        source = ast.unparse(test)
        key = ("types", source)
        types = way.get(key) or self.types(test)
        if types is None or not any(map(_is_single, types)):
            return self._unfollowed(test, way)
        true = tuple(one for one in types if _truth(one) is not False)
        false = tuple(one for one in types if _truth(one) is not True)
        after = {**way, key: false}
        if any(_truth(one) is None for one in false):
            after["asked", source] = True
        return [{**way, key: true}] if true else [], [after] if false else []

    def _may_be_exhausted(
        self, test: ast.expr, subject: ast.expr, types: Types, way: Way
    ) -> bool:
        """Whether a test may be the last one that a value, whose type is not seen here, can fail.

        A union may be exhausted by `isinstance`, an Enum or a Literal by comparing with each of its values.
        """
        if isinstance(test, ast.Call):
            if isinstance(subject, ast.Name) and not self._is_parameter(subject):
                return True
            return self._has_foreign_annotation(subject)
        assert isinstance(test, ast.Compare)
        others = self._compared_with(test)
        if any(map(_is_enum, types or ())) and any(
            self._may_be_members(other, test) for other in others
        ):
            return True
        if ("asked", ast.unparse(subject)) not in way and len(others) < 2:
            return False  # nothing has only one value
        few = self._is_one_of_few(subject, way)
        if types is None and not few and self._is_unannotated_parameter(subject):
            return False
        closed = few or (types is not None and all(map(_is_single, types)))
        return any(
            self._names_member(other)
            if isinstance(other, ast.Attribute)
            else isinstance(other, ast.Constant)
            and (
                closed
                or self._is_part_of_member(subject)
                or self._has_foreign_annotation(subject)
            )
            for other in others
        )

    def _may_be_members(self, other: ast.expr, test: ast.Compare) -> bool:
        """Whether something may equal a member, or hold some, without naming them: a text, a constant, a set."""
        match other:
            case ast.Constant(value=value):
                return value is not None
            case ast.Name(id=name) if binding_scope(name, self.scope) is None:
                return True
        return isinstance(test.ops[0], ast.In | ast.NotIn) and not isinstance(
            other, ast.Attribute
        )

    def _names_member(self, node: ast.Attribute) -> bool:
        """Whether `a.b` may be a member of an Enum, as far as the module tells."""
        meaning = self.view.resolve(node.value, self.scope)
        if isinstance(meaning, str):
            return not meaning.startswith("boss")
        if meaning is None:  # a class within a class or function, by its name
            return ast.unparse(node.value).rpartition(".")[2][:1].isupper()
        return is_member(meaning, node.attr)

    def _may_equal(self, types: Sequence[Type], covered: Sequence[Type]) -> bool:
        """Whether a value may equal another that is not of its types: the member of an Enum a text, True a 1."""
        if ANY in types:
            return False
        if any(map(_is_enum, types)) and (
            any(map(_is_open, types))
            or any(isinstance(one.meaning, str) and one != NONE for one in covered)
        ):
            return True
        return any(
            other.value and one != NONE and _may_be_equal(one.meaning, other.meaning)
            for one in types
            for other in covered
        )

    def _compared_with(self, test: ast.Compare) -> Sequence[ast.expr]:
        """What a value is compared with: by `in` with each part of what is written out, here or at the top."""
        other = test.comparators[0]
        if not isinstance(test.ops[0], ast.In | ast.NotIn):
            return (other,)
        meaning = self.view.resolve(other, self.scope)
        match meaning if isinstance(meaning, ast.expr) else other:
            case (
                ast.Tuple(elts=[_, *_] as parts)
                | ast.List(elts=[_, *_] as parts)
                | ast.Set(elts=[_, *_] as parts)
            ):
                return parts
        return (other,)

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
            and self._compared_with(test)[0] is test.comparators[0]
        ):
            held = [{**way, ("few", source): True}]
        if isinstance(test.ops[0], _NEGATED):
            return asked, held
        return held, asked

    # --- match ---

    def fits(self, pattern: ast.pattern, subject: ast.expr, way: Way) -> bool | None:
        """Whether a variable with a known value matches a literal; None: cannot be told."""
        if not isinstance(subject, ast.Name):
            return None
        value: Value = way.get(("value", subject.id), UNKNOWN)
        match pattern:
            case ast.MatchOr(patterns=parts):
                each = {self.fits(part, subject, way) for part in parts}
                return True if True in each else None if None in each else False
            case ast.MatchSingleton(value=None) if value.is_something():
                return False
            case ast.MatchSingleton(value=constant) if value.constant:
                return value.constant == repr(constant)
            case ast.MatchValue(value=node) if value.constant:
                one = constant_of(node)
                return None if one is None else equals(value.constant, one.value)
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
        if not rest:
            return []
        after = {**way, key: rest}
        if self._may_be_used_up(source, rest, way) or (
            any(map(_is_open, rest)) and any(one.value for one in covered)
        ):
            after[VAGUE] = True
        return [after]

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
        flat = [one for pattern in patterns for one in alternatives(pattern)]
        made = only_value(node.subject, self.scope) or node.subject
        all_lengths = are_all_lengths(flat, *lengths(made))
        if len(flat) > 1 and is_one_of_few(self.view, node.subject, self.scope):
            return True
        if types is not None:
            kinds = {one.meaning for one in types}
            return (
                ("builtins.tuple" in kinds and may_be_all_tuples(flat))
                or ("builtins.list" in kinds and all_lengths)
                or not (ANY in types or all(self._is_known(one) for one in types))
                or may_be_all_instances(flat)
                or (
                    any(map(_is_enum, types))
                    and any(self._compares_otherwise(one) for one in flat)
                )
            )
        if self._is_unannotated_parameter(node.subject):
            return False
        if all_lengths or self._is_part_of_member(node.subject):
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

    def _compares_otherwise(self, pattern: ast.pattern) -> bool:
        """Whether a pattern asks for a value, and not for a member that is told apart from the others."""
        return isinstance(pattern, ast.MatchValue) and not any(
            isinstance(one.meaning, Class) and members(self.view, one.meaning)
            for one in self._value_types(pattern.value)
        )

    def _is_part_of_member(self, node: ast.expr) -> bool:
        """Whether it is `kind.value` or `kind.name`, of which there are as many as there are members."""
        return (
            isinstance(node, ast.Attribute)
            and node.attr in {"value", "name"}
            and any(map(_is_enum, of(self.view, node.value, self.scope) or ()))
        )

    def is_limited(self, node: ast.Match, way: Way) -> bool:
        """Whether the cases may cover all there is, by a condition that held before."""
        return len(node.cases) > 1 and ("few", ast.unparse(node.subject)) in way

    def _is_one_of_few(self, node: ast.expr, way: Way) -> bool:
        """Whether no more values may be left than are asked for, by where a value comes from or what held for it."""
        return ("few", ast.unparse(node)) in way or is_one_of_few(
            self.view, node, self.scope
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
            case ast.Name():
                types = of(self.view, node, self.scope) or ()
                return [one for one in types if one.value and len(types) == 1]
            case ast.Attribute(value=value, attr=attribute):
                meaning = self.view.resolve(value, self.scope)
                if isinstance(meaning, Class):
                    first = members(self.view, meaning).get(attribute, attribute)
                    return [Type(meaning, value=(first,))]
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
        """Whether it is what a callback is given, which may be anything; another function's caller knows more."""
        if not isinstance(node, ast.Name) or not any(
            method.definition is self.scope.node for method in self.view.methods
        ):
            return False
        bound = self.scope.bindings.get(node.id, [])
        return (
            len(bound) == 1
            and isinstance(bound[0], ast.arg)
            and bound[0].annotation is None
        )

    def _has_foreign_annotation(self, node: ast.expr) -> bool:
        """Whether `a.b.c`, or else what that is a part of, has a type that is not seen here."""
        types = self.types(node)
        if types is not None:
            return not all(
                isinstance(one.meaning, Class) or self._is_known(one) for one in types
            )
        match node:
            case (
                ast.Subscript(value=whole) | ast.Call(func=ast.Attribute(value=whole))
            ) if ANY in (self.types(whole) or ()):
                return False  # an item of what JSON gives
            case (
                ast.Attribute(value=whole)
                | ast.Subscript(value=whole)
                | ast.Call(func=ast.Attribute(value=whole))
            ):
                return self._has_foreign_annotation(whole)
            case ast.Name(id=name):
                bound = self.scope.bindings.get(name, [])
                return (
                    len(bound) == 1
                    and isinstance(bound[0], ast.arg)
                    and bound[0].annotation is not None
                )
        return True


def _is_enum(one: Type) -> bool:
    """Whether a type is an Enum of the module, or may be one."""
    return isinstance(one.meaning, Class) and may_be_enum(one.meaning)


def _is_single(one: Type) -> bool:
    """Whether a type has one value."""
    return bool(one.value) or one == NONE


_FALSE: Final = frozenset({"False", "0", "''", "b''"})  # as they are written


def _truth(one: Type) -> bool | None:
    """What the values of a type are as a condition; None: cannot be told."""
    if one.value and isinstance(one.meaning, str):
        return one.value[1] not in _FALSE
    return False if one == NONE else None


_NUMBERS: Final = frozenset(f"builtins.{name}" for name in ("bool", "int", "float"))


def _may_be_equal(one: str | Class, other: str | Class) -> bool:
    """Whether something of a type may equal something of another; texts, bytes and numbers are not equal."""
    if one == other:
        return False
    return (
        not all(
            isinstance(kind, str) and kind.startswith("builtins.")
            for kind in (one, other)
        )
        or {one, other} <= _NUMBERS
    )


def _is_open(one: Type) -> bool:
    """Whether a type is an Enum of which the members are not all seen."""
    return _is_enum(one) and not one.value


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
