"""What the names of a module mean.

`resolve` joins what `define` found at the top level of the module with the names that a function binds itself. What
cannot be told has the meaning None, and no rule may conclude anything from it.
"""

import ast
import builtins
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from .model import Class, Meaning, Scope

Names: TypeAlias = dict[str, tuple[Meaning, ...]]

STAR: Final = "*"  # under this key: the modules whose names were all imported
ANY_NAME: Final = "*"  # a member of a class that binds names made at run time
UNKNOWN: Final[tuple[Meaning, ...]] = (None,)
_BUILTINS: Final = frozenset(dir(builtins))

# --- what binds names --------------------------------------------------------------------------------


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Meaning]]:
    """The names that an import binds, with their meaning; "*" for all names of a module."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, canonical(alias.name)
            else:
                top = alias.name.partition(".")[0]
                yield top, top
        return
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            yield STAR, module
        else:
            dot = "" if module.endswith(".") else "."
            yield alias.asname or alias.name, canonical(f"{module}{dot}{alias.name}")


def canonical(dotted: str) -> str:
    """One name for what can be imported in two ways: `boss.runtime.results.Noreply` is `boss.Noreply`."""
    parts = dotted.split(".")
    if parts[:2] == ["boss", "runtime"] and len(parts) == 4:
        return f"boss.{parts[3]}"
    if parts[0] == "typing_extensions":
        return ".".join(["typing", *parts[1:]])
    return dotted


def captured(pattern: ast.AST) -> Iterator[str]:
    """The name that one part of a pattern binds."""
    match pattern:
        case (
            ast.MatchAs(name=str() as name)
            | ast.MatchStar(name=str() as name)
            | ast.MatchMapping(rest=str() as name)
        ):
            yield name


# --- meanings ----------------------------------------------------------------------------------------


def meaning_of(
    node: ast.expr, names: Names, outer: Names | None = None
) -> tuple[Meaning, ...]:
    """What an expression at the top level of a module, or in the body of a class, may mean."""
    match node:
        case ast.Name(id=name):
            if name in names:
                return names[name]
            return _global(name, names if outer is None else outer)
        case ast.Attribute(value=value, attr=attribute):
            return _attribute(meaning_of(value, names, outer), attribute)
        case ast.Subscript(value=value):  # ServiceHandler[State]
            return meaning_of(value, names, outer)
        case ast.Constant(value=str() as text):
            try:
                return meaning_of(ast.parse(text, mode="eval").body, names, outer)
            except (SyntaxError, ValueError):
                return UNKNOWN
    return UNKNOWN


def _global(name: str, names: Mapping[str, tuple[Meaning, ...]]) -> tuple[Meaning, ...]:
    if name in names:
        return names[name]
    stars = names.get(STAR, ())
    if name in _BUILTINS:
        # A star import may hide a builtin name; boss exports none.
        return (f"builtins.{name}",) if set(stars) <= {"boss"} else UNKNOWN
    if stars == ("boss",):
        return (f"boss.{name}",)
    return UNKNOWN


def _attribute(meanings: tuple[Meaning, ...], attribute: str) -> tuple[Meaning, ...]:
    found: list[Meaning] = []
    for meaning in meanings:
        if isinstance(meaning, str):
            found.append(canonical(f"{meaning}.{attribute}"))
        elif isinstance(meaning, Class) and attribute in meaning.members:
            found += meaning.members[attribute]
        else:
            found.append(None)
    return tuple(found)


def resolve(
    node: ast.expr, scope: Scope, names: Mapping[str, tuple[Meaning, ...]]
) -> Meaning:
    """The one thing that an expression in a function means, or None when it may mean several or cannot be told."""
    match node:
        case ast.Name(id=name):
            meanings = lookup(name, scope, names)
        case ast.Attribute(value=value, attr=attribute):
            base = resolve(value, scope, names)
            if base is None or not isinstance(base, str | Class):
                return None
            meanings = _attribute((base,), attribute)
        case ast.Subscript(value=value):
            return resolve(value, scope, names)
        case _:
            return None
    return meanings[0] if len(meanings) == 1 else None


def lookup(
    name: str, scope: Scope, names: Mapping[str, tuple[Meaning, ...]]
) -> tuple[Meaning, ...]:
    """What a name in a function may mean: its own binding, one of the functions around it, or the module's."""
    home = binding_scope(name, scope)
    return _global(name, names) if home is None else tuple(home.bindings[name])


def binding_scope(name: str, scope: Scope) -> Scope | None:
    """The function around that binds the name; None when it is the module's, or nobody's."""
    here: Scope | None = scope
    while here is not None and here.parent is not None:
        if name in here.bindings and (
            here is scope or not isinstance(here.node, ast.ClassDef)
        ):
            return here
        here = here.parent
    return None
