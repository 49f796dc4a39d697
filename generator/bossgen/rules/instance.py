"""Rules about `self`: there is one instance for each client, and one for the service's own callbacks."""

import ast
from collections.abc import Iterator
from typing import Final

from ..model import Function, Scope
from .misnamed import calls_by_text
from .rule import Finding, Method, View, name_of, rule


@rule("BG309")
def request_unavailable(view: View) -> Iterator[Finding]:
    """The request of a client is used where there is no client.

    `self.req` and `self.session_id` belong to the client for which a callback is called: they are there in
    `handle_join`, `handle_close` and `handle_incoming`. The other callbacks are called for the service as a whole, and
    the same lines raise a RuntimeError in them. Keep what you need in the state when the client joins.

    Example:

        def handle_broadcast(self, message, state):
            state.members.send(f"{self.session_id}: {message}")
            return Noreply(state)

    Instead:

        def handle_join(self, service_url, websocket, state):
            state.names[websocket] = self.session_id
            return Noreply(state)
    """
    names = {
        name for name in view.behaviour.properties if not view.member(name)
    }  # those that the class does not define itself
    if not names:
        return
    used = [
        (node, scope)
        for scope in view.module.scopes.values()
        for node in scope.attributes
        if node.attr in names
        and isinstance(node.ctx, ast.Load)
        and view.is_self(node.value, scope)
    ]
    if not used:
        return
    where = [
        callback.name for callback in view.behaviour.callbacks if callback.has_client
    ]
    listed = ", ".join(f"`{name}`" for name in where[:-1]) + f" and `{where[-1]}`"
    contexts = _without_client(view)
    for node, scope in used:
        method = _method_around(view, scope)
        if method is None or method not in contexts:
            continue
        callback = contexts[method]
        text = f"self.{node.attr}"
        if callback == "__init__":
            message = f"`{text}` is not there yet in `__init__`, nor in what it calls"
        elif isinstance(method, ast.Lambda) or callback == method.name:
            message = f"`{text}` is not there in `{callback}`, which is not called for a client"
        else:
            message = f"`{text}` is not there: `{method.name}` is called from `{callback}`, which is not called for a client"
        yield Finding(
            view.at(node),
            message,
            f"use it in {listed}, and keep what you need in the state",
        )


def _method_around(view: View, scope: Scope) -> Function | ast.Lambda | None:
    """The method in which a scope lies."""
    here: Scope | None = scope
    while here is not None:
        if isinstance(here.node, Function | ast.Lambda) and view.is_method(here):
            return here.node
        here = here.parent
    return None


def _without_client(view: View) -> dict[Function | ast.Lambda, str]:
    """The methods that run only for the service as a whole, with the callback that leads to each."""
    found: dict[Function | ast.Lambda, str] = {
        method.definition: method.name
        for method in view.methods
        if not method.callback.has_client
        and isinstance(method.definition, Function | ast.Lambda)
    }
    found.update(
        (meaning, "__init__")
        for meaning in view.member("__init__")
        if isinstance(meaning, Function)
    )
    mentions: dict[str, list[tuple[ast.Attribute, Scope]]] = {}
    for scope in view.module.scopes.values():
        for attribute in scope.attributes:
            mentions.setdefault(attribute.attr, []).append((attribute, scope))
    called = {
        call.func for scope in view.module.scopes.values() for call in scope.calls
    }
    own = {node for node, name in found.items() if not mentions.get(name)}
    # What is called by a name that is made at run time may be called for a client.
    growing = not calls_by_text(view)
    while growing:
        growing = False
        for class_ in view.handler.lineage:
            for name, meanings in class_.members.items() if class_ else ():
                node = meanings[0]
                if (
                    len(meanings) != 1
                    or not isinstance(node, Function)
                    or node in found
                    or name in view.behaviour.names
                    or view.member(name) != meanings
                ):
                    continue
                callers = [
                    caller
                    for use, scope in mentions.get(name, ())
                    if (use in called or _is_property(view, node))
                    and view.is_self(use.value, scope)
                    and (caller := _method_around(view, scope)) in own
                    and caller is not None
                ]
                if callers and len(callers) == len(mentions[name]):
                    found[node] = found[callers[0]]
                    own.add(node)
                    growing = True
    return found


def _is_property(view: View, node: Function) -> bool:
    return [view.at_top(one) for one in node.decorator_list] == ["builtins.property"]


@rule("BG502", severity="warning")
def lost_state(view: View) -> Iterator[Finding]:
    """A callback keeps something on `self`.

    There is one instance of the handler for each client, and one for the service's own callbacks. What one callback
    keeps on `self` is not there for the others: `init` runs on another instance than `handle_join`, and each client has
    its own. What has to last belongs into the state, which all callbacks share.

    Example:

        def init(self):
            self.members = set()
            return Ok(None)

    Instead:

        def init(self):
            return Ok(State(members=set()))
    """
    for method in view.methods:
        node = method.definition
        if not isinstance(node, Function):
            continue
        seen: set[str] = set()
        uses = [
            (use, scope)
            for scope in view.within(node)
            for use in scope.attributes
            if isinstance(use.ctx, ast.Store) and view.is_self(use.value, scope)
        ]
        for use, _ in sorted(uses, key=lambda one: (one[0].lineno, one[0].col_offset)):
            if use.attr in seen or not all(
                isinstance(meaning, _PLAIN) for meaning in view.member(use.attr)
            ):
                continue  # a property, or something that is not seen
            seen.add(use.attr)
            state = name_of("state", method.callback, node) or "state"
            yield Finding(
                view.at(use),
                f"`{view.text(use)}` is lost: {_why(method)}",
                f"keep it in the state: `{state}.{use.attr}`",
            )


_PLAIN: Final = (ast.Constant, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.UnaryOp)


def _why(method: Method) -> str:
    if method.callback.has_client:
        return "each client has its own instance of the handler"
    return "the callbacks of the clients get other instances of the handler"
