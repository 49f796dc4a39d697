"""Rules about the callbacks as they are defined: their parameters, and what kind of thing they are."""

import ast
from collections.abc import Iterator
from typing import Final

from ..diagnostics import Span
from ..model import Callback, Class, Function
from .rule import (
    TRANSPARENT,
    Finding,
    Method,
    View,
    name_span,
    positional,
    rule,
    span,
)

# --- BG305 -------------------------------------------------------------------------------------------


@rule("BG305")
def callback_parameters(view: View) -> Iterator[Finding]:
    """A callback cannot be called with the arguments it is given.

    Callbacks are called with positional arguments, so their number and order count. The names are yours, with one
    exception: where a parameter bears the name of another argument, `state` in the place of `websocket`, the arguments
    are taken to be in the wrong order. `*args` and extra parameters with a default are fine. A callback with a
    decorator is not judged, since the decorator may change what it takes.

    Example:

        async def handle_join(self, service_url, websocket):
            ...

    Instead:

        async def handle_join(self, service_url, websocket, state):
            ...
    """
    for method in view.methods:
        node = method.definition
        if (
            isinstance(node, Function)
            and view.plain(node)
            or isinstance(node, ast.Lambda)
        ):
            problem = _binding(node, method.callback)
        else:
            continue
        if problem:
            yield Finding(_place(view, method), problem, _write(node, method.callback))


def _place(view: View, method: Method) -> Span:
    if isinstance(method.definition, Function):
        return name_span(view.module, method.definition)
    assert isinstance(method.definition, ast.AST)
    return span(view.module, method.definition)


def _write(node: Function | ast.Lambda, callback: Callback) -> str:
    parameters = ", ".join(("self", *callback.parameters))
    if isinstance(node, ast.Lambda):
        return f"write `lambda {parameters}: ...`"
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"write `{keyword} {callback.name}({parameters})`"


def _binding(node: Function | ast.Lambda, callback: Callback) -> str:
    """Why the positional call cannot be made, or ""."""
    given = ("self", *callback.parameters)
    own = [argument.arg for argument in positional(node)]
    optional = len(node.args.defaults)
    subject = f"`{callback.name}`"
    keywords = [
        argument.arg
        for argument, default in zip(
            node.args.kwonlyargs, node.args.kw_defaults, strict=True
        )
        if default is None
    ]
    if keywords:
        listed = _listed(keywords)
        return f"{subject} is called with positional arguments only, and never gets {listed}"
    required = own[: len(own) - optional]
    if len(required) > len(given):
        extra = [name for name in required if name not in given][: len(required)]
        surplus = len(required) - len(given)
        named = extra[-surplus:] if len(extra) >= surplus else required[-surplus:]
        plural = "s" if len(named) > 1 else ""
        return f"{subject} gets no argument for the parameter{plural} {_listed(named)}"
    if len(own) < len(given) and node.args.vararg is None:
        lacking = _lacking(own, given)
        plural = "s" if len(lacking) > 1 else ""
        return f"{subject} lacks the parameter{plural} {_listed(lacking)}"
    for place, (name, right) in enumerate(zip(own, given, strict=False)):
        if name != right and name in given:
            return f"`{name}` is the {_ORDINALS[place]} parameter of {subject}, where `{right}` is given"
    return ""


_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")


def _lacking(own: list[str], given: tuple[str, ...]) -> list[str]:
    """Which of the arguments have no parameter: those whose name is missing, or else the last ones."""
    count = len(given) - len(own)
    missing = [name for name in given if name not in own]
    if not own or own[0] in given[1:]:
        return missing[:count]
    return missing[-count:]


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


# --- BG306 -------------------------------------------------------------------------------------------

_KINDS: Final = {
    "builtins.property": "a property, which is not called",
    "functools.cached_property": "a property, which is not called",
    "builtins.staticmethod": "a static method, which does not get `self`",
    "builtins.classmethod": "a class method, which gets the class and not `self`",
}


@rule("BG306")
def callback_kind(view: View) -> Iterator[Finding]:
    """A callback is not a method that can be called and gives a result.

    A callback is a `def` or an `async def` in the class. A property is not called; a static or class method does not
    get the instance, and with it neither `self.req` nor `self.send_after`; a function with a `yield` in it gives a
    generator instead of a result, and none of its lines is run.

    Example:

        async def handle_incoming(self, service_url, websocket, message, state):
            yield Noreply(state)

    Instead:

        async def handle_incoming(self, service_url, websocket, message, state):
            return Noreply(state)
    """
    for method in view.methods:
        node = method.definition
        place = _place(view, method) if isinstance(node, ast.AST) else None
        subject = f"`{method.name}`"
        if isinstance(node, Function):
            assert place is not None
            decorator = _deciding(view, node)
            if decorator is not None:
                kind = _KINDS[str(view.at_top(decorator))]
                yield Finding(
                    place,
                    f"{subject} is {kind}",
                    f"remove `@{view.text(decorator)}` and {_write(node, method.callback)}",
                )
            elif view.plain(node) and (yields := view.module.scopes[node].yields):
                yield _generator(view, method, yields)
        elif isinstance(node, ast.Lambda):
            if yields := view.module.scopes[node].yields:
                yield _generator(view, method, yields)
        elif isinstance(node, ast.Call):
            meaning = view.at_top(node.func)
            if isinstance(meaning, str) and meaning in _KINDS and place is not None:
                yield Finding(
                    place,
                    f"{subject} is {_KINDS[meaning]}",
                    f"write `def {method.name}({', '.join(('self', *method.callback.parameters))})`",
                )
        elif isinstance(node, (*_VALUES, Class)):
            what = "a class" if isinstance(node, Class) else f"`{_short(node)}`"
            at = (
                name_span(view.module, node.node)
                if isinstance(node, Class)
                else view.at(node)
            )
            yield Finding(
                at,
                f"{subject} is {what}, not a method",
                f"write `def {method.name}({', '.join(('self', *method.callback.parameters))})`,"
                " or leave it out: the default does nothing",
            )


def _generator(view: View, method: Method, yields: list[ast.AST]) -> Finding:
    first = min(yields, key=lambda one: (one.lineno, one.col_offset))  # type: ignore[attr-defined]
    return Finding(
        _place(view, method),
        f"`{method.name}` has a `yield` in it: calling it makes a generator and runs none of its lines",
        _instead_of_yield(method.callback),
        ((view.at(first), "this makes it a generator"),),
    )


def _deciding(view: View, node: Function) -> ast.expr | None:
    """The decorator that makes something else of a method; one above it could make a method of that again."""
    for decorator in node.decorator_list:
        meaning = view.at_top(decorator)
        if isinstance(meaning, str) and meaning in _KINDS:
            return decorator
        if meaning not in TRANSPARENT:
            return None
    return None


_VALUES: Final = (
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.JoinedStr,
    ast.ListComp,
    ast.DictComp,
    ast.SetComp,
)


def _short(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _instead_of_yield(callback: Callback) -> str:
    if not callback.results:
        return "take the `yield` out"
    result = {"Ok": "Ok(...)", "Noreply": "Noreply(state)"}[callback.results[0]]
    return f"write `return {result}`; to send to a client, call `websocket.send(...)`"
