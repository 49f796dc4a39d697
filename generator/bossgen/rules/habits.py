"""Rules about what is legal and nearly always a mistake. All are warnings."""

import ast
from collections.abc import Iterator

from ..model import Class, Function, Scope
from .rule import Finding, View, name_span, rule

# --- BG602 -------------------------------------------------------------------------------------------


@rule("BG602", severity="warning")
def endless_message(view: View) -> Iterator[Finding]:
    """A callback sends its own service the message that calls it again.

    `handle_broadcast` that broadcasts to its own service on every way is called again by what it sent, and again: the
    service does nothing else from then on. The same holds for `handle_info` and `info`. Send to the clients instead,
    or let `self.send_after` bring the message back later.

    Example, in the service chat:

        def handle_broadcast(self, message, state):
            services.chat.broadcast(message)
            return Noreply(state)

    Instead:

        def handle_broadcast(self, message, state):
            state.members.send(message)
            return Noreply(state)
    """
    for method, node in view.functions():
        if not method.name.startswith("handle_") or method.callback.has_client:
            continue
        moment = method.name.removeprefix("handle_")
        own = f"boss.services.{view.handler.service}.{moment}"
        scope = view.module.scopes[node]
        for statement in node.body:
            if any(
                isinstance(one, ast.Return | ast.Raise) for one in ast.walk(statement)
            ):
                break  # from here on it depends
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Call)
                and view.resolve(statement.value.func, scope) == own
            ):
                instead = (
                    "send to the clients instead: `state.members.send(...)`"
                    if moment == "broadcast"
                    else "send it later: `self.send_after(seconds, ...)`"
                )
                yield Finding(
                    view.at(statement.value),
                    f"`{method.name}` is called again by what it sends here, without end",
                    instead,
                )


# --- BG604 -------------------------------------------------------------------------------------------


@rule("BG604", severity="warning")
def pattern_captures(view: View) -> Iterator[Finding]:
    """A bare name in a pattern is a new variable, and matches everything.

    `case TIMEOUT:` does not compare with `TIMEOUT`: it binds a new variable of that name to whatever there is, and the
    case is always taken. Only a dotted name is compared with.

    Example:

        match info:
            case TIMEOUT:
                ...

    Instead:

        match info:
            case boss.TIMEOUT:          # with `import boss`
                ...

        if info is TIMEOUT:
            ...
    """
    for scope in view.module.scopes.values():
        if scope.parent is None or not any(
            _is_known(view, name) for name in scope.bindings
        ):
            continue
        for node in ast.walk(scope.node):
            if not isinstance(node, ast.match_case):
                continue
            for pattern in ast.walk(node.pattern):
                if (
                    isinstance(pattern, ast.MatchAs)
                    and pattern.pattern is None
                    and pattern.name is not None
                    and _is_known(view, pattern.name)
                    and _belongs(view, pattern, scope)
                ):
                    yield _captures(view, node, pattern)


def _is_known(view: View, name: str) -> bool:
    """Whether the module gives a meaning to a name: an import, a class, a constant."""
    constant = name.isupper() and len(name) > 1
    if name not in view.module.names:
        return constant and view.lookup(name, view.top) == (f"boss.{name}",)
    return constant or any(
        isinstance(meaning, str | Class) for meaning in view.module.names[name]
    )


def _belongs(view: View, pattern: ast.MatchAs, scope: Scope) -> bool:
    """Whether the pattern stands in this function, not in one within it."""
    return not any(
        inner is not scope and pattern in ast.walk(inner.node)
        for inner in view.within(scope.node)
    )


def _captures(view: View, case: ast.match_case, pattern: ast.MatchAs) -> Finding:
    name = str(pattern.name)
    meaning = view.lookup(name, view.top)[0]
    if isinstance(meaning, Class):
        instead = f"write `case {name}():` to ask for the class"
    elif pattern is case.pattern:
        instead = (
            f"write `case _ if ... is {name}:`, or ask with `if` before the `match`"
        )
        if isinstance(meaning, str) and "." in meaning:
            module = meaning.rpartition(".")[0]
            instead = f"write `case {meaning}:`, with `import {module}` above"
    else:
        instead = "write a dotted name: only that is compared with"
    return Finding(
        view.at(pattern),
        f"`{name}` in a pattern is a new variable: this matches everything",
        instead,
    )


# --- BG606 -------------------------------------------------------------------------------------------


@rule("BG606", severity="warning")
def hidden_callback(view: View) -> Iterator[Finding]:
    """A mixin that stands behind `ServiceHandler` defines a callback, which is never called.

    Python searches the bases of a class from left to right. `ServiceHandler` defines every callback itself, with a
    default that does nothing, so a mixin overrides them only when it stands before it.

    Example:

        class ChatWebsocket(ServiceHandler[State], Greeting): ...

    Instead:

        class ChatWebsocket(Greeting, ServiceHandler[State]): ...
    """
    called = {
        name for class_ in view.handler.overriding if class_ for name in class_.members
    }
    for class_ in view.handler.lineage:
        if class_ is None or class_ in view.handler.overriding:
            continue
        for name in view.behaviour.names:
            if name in called or name not in class_.members:
                continue
            meaning = class_.members[name][0]
            yield Finding(
                name_span(
                    view.module,
                    meaning if isinstance(meaning, Function) else class_.node,
                ),
                f"`{name}` is not called: `ServiceHandler` stands before `{class_.node.name}` and has one of its own",
                f"put `{class_.node.name}` before `ServiceHandler` among the bases of the class",
            )
