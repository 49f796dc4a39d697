"""Rules about the callbacks as they are defined: their names, their parameters, what kind of thing they are."""

import ast
from collections.abc import Iterator
from typing import Final

from ..diagnostics import Span
from ..model import Callback, Class, Function, Module
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

# --- BG304 -------------------------------------------------------------------------------------------

# What other libraries call the moments that the callbacks are there for.
_ELSEWHERE: Final = {
    "connect": "handle_join",
    "open": "handle_join",
    "join": "handle_join",
    "enter": "handle_join",
    "disconnect": "handle_close",
    "close": "handle_close",
    "leave": "handle_close",
    "message": "handle_incoming",
    "receive": "handle_incoming",
    "incoming": "handle_incoming",
    "broadcast": "handle_broadcast",
    "info": "handle_info",
    "timeout": "handle_info",
    "init": "init",
    "terminate": "terminate",
    "shutdown": "terminate",
}
_ENDINGS: Final = frozenset({"s", "d", "ed", "ing", "r", "er"})


@rule("BG304")
def callback_unknown(view: View) -> Iterator[Finding]:
    """A method is named nearly like a callback, and nobody calls it.

    A callback with a letter wrong is a method that is never called, and the default, which does nothing, runs in its
    place. A method is reported when its name is nearly that of a callback (or what other libraries call the same
    moment, `on_message`) and nothing in the file mentions it. Begin the name with `_` if it is meant to be your own.

    Example:

        def handle_incomming(self, service_url, websocket, message, state):
            ...

    Instead:

        def handle_incoming(self, service_url, websocket, message, state):
            ...
    """
    if not view.closed or calls_by_text(view):
        return  # a base that is not seen may call it, or a name made at run time
    names = view.behaviour.names
    for class_ in view.handler.lineage:
        assert class_ is not None
        for name, meanings in class_.members.items():
            if name in names or name.startswith("_"):
                continue
            node = meanings[0]
            if not isinstance(node, Function | ast.Lambda) or (
                isinstance(node, Function) and not view.plain(node)
            ):
                continue
            near = _nearest(name, names, view.handler.callbacks)
            if near is None or _mentions(view.module, name):
                continue
            yield Finding(
                _bound(view, class_, name, node),
                f"`{name}` is no callback, and nothing in this file calls it",
                f"write `{near}`, or `_{name}` if it is your own",
            )


def _bound(view: View, class_: Class, name: str, node: Function | ast.Lambda) -> Span:
    """Where the body of a class gives a method its name: in its definition, or where it is assigned."""
    if isinstance(node, Function) and node.name == name:
        return name_span(view.module, node)
    return next(
        view.at(one)
        for one in ast.walk(class_.node)
        if isinstance(one, ast.Name) and one.id == name
    )


def calls_by_text(view: View) -> bool:
    """Whether the file looks up attributes whose names it makes at run time: `getattr(self, f"on_{kind}")`."""
    for scope in view.module.scopes.values():
        if any(attribute.attr in _NAMESPACES for attribute in scope.attributes):
            return True
        for call in scope.calls:
            match call.func:
                case (
                    ast.Name(id="getattr" | "methodcaller" | "attrgetter")
                    | ast.Attribute(
                        attr="methodcaller" | "attrgetter" | "__getattribute__"
                    )
                ):
                    if not all(isinstance(one, ast.Constant) for one in call.args[-1:]):
                        return True
                    if len(call.args) > 1 and not isinstance(
                        call.args[1], ast.Constant
                    ):
                        return True
                case ast.Name(id="vars" | "dir"):
                    return True
    return False


_NAMESPACES: Final = frozenset({"__dict__", "getmembers", "getmembers_static"})


def _nearest(
    name: str, callbacks: tuple[str, ...], defined: tuple[str, ...]
) -> str | None:
    plain = name.lower().replace("_", "")
    for callback in callbacks:
        right = callback.replace("_", "")
        if plain == right or (
            plain.startswith(right) and plain.removeprefix(right) in _ENDINGS
        ):
            return callback
    for prefix in ("on", "handle"):
        moment = _ELSEWHERE.get(plain.removeprefix(prefix))
        if plain.startswith(prefix) and moment in callbacks:
            return None if moment in defined else moment
    distance, nearest = min(
        (_distance(plain, callback.replace("_", "")), callback)
        for callback in callbacks
    )
    allowed = 1 if len(nearest) < 8 else 2
    if distance > allowed:
        return None
    moment, right = plain.removeprefix("handle"), nearest.removeprefix("handle_")
    if plain.startswith("handle") and _distance(moment, right) > max(
        1, len(right) // 4
    ):
        return None  # handle_login is not handle_join
    return nearest


def _distance(one: str, other: str) -> int:
    """How many letters have to be put in, left out, changed or exchanged with the next.

    Source: the optimal string alignment distance (Damerau, Levenshtein).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(row[-1] + 1, before[j] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _mentions(module: Module, name: str) -> bool:
    """Whether anything but its definition mentions a name: an attribute, a variable, or a text that equals it."""
    if module.source.text.count(name) < 2:
        return False
    return any(
        (isinstance(node, ast.Attribute) and node.attr == name)
        or (
            isinstance(node, ast.Name)
            and node.id == name
            and isinstance(node.ctx, ast.Load)
        )
        or (isinstance(node, ast.Constant) and node.value == name)
        or (isinstance(node, ast.keyword) and node.arg == name)
        for node in ast.walk(module.tree)
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
