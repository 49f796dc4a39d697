"""One function, followed on all its ways, statement by statement."""

import ast
from collections.abc import Sequence
from typing import Any, Final

from ..model import Function, Meaning
from ..names import captured
from .calls import End, Summaries, Summary
from .closed import types_of
from .evaluation import Evaluation, Exits
from .failing import ALL_KINDS, kinds, may_swallow
from .loops import is_left_by_count, may_have_no_rounds, rounds
from .patterns import guard_of
from .rule import View, positional
from .variables import stored
from .ways import (
    DECIDED,
    DOUBTED,
    HANDLED,
    NOTHING,
    VAGUE,
    Value,
    Way,
    after_effects,
    decide,
    forget,
    forget_impure,
    new,
    reduce,
    vague,
)

_MOST_STEPS: Final = 8_000  # statements followed in one function
_GIVEN_WRONG: Final = {
    "self": "the handler itself",
    "state": "the state",
    "websocket": "the websocket",
    "service_url": "the URL",
    "message": "the message",
    "reason": "the reason",
}


def _within_handler(way: Way, kinds: frozenset[Meaning]) -> Way:
    """The way into a handler; vague where each exception that it is for has been caught further within."""
    handled: frozenset[Meaning] = way.get(HANDLED, frozenset())
    inside = {key: value for key, value in way.items() if key != HANDLED}
    return {**inside, VAGUE: True} if kinds <= handled else inside


def _body(node: Function | ast.Lambda) -> list[ast.stmt]:
    """The statements of a function; a lambda has one, which returns its expression."""
    if isinstance(node, ast.Lambda):
        return [ast.copy_location(ast.Return(node.body), node.body)]
    return node.body


class _TooLongError(Exception):
    """A function has so many ways that following them would take too long."""


