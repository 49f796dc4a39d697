"""Rules about what the callbacks return."""

import ast
from collections.abc import Iterator
from typing import TypeAlias

from ..diagnostics import Span
from ..model import Class, Function
from .calls import COROUTINE, Summary
from .flow import flow_of
from .making import made_wrongly
from .rule import Finding, Method, View, name_of, name_span, rule
from .types import NONE, state_types

_Followed: TypeAlias = Function | ast.Lambda


def _followed(view: View) -> Iterator[tuple[Method, _Followed, Summary]]:
    """The callbacks whose ends have to be looked at closely: most are right at first sight."""
    flow = flow_of(view)
    for method, node in (*view.functions(), *_lambdas(view)):
        if method.callback.results and not _right_at_sight(view, method, node):
            summary = flow.summary(node)
            if summary is not None:
                yield method, node, summary


def _lambdas(view: View) -> Iterator[tuple[Method, ast.Lambda]]:
    """The callbacks that are a `lambda`, and no generator."""
    for method in view.methods:
        node = method.definition
        if isinstance(node, ast.Lambda) and not view.module.scopes[node].yields:
            yield method, node


def _right_at_sight(view: View, method: Method, node: _Followed) -> bool:
    """Whether the last line is never passed, and every `return` makes a result on the spot."""
    if isinstance(node, ast.Lambda):
        return False
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
        if summary.falls and isinstance(node, Function):
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
                yield Finding(view.at(place), text, _write(node, what))
            elif end.value.kind == "mixed" and end.straight:
                reported.add(place)
                yield Finding(
                    view.at(place),
                    f"`{method.name}` returns what `{end.value.what}` returns, which on some ways is nothing",
                    f"end `{end.value.what}` with `return {what}`",
                )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _write(node: _Followed, what: str) -> str:
    """What to do about a place that should be a result; a lambda has no `return`."""
    return (
        f"write `{what}`" if isinstance(node, ast.Lambda) else f"write `return {what}`"
    )


def _to_return(view: View, method: Method, node: _Followed) -> str:
    """The result to write, with the user's own names."""
    if method.callback.results == ("Ok",):
        types = state_types(view)
        if types is not None and len(types) == 1:
            if isinstance(types[0].meaning, Class):
                return f"Ok({types[0].meaning.node.name}())"
            if types[0] == NONE:
                return "Ok(None)"
        return "Ok(...)"
    state = name_of("state", method.callback, node) or "state"
    return f"{method.callback.results[0]}({state})"


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
    yield from made_wrongly(view)


def _unawaited(view: View, method: Method, place: ast.expr) -> Finding:
    return Finding(
        view.at(place),
        f"`{method.name}` returns a coroutine: `await` is missing",
        f"write `await {view.text(place)}`",
    )


def _instead(
    view: View, method: Method, node: _Followed, value: ast.expr | None, given: str
) -> str:
    what = _to_return(view, method, node)
    if isinstance(value, ast.Call) and value.args and "gives" in given:
        place = "in a `def`" if isinstance(node, ast.Lambda) else "on a line of its own"
        return f"call it {place}, and write `return {what}` below"
    if isinstance(value, ast.Tuple) and method.callback.results != ("Ok",):
        return _from_tuple(view, method, node, value)
    return _write(node, _to_return(view, method, node))


def _from_tuple(view: View, method: Method, node: _Followed, value: ast.Tuple) -> str:
    """The result that an Erlang programmer means by `("stop", reason, state)` or `state, 5`."""
    parts = value.elts
    first = parts[0].value if parts and isinstance(parts[0], ast.Constant) else None
    rest = [view.text(part) for part in parts]
    if first == "stop" and len(parts) == 3:
        return _write(node, f"Stop({', '.join(rest[1:])})")
    if first == "noreply" and len(parts) in {2, 3}:
        rest = rest[1:]
    if len(rest) == 2:
        return _write(node, f"Noreply({rest[0]}, timeout={rest[1]})")
    if len(rest) == 1:
        return _write(node, f"Noreply({rest[0]})")
    return _write(node, _to_return(view, method, node))


def _other(
    view: View, method: Method, node: _Followed, made: str, value: ast.expr | None
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
        return _write(node, f"{right}({inner})")
    return _write(node, _to_return(view, method, node))
