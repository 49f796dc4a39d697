"""How a function can end, and with what: the ways through it are followed one by one.

A way is a dictionary of what is known on it: the values of variables, the outcome of tests that occur more than once,
the types that are left of a value after it was tested. Two ways that know the same are one. Where the number of ways
grows too large, or where somebody else's code decides, a way is marked as vague, and nothing is concluded from it: a
way that ends without a result is reported only when it is sure that it exists.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from ..model import Class, Function, Meaning
from ..names import captured, descends
from .facts import Facts, links
from .inference import of
from .rule import View, positional
from .types import ANY, NONE, Type, Types, in_words, is_one, literal, of_annotation

COROUTINE: Final = "a coroutine"
RESULTS: Final = ("boss.Ok", "boss.Noreply", "boss.Stop")
_MOST_WAYS: Final = 128
_MOST_STEPS: Final = 8_000  # statements followed in one function
_NEVER: Final = frozenset(
    {
        *("sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"),
        *("typing.assert_never",),
    }
)
# Functions of other modules whose names say that they may not come back.
_MAY_NOT_RETURN: Final = re.compile(
    r"_*(?:(?:fail|abort|die|panic|bail|exit|quit|throw|raise|unreachable|never|assert_never)(?:_.*)?|.*_or_(?:fail|raise|die|exit))"
)
# Context managers that let the code behind them run when their body has failed.
_SWALLOWING: Final = frozenset(
    {
        *("contextlib.suppress", "anyio.move_on_after", "anyio.move_on_at"),
        *("anyio.CancelScope", "trio.move_on_after", "trio.move_on_at"),
        *("trio.CancelScope",),
    }
)
_ENDLESS: Final = frozenset({"itertools.count", "itertools.cycle"})


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a value: that it is a result, that it is none, or nothing."""

    kind: Literal["unknown", "result", "none", "wrong", "mixed", "parameter"]
    what: str = ""  # of a result "Noreply"; of something wrong "a tuple"; of a parameter its name
    truth: bool | None = None  # as a condition; None: cannot be told
    constant: str = ""  # how a literal is written, to be compared
    may_be_none: bool = False

    def is_something(self) -> bool:
        """Whether it is not None, for sure."""
        return self.kind in {"result", "wrong"} and not self.may_be_none


UNKNOWN: Final = Value("unknown")
NOTHING: Final = Value("none", "None", truth=False, constant="None")


@dataclass(frozen=True, slots=True)
class End:
    """A `return` as one way reaches it."""

    node: ast.Return
    expression: (
        ast.expr | None
    )  # which part of it is the value: one side of `a if b else c`
    value: Value
    sure: bool  # the way exists
    straight: bool  # nothing was decided on the way


@dataclass(frozen=True, slots=True)
class Summary:
    """All ends of a function."""

    ends: tuple[End, ...]
    falls: bool  # its last line can be passed, for sure
    may_fall: bool  # or at least not for sure not


Way: TypeAlias = dict[Any, Any]
"""Keyed by ("value", name), ("test", source), ("types", source), ("asked", source) and by the marks below."""

_BOOL: Final = Type("builtins.bool")
_BOOLS: Final = (literal(True), literal(False))
_VAGUE: Final = ("vague",)
_DECIDED: Final = ("decided",)


@dataclass(slots=True)
class _Exits:
    """Where the ways that do not go on have gone."""

    returns: list[tuple[ast.Return, ast.expr | None, Way, Value]] = field(
        default_factory=list
    )
    breaks: list[Way] = field(default_factory=list)
    continues: list[Way] = field(default_factory=list)
    raised: list[Way] = field(default_factory=list)


