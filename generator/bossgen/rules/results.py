"""Rules about what the callbacks return."""

import ast
import math
from collections.abc import Iterator, Mapping
from typing import Final, Literal

from ..diagnostics import Span
from ..model import Callback, Class, Function, Scope
from .evaluation import COROUTINE, Summary
from .flow import flow_of
from .inference import assigned_once, of
from .rule import Finding, Method, View, name_span, positional, rule
from .types import NONE, RESULTS, Type, in_words, is_one, state_types

# The parameters of the results, in order; the number of those that have to be given.
_SIGNATURES: Final[Mapping[str, tuple[tuple[str, ...], int]]] = {
    "boss.Ok": (("state", "timeout"), 1),
    "boss.Noreply": (("state", "timeout"), 1),
    "boss.Stop": (("reason", "state"), 2),
}


def _followed(view: View) -> Iterator[tuple[Method, Function, Summary]]:
    """The callbacks whose ends have to be looked at closely: most are right at first sight."""
    flow = flow_of(view)
    for method, node in view.functions():
        if method.callback.results and not _right_at_sight(view, method, node):
            summary = flow.summary(node)
            if summary is not None:
                yield method, node, summary


def _right_at_sight(view: View, method: Method, node: Function) -> bool:
    """Whether the last line is never passed, and every `return` makes a result on the spot."""
    right = {f"boss.{name}" for name in method.callback.results}
    scope = view.module.scopes[node]
    return _ends(node.body) and all(
        isinstance(one.value, ast.Call) and view.resolve(one.value.func, scope) in right
        for one in scope.returns
    )


def _ends(body: list[ast.stmt]) -> bool:
    """Whether it is plain to see that the last line of a block is not passed."""
    last = body[-1]
    if isinstance(last, ast.Return | ast.Raise):
        return True
    while isinstance(last, ast.If) and last.orelse and _ends(last.body):
        last = last.orelse[-1]
        if isinstance(last, ast.Return | ast.Raise):
            return True
    return False


# --- BG307 -------------------------------------------------------------------------------------------


@rule("BG307")
def result_missing(view: View) -> Iterator[Finding]:
    """A callback can end without returning a result.

    What a callback returns is the state that the next callback is given, so every way through it has to end with a
    result: `Ok(state)` in `init`, `Noreply(state)` or `Stop(reason, state)` in the others. A way that ends without one
    returns None, which crashes the service when it is taken. All ways are followed: branches, loops, `match`, `try`,
    results kept in variables and returned by your own methods. What cannot be followed is taken as right.

    Example:

        def handle_incoming(self, service_url, websocket, message, state):
            if message == "ping":
                websocket.send("pong")
                return Noreply(state)

    Instead:

        def handle_incoming(self, service_url, websocket, message, state):
            if message == "ping":
                websocket.send("pong")
            return Noreply(state)
    """
    for method, node, summary in _followed(view):
        what = _to_return(view, method, node)
        if summary.falls:
            at = name_span(view.module, node)
            if summary.ends:
                message = f"`{method.name}` can end without returning a result"
            else:
                message = f"`{method.name}` returns nothing"
            yield Finding(
                at,
                message,
                f"end it with `return {what}`",
                _where(view, node) if summary.ends else (),
            )
        reported: set[ast.AST] = set()
        for end in summary.ends:
            place = end.expression or end.node
            if not end.sure or place in reported:
                continue
            if end.value.kind == "none":
                reported.add(place)
                text = f"`{method.name}` returns nothing here"
                if end.expression is not None and not _is_none(end.expression):
                    text = f"`{method.name}` returns {end.value.what}"
                    text += " here" if end.value.what == "None" else ""
                yield Finding(view.at(place), text, f"write `return {what}`")
            elif end.value.kind == "mixed" and end.straight:
                reported.add(place)
                yield Finding(
                    view.at(place),
                    f"`{method.name}` returns what `{end.value.what}` returns, which on some ways is nothing",
                    f"end `{end.value.what}` with `return {what}`",
                )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _to_return(view: View, method: Method, node: Function) -> str:
    """The result to write, with the user's own names."""
    if method.callback.results == ("Ok",):
        types = state_types(view)
        if types is not None and len(types) == 1:
            if isinstance(types[0].meaning, Class):
                return f"Ok({types[0].meaning.node.name}())"
            if types[0] == NONE:
                return "Ok(None)"
        return "Ok(...)"
    return f"{method.callback.results[0]}({_state_name(method.callback, node)})"


