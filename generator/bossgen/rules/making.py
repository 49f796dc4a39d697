"""The calls that make a result: which there are in a file, and what is wrong with their arguments."""

import ast
import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from ..model import Scope
from .rule import Finding, View
from .types import RESULTS

# The parameters of the results, in order; the number of those that have to be given.
SIGNATURES: Final[Mapping[str, tuple[tuple[str, ...], int]]] = {
    "boss.Ok": (("state", "timeout"), 1),
    "boss.Noreply": (("state", "timeout"), 1),
    "boss.Stop": (("reason", "state"), 2),
}


def made_wrongly(view: View) -> Iterator[Finding]:
    """Results that cannot be made: an argument is missing, or one too many."""
    for scope, call, meaning in results_made(view):
        names, required = SIGNATURES[meaning]
        if any(isinstance(one, ast.Starred) for one in call.args) or any(
            keyword.arg is None for keyword in call.keywords
        ):
            continue
        keywords = [str(keyword.arg) for keyword in call.keywords]
        given = {*names[: len(call.args)], *keywords}
        called = view.text(call.func)
        state = "state" if "state" in scope.bindings else "..."
        usage = {
            "boss.Ok": f"{called}({state})",
            "boss.Noreply": f"{called}({state})",
            "boss.Stop": f'{called}("normal", {state})',
        }[meaning]
        lacking = [name for name in names[:required] if name not in given]
        twice = [name for name in keywords if name in names[: len(call.args)]]
        strange = [name for name in keywords if name not in names]
        if len(call.args) > len(names):
            yield Finding(
                view.at(call.args[len(names)]),
                f"`{called}` takes {_listed(names)}, and this is one too many",
                f"write `{usage}`",
            )
        elif strange:
            place = next(one for one in call.keywords if one.arg == strange[0])
            near = difflib.get_close_matches(strange[0], names, 1)
            yield Finding(
                view.at(place),
                f"`{called}` takes {_listed(names)}, and no `{strange[0]}`",
                f"did you mean `{near[0]}`?" if near else f"write `{usage}`",
            )
        elif twice:
            place = next(one for one in call.keywords if one.arg == twice[0])
            yield Finding(
                view.at(place),
                f"`{called}` gets {_listed(twice[:1])} twice",
                f"write `{usage}`",
            )
        elif meaning == "boss.Stop" and len(call.args) == 1 and lacking:
            yield Finding(
                view.at(call),
                f"`{called}` takes the reason and the state, and gets only one of them",
                f"write `{usage}`",
            )
        elif lacking:
            yield Finding(
                view.at(call),
                f"`{called}` lacks {_listed(lacking)}",
                f"write `{usage}`",
            )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return " and ".join(
        f"the {name}" if name != "timeout" else "a timeout" for name in names
    )


def results_made(view: View) -> list[tuple[Scope, ast.Call, str]]:
    """All calls in the file that make a result."""
    found: list[tuple[Scope, ast.Call, str]] | None = view.memo.get("results")
    if found is None:
        found = view.memo["results"] = []
        for scope in view.module.scopes.values():
            for call in scope.calls:
                meaning = view.resolve(call.func, scope)
                if isinstance(meaning, str) and meaning in RESULTS:
                    found.append((scope, call, meaning))
    return found
