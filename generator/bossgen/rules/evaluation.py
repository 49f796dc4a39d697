"""What an expression gives on a way through a function, and which ways a condition opens."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import ge, gt, le, lt
from typing import Final

from ..model import Function, Meaning
from .bindings import assignments, only_value
from .calls import Calls, Evaluate, Summaries
from .conditions import as_test, links
from .doubts import Doubts
from .facts import Facts
from .failing import can_raise
from .inference import of
from .narrowing import Narrowing
from .patterns import (
    alternatives,
    class_list,
    constant_of,
    equals,
    irrefutable,
    number_of,
)
from .rule import View
from .types import RESULTS, in_words, is_one, literal
from .variables import stored, walruses
from .ways import (
    DECIDED,
    DOUBTED,
    NOTHING,
    UNKNOWN,
    Value,
    Way,
    after_effects,
    changed,
    decide,
    doubt,
    forget,
    forget_impure,
    vague,
)


@dataclass(slots=True)
class Exits:
    """Where the ways that do not go on have gone."""

    returns: list[tuple[ast.Return, ast.expr | None, Way, Value]] = field(
        default_factory=list
    )
    breaks: list[Way] = field(default_factory=list)
    continues: list[Way] = field(default_factory=list)
    raised: list[Way] = field(default_factory=list)


class Evaluation:
    """The expressions of one function."""

    def __init__(
        self, view: View, node: Function | ast.Lambda, summaries: Summaries
    ) -> None:
        self.view = view
        self.node = node
        self.scope = view.module.scopes[node]
        self.calls = Calls(view, node, summaries)
        self.exits = Exits()
        self.facts = Facts(node, self.scope, self._is_whole, self._origin)
        self.narrowing = Narrowing(view, self.scope)
        self.doubts = Doubts(view, node)
        # Variables that are None until they are assigned something else.
        self.none_at_first = {
            name
            for name, nodes in assignments(view, self.scope).items()
            if any(_is_none(getattr(one, "value", None)) for one in nodes)
        }
        # Whether a doubted way may never come to an end of the function.
        self.gets_away = False

    # --- conditions ---

    def split(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        """The ways on which a condition holds, and those on which it does not."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                true, false = self.split(operand, way)
                return false, true
            case ast.BoolOp(op=operator, values=values):
                both = isinstance(operator, ast.And)
                going, done = [way], []
                for value in values:
                    true, false = self.each(value, going)
                    going, out = (true, false) if both else (false, true)
                    done += out
                return (going, done) if both else (done, going)
            case ast.Compare(ops=[_, _, *_]):
                return self.split(ast.BoolOp(ast.And(), links(test)), way)
            case ast.Constant(value=value):
                return ([way], []) if value else ([], [way])
            case ast.NamedExpr(target=target, value=value):
                true, false = [], []
                for one in self.assign([target], value, [way]):
                    yes, no = self.split(target, one)
                    true += yes
                    false += no
                return true, false
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                return [], [way]
            case ast.Name(id="__debug__"):
                return [way], []
        way = forget(way, walruses(test))
        decided = self._decide_by_value(test, way)
        if decided is not None:
            return ([way], []) if decided else ([], [way])
        true, false = self._split_facts(test, way)
        true = [after for one in true for after in self.narrowing.split(test, one)[0]]
        false = [after for one in false for after in self.narrowing.split(test, one)[1]]
        holds, fails = self.doubts.of(test, way)
        if holds and fails:
            return doubt(true), doubt(false)
        return vague(true) if holds else true, vague(false) if fails else false

    def each(self, test: ast.expr, ways: list[Way]) -> tuple[list[Way], list[Way]]:
        """The same for some ways at once."""
        true: list[Way] = []
        false: list[Way] = []
        for way in ways:
            yes, no = self.split(test, way)
            true += yes
            false += no
        return true, false

    def _decide_by_value(self, test: ast.expr, way: Way) -> bool | None:
        """What a condition is on a variable whose value is known."""
        match test:
            case ast.Name(id=name):
                value: Value = way.get(("value", name), UNKNOWN)
                return value.truth
            case ast.Compare(
                left=ast.Name(id=name), ops=[operator], comparators=[other]
            ):
                written = constant_of(other)
                if written is None:
                    return None
                constant = written.value
                order = _ORDER.get(type(operator))
                if order is not None:
                    return self._in_order(order, name, constant, way)
                value = way.get(("value", name), UNKNOWN)
                same: bool | None = None
                if value.constant and isinstance(operator, ast.Is | ast.IsNot):
                    same = value.constant == repr(constant)
                elif value.constant:
                    same = equals(value.constant, constant)
                elif (value.is_something() or value.truth) and constant is None:
                    same = False
                if same is not None and isinstance(operator, ast.Is | ast.Eq):
                    return same
                if same is not None and isinstance(operator, ast.IsNot | ast.NotEq):
                    return not same
            case ast.Call(
                func=ast.Name(id="isinstance"), args=[ast.Name(id=name), cls]
            ):
                value = way.get(("value", name), UNKNOWN)
                wanted = {self.view.resolve(one, self.scope) for one in class_list(cls)}
                if value.kind == "none":
                    return False
                if value.kind == "result" and wanted <= set(RESULTS):
                    return f"boss.{value.what}" in wanted
        return None

    @staticmethod
    def _in_order(
        order: Callable[[float, float], bool], name: str, constant: object, way: Way
    ) -> bool | None:
        """How a variable that counts, and stands at a number that is known, compares with another number."""
        value: Value = way.get(("value", name), UNKNOWN)
        known = number_of(value.constant)
        if known is None or not isinstance(constant, int | float):
            return None
        return order(known, constant)

    def _split_facts(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        """Split by a test that occurs again: the second time it has the same outcome."""
        true: Way | None = way
        false: Way | None = way
        for fact in self.facts.of(test):
            key = ("test", fact.about)
            known: frozenset[int] = way.get(key, fact.possible)
            holding, failing = known & fact.holds, known - fact.holds
            true = {**true, key: holding} if true is not None and holding else None
            false = {**false, key: failing} if false is not None and failing else None
        return [] if true is None else [true], [] if false is None else [false]

    def split_pattern(
        self, pattern: ast.pattern, subject: ast.expr, way: Way
    ) -> tuple[list[Way], list[Way]]:
        """The ways on which something may match a pattern, and those on which it may be something else."""
        fits = self._fits(pattern, subject, way)
        test = as_test(pattern, subject)
        fitting, refused = self._split_facts(test, way) if test else ([way], [way])
        return [] if fits is False else fitting, [] if fits else refused

    def _fits(self, pattern: ast.pattern, subject: ast.expr, way: Way) -> bool | None:
        """Whether a variable whose value is known matches a pattern; None: cannot be told."""
        if irrefutable(pattern):
            return True
        tests = [as_test(one, subject) for one in alternatives(pattern)]
        each = {test and self._decide_by_value(test, way) for test in tests}
        return True if True in each else None if None in each else False

    def _is_whole(self, node: ast.expr) -> bool | None:
        types = of(self.view, node, self.scope)
        return None if types is None else is_one(types, "builtins.int")

    def _origin(self, node: ast.expr) -> ast.expr:
        found = only_value(node, self.scope) or self.view.resolve(node, self.scope)
        return found if isinstance(found, ast.expr) else node

    # --- values ---

    def values(self, node: ast.expr, way: Way) -> Iterator[tuple[ast.expr, Way, Value]]:
        """What an expression may give: for each possibility the part of it, the way, the value."""
        match node:
            case ast.IfExp(test=test, body=body, orelse=orelse):
                true, false = self.split(test, way)
                for one in decide(true, sure=not false):
                    yield from self.values(body, one)
                for one in decide(false, sure=not true):
                    yield from self.values(orelse, one)
            case ast.BoolOp(op=operator, values=[*parts, last]):
                both = isinstance(operator, ast.And)
                going = [way]
                for part in parts:
                    next_: list[Way] = []
                    for one in going:
                        true, false = self.split(part, one)
                        next_ += true if both else false
                        for out in false if both else true:
                            value = self.value(part, out)
                            if both:  # what is false is no result
                                text = self.view.text(part)
                                value = Value(
                                    "wrong",
                                    f"`{text}` where that is false",
                                    truth=False,
                                )
                            yield part, {**out, DECIDED: True}, value
                    going = next_
                for one in going:
                    yield from self.values(last, one)
            case ast.NamedExpr(target=target, value=value):
                for one in self.assign([target], value, [way]):
                    yield node, one, one.get(("value", target.id), UNKNOWN)
            case ast.Await(value=ast.Call() as call):
                yield from self._called(node, call, way, awaited=True)
            case ast.Call():
                yield from self._called(node, node, way, awaited=False)
            case _:
                yield node, way, self.value(node, way)

    def _called(
        self, node: ast.expr, call: ast.Call, way: Way, *, awaited: bool
    ) -> Iterator[tuple[ast.expr, Way, Value]]:
        after = after_effects(node, way)
        given = list(self.calls.gives(call, self.at(way), awaited=awaited))
        if not given:
            self.leave([way])
        for value in given:
            yield node, after, value

    def leave(self, ways: list[Way]) -> None:
        """Note that these ways may go on without coming to an end of the function."""
        self.gets_away |= any(DOUBTED in way for way in ways)

    def at(self, way: Way) -> Evaluate:
        """`value` on one way."""
        return lambda node: self.value(node, way)

    def value(self, node: ast.expr, way: Way) -> Value:
        """What is known of the value of a simple expression."""
        match node:
            case ast.Name(id=name):
                known: Value | None = way.get(("value", name))
                if known is not None and known.kind in {"unknown", "parameter"}:
                    typed = self.calls.typed(node)
                    return known if typed == UNKNOWN else typed
                if known is not None:
                    return known
                return self._named(self.view.lookup(name, self.scope), node)
            case ast.Attribute():
                meaning = self.view.resolve(node, self.scope)
                return self._named((meaning,), node)
            case ast.Constant(value=None):
                return NOTHING
            case ast.Constant() | ast.UnaryOp(op=ast.USub()):
                constant = constant_of(node)
                if constant is None:
                    return UNKNOWN
                value = constant.value
                what = in_words(literal(value))
                return Value("wrong", what, truth=bool(value), constant=repr(value))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = self.value(operand, way).truth
                if truth is None:
                    return Value("wrong", "a bool")
                return Value(
                    "wrong", "a bool", truth=not truth, constant=repr(not truth)
                )
            case ast.Lambda():
                return Value("wrong", "a lambda", truth=True)
        return self.calls.typed(node)

    def _named(self, meanings: tuple[Meaning, ...], node: ast.expr) -> Value:
        meaning = meanings[0] if len(meanings) == 1 else None
        if meaning in RESULTS:
            return Value("wrong", f"the class `{ast.unparse(node)}` itself", truth=True)
        if isinstance(meaning, Function):
            return Value("wrong", f"the function `{meaning.name}` itself", truth=True)
        if isinstance(meaning, ast.Call) and isinstance(node, ast.Name):
            # A result made once, at the top of the module.
            made = self.view.at_top(meaning.func)
            if made in RESULTS:
                return Value("result", str(made).removeprefix("boss."), truth=True)
        return self.calls.typed(node)

    # --- what binds a variable, and what fails ---

    def assign(
        self, targets: Sequence[ast.expr], value: ast.expr | None, ways: list[Way]
    ) -> list[Way]:
        after: list[Way] = []
        for way in ways:
            self.may_raise(value, way)
            for one, result in self._assigned(targets, value, way):
                one = after_effects(value, one)
                for target in targets:
                    one = forget(one, list(stored(target)))
                    if isinstance(target, ast.Name):
                        if (
                            target.id in self.none_at_first
                            and result.kind in {"unknown", "wrong"}
                            and result.truth is None
                        ):
                            result = replace(result, truth=True)
                        if result != UNKNOWN and target.id not in self.doubts.shared:
                            one = {**one, ("value", target.id): result}
                    else:
                        self.exits.raised.append(way)
                        match target:
                            case ast.Subscript(value=whole, ctx=ast.Store()):
                                one = changed(one, whole)
                            case ast.Attribute(ctx=ast.Store()) if value is None:
                                one = changed(one, target)
                        one = forget_impure(one)
                        if (
                            value is not None
                            and isinstance(target, ast.Attribute)
                            and not self.doubts.is_given_alone(target, value)
                        ):
                            one = {**one, ("set", ast.unparse(target)): True}
                after.append(one)
        return after

    def _assigned(
        self, targets: Sequence[ast.expr], value: ast.expr | None, way: Way
    ) -> Iterator[tuple[Way, Value]]:
        """What is assigned, and the way it is; two ways for the outcome of a condition that is asked for again."""
        match targets:
            case [ast.Name(id=name)] if name in self.doubts.followed and value:
                true, false = self.split(value, way)
                for one in true:
                    yield one, Value("unknown", truth=True)
                for one in false:
                    yield one, Value("unknown", truth=False)
            case _ if value is None:
                yield way, UNKNOWN
            case _:
                for _, one, result in self.values(value, way):
                    yield one, result

    def may_raise(self, node: ast.expr | None, way: Way) -> None:
        """Note that evaluating an expression may fail on a way."""
        if node is not None and can_raise(self.view, node, self.scope):
            self.exits.raised.append(way)


_ORDER: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Lt: lt,
    ast.LtE: le,
    ast.Gt: gt,
    ast.GtE: ge,
}


def _is_none(node: ast.AST | None) -> bool:
    """Whether an expression, or a part of a tuple, is None."""
    if isinstance(node, ast.Tuple):
        return any(map(_is_none, node.elts))
    return isinstance(node, ast.Constant) and node.value is None
