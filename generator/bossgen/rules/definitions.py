"""Rules about what a handler's file contains: Python, and one class that is a handler."""

import ast
import difflib
from collections.abc import Iterator

from ..behaviour import BASE
from ..diagnostics import Span
from ..lineage import descends, leaves
from ..model import Behaviour, Class, Module
from .rule import HANDLER, Finding, name_span, rule, span


@rule("BG301", "elsewhere")
def handler_syntax() -> None:
    """A handler's file is not Python.

    bossgen reads handlers with Python's own parser and never runs them. What the parser cannot read has no callbacks
    that could be served. Where Python says what it misses, this is said as well.

    Example:

        def handle_join(self, service_url, websocket, state)
            return Noreply(state)

    Instead:

        def handle_join(self, service_url, websocket, state):
            return Noreply(state)
    """


def handlers(module: Module) -> tuple[Class, ...]:
    """The classes of a file that may be its handler; there should be exactly one."""
    return leaves(module.classes, module.names, HANDLER)


@rule("BG302", "module")
def handler_missing(module: Module, behaviour: Behaviour) -> Iterator[Finding]:
    """A handler's file has no class that descends from `ServiceHandler`.

    The service of a file is the one class in it that provably descends from `ServiceHandler`: the base has to be
    imported from `boss`, under whatever name, or be a class of the same file that itself descends from it. A base from
    another module is not looked into. It may be a mixin, beside `ServiceHandler`.

    Example:

        class ChatWebsocket:
            def init(self):
                return Ok(State())

    Instead:

        from boss import Ok, ServiceHandler

        class ChatWebsocket(ServiceHandler[State]):
            def init(self) -> Ok[State]:
                return Ok(State())
    """
    if handlers(module):
        return
    like = _most_like_a_handler(module, behaviour)
    inner = _inside(module) if like is None else None
    if inner is not None:
        yield Finding(
            name_span(module, inner),
            f"`{inner.name}` does not stand at the top level of this file, so it is not served",
            "move it to the top level of the file",
        )
        return
    if like is None:
        yield Finding(
            span(module, module.tree.body[0])
            if module.tree.body and len(module.lines) == 1
            else _top(module),
            "there is no handler in this file",
            f"write `class {_class_name(module)}({BASE}[State]):`, with `from boss import {BASE}` above",
        )
        return
    yield _near_miss(module, like)


def _top(module: Module) -> Span:
    return Span(module.source.path, 1, 1, 1, 1)


def _class_name(module: Module) -> str:
    stem = module.source.path.rpartition("/")[2].removesuffix(".py")
    words = stem.split("_")[1:]
    name = "".join(word.capitalize() for word in words if word)
    return name if name.isidentifier() else "ChatWebsocket"


def _most_like_a_handler(module: Module, behaviour: Behaviour) -> Class | None:
    """The class that was probably meant: the one with most callbacks, or with a base or name that says so."""
    best: tuple[int, Class | None] = (0, None)
    for class_ in module.classes:
        score = 2 * len(set(behaviour.names) & set(class_.members))
        score += 3 * any(BASE in ast.unparse(base) for base in class_.node.bases)
        score += any(_near_base(base) for base in class_.node.bases)
        score += class_.node.name.lower().endswith(("websocket", "handler"))
        if score > best[0]:
            best = (score, class_)
    return best[1]


def _inside(module: Module) -> ast.ClassDef | None:
    """A class that says it is a handler, but not at the top level."""
    top = {class_.node for class_ in module.classes}
    return next(
        (
            node
            for node in module.scopes
            if isinstance(node, ast.ClassDef)
            and node not in top
            and any(BASE in ast.unparse(base) for base in node.bases)
        ),
        None,
    )


def _near_base(base: ast.expr) -> bool:
    bare = base.value if isinstance(base, ast.Subscript) else base
    if not isinstance(bare, ast.Name | ast.Attribute):
        return False
    return bool(
        difflib.get_close_matches(
            ast.unparse(bare).rpartition(".")[2], [BASE], cutoff=0.8
        )
    )