def _state_name(callback: Callback, node: Function) -> str:
    place = callback.parameters.index("state") + 1
    names = [argument.arg for argument in positional(node)]
    return names[place] if place < len(names) else "state"


def _where(view: View, node: Function) -> tuple[tuple[Span, str], ...]:
    """Where the last line is passed, in words."""
    body = node.body
    while True:
        last = body[-1]
        match last:
            case ast.If(orelse=[], test=test):
                return ((view.at(test), "when this is not so, nothing is returned"),)
            case ast.If(body=then, orelse=otherwise):
                if not _ends(then):
                    body = then
                else:
                    body = otherwise
            case ast.Match(subject=subject):
                for case in last.cases:
                    if not _ends(case.body):
                        return ((view.at(case.pattern), "this case returns nothing"),)
                return (
                    (view.at(subject), "when no case matches, nothing is returned"),
                )
            case ast.For() | ast.AsyncFor():
                return (
                    (view.at(last.iter), "when this loop ends, nothing is returned"),
                )
            case ast.While():
                return (
                    (view.at(last.test), "when this loop ends, nothing is returned"),
                )
            case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
                for handler in handlers:
                    if not _ends(handler.body):
                        place = handler.type or handler.body[0]
                        return (
                            (
                                view.at(place),
                                "when this is caught, nothing is returned",
                            ),
                        )
                return ()
            case ast.With(body=inner) | ast.AsyncWith(body=inner):
                if _ends(inner):
                    return (
                        (
                            view.at(last.items[0].context_expr),
                            "when this swallows an exception, nothing is returned",
                        ),
                    )
                body = inner
            case _:
                return ((view.at(last), "after this, nothing is returned"),)


# --- BG308 -------------------------------------------------------------------------------------------


@rule("BG308")
def result_shape(view: View) -> Iterator[Finding]:
    """A callback returns something that is no result.

    A result says what happens next and carries the state: `Ok(state)` from `init`; `Noreply(state)` or
    `Stop(reason, state)` from the five handlers. The bare state, a tuple as in Erlang, True or a text are none, and
    crash the service when they are returned. `terminate` may return anything; nobody looks at it.

    Example:

        def handle_join(self, service_url, websocket, state):
            return state

        def handle_info(self, info, state):
            return Stop(state)

    Instead:

        def handle_join(self, service_url, websocket, state):
            return Noreply(state)

        def handle_info(self, info, state):
            return Stop("normal", state)
    """
    for method, node, summary in _followed(view):
        reported: set[ast.AST] = set()
        for end in summary.ends:
            place = end.expression or end.node
            if not end.sure or place in reported:
                continue
            if end.value.kind == "wrong":
                reported.add(place)
                if end.value.what == COROUTINE and end.expression is not None:
                    yield _unawaited(view, method, end.expression)
                    continue
                yield Finding(
                    view.at(place),
                    f"`{method.name}` returns {end.value.what}, not a result",
                    _instead(view, method, node, end.expression, end.value.what),
                )
            elif (
                end.value.kind == "result"
                and end.value.what not in method.callback.results
            ):
                reported.add(place)
                only = " or ".join(f"`{name}`" for name in method.callback.results)
                yield Finding(
                    view.at(place),
                    f"`{method.name}` returns `{end.value.what}`, but {only} is what counts here",
                    _other(view, method, node, end.value.what, end.expression),
                )
    yield from _made_wrongly(view)


def _unawaited(view: View, method: Method, place: ast.expr) -> Finding:
    return Finding(
        view.at(place),
        f"`{method.name}` returns a coroutine: `await` is missing",
        f"write `await {view.text(place)}`",
    )


def _instead(
    view: View, method: Method, node: Function, value: ast.expr | None, given: str
) -> str:
    what = _to_return(view, method, node)
    if isinstance(value, ast.Call) and value.args and "gives" in given:
        return f"call it on a line of its own, and write `return {what}` below"
    if isinstance(value, ast.Tuple) and method.callback.results != ("Ok",):
        return _from_tuple(view, method, node, value)
    return f"write `return {_to_return(view, method, node)}`"