class Flow:
    """The functions of one handler's file; each is followed at most once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._done: dict[ast.AST, Summary | None] = {}

    def summary(self, node: Function) -> Summary | None:
        """All ends of a function; None while it is being followed, where it calls itself."""
        if node not in self._done:
            self._done[node] = None
            self._done[node] = _Walk(self, node).summary()
        return self._done[node]

    def never_returns(self, node: Function) -> bool:
        """Whether a call of the function provably does not come back."""
        if self._named_never(node):
            return True
        if self.view.module.scopes[node].yields or not self.view.plain(node):
            return False
        summary = self.summary(node)
        return summary is not None and not summary.ends and not summary.may_fall

    def _named_never(self, node: Function) -> bool:
        types = of_annotation(self.view, node.returns)
        return is_one(types, "typing.NoReturn") or is_one(types, "typing.Never")


def flow_of(view: View) -> Flow:
    """The one Flow of a handler, for all rules."""
    if "flow" not in view.memo:
        view.memo["flow"] = Flow(view)
    flow = view.memo["flow"]
    assert isinstance(flow, Flow)
    return flow


class _TooLongError(Exception):
    """A function has so many ways that following them would take too long."""


class _Walk:
    """One function, followed from its first line."""

    def __init__(self, flow: Flow, node: Function) -> None:
        self.flow = flow
        self.view = flow.view
        self.node = node
        self.scope = self.view.module.scopes[node]
        self.is_async = isinstance(node, ast.AsyncFunctionDef)
        self.exits = _Exits()
        self.steps = 0
        self.walrus = any(
            isinstance(one, ast.NamedExpr) for one in self.scope.assignments
        )
        self.facts = Facts(node, self._is_whole)

    def summary(self) -> Summary:
        try:
            ways = self.block(self.node.body, [self._start()])
        except _TooLongError:
            return Summary(ends=(), falls=False, may_fall=True)
        return Summary(
            ends=tuple(
                End(node, expression, value, _VAGUE not in way, _DECIDED not in way)
                for node, expression, way, value in self.exits.returns
            ),
            falls=any(_VAGUE not in way for way in ways),
            may_fall=bool(ways),
        )

    def _start(self) -> Way:
        way: Way = {}
        callbacks = [
            method for method in self.view.methods if method.definition is self.node
        ]
        if not callbacks:  # what it is given, the caller knows
            for argument in (*positional(self.node), *self.node.args.kwonlyargs):
                way["value", argument.arg] = Value("parameter", argument.arg)
        for method in callbacks:
            names = [
                argument.arg
                for argument in (*self.node.args.posonlyargs, *self.node.args.args)
            ]
            given = ("self", *method.callback.parameters)
            for name, meaning in zip(names, given, strict=False):
                if meaning == "message" and method.name != "handle_incoming":
                    continue  # a broadcast may be anything
                if meaning == "reason" and method.name != "handle_close":
                    continue
                if meaning in _GIVEN_WRONG:
                    way["value", name] = Value(
                        "wrong",
                        _GIVEN_WRONG[meaning],
                        may_be_none=meaning == "state",
                    )
        return way

    # --- statements ---

    def block(self, body: Sequence[ast.stmt], ways: list[Way]) -> list[Way]:
        """Follow statements one after the other."""
        for statement in body:
            if not ways:
                return []  # nothing behind this is reached
            self.steps += len(ways)
            if self.steps > _MOST_STEPS:
                raise _TooLongError
            ways = self.reduce(self.statement(statement, ways))
        return ways

    def reduce(self, ways: list[Way]) -> list[Way]:
        """Make one of those that know the same; and give up telling them apart when they are too many."""
        if len(ways) < 2:
            return ways
        distinct = {frozenset(way.items()): way for way in ways}
        if len(distinct) <= _MOST_WAYS:
            return list(distinct.values())
        common = set.intersection(*(set(items) for items in distinct))
        return [{**dict(common), _VAGUE: True}]

    def statement(self, node: ast.stmt, ways: list[Way]) -> list[Way]:
        match node:
            case ast.Return(value=value):
                for way in ways:
                    self._may_raise(value, way)
                    if value is None:
                        self.exits.returns.append((node, None, way, NOTHING))
                        continue
                    for part, after, result in self.values(value, way):
                        self.exits.returns.append((node, part, after, result))
                return []
            case ast.Raise():
                self.exits.raised += ways
                return []
            case ast.Break():
                self.exits.breaks += ways
                return []
            case ast.Continue():
                self.exits.continues += ways
                return []
            case ast.If():
                return self.if_(node, ways)
            case ast.Match():
                return self.match(node, ways)
            case ast.While():
                return self.while_(node, ways)
            case ast.For() | ast.AsyncFor():
                return self.for_(node, ways)
            case ast.Try() | ast.TryStar():
                return self.try_(node, ways)
            case ast.With() | ast.AsyncWith():
                return self.with_(node, ways)
            case ast.Assert(test=test):
                for way in ways:
                    self.exits.raised.append(way)
                return [way for before in ways for way in self.split(test, before)[0]]
            case ast.Assign(targets=targets, value=value):
                return self.assign(targets, value, ways)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self.assign([target], value, ways)
            case ast.Expr(value=value):
                return self.expression(value, ways)
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                return [self.forget(way, [name]) for way in ways]
            case ast.Import() | ast.ImportFrom():
                self.exits.raised += ways
                names = [
                    alias.asname or alias.name.partition(".")[0] for alias in node.names
                ]
                return [self.forget(way, names) for way in ways]
            case ast.AugAssign() | ast.Delete():
                targets = (
                    [node.target] if isinstance(node, ast.AugAssign) else node.targets
                )
                return self.assign(targets, None, ways)
        return ways

    def assign(
        self, targets: Sequence[ast.expr], value: ast.expr | None, ways: list[Way]
    ) -> list[Way]:
        after: list[Way] = []
        for way in ways:
            self._may_raise(value, way)
            outcomes = (
                [(way, UNKNOWN)]
                if value is None
                else [(one, result) for _, one, result in self.values(value, way)]
            )
            for one, result in outcomes:
                one = self.after_effects(value, one)
                for target in targets:
                    one = self.forget(one, list(_stored(target)))
                    if isinstance(target, ast.Name):
                        if result != UNKNOWN:
                            one = {**one, ("value", target.id): result}
                    else:
                        self.exits.raised.append(way)
                        one = self.forget_impure(one)
                after.append(one)
        return after

    def expression(self, value: ast.expr, ways: list[Way]) -> list[Way]:
        """A statement that is an expression: mostly a call, which may be one that does not come back."""
        call = value.value if isinstance(value, ast.Await) else value
        after: list[Way] = []
        for way in ways:
            self._may_raise(value, way)
            after.append(self.after_effects(value, way))
        if not isinstance(call, ast.Call):
            return after
        target = self.view.target(call, self.scope)
        if isinstance(target, Function):
            awaited = isinstance(value, ast.Await)
            if awaited == isinstance(target, ast.AsyncFunctionDef) and (
                self.flow.never_returns(target)
            ):
                return []
            return after
        if isinstance(target, str):
            if target in _NEVER:
                return []
            if target.startswith(("builtins.", "logging.", "boss.", "asyncio.")):
                return after
        name = (
            call.func.attr
            if isinstance(call.func, ast.Attribute)
            else getattr(call.func, "id", "")
        )
        if _MAY_NOT_RETURN.fullmatch(name):
            return [{**way, _VAGUE: True} for way in after]
        return after

    def if_(self, node: ast.If, ways: list[Way]) -> list[Way]:
        done: list[Way] = []
        while True:  # along `elif`, which `ast` nests
            taken: list[Way] = []
            left: list[Way] = []
            for way in ways:
                self._may_raise(node.test, way)
                true, false = self.split(node.test, way)
                taken += true
                left += false
            done += self.block(node.body, self.decide(taken, sure=not left))
            left = self.decide(self.reduce(left), sure=not taken)
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                node, ways = node.orelse[0], left
                if ways:
                    continue
                return done
            return done + self.block(node.orelse, left)

    def decide(self, ways: list[Way], *, sure: bool) -> list[Way]:
        """Note that the way depends on a condition."""
        if sure:
            return ways
        return [way if _DECIDED in way else {**way, _DECIDED: True} for way in ways]

    def while_(self, node: ast.While, ways: list[Way]) -> list[Way]:
        outer, self.exits.breaks = self.exits.breaks, []
        continues, self.exits.continues = self.exits.continues, []
        done: list[Way] = []
        seen: set[frozenset[Any]] = set()
        for _ in range(4):
            taken: list[Way] = []
            for way in ways:
                self._may_raise(node.test, way)
                true, false = self.split(node.test, way)
                taken += true
                done += self.decide(false, sure=not true)
            self.exits.continues = []
            after = self.block(node.body, self.decide(taken, sure=False))
            ways = _new(self.reduce(after + self.exits.continues), seen)
            if not ways:
                break
        done = self.block(node.orelse, self.reduce(done))
        done += self.exits.breaks
        self.exits.breaks, self.exits.continues = outer, continues
        return done

    def for_(self, node: ast.For | ast.AsyncFor, ways: list[Way]) -> list[Way]:
        outer, self.exits.breaks = self.exits.breaks, []
        continues, self.exits.continues = self.exits.continues, []
        for way in ways:
            self.exits.raised.append(way)
        once, endless = self._rounds(node.iter)
        done = [] if once or endless else self.decide(list(ways), sure=False)
        names = list(_stored(node.target))
        seen: set[frozenset[Any]] = set()
        for _ in range(4):
            begun = [
                self.forget(self.forget_impure(way), names)
                for way in self.decide(ways, sure=False)
            ]
            self.exits.continues = []
            after = self.reduce(self.block(node.body, begun) + self.exits.continues)
            if not endless:
                done += after
            ways = _new(after, seen)
            if not ways:
                break
        done = self.block(node.orelse, self.reduce(done))
        done += self.exits.breaks
        self.exits.breaks, self.exits.continues = outer, continues
        return done

    def _rounds(self, iterable: ast.expr) -> tuple[bool, bool]:
        """Whether a loop is entered for sure, and whether it ends only by `break`."""
        match iterable:
            case ast.Tuple(elts=[first, *_]) | ast.List(elts=[first, *_]):
                return not isinstance(first, ast.Starred), False
            case ast.Constant(value=str() | bytes() as text):
                return bool(text), False
            case ast.Call(func=function, args=arguments):
                meaning = self.view.resolve(function, self.scope)
                if meaning in _ENDLESS:
                    return True, True
                if meaning == "itertools.repeat" and len(arguments) == 1:
                    return True, True
                if meaning == "builtins.range" and len(arguments) == 1:
                    match arguments[0]:
                        case ast.Constant(value=int() as count):
                            return count > 0, False
        return False, False

    def try_(self, node: ast.Try | ast.TryStar, ways: list[Way]) -> list[Way]:
        outside = self.exits
        self.exits = _Exits()
        ways = self.block(node.body, ways)
        caught = self.reduce(self.exits.raised)
        self.exits.raised = []
        done: list[Way] = []
        catches_all = False
        for handler in node.handlers:
            meaning = (
                "builtins.BaseException"
                if handler.type is None
                else self.view.resolve(handler.type, self.scope)
            )
            names = [handler.name] if handler.name else []
            done += self.block(
                handler.body,
                [self.forget(way, names) for way in self.decide(caught, sure=False)],
            )
            catches_all |= meaning in {
                "builtins.Exception",
                "builtins.BaseException",
            }
        done += self.block(node.orelse, ways) if node.orelse else ways
        if not catches_all:
            self.exits.raised += caught
        inside, self.exits = self.exits, outside
        if not node.finalbody:
            self.exits.returns += inside.returns
            self.exits.breaks += inside.breaks
            self.exits.continues += inside.continues
            self.exits.raised += inside.raised
            return done
        final = node.finalbody
        for one, expression, way, value in inside.returns:
            if self.block(final, [way]):
                self.exits.returns.append((one, expression, way, value))
        self.exits.breaks += self.block(final, self.reduce(inside.breaks))
        self.exits.continues += self.block(final, self.reduce(inside.continues))
        self.exits.raised += self.block(final, self.reduce(inside.raised))
        return self.block(final, self.reduce(done))

    def with_(self, node: ast.With | ast.AsyncWith, ways: list[Way]) -> list[Way]:
        swallows = False
        for item in node.items:
            context = item.context_expr
            function = context.func if isinstance(context, ast.Call) else context
            swallowing = self.view.resolve(function, self.scope) in _SWALLOWING
            if swallowing and not _suppresses_nothing(context):
                swallows = True
            else:
                self.exits.raised += ways
            ways = [self.after_effects(context, way) for way in ways]
            if item.optional_vars is not None:
                names = list(_stored(item.optional_vars))
                ways = [self.forget(way, names) for way in ways]
        if not swallows:
            return self.block(node.body, ways)
        outside, self.exits.raised = self.exits.raised, []
        done = self.block(node.body, ways)
        done += self.decide(self.reduce(self.exits.raised), sure=False)
        self.exits.raised = outside
        return done

    # --- match ---

    def match(self, node: ast.Match, ways: list[Way]) -> list[Way]:
        subject = node.subject
        source = ast.unparse(subject)
        types = self._types(subject)
        done: list[Way] = []
        for way in ways:
            self._may_raise(subject, way)
        left = [self.after_effects(subject, way) for way in ways]
        for case in node.cases:
            names = [name for one in ast.walk(case.pattern) for name in captured(one)]
            certain = case.guard is None and _irrefutable(case.pattern)
            taken: list[Way] = []
            still: list[Way] = []
            for way in left:
                fits = self._fits(case.pattern, subject, way)
                if fits is not False:
                    inside = [self.forget(way, names)]
                    if case.guard is not None:
                        inside, _ = self._each(case.guard, inside)
                    taken += inside
                if fits is True and case.guard is None:
                    continue
                if certain:
                    continue
                if case.guard is not None:
                    still.append(way)
                else:
                    still += self._without(way, source, types, case.pattern)
            done += self.block(case.body, self.decide(taken, sure=not still))
            left = self.decide(self.reduce(still), sure=False)
        if left and self._may_be_complete(node, types):
            left = [{**way, _VAGUE: True} for way in left]
        return done + left

    def _each(self, test: ast.expr, ways: list[Way]) -> tuple[list[Way], list[Way]]:
        true: list[Way] = []
        false: list[Way] = []
        for way in ways:
            yes, no = self.split(test, way)
            true += yes
            false += no
        return true, false

    def _fits(self, pattern: ast.pattern, subject: ast.expr, way: Way) -> bool | None:
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

    def _without(
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
                if all(_irrefutable(part) for part in (*parts, *more)) and isinstance(
                    meaning, str | Class
                ):
                    return [Type(meaning)]
            case ast.MatchSingleton(value=value):
                return [NONE if value is None else literal(value)]
            case ast.MatchValue(value=value):
                return self._value_types(value)
            case ast.MatchOr(patterns=parts):
                return [one for part in parts for one in self._covers(part)]
            case ast.MatchAs(pattern=ast.pattern() as inner):
                return self._covers(inner)
        return []

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

    def _descends(self, class_: Class, base: str | Class) -> bool:
        if isinstance(base, str):
            return base == "builtins.object" or descends(class_, base)
        return any(
            meaning is base
            or (isinstance(meaning, Class) and self._descends(meaning, base))
            for meanings in class_.bases
            for meaning in meanings
        )

    def _may_be_complete(self, node: ast.Match, types: Types) -> bool:
        """Whether the cases may cover all there is, by a type that is not seen here."""
        patterns = [case.pattern for case in node.cases if case.guard is None]
        if types is not None:
            return not (ANY in types or all(self._is_known(one) for one in types))
        if isinstance(node.subject, ast.Tuple):
            return not any(_has_text(pattern) for pattern in patterns)
        if self._is_unannotated_parameter(node.subject):
            return False
        flat = [one for pattern in patterns for one in _alternatives(pattern)]
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

    def _types(self, node: ast.expr) -> Types:
        """The closed set of types that a value has; None when there is no such set."""
        types = of(self.view, node, self.scope)
        if types is None:
            return None
        if is_one(types, "builtins.object"):
            return (ANY,)
        return tuple(
            each for one in types for each in (_BOOLS if one == _BOOL else (one,))
        )

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
                    true, false = self._each(value, going)
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
        way = self.after_effects(test, way) if self.walrus else way
        decided = self._decide_by_value(test, way)
        if decided is not None:
            return ([way], []) if decided else ([], [way])
        true, false = self._split_facts(test, way)
        return (
            [after for one in true for after in self._split_types(test, one)[0]],
            [after for one in false for after in self._split_types(test, one)[1]],
        )

    def _decide_by_value(self, test: ast.expr, way: Way) -> bool | None:
        """What a condition is on a variable whose value is known."""
        match test:
            case ast.Name(id=name):
                value: Value = way.get(("value", name), UNKNOWN)
                return value.truth
            case ast.Compare(
                left=ast.Name(id=name),
                ops=[operator],
                comparators=[ast.Constant(value=constant)],
            ):
                value = way.get(("value", name), UNKNOWN)
                same: bool | None = None
                if value.constant:
                    same = value.constant == repr(constant)
                elif value.is_something() and constant is None:
                    same = False
                if same is not None and isinstance(operator, ast.Is | ast.Eq):
                    return same
                if same is not None and isinstance(operator, ast.IsNot | ast.NotEq):
                    return not same
            case ast.Call(
                func=ast.Name(id="isinstance"), args=[ast.Name(id=name), cls]
            ):
                value = way.get(("value", name), UNKNOWN)
                wanted = {
                    self.view.resolve(one, self.scope) for one in _class_list(cls)
                }
                if value.kind == "none":
                    return False
                if value.kind == "result" and wanted <= set(RESULTS):
                    return f"boss.{value.what}" in wanted
        return None

    def _split_types(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        """Split by a test that asks for the type of a value, or for one of its values, where all of them are known."""
        both = [way], [way]
        asked = _type_test(test)
        if asked is not None:
            test, negated = asked
            true, false = self._split_types(test, way)
            return (false, true) if negated else (true, false)
        match test:
            case ast.Call(func=ast.Name(id="isinstance"), args=[subject, cls]):
                covered = []
                for one in _class_list(cls):
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
                vague = [{**way, _VAGUE: True}]
                return (vague, [way]) if negated else ([way], vague)
            return self._ask(test, subject, way)
        key = ("types", ast.unparse(subject))
        types = way.get(key) or self._types(subject)
        if types is None or ANY in types:
            if types is None and self._may_be_exhausted(test, subject, way):
                vague = [{**way, _VAGUE: True}]
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
            and not all(self._is_known(one) for one in outside)
        ):
            false = [{**false[0], _VAGUE: True}]
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

    def _is_parameter(self, node: ast.Name) -> bool:
        bound = self.scope.bindings.get(node.id, [])
        return len(bound) == 1 and isinstance(bound[0], ast.arg)

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

    def _split_facts(self, test: ast.expr, way: Way) -> tuple[list[Way], list[Way]]:
        """Split by a test that occurs again: the second time it has the same outcome."""
        fact = self.facts.of(test)
        if fact is None:
            return [way], [way]
        key = ("test", fact.about)
        known: frozenset[int] = way.get(key, fact.possible)
        true, false = known & fact.holds, known - fact.holds
        return (
            [{**way, key: true}] if true else [],
            [{**way, key: false}] if false else [],
        )

    def _is_whole(self, node: ast.expr) -> bool:
        return is_one(of(self.view, node, self.scope), "builtins.int")

    # --- values ---

    def values(self, node: ast.expr, way: Way) -> Iterator[tuple[ast.expr, Way, Value]]:
        """What an expression may give: for each possibility the part of it, the way, the value."""
        match node:
            case ast.IfExp(test=test, body=body, orelse=orelse):
                true, false = self.split(test, way)
                for one in self.decide(true, sure=not false):
                    yield from self.values(body, one)
                for one in self.decide(false, sure=not true):
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
                            yield part, {**out, _DECIDED: True}, value
                    going = next_
                for one in going:
                    yield from self.values(last, one)
            case ast.NamedExpr(target=target, value=value):
                for one in self.assign([target], value, [way]):
                    yield node, one, one.get(("value", target.id), UNKNOWN)
            case ast.Await(value=ast.Call() as call):
                yield from self._call(node, call, way, awaited=True)
            case ast.Call():
                yield from self._call(node, node, way, awaited=False)
            case _:
                yield node, way, self.value(node, way)

    def value(self, node: ast.expr, way: Way) -> Value:
        """What is known of the value of a simple expression."""
        match node:
            case ast.Name(id=name):
                known: Value | None = way.get(("value", name))
                if known is not None and known.kind in {"unknown", "parameter"}:
                    typed = self._typed(node)
                    return known if typed == UNKNOWN else typed
                if known is not None:
                    return known
                return self._named(self.view.lookup(name, self.scope), node)
            case ast.Attribute():
                meaning = self.view.resolve(node, self.scope)
                return self._named((meaning,), node)
            case ast.Subscript() | ast.BinOp():
                return self._typed(node)
            case ast.Constant(value=None):
                return NOTHING
            case ast.Constant(value=value):
                what = _WORDS.get(type(value), f"`{value!r}`")
                return Value("wrong", what, truth=bool(value), constant=repr(value))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = self.value(operand, way).truth
                if truth is None:
                    return Value("wrong", "a bool")
                return Value(
                    "wrong", "a bool", truth=not truth, constant=repr(not truth)
                )
            case ast.Compare():
                if _may_be_overloaded(node):
                    return UNKNOWN
                return Value("wrong", "a bool")
            case ast.Lambda():
                return Value("wrong", "a lambda", truth=True)
        what = _DISPLAYS.get(node.__class__, "")
        return Value("wrong", what) if what else UNKNOWN

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
        return self._typed(node)

    def _typed(self, node: ast.expr) -> Value:
        """What is known of a value by its type: that it is something else than a result."""
        types = of(self.view, node, self.scope)
        if not types or any(one.meaning in RESULTS for one in types):
            return UNKNOWN
        words = [in_words(one) for one in types if one != NONE]
        if not words or not all(words):
            return UNKNOWN
        return Value("wrong", words[0], may_be_none=NONE in types)

    def _call(
        self, node: ast.expr, call: ast.Call, way: Way, *, awaited: bool
    ) -> Iterator[tuple[ast.expr, Way, Value]]:
        after = self.after_effects(node, way)
        target = self.view.target(call, self.scope)
        if isinstance(target, Function):
            for value in self._called(target, call, way, awaited=awaited):
                yield node, after, value
            return
        yield node, after, self._made(target, call, awaited=awaited)

    def _made(self, target: Meaning, call: ast.Call, *, awaited: bool) -> Value:
        if awaited:
            return UNKNOWN
        if target in RESULTS:
            return Value("result", str(target).removeprefix("boss."), truth=True)
        if isinstance(target, Class):
            for result in RESULTS:
                if descends(target, result):
                    return Value("result", result.removeprefix("boss."), truth=True)
            if not target.bases:
                return Value("wrong", f"a `{target.node.name}`")
            return UNKNOWN
        match call.func:
            case ast.Attribute(
                value=value, attr="send" | "send_json" | "close" as name
            ):
                types = of(self.view, value, self.scope)
                if is_one(types, "boss.WebSocket") or (
                    is_one(types, "boss.Group") and name != "close"
                ):
                    return self._given_none(call)
            case ast.Attribute(value=value, attr="send_after") if (
                self.view.is_self(value, self.scope) and target is None
            ):
                if not self.view.member("send_after"):
                    return Value("wrong", "what `send_after` gives, which is a timer")
        if target == "builtins.print" or self._is_address(target):
            return self._given_none(call)
        return self._typed(call)

    def _given_none(self, call: ast.Call) -> Value:
        text = ast.unparse(call.func)
        return Value("wrong", f"what `{text}` gives, which is None")

    def _is_address(self, target: Meaning) -> bool:
        """Whether a call sends to a service, by `services.NAME.broadcast` or `info`."""
        parts = str(target).split(".")
        return (
            parts[:2] == ["boss", "services"]
            and parts[2:3] != []
            and parts[2] in self.view.services
            and parts[3:] in (["broadcast"], ["info"])
        )

    def _called(
        self, target: Function, call: ast.Call, way: Way, *, awaited: bool
    ) -> Iterator[Value]:
        """What a function of the file gives."""
        if not self.view.plain(target):
            yield UNKNOWN
            return
        if self.view.module.scopes[target].yields:
            yield Value(
                "wrong", f"the generator that `{target.name}` makes", truth=True
            )
            return
        if awaited != isinstance(target, ast.AsyncFunctionDef):
            if not awaited and self.is_async:
                yield Value("wrong", COROUTINE, truth=True)
            else:
                yield UNKNOWN
            return
        summary = self.flow.summary(target)
        if summary is None:
            yield UNKNOWN
            return
        if not summary.ends and not summary.may_fall:
            return  # it never comes back
        found = {
            self._argument(target, call, way, end.value.what)
            if end.value.kind == "parameter"
            else end.value
            for end in summary.ends
        }
        if summary.may_fall:
            found.add(NOTHING if summary.falls else UNKNOWN)
        if all(value.kind == "none" for value in found):
            yield Value(
                "none",
                f"what `{target.name}` returns, which is nothing",
                truth=False,
                constant="None",
            )
        elif all(value.kind in {"wrong", "none"} for value in found):
            what = min(value.what for value in found if value.kind == "wrong")
            yield Value("wrong", f"what `{target.name}` returns: {what}")
        elif all(value.kind == "result" for value in found):
            yield from sorted(found, key=lambda value: value.what)
        elif (
            NOTHING in found
            and all(value.kind in {"result", "none"} for value in found)
            and _passes_names_only(call)
        ):
            yield Value("mixed", target.name)
        else:
            yield UNKNOWN

    def _argument(self, target: Function, call: ast.Call, way: Way, name: str) -> Value:
        """What a function of the file is given for one of its parameters."""
        given = next((one.value for one in call.keywords if one.arg == name), None)
        names = [argument.arg for argument in positional(target)]
        match call.func:
            case ast.Attribute(value=ast.Call()):  # super().method(...)
                names = names[1:]
            case ast.Attribute(value=owner) if self.view.is_self(owner, self.scope):
                names = names[1:]
        if name in names and not any(isinstance(one, ast.Starred) for one in call.args):
            given = dict(zip(names, call.args, strict=False)).get(name, given)
        return UNKNOWN if given is None else self.value(given, way)

    # --- what is forgotten ---

    def after_effects(self, node: ast.expr | None, way: Way) -> Way:
        """What is still known when an expression has been evaluated: calls may have changed anything but variables."""
        if node is None or isinstance(node, ast.Constant | ast.Name):
            return way
        names = (
            [one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr)]
            if self.walrus
            else []
        )
        if names:
            way = self.forget(way, names)
        if any(key[0] in {"test", "types"} for key in way) and _acts(node):
            way = self.forget_impure(way)
        return way

    def forget(self, way: Way, names: Sequence[str]) -> Way:
        """Know nothing more about some variables."""
        if not names:
            return way
        gone = set(names)
        return {
            key: value
            for key, value in way.items()
            if not (
                (key[0] == "value" and key[1] in gone)
                or (key[0] in {"test", "types", "asked"} and gone & _words(key[1]))
            )
        } | {
            # An assigned variable is no longer the parameter of that name.
            ("value", name): UNKNOWN
            for name in gone
        }

    def forget_impure(self, way: Way) -> Way:
        """Know nothing more about what may change behind our back: attributes, items, what calls give."""
        return {
            key: value
            for key, value in way.items()
            if not (key[0] in {"test", "types"} and _IMPURE.search(key[1]))
        }

    def _may_raise(self, node: ast.expr | None, way: Way) -> None:
        if node is not None and self._can_raise(node):
            self.exits.raised.append(way)

    def _can_raise(self, node: ast.expr) -> bool:
        """Whether evaluating an expression can fail; making a result of a variable cannot."""
        if isinstance(node, ast.Name | ast.Constant):
            return False
        if isinstance(node, ast.Call):
            if self.view.resolve(node.func, self.scope) not in RESULTS:
                return True
            return any(
                self._can_raise(one)
                for one in (*node.args, *(keyword.value for keyword in node.keywords))
            )
        if isinstance(node, ast.Attribute):
            return self._can_raise(node.value) or not isinstance(node.value, ast.Name)
        plain = isinstance(node, ast.UnaryOp | ast.BoolOp | ast.IfExp | ast.Tuple) or (
            isinstance(node, ast.Compare)
            and all(
                isinstance(operator, ast.Is | ast.IsNot | ast.Eq | ast.NotEq)
                for operator in node.ops
            )
        )
        if plain or isinstance(node, ast.NamedExpr):
            return any(
                self._can_raise(one)
                for one in ast.iter_child_nodes(node)
                if isinstance(one, ast.expr)
            )
        return not isinstance(node, ast.Lambda | ast.JoinedStr)


_GIVEN_WRONG: Final = {
    "self": "the handler itself",
    "state": "the state",
    "websocket": "the websocket",
    "service_url": "the URL",
    "message": "the message",
    "reason": "the reason",
}
_WORDS: Final = {
    bool: "a bool",
    str: "a text",
    bytes: "bytes",
    int: "a number",
    float: "a number",
}
_DISPLAYS: Final = {
    ast.Tuple: "a tuple",
    ast.List: "a list",
    ast.ListComp: "a list",
    ast.Dict: "a dict",
    ast.DictComp: "a dict",
    ast.Set: "a set",
    ast.SetComp: "a set",
    ast.GeneratorExp: "a generator",
    ast.JoinedStr: "a text",
}
_IMPURE: Final = re.compile(r"[.\[(]")
_WORD: Final = re.compile(r"[^\W\d]\w*")


def _words(source: str) -> set[str]:
    return set(_WORD.findall(source))


def _new(ways: list[Way], seen: set[frozenset[Any]]) -> list[Way]:
    """Those that were not there in an earlier round of a loop."""
    found = []
    for way in ways:
        items = frozenset(way.items())
        if items not in seen:
            seen.add(items)
            found.append(way)
    return found


def _stored(target: ast.AST) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


def _acts(node: ast.expr) -> bool:
    """Whether an expression can change something: it calls or awaits; making a result does not."""
    return any(
        isinstance(one, ast.Await | ast.Yield | ast.YieldFrom)
        or (
            isinstance(one, ast.Call)
            and not (isinstance(one.func, ast.Name) and one.func.id in _PURE)
        )
        for one in ast.walk(node)
    )


_PURE: Final = frozenset({"isinstance", "len", "hasattr", "callable", "type"})


def _suppresses_nothing(context: ast.expr) -> bool:
    """Whether it is `suppress()`, without exceptions to suppress."""
    match context:
        case ast.Call(
            func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=[]
        ):
            return True
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


def _irrefutable(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchClass(cls=ast.Name(id="object"), patterns=[], kwd_patterns=[]):
            return True
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return _irrefutable(inner)
        case ast.MatchOr(patterns=parts):
            return any(_irrefutable(part) for part in parts)
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


def _has_text(pattern: ast.pattern) -> bool:
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str | int | bytes)
        for node in ast.walk(pattern)
    )


def _class_list(node: ast.expr) -> list[ast.expr]:
    """The classes in the second argument of isinstance."""
    match node:
        case ast.Tuple(elts=parts):
            return [one for part in parts for one in _class_list(part)]
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return [*_class_list(left), *_class_list(right)]
    return [node]


def _may_be_overloaded(node: ast.Compare) -> bool:
    """Comparisons other than `is` and `in` may give anything for the objects of some libraries."""
    return not any(
        isinstance(operator, ast.Is | ast.IsNot | ast.In | ast.NotIn)
        for operator in node.ops
    ) and not any(
        isinstance(one, ast.Constant) for one in (node.left, *node.comparators)
    )


def _passes_names_only(call: ast.Call) -> bool:
    """Whether a call decides nothing for the function: no flags among its arguments."""
    return all(isinstance(one, ast.Name) for one in call.args) and not call.keywords