def _near_miss(module: Module, class_: Class) -> Finding:
    node = class_.node
    where = name_span(module, node)
    if class_.typing_only:
        return Finding(
            where,
            f"`{node.name}` is defined only while types are checked",
            "move it out of `if TYPE_CHECKING:`",
        )
    if descends(class_, HANDLER):
        return Finding(
            where,
            f"the name `{node.name}` does not lead to this class once the file has run",
            "leave the name to the class: boss/router.py imports it by that name",
        )
    for base, meanings in zip(node.bases, class_.bases, strict=True):
        bare = base.value if isinstance(base, ast.Subscript) else base
        text = ast.unparse(bare)
        if text.rpartition(".")[2] != BASE and not _near_base(base):
            continue
        at = span(module, bare)
        stars = module.names.get("*", ())
        others = [f"`{star}`" for star in stars if star != "boss"]
        if meanings == (None,) and text == BASE and "boss" in stars and others:
            return Finding(
                at,
                f"`{BASE}` may come from {' or '.join(others)} as well as from `boss`",
                f"write `from boss import {BASE}` below the imports of `*`",
            )
        if meanings == (None,) and text == BASE:
            return Finding(
                at,
                f"`{BASE}` is not imported in this file",
                f"write `from boss import {BASE}`",
            )
        if any(isinstance(meaning, Class) for meaning in meanings):
            return Finding(
                at,
                f"`{text}` is a class of this file, not boss's {BASE}",
                f"write `from boss import {BASE}` and give your own class another name",
            )
        origin = next((m for m in meanings if isinstance(m, str)), None)
        if text.rpartition(".")[2] == BASE:
            found = f", but `{origin}`" if origin else ""
            return Finding(
                at,
                f"`{text}` is not boss's {BASE}{found}",
                f"write `from boss import {BASE}`",
            )
        if origin == f"boss.{text}":
            return Finding(
                at, f"boss has no `{text}`", f"write `{BASE}`, and import it from boss"
            )
        return Finding(
            at,
            f"`{node.name}` extends `{text}`, which is not boss's {BASE}",
            f"write `class {node.name}({BASE}[State]):`, with `from boss import {BASE}` above",
        )
    if node.bases:
        listed = ", ".join(ast.unparse(base) for base in node.bases)
        own = ", ".join([listed, f"{BASE}[State]"])
        return Finding(
            where,
            f"`{node.name}` extends `{listed}`, which is not seen to descend from {BASE}",
            f"write `class {node.name}({own}):`, with `from boss import {BASE}` above",
        )
    return Finding(
        where,
        f"`{node.name}` does not extend {BASE}",
        f"write `class {node.name}({BASE}[State]):`, with `from boss import {BASE}` above",
    )


@rule("BG303", "module")
def handler_ambiguous(module: Module, behaviour: Behaviour) -> Iterator[Finding]:
    """A handler's file has two classes that could be its handler.

    A file defines one service, so exactly one class in it may descend from `ServiceHandler` without being extended by
    another. Taking the first or the last would make the service depend on the order of definitions. A common base of
    several services belongs into `src/lib/` as a mixin, or is extended by the one handler of the file.

    Example:

        class ChatWebsocket(ServiceHandler[State]): ...
        class NewsWebsocket(ServiceHandler[State]): ...

    Instead: one file for each, `myapp_chat_websocket.py` and `myapp_news_websocket.py`.
    """
    found = handlers(module)
    if len(found) < 2:
        return
    first, *others = (class_.node for class_ in found)
    names = " and ".join(f"`{class_.node.name}`" for class_ in found)
    yield Finding(
        name_span(module, others[0]),
        f"{names} could both be the handler of this file"
        if len(found) == 2
        else f"{names} could all be the handler of this file",
        "move one of them to a file of its own, or let one extend the other",
        tuple(
            (
                name_span(module, node),
                "this is the other one" if len(found) == 2 else "",
            )
            for node in (first, *others[1:])
        ),
    )
