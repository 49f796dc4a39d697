"""What a call gives: a result, nothing, or something else; and whether it comes back at all."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..lineage import descends
from ..model import Class, Function, Meaning
from .addresses import addresses_service, receiver, starts_timer
from .inference import of
from .library import MAY_NOT_RETURN, NEVER
from .rule import View, positional
from .types import NONE, RESULTS, declared, in_words, is_one
from .ways import NOTHING, UNKNOWN, Value

COROUTINE: Final = "a coroutine"
_COROUTINE: Final = "types.CoroutineType"


@dataclass(frozen=True, slots=True)
class End:
    """A `return` as one way reaches it."""

    node: ast.Return
    # Which part of it is the value: one side of `a if b else c`.
    expression: ast.expr | None
    value: Value
    sure: bool  # the way exists
    straight: bool  # nothing was decided on the way


@dataclass(frozen=True, slots=True)
class Summary:
    """All ends of a function."""

    ends: tuple[End, ...]
    falls: bool  # its last line can be passed, for sure
    may_fall: bool  # or at least not for sure not

    @property
    def comes_back(self) -> bool:
        """Whether the function may have an end at all."""
        return bool(self.ends) or self.may_fall


Summaries: TypeAlias = Callable[[Function], Summary | None]
"""All ends of a function of the file; None while it is being followed, where it calls itself."""

Evaluate: TypeAlias = Callable[[ast.expr], Value]
"""What is known of the value of an argument, where the call stands."""


class Calls:
    """The calls of one function."""

    def __init__(
        self, view: View, node: Function | ast.Lambda, summaries: Summaries
    ) -> None:
        self.view = view
        self.scope = view.module.scopes[node]
        self.is_async = isinstance(node, ast.AsyncFunctionDef)
        self.summaries = summaries

    def gives(
        self, call: ast.Call, evaluate: Evaluate, *, awaited: bool
    ) -> Iterator[Value]:
        """The values that a call may give; none when it never comes back."""
        target = self.view.target(call, self.scope)
        if isinstance(target, Function):
            yield from self._called(target, call, evaluate, awaited=awaited)
        else:
            yield self._made(target, call, awaited=awaited)

    def comes_back(self, call: ast.Call, *, awaited: bool) -> bool | None:
        """Whether what is called returns; None where its name says that it may not."""
        target = self.view.target(call, self.scope)
        if isinstance(target, Function):
            return not (
                awaited == isinstance(target, ast.AsyncFunctionDef)
                and self._never_returns(target)
            )
        if isinstance(target, str):
            if target in NEVER:
                return False
            if target.startswith(("builtins.", "logging.", "boss.", "asyncio.")):
                return True
        name = (
            call.func.attr
            if isinstance(call.func, ast.Attribute)
            else getattr(call.func, "id", "")
        )
        return None if MAY_NOT_RETURN.fullmatch(name) else True

    def _never_returns(self, node: Function) -> bool:
        """Whether a call of a function of the file provably does not come back."""
        scope = self.view.module.scopes[node]
        types = declared(self.view, node.returns, scope)
        if is_one(types, "typing.NoReturn") or is_one(types, "typing.Never"):
            return True
        if scope.yields or not self.view.plain(node):
            return False
        summary = self.summaries(node)
        return summary is not None and not summary.comes_back

    def typed(self, node: ast.expr) -> Value:
        """What is known of a value by its type: that it is something else than a result."""
        types = of(self.view, node, self.scope)
        if not types or any(one.meaning in RESULTS for one in types):
            return UNKNOWN
        if not self.is_async and any(one.meaning == _COROUTINE for one in types):
            return UNKNOWN  # the result of a `def` is awaited when it can be
        words = [in_words(one) for one in types if one != NONE]
        if not words or not all(words):
            return UNKNOWN
        return Value("wrong", words[0], may_be_none=NONE in types)

    def _made(self, target: Meaning, call: ast.Call, *, awaited: bool) -> Value:
        if awaited:
            return UNKNOWN
        if target in RESULTS:
            return Value("result", str(target).removeprefix("boss."), truth=True)
        if isinstance(target, Class):
            for result in RESULTS:
                if descends(target, result):
                    return Value("result", result.removeprefix("boss."), truth=True)
        if starts_timer(self.view, call, self.scope):
            return Value("wrong", "what `send_after` gives, which is a timer")
        if (
            target == "builtins.print"
            or receiver(self.view, call, self.scope)
            or addresses_service(self.view, call, self.scope)
        ):
            text = ast.unparse(call.func)
            return Value("wrong", f"what `{text}` gives, which is None")
        return self.typed(call)

    def _called(
        self, target: Function, call: ast.Call, evaluate: Evaluate, *, awaited: bool
    ) -> Iterator[Value]:
        """What a function of the file gives."""
        if not self.view.plain(target):
            yield UNKNOWN
            return
        if self.view.module.scopes[target].yields:
            yield Value(
                "wrong", f"the generator that `{target.name}` makes", truth=True
            )
            return
        if awaited != isinstance(target, ast.AsyncFunctionDef):
            if not awaited and self.is_async:
                yield Value("wrong", COROUTINE, truth=True)
            else:
                yield UNKNOWN
            return
        summary = self.summaries(target)
        if summary is None:
            yield UNKNOWN
            return
        if not summary.comes_back:
            return
        found = {
            self._argument(target, call, evaluate, end.value.what)
            if end.value.kind == "parameter"
            else end.value
            for end in summary.ends
        }
        if summary.may_fall:
            found.add(NOTHING if summary.falls else UNKNOWN)
        if all(value.kind == "none" for value in found):
            yield Value(
                "none",
                f"what `{target.name}` returns, which is nothing",
                truth=False,
                constant="None",
            )
        elif all(value.kind in {"wrong", "none"} for value in found):
            what = min(value.what for value in found if value.kind == "wrong")
            yield Value("wrong", f"what `{target.name}` returns: {what}")
        elif all(value.kind == "result" for value in found):
            yield from sorted(found, key=lambda value: value.what)
        elif (
            NOTHING in found
            and all(value.kind in {"result", "none"} for value in found)
            and _passes_names_only(call)
        ):
            yield Value("mixed", target.name)
        else:
            yield UNKNOWN

    def _argument(
        self, target: Function, call: ast.Call, evaluate: Evaluate, name: str
    ) -> Value:
        """What a function of the file is given for one of its parameters."""
        given = next((one.value for one in call.keywords if one.arg == name), None)
        names = [argument.arg for argument in positional(target)]
        match call.func:
            case ast.Attribute(value=ast.Call()):  # super().method(...)
                names = names[1:]
            case ast.Attribute(value=owner) if self.view.is_self(owner, self.scope):
                names = names[1:]
        if name in names and not any(isinstance(one, ast.Starred) for one in call.args):
            given = dict(zip(names, call.args, strict=False)).get(name, given)
        return UNKNOWN if given is None else evaluate(given)


def _passes_names_only(call: ast.Call) -> bool:
    """Whether a call decides nothing for the function: no flags among its arguments."""
    return all(isinstance(one, ast.Name) for one in call.args) and not call.keywords
