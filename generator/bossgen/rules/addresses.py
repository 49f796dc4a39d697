"""Calls that send: to a client, to a group, to a service, or to the service itself after some time."""

import ast
from typing import Final

from ..model import Scope
from .inference import of
from .rule import View
from .types import is_one

SERVICES: Final = "boss.services"
_SENDS: Final = frozenset({"send", "send_json", "close"})


def receiver(view: View, call: ast.Call, scope: Scope) -> str:
    """What is sent to: "boss.WebSocket", "boss.Group", or "" when it is not sure to be one of them."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _SENDS:
        return ""
    types = of(view, function.value, scope)
    if is_one(types, "boss.WebSocket"):
        return "boss.WebSocket"
    if is_one(types, "boss.Group") and function.attr != "close":
        return "boss.Group"
    return ""


def addresses_service(view: View, call: ast.Call, scope: Scope) -> bool:
    """Whether a call sends to a service of the project, by `services.NAME.broadcast` or `info`."""
    meaning = view.resolve(call.func, scope)
    if not isinstance(meaning, str) or not meaning.startswith(f"{SERVICES}."):
        return False
    service, _, method = meaning.removeprefix(f"{SERVICES}.").partition(".")
    return service in view.services and method in {"broadcast", "info"}


def starts_timer(view: View, call: ast.Call, scope: Scope) -> bool:
    """Whether a call is `self.send_after(...)`, of the base class."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "send_after"
        and view.is_self(function.value, scope)
        and not view.member("send_after")
    )
