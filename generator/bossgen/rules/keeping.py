"""Rules about collections: what is put into the state and stays there, and what outlives the state. Warnings."""

import ast
from collections.abc import Iterator
from typing import Final

from ..model import Function, Scope
from .bindings import only_value
from .inference import of
from .library import ADDS
from .rule import Finding, View, name_of, rule
from .types import state_types

_REMOVES: Final = frozenset(
    {
        *("discard", "remove", "pop", "popitem", "popleft", "clear"),
        *("difference_update", "intersection_update", "symmetric_difference_update"),
        "difference",
    }
)

# --- BG603 -------------------------------------------------------------------------------------------

_PLAIN: Final = frozenset(
    {
        *(f"builtins.{name}" for name in ("set", "list", "dict")),
        *(f"typing.{name}" for name in ("Set", "List", "Dict")),
        *(f"collections.{name}" for name in ("deque", "defaultdict", "OrderedDict")),
        *(
            f"collections.abc.{name}"
            for name in ("MutableSet", "MutableSequence", "MutableMapping")
        ),
    }
)


@rule("BG603", severity="warning")
def client_kept(view: View) -> Iterator[Finding]:
    """A client is put into the state when it joins, and never taken out.

    A `Group` loses its clients by itself when they close; a plain set, list or dict does not. What is never taken out
    grows with every client that ever came, and each message is sent to all who have left long ago.

    Example, without a `handle_close`:

        def handle_join(self, service_url, websocket, state):
            state.members.add(websocket)        # members: set[WebSocket]
            return Noreply(state)

    Instead, declare `members: Group`, or:

        def handle_close(self, reason, service_url, websocket, state):
            state.members.discard(websocket)
            return Noreply(state)
    """
    for method, node in view.functions():
        if method.name != "handle_join":
            continue
        scope = view.module.scopes[node]
        client = name_of("websocket", method.callback, node)
        for keeper, where in _kept(scope, client):
            types = of(view, keeper, scope)
            if types is None or not all(one.meaning in _PLAIN for one in types):
                continue
            lasting = _lasting(keeper, scope)
            if lasting is None or _taken_out(view, lasting):
                continue
            text = view.text(keeper)
            yield Finding(
                view.at(where),
                f"`{text}` keeps every client that ever joins: nothing here takes one out",
                f"make `{text}` a `Group`, which clients leave by themselves, or take them out in `handle_close`",
            )


def _kept(scope: Scope, websocket: str) -> Iterator[tuple[ast.expr, ast.AST]]:
    """The collections in which a function puts the client, and where it does."""
    for call in scope.calls:
        match call:
            case ast.Call(
                func=ast.Attribute(value=keeper, attr=attribute), args=[*arguments]
            ):
                if attribute in ADDS and any(
                    isinstance(one, ast.Name) and one.id == websocket
                    for one in arguments
                ):
                    yield keeper, call
    for node in scope.assignments:
        match node:
            case ast.Assign(
                targets=[ast.Subscript(value=keeper, slice=ast.Name(id=key)) as target]
            ):
                if key == websocket:
                    yield keeper, target


def _lasting(keeper: ast.expr, scope: Scope) -> ast.expr | None:
    """What of a collection outlives the function; None for one that the function makes for itself."""
    if not isinstance(keeper, ast.Name) or keeper.id not in scope.bindings:
        return keeper
    if all(isinstance(bound, ast.arg) for bound in scope.bindings[keeper.id]):
        return keeper
    value = only_value(keeper, scope)
    return value if isinstance(value, ast.Attribute) else None


def _taken_out(view: View, keeper: ast.expr) -> bool:
    """Whether anything in the file may take a client out again; when in doubt, yes."""
    if "taken out" not in view.memo:
        view.memo["taken out"] = frozenset(_perhaps_emptied(view))
    emptied = view.memo["taken out"]
    name = keeper.attr if isinstance(keeper, ast.Attribute) else ast.unparse(keeper)
    return _ANY in emptied or name in emptied


_ANY: Final = "*"  # of whatever name
_HARMLESS: Final = frozenset(
    {
        *("len", "list", "tuple", "set", "sorted", "print", "str", "repr", "id"),
        *("bool", "isinstance", "hasattr"),
    }
)