def _from_tuple(view: View, method: Method, node: Function, value: ast.Tuple) -> str:
    """The result that an Erlang programmer means by `("stop", reason, state)` or `state, 5`."""
    parts = value.elts
    first = parts[0].value if parts and isinstance(parts[0], ast.Constant) else None
    rest = [view.text(part) for part in parts]
    if first == "stop" and len(parts) == 3:
        return f"write `return Stop({', '.join(rest[1:])})`"
    if first == "noreply" and len(parts) in {2, 3}:
        rest = rest[1:]
    if len(rest) == 2:
        return f"write `return Noreply({rest[0]}, timeout={rest[1]})`"
    if len(rest) == 1:
        return f"write `return Noreply({rest[0]})`"
    return f"write `return {_to_return(view, method, node)}`"


def _other(
    view: View, method: Method, node: Function, made: str, value: ast.expr | None
) -> str:
    if isinstance(value, ast.Call) and made != "Stop" and method.callback.results:
        right = method.callback.results[0]
        inner = ", ".join(
            [
                *(view.text(one) for one in value.args),
                *(
                    f"{keyword.arg}={view.text(keyword.value)}"
                    for keyword in value.keywords
                ),
            ]
        )
        return f"write `return {right}({inner})`"
    return f"write `return {_to_return(view, method, node)}`"


def _made_wrongly(view: View) -> Iterator[Finding]:
    """Results that cannot be made: an argument is missing, or one too many."""
    for scope, call, meaning in _results_made(view):
        names, required = _SIGNATURES[meaning]
        if any(isinstance(one, ast.Starred) for one in call.args) or any(
            keyword.arg is None for keyword in call.keywords
        ):
            continue
        keywords = [str(keyword.arg) for keyword in call.keywords]
        given = {*names[: len(call.args)], *keywords}
        called = view.text(call.func)
        state = "state" if "state" in scope.bindings else "..."
        usage = {
            "boss.Ok": f"{called}({state})",
            "boss.Noreply": f"{called}({state})",
            "boss.Stop": f'{called}("normal", {state})',
        }[meaning]
        lacking = [name for name in names[:required] if name not in given]
        twice = [name for name in keywords if name in names[: len(call.args)]]
        strange = [name for name in keywords if name not in names]
        if len(call.args) > len(names):
            yield Finding(
                view.at(call.args[len(names)]),
                f"`{called}` takes {_listed(names)}, and this is one too many",
                f"write `{usage}`",
            )
        elif strange:
            place = next(one for one in call.keywords if one.arg == strange[0])
            yield Finding(
                view.at(place),
                f"`{called}` takes {_listed(names)}, and no `{strange[0]}`",
                f"write `{usage}`",
            )
        elif twice:
            place = next(one for one in call.keywords if one.arg == twice[0])
            yield Finding(
                view.at(place),
                f"`{called}` gets {_listed(twice[:1])} twice",
                f"write `{usage}`",
            )
        elif meaning == "boss.Stop" and len(call.args) == 1 and lacking:
            yield Finding(
                view.at(call),
                f"`{called}` takes the reason and the state, and gets only one of them",
                f"write `{usage}`",
            )
        elif lacking:
            yield Finding(
                view.at(call),
                f"`{called}` lacks {_listed(lacking)}",
                f"write `{usage}`",
            )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return " and ".join(
        f"the {name}" if name != "timeout" else "a timeout" for name in names
    )


def _results_made(view: View) -> list[tuple[Scope, ast.Call, str]]:
    """All calls in the file that make a result."""
    found: list[tuple[Scope, ast.Call, str]] | None = view.memo.get("results")
    if found is None:
        found = view.memo["results"] = []
        for scope in view.module.scopes.values():
            for call in scope.calls:
                meaning = view.resolve(call.func, scope)
                if isinstance(meaning, str) and meaning in RESULTS:
                    found.append((scope, call, meaning))
    return found


# --- BG310 -------------------------------------------------------------------------------------------


