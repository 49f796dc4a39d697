"""Rules about numbers of seconds: the timeout of a result, the delay of `send_after`."""

import ast
import math
from collections.abc import Iterator
from typing import Literal, TypeAlias

from ..model import Scope
from .addresses import starts_timer
from .bindings import only_value
from .inference import of
from .making import SIGNATURES, results_made
from .rule import Finding, View, rule
from .types import Type, in_words, is_one


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
    for scope, call, meaning in results_made(view):
        if "timeout" not in SIGNATURES[meaning][0]:
            continue
        value = next((one.value for one in call.keywords if one.arg == "timeout"), None)
        if value is None and len(call.args) == 2:
            value = call.args[1]
        if value is None or isinstance(value, ast.Starred):
            continue
        yield from _fault(view, value, scope, "timeout")
    for scope in view.module.scopes.values():
        for call in scope.calls:
            if starts_timer(view, call, scope):
                named = [one.value for one in call.keywords if one.arg == "seconds"]
                for value in (*call.args[:1], *named):
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


_Constant: TypeAlias = int | float | complex | str | bytes | bool


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
            only = only_value(node, scope)
            if isinstance(only, ast.Constant | ast.UnaryOp):
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