class Walk(Evaluation):
    """One function, followed from its first line."""

    def __init__(
        self, view: View, node: Function | ast.Lambda, summaries: Summaries
    ) -> None:
        super().__init__(view, node, summaries)
        self.steps = 0

    def summary(self) -> Summary:
        """All ends of the function."""
        try:
            ways = self.block(_body(self.node), [self._start()])
        except _TooLongError:
            return Summary(ends=(), falls=False, may_fall=True)
        unsure = {VAGUE} if self._all_doubted_are_wrong() else {VAGUE, DOUBTED}
        return Summary(
            ends=tuple(
                End(node, expression, value, unsure.isdisjoint(way), DECIDED not in way)
                for node, expression, way, value in self.exits.returns
            ),
            falls=any(map(unsure.isdisjoint, ways)),
            may_fall=bool(ways),
        )

    def _all_doubted_are_wrong(self) -> bool:
        """Whether the doubted ways all end without a result, so that it does not matter which of them exist."""
        return not self.gets_away and all(
            value.kind in {"none", "wrong"}
            for _, _, way, value in self.exits.returns
            if DOUBTED in way
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
            names = [argument.arg for argument in positional(self.node)]
            given = ("self", *method.callback.parameters)
            for name, meaning in zip(names, given, strict=False):
                if meaning == "message" and method.name != "handle_incoming":
                    continue  # a broadcast may be anything
                if meaning == "reason" and method.name != "handle_close":
                    continue
                if meaning in _GIVEN_WRONG and name not in self.doubts.shared:
                    way["value", name] = Value(
                        "wrong",
                        _GIVEN_WRONG[meaning],
                        may_be_none=meaning == "state",
                    )
        return way

    def block(self, body: Sequence[ast.stmt], ways: list[Way]) -> list[Way]:
        """Follow statements one after the other."""
        for statement in body:
            if not ways:
                return []  # nothing behind this is reached
            self.steps += len(ways)
            if self.steps > _MOST_STEPS:
                raise _TooLongError
            ways = reduce(self.statement(statement, ways))
        return ways

    def statement(self, node: ast.stmt, ways: list[Way]) -> list[Way]:
        match node:
            case ast.Return(value=value):
                for way in ways:
                    self.may_raise(value, way)
                    if value is None:
                        self.exits.returns.append((node, None, way, NOTHING))
                        continue
                    for part, after, result in self.values(value, way):
                        self.exits.returns.append((node, part, after, result))
                return []
            case ast.Raise():
                self.leave(ways)
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
            case ast.Assign(
                targets=[ast.Tuple(elts=parts)], value=ast.Tuple(elts=values)
            ) if len(parts) == len(values) and all(
                isinstance(one, ast.Constant) for one in values
            ):
                for part, one in zip(parts, values, strict=True):
                    ways = self.assign([part], one, ways)
                return ways
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
                return [forget(way, [name]) for way in ways]
            case ast.Import() | ast.ImportFrom():
                self.exits.raised += ways
                names = [
                    alias.asname or alias.name.partition(".")[0] for alias in node.names
                ]
                return [forget(way, names) for way in ways]
            case ast.AugAssign() | ast.Delete():
                targets = (
                    [node.target] if isinstance(node, ast.AugAssign) else node.targets
                )
                done = self.assign(targets, None, ways)
                match node:
                    case ast.AugAssign(target=ast.Name(id=name), value=value) if (
                        rounds(self.view, value, self.scope) == "some"
                    ):  # it is something by now
                        done = [{**way, ("set", name): True} for way in done]
                return done
        return ways

    def expression(self, value: ast.expr, ways: list[Way]) -> list[Way]:
        """A statement that is an expression: mostly a call, which may be one that does not come back."""
        call = value.value if isinstance(value, ast.Await) else value
        after: list[Way] = []
        for way in ways:
            self.may_raise(value, way)
            after.append(after_effects(value, way))
        if not isinstance(call, ast.Call):
            return after
        awaited = isinstance(value, ast.Await)
        returns = self.calls.comes_back(call, awaited=awaited)
        if returns:
            return after
        self.leave(after)
        return [] if returns is False else vague(after)

    def is_left_by_count(self, node: ast.For | ast.While) -> bool:
        """Whether the last round may leave a loop."""
        return is_left_by_count(
            self.view,
            node,
            self.scope,
            lambda call: all(
                self.calls.comes_back(call, awaited=awaited)
                for awaited in (False, True)
            ),
        )

    def if_(self, node: ast.If, ways: list[Way]) -> list[Way]:
        done: list[Way] = []
        while True:  # along `elif`, which `ast` nests
            taken: list[Way] = []
            left: list[Way] = []
            for way in ways:
                self.may_raise(node.test, way)
                true, false = self.split(node.test, way)
                taken += true
                left += false
            done += self.block(node.body, decide(taken, sure=not left))
            left = decide(reduce(left), sure=not taken)
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                node, ways = node.orelse[0], left
                if ways:
                    continue
                return done
            return done + self.block(node.orelse, left)

    def while_(self, node: ast.While, ways: list[Way]) -> list[Way]:
        outer, self.exits.breaks = self.exits.breaks, []
        continues, self.exits.continues = self.exits.continues, []
        around: list[Way] = []
        done: list[Way] = []
        entered: list[Way] = []
        seen: set[frozenset[Any]] = set()
        for _ in range(4):
            taken: list[Way] = []
            for way in ways:
                self.may_raise(node.test, way)
                true, false = self.split(node.test, way)
                if any(self.doubts.of(node.test, way)):
                    self.leave(true)  # it may hold for ever
                taken += true
                done += decide(false, sure=not true)
            self.exits.continues = []
            after = self.block(node.body, decide(taken, sure=False))
            ways = new(reduce(after + self.exits.continues), seen)
            if not entered and may_have_no_rounds(
                self.view, node, self.node, self.scope
            ):
                around, done = done, []
            entered += taken
            if not ways:
                break
        self.leave(ways)
        if self.is_left_by_count(node):
            done = vague(done)
        done = self.block(node.orelse, reduce(around + done))
        done += self.exits.breaks
        if not done:
            self.leave(entered)
        self.exits.breaks, self.exits.continues = outer, continues
        return done

    def for_(self, node: ast.For | ast.AsyncFor, ways: list[Way]) -> list[Way]:
        outer, self.exits.breaks = self.exits.breaks, []
        continues, self.exits.continues = self.exits.continues, []
        for way in ways:
            self.exits.raised.append(way)
        count = rounds(self.view, node.iter, self.scope)
        around: list[Way] = []
        if count in {"any", "likely"}:
            around = decide(list(ways), sure=False)
            if count == "likely":
                around = vague(around)
            else:
                around = [
                    way for one in around for way in self.without_rounds(node.iter, one)
                ]
        done: list[Way] = []
        entered: list[Way] = []
        names = list(stored(node.target))
        seen: set[frozenset[Any]] = set()
        for _ in range(4):
            begun = [
                forget(forget_impure(way), names) for way in decide(ways, sure=False)
            ]
            entered += begun
            self.exits.continues = []
            after = reduce(self.block(node.body, begun) + self.exits.continues)
            if count != "endless":
                done += after
            ways = new(after, seen)
            if not ways:
                break
        if not isinstance(node, ast.AsyncFor) and self.is_left_by_count(node):
            done = vague(done)
            if not self.doubts.may_be_empty(node.iter):
                around = vague(around)
        done = self.block(node.orelse, reduce(around + done))
        done += self.exits.breaks
        if count == "endless" and not done:
            self.leave(entered)
        self.exits.breaks, self.exits.continues = outer, continues
        return done

    def without_rounds(self, iterable: ast.expr, way: Way) -> list[Way]:
        """The way on which a loop is not entered; vague where what it loops over was something, or may be by now."""
        source = ast.unparse(iterable)
        if source in self.facts.measured or ("set", source) in way:
            return vague([way])
        for fact in self.facts.of(iterable):
            known = way.get(("test", fact.about))
            if known is not None and known <= fact.holds:
                return vague([way])
        return [way]

    def try_(self, node: ast.Try | ast.TryStar, ways: list[Way]) -> list[Way]:
        outside = self.exits
        self.exits = Exits()
        ways = self.block(node.body, ways)
        caught = reduce(self.exits.raised)
        self.exits.raised = []
        done: list[Way] = []
        catches_all = False
        handled: frozenset[Meaning] = frozenset()
        for handler in node.handlers:
            caught_here = kinds(self.view, handler, self.scope)
            names = [handler.name] if handler.name else []
            done += self.block(
                handler.body,
                [
                    forget(_within_handler(way, caught_here), names)
                    for way in decide(caught, sure=False)
                ],
            )
            catches_all |= not caught_here.isdisjoint(ALL_KINDS)
            handled |= caught_here
        done += self.block(node.orelse, ways) if node.orelse else ways
        if not catches_all:
            self.exits.raised += [
                {**way, HANDLED: way.get(HANDLED, frozenset()) | handled}
                for way in caught
            ]
        inside, self.exits = self.exits, outside
        final = node.finalbody
        for one, expression, way, value in inside.returns:
            if self.block(final, [way]):
                self.exits.returns.append((one, expression, way, value))
        self.exits.breaks += self.block(final, reduce(inside.breaks))
        self.exits.continues += self.block(final, reduce(inside.continues))
        self.exits.raised += self.block(final, reduce(inside.raised))
        return self.block(final, reduce(done))

    def with_(self, node: ast.With | ast.AsyncWith, ways: list[Way]) -> list[Way]:
        swallows = False
        for item in node.items:
            context = item.context_expr
            if may_swallow(self.view, context, self.scope):
                swallows = True
            else:
                self.exits.raised += ways
            ways = [after_effects(context, way) for way in ways]
            if item.optional_vars is not None:
                names = list(stored(item.optional_vars))
                ways = [forget(way, names) for way in ways]
        if not swallows:
            return self.block(node.body, ways)
        outside, self.exits.raised = self.exits.raised, []
        done = self.block(node.body, ways)
        done += decide(reduce(self.exits.raised), sure=False)
        self.exits.raised = outside
        return done

    def match(self, node: ast.Match, ways: list[Way]) -> list[Way]:
        subject = node.subject
        source = ast.unparse(subject)
        types = types_of(self.view, subject, self.scope)
        done: list[Way] = []
        for way in ways:
            self.may_raise(subject, way)
        left = [after_effects(subject, way) for way in ways]
        for case in node.cases:
            names = [name for one in ast.walk(case.pattern) for name in captured(one)]
            guard = guard_of(case, subject)
            taken: list[Way] = []
            still: list[Way] = []
            for way in left:
                fitting, refused = self.split_pattern(case.pattern, subject, way)
                inside = [forget(one, names) for one in fitting]
                if guard is not None:
                    inside, outside = self.each(guard, inside)
                    still += outside
                taken += inside
                for one in refused:
                    still += self.narrowing.without(one, source, types, case.pattern)
            done += self.block(case.body, decide(taken, sure=not still))
            left = decide(reduce(still), sure=False)
        return done + self.narrowing.behind(node, types, left)