@rule("BG310")
def timeout_value(view: View) -> Iterator[Finding]:
    """The timeout of a result, or the delay of `send_after`, is no number of seconds.

    `Noreply(state, timeout=5)` asks for `handle_info(TIMEOUT, state)` when nothing happens for five seconds. The timeout
    is a finite number of seconds, zero or more; Erlang's are milliseconds. Without it, or with None, there is none.
    `self.send_after(seconds, info)` takes the same numbers.

    Example:

        return Noreply(state, timeout=-1)
        return Noreply(state, timeout="5")

    Instead:

        return Noreply(state)
        return Noreply(state, timeout=5)
    """
    for scope, call, meaning in _results_made(view):
        if "timeout" not in _SIGNATURES[meaning][0]:
            continue
        value = next((one.value for one in call.keywords if one.arg == "timeout"), None)
        if value is None and len(call.args) == 2:
            value = call.args[1]
        if value is None or isinstance(value, ast.Starred):
            continue
        yield from _fault(view, value, scope, "timeout")
    if view.member("send_after"):
        return
    for scope in view.module.scopes.values():
        for call in scope.calls:
            match call:
                case ast.Call(func=ast.Attribute(value=target, attr="send_after")) if (
                    view.is_self(target, scope)
                ):
                    given = [
                        *call.args[:1],
                        *(one.value for one in call.keywords if one.arg == "seconds"),
                    ]
                    for value in given:
                        if not isinstance(value, ast.Starred):
                            yield from _fault(view, value, scope, "delay")


def _fault(
    view: View, node: ast.expr, scope: Scope, what: Literal["timeout", "delay"]
) -> Iterator[Finding]:
    """What is wrong with a number of seconds; nothing when it is right or cannot be told."""
    if isinstance(node, ast.IfExp):
        yield from _fault(view, node.body, scope, what)
        yield from _fault(view, node.orelse, scope, what)
        return
    written = "timeout=" if what == "timeout" else ""
    none = ", or leave it out for none" if what == "timeout" else ""
    text = view.text(node)
    at = view.at(node)
    types = of(view, node, scope)
    if is_one(types, "datetime.timedelta"):
        yield Finding(
            at,
            f"the {what} is a timedelta, not a number of seconds",
            f"write `{written}{text}.total_seconds()`",
        )
        return
    value = _constant(view, node, scope)
    if isinstance(value, bool):
        yield Finding(
            at,
            f"the {what} is `{value}`, not a number of seconds",
            f"write a number of seconds{none}",
        )
    elif isinstance(value, str | bytes | complex):
        number = value.strip() if isinstance(value, str) else ""
        yield Finding(
            at,
            f"the {what} is `{text}`, not a number of seconds",
            f"write `{written}{number if _is_number(number) else 5}`",
        )
    elif isinstance(value, float) and not math.isfinite(value):
        yield Finding(
            at,
            f"the {what} is `{text}`, not a finite number of seconds",
            f"write a number of seconds{none}",
        )
    elif value is not None and value < 0:
        yield Finding(
            at,
            f"the {what} is negative: `{text}`",
            f"write a number of seconds{none}",
        )
    elif value is None and types and all(map(_no_number, types)):
        yield Finding(
            at,
            f"the {what} is {in_words(types[0])}, not a number of seconds",
            f"write a number of seconds: `{written}5`",
        )


def _no_number(one: Type) -> str:
    """What a type is called that is no number of seconds; "" for one that is, or may be."""
    numbers = {"builtins.int", "builtins.float", "builtins.None"}
    return "" if one.meaning in numbers else in_words(one)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


_Constant = int | float | complex | str | bytes | bool


def _constant(view: View, node: ast.expr, scope: Scope) -> _Constant | None:
    """The value of an expression of literals and of constants of the module."""
    match node:
        case ast.Constant(value=int() | float() | complex() | str() | bytes() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _constant(view, operand, scope)
            return -inner if isinstance(inner, int | float) else None
        case ast.BinOp(left=left, op=operator, right=right):
            one, other = _constant(view, left, scope), _constant(view, right, scope)
            if isinstance(one, int | float) and isinstance(other, int | float):
                try:
                    return _calculated(one, operator, other)
                except OverflowError:  # too large for a float
                    return None
        case ast.Call(func=function, args=[ast.Constant(value=str() as text)]):
            if view.resolve(function, scope) == "builtins.float":
                try:
                    return float(text)
                except ValueError:
                    return None
        case ast.Name() | ast.Attribute():
            only = assigned_once(node, scope)
            if only is not None:
                return _constant(view, only, scope)
            meaning = view.resolve(node, scope)
            if meaning in {"math.inf", "math.nan"}:
                return math.inf if meaning == "math.inf" else math.nan
            if isinstance(meaning, ast.Constant | ast.UnaryOp | ast.BinOp):
                return _constant(view, meaning, view.top)
    return None


def _calculated(one: float, operator: ast.operator, other: float) -> float | None:
    match operator:
        case ast.Add():
            return one + other
        case ast.Sub():
            return one - other
        case ast.Mult():
            return one * other
        case ast.Div() if other:
            return one / other
    return None