def _perhaps_emptied(view: View) -> Iterator[str]:
    """The names of collections that something in the file may make smaller."""
    if not view.closed:
        yield _ANY  # by a base that is not seen
    states = set(_states(view))
    for scope in view.module.scopes.values():
        for attribute in scope.attributes:
            if attribute.attr in _REMOVES:
                yield _ANY
            if isinstance(attribute.ctx, ast.Store):
                yield attribute.attr
        for call in scope.calls:
            yield from _handed_over(view, call, scope, states)
        if any(len(scope.bindings.get(name, ())) > 1 for name in states):
            yield _ANY  # another state takes its place
    for node in ast.walk(view.module.tree):
        match node:
            case ast.Delete() | ast.BinOp(op=ast.Sub()) | ast.AugAssign(op=ast.Sub()):
                yield _ANY
    for method in view.methods:
        if method.name == "handle_close" and isinstance(method.definition, ast.AST):
            yield "state"
            for node in ast.walk(method.definition):
                if isinstance(node, ast.Attribute):
                    yield node.attr


def _states(view: View) -> Iterator[str]:
    """What the callbacks call the state."""
    for method, node in view.functions():
        if name := name_of("state", method.callback, node):
            yield name


def _handed_over(
    view: View, call: ast.Call, scope: Scope, states: set[str]
) -> Iterator[str]:
    """What a call gives to somebody else, who may take the clients out."""
    if isinstance(call.func, ast.Name) and call.func.id in _HARMLESS:
        return
    target = view.target(call, scope)
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    for one in given:
        if isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.Name) and one.id not in states:
            yield one.id
    names = {one.id for one in given if isinstance(one, ast.Name)}
    if target in {"boss.Noreply", "boss.Stop"}:
        if names.isdisjoint(states):
            yield _ANY  # another state takes its place
    elif not isinstance(target, Function) and not names.isdisjoint(states):
        yield _ANY
    match call.func:
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            if name in states and not _is_seen(view, attribute):
                yield _ANY


def _is_seen(view: View, method: str) -> bool:
    """Whether a method of the state can be looked into: the file has it, or the state is a plain collection."""
    types = state_types(view)
    return (types is not None and all(one.meaning in _PLAIN for one in types)) or any(
        isinstance(scope.node, Function) and scope.node.name == method
        for scope in view.module.scopes.values()
    )


# --- BG605 -------------------------------------------------------------------------------------------

_MUTABLE: Final = frozenset(
    {
        *(f"builtins.{name}" for name in ("set", "list", "dict")),
        *(f"collections.{name}" for name in ("deque", "defaultdict", "OrderedDict")),
        "collections.Counter",
        "boss.Group",
    }
)
_CHANGES: Final = ADDS | _REMOVES | {"sort"}


@rule("BG605", severity="warning")
def shared_attribute(view: View) -> Iterator[Finding]:
    """A collection in the body of the class is used as state.

    What the body of a class binds is made once for the whole process. It is not made anew when the service is
    restarted, so clients of an earlier life stay in it, and a test finds what the test before left. The state that
    `init` makes has neither fault.

    Example:

        class ChatWebsocket(ServiceHandler[None]):
            members = set()

            def handle_join(self, service_url, websocket, state):
                self.members.add(websocket)
                ...

    Instead:

        class ChatWebsocket(ServiceHandler[State]):
            def init(self):
                return Ok(State(members=set()))
    """
    for class_ in view.handler.lineage:
        for name, meanings in class_.members.items() if class_ else ():
            value = meanings[0]
            if (
                not isinstance(value, ast.expr)
                or view.member(name) != meanings
                or name in view.behaviour.attributes
                or not _is_mutable(view, value)
                or not _is_changed(view, name)
            ):
                continue
            yield Finding(
                view.at(value),
                f"`{name}` is made once for the whole process and outlives the service's restarts",
                f"make it in `init` and keep it in the state: `state.{name}`",
            )


def _is_mutable(view: View, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return view.at_top(node.func) in _MUTABLE
    return isinstance(
        node, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    )


def _is_changed(view: View, name: str) -> bool:
    """Whether a method changes `self.NAME`."""
    for scope in view.module.scopes.values():
        for attribute in scope.attributes:
            inner = attribute.value
            if (
                attribute.attr in _CHANGES
                and isinstance(inner, ast.Attribute)
                and inner.attr == name
                and view.is_self(inner.value, scope)
            ):
                return True
        for node in scope.assignments:
            match node:
                case (
                    ast.Assign(targets=[ast.Subscript(value=ast.Attribute() as inner)])
                    | ast.AugAssign(
                        target=ast.Subscript(value=ast.Attribute() as inner)
                    )
                ):
                    if inner.attr == name and view.is_self(inner.value, scope):
                        return True
    return False
