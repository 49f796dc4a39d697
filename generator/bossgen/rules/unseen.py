"""Whether tests may leave nothing of a value, by types, or by a condition, that are not seen here.

Who asks for one kind after the other may know that there are no more of them. The way behind the last test is vague then.
"""

import ast

from ..model import Class, Scope
from ..names import binding_scope
from .bindings import only_value, parameter
from .closed import compared_with, is_enum, is_known, is_single, types_of, value_types
from .enums import is_member, members
from .inference import of
from .library import lengths
from .origins import is_one_of_few
from .patterns import (
    alternatives,
    are_all_lengths,
    may_be_all_instances,
    may_be_all_tuples,
)
from .rule import View
from .types import ANY, Types
from .ways import Way


class Unseen:
    """The values of one function of which there may be no more than are asked for."""

    def __init__(self, view: View, scope: Scope) -> None:
        self.view = view
        self.scope = scope

    def is_one_of_few(self, node: ast.expr, way: Way) -> bool:
        """Whether no more values may be left than are asked for, by where a value comes from or what held for it."""
        return ("few", ast.unparse(node)) in way or is_one_of_few(
            self.view, node, self.scope
        )

    # --- conditions ---

    def may_be_exhausted(
        self, test: ast.expr, subject: ast.expr, types: Types, way: Way
    ) -> bool:
        """Whether a test may be the last one that a value, whose type is not seen here, can fail.

        A union may be exhausted by `isinstance`, an Enum or a Literal by comparing with each of its values.
        """
        if isinstance(test, ast.Call):
            if isinstance(subject, ast.Name) and not parameter(subject.id, self.scope):
                return True
            return self._has_foreign_annotation(subject)
        assert isinstance(test, ast.Compare)
        others = compared_with(self.view, test, self.scope)
        if any(map(is_enum, types or ())) and any(
            self._may_be_members(other, test) for other in others
        ):
            return True
        if ("asked", ast.unparse(subject)) not in way and len(others) < 2:
            return False  # nothing has only one value
        few = self.is_one_of_few(subject, way)
        if types is None and not few and self._is_unannotated_parameter(subject):
            return False
        closed = few or (types is not None and all(map(is_single, types)))
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

    # --- match ---

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
                or not (ANY in types or all(is_known(self.view, one) for one in types))
                or may_be_all_instances(flat)
                or (
                    any(map(is_enum, types))
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
            for one in value_types(self.view, pattern.value, self.scope)
        )

    def is_limited(self, node: ast.Match, way: Way) -> bool:
        """Whether the cases may cover all there is, by a condition that held before."""
        return len(node.cases) > 1 and ("few", ast.unparse(node.subject)) in way

    # --- values ---

    def _is_unannotated_parameter(self, node: ast.expr) -> bool:
        """Whether it is what a callback is given, which may be anything; another function's caller knows more."""
        if not isinstance(node, ast.Name) or not any(
            method.definition is self.scope.node for method in self.view.methods
        ):
            return False
        bound = parameter(node.id, self.scope)
        return bound is not None and bound.annotation is None

    def _is_part_of_member(self, node: ast.expr) -> bool:
        """Whether it is `kind.value` or `kind.name`, of which there are as many as there are members."""
        return (
            isinstance(node, ast.Attribute)
            and node.attr in {"value", "name"}
            and any(map(is_enum, of(self.view, node.value, self.scope) or ()))
        )

    def _has_foreign_annotation(self, node: ast.expr) -> bool:
        """Whether `a.b.c`, or else what that is a part of, has a type that is not seen here."""
        types = types_of(self.view, node, self.scope)
        if types is not None:
            return not all(
                isinstance(one.meaning, Class) or is_known(self.view, one)
                for one in types
            )
        match node:
            case (
                ast.Subscript(value=whole) | ast.Call(func=ast.Attribute(value=whole))
            ) if ANY in (types_of(self.view, whole, self.scope) or ()):
                return False  # an item of what JSON gives
            case (
                ast.Attribute(value=whole)
                | ast.Subscript(value=whole)
                | ast.Call(func=ast.Attribute(value=whole))
            ):
                return self._has_foreign_annotation(whole)
            case ast.Name(id=name):
                bound = parameter(name, self.scope)
                return bound is not None and bound.annotation is not None
        return True
