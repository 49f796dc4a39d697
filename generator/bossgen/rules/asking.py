"""The rule about what a websocket and a group are asked for. It is a warning: Python tells when the line is run."""

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from ..model import Scope
from ..values import did_you_mean
from .failing import tried
from .inference import is_narrowed, of
from .rule import Finding, View, attribute_span, rule

_EACH_MESSAGE: Final = (
    "leave it out: `handle_incoming` is called for each message of the client"
)
_PLAIN_CALL: Final = "a plain call that returns at once"
_SEND: Final = f"write `{{0}}.send(...)`, {_PLAIN_CALL}"
_SEND_JSON: Final = f"write `{{0}}.send_json(...)`, {_PLAIN_CALL}"
_OF_REQUEST: Final = "write `self.req.{1}`"

# What to write instead of what Starlette's WebSocket, and the managers of connections of many tutorials, are asked for;
# {0} is what is asked, {1} for what.
_INSTEAD: Final[Mapping[str, Mapping[str, str]]] = {
    "boss.WebSocket": {
        "accept": "leave it out: the handshake is done before `handle_join` is called",
        **dict.fromkeys(("send_text", "send_bytes"), _SEND),
        **dict.fromkeys(
            (
                *("receive", "receive_text", "receive_bytes", "receive_json"),
                *("iter_text", "iter_bytes", "iter_json"),
            ),
            _EACH_MESSAGE,
        ),
        "broadcast": "keep the clients in a `Group`, and send to that",
        **dict.fromkeys(
            ("url", "query_params", "headers", "cookies", "client"), _OF_REQUEST
        ),
    },
    "boss.Group": {
        **dict.fromkeys(("broadcast", "send_text", "send_bytes"), _SEND),
        "broadcast_json": _SEND_JSON,
        **dict.fromkeys(("connect", "append"), "write `{0}.add(...)`"),
        **dict.fromkeys(("disconnect", "remove"), "write `{0}.discard(...)`"),
        "close": "write `for member in {0}: member.close()`",
    },
}
# What texts, lists and dicts have, and nobody expects of a websocket, nor of what is like a set.
_OF_OTHERS: Final = (
    frozenset({*dir(str), *dir(bytes), *dir(list), *dir(dict)})
    - frozenset(dir(set))
    - frozenset(name for names in _INSTEAD.values() for name in names)
)
_CALLED: Final = {"boss.WebSocket": "a websocket", "boss.Group": "a Group"}


@rule("BG607", severity="warning")
def unknown_attribute(view: View) -> Iterator[Finding]:
    """A websocket or a group is asked for something that it does not have.

    The websocket that a callback is given is the address of a client, not the connection that FastAPI hands out: it has
    `send`, `send_json`, `close` and `id`. The handshake is done before `handle_join` is called, messages come to
    `handle_incoming`, and what the client has asked for is in `self.req`. A `Group` has `add`, `discard`, `send` and
    `send_json`. Anything else is an AttributeError when the line is run, which crashes the service.

    Example:

        await websocket.accept()
        await websocket.send_text("hello")
        state.members.broadcast("somebody came")

    Instead:

        websocket.send("hello")
        state.members.send("somebody came")
    """
    known = view.behaviour.addresses
    scopes = view.module.scopes.values()
    # What need not be looked at: to tell the type of a value takes long.
    expected = {
        *(frozenset.intersection(*known.values()) if known else ()),
        *_OF_OTHERS,
        *(
            n
            for one in scopes
            if isinstance(one.node, ast.ClassDef)
            for n in one.bindings
        ),
    }
    given: set[str] | None = None
    for scope in scopes:
        for node in scope.attributes:
            if (
                node.attr in expected
                or node.attr.startswith("_")
                or not isinstance(node.ctx, ast.Load)
            ):
                continue
            types = of(view, node.value, scope)
            if types is None or len(types) != 1:
                continue
            kind = str(types[0].meaning)
            if kind not in known or node.attr in known[kind]:
                continue
            if given is None:
                given = set(_prepared_for(view))
            if _ANY in given or node.attr in given or _is_caught(view, scope, node):
                continue
            if is_narrowed(view, node.value, scope):
                continue
            asked = view.text(node.value)
            public = [name for name in known[kind] if not name.startswith("_")]
            remedy = _INSTEAD[kind].get(node.attr, "").format(asked, node.attr)
            yield Finding(
                attribute_span(view.module, node),
                f"`{asked}` is {_CALLED[kind]}, which has no `{node.attr}`",
                remedy or did_you_mean(node.attr, public),
            )


_ANY: Final = "*"  # of whatever name


def _prepared_for(view: View) -> Iterator[str]:
    """The attributes that the file assigns, or asks for whether they are there."""
    for scope in view.module.scopes.values():
        for attribute in scope.attributes:
            if isinstance(attribute.ctx, ast.Store):
                yield attribute.attr
        for call in scope.calls:
            match call:
                case ast.Call(
                    func=ast.Name(id="hasattr" | "getattr" | "setattr"),
                    args=[_, ast.Constant(value=str() as name), *_],
                ):
                    yield name
                case ast.Call(func=ast.Name(id="setattr")):
                    yield _ANY


def _is_caught(view: View, scope: Scope, node: ast.AST) -> bool:
    """Whether an AttributeError of this line is waited for."""
    known = view.memo.setdefault("attribute errors", {})
    if scope.node not in known:
        known[scope.node] = {
            inner
            for one in ast.walk(scope.node)
            for part in tried(one, {"AttributeError"})
            for inner in ast.walk(part)
        }
    return node in known[scope.node]
