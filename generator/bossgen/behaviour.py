"""The texts of template/boss/runtime/handler.py and of those beside it -> Behaviour: what a handler may define and use.

Erlang declares the callbacks of a behaviour in one place and the compiler holds modules to them. Here that place is the
base class; its methods are read with `ast`, and no second list of them exists.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from .model import Behaviour, Callback

BASE: Final = "ServiceHandler"
_RESULTS: Final = frozenset({"Ok", "Noreply", "Stop"})


def behaviour(text: str, addresses: Iterable[str] = ()) -> Behaviour:
    """Read the callbacks off the base class, and what can be sent to off the classes for it.

    A callback is a public method of it that takes its parameters by position only (or none besides `self`) and whose
    name is not used by a property. What a callback may return is named by its annotation.

    Args:
        text: of handler.py.
        addresses: the texts of websocket.py and group.py.
    """
    tree = ast.parse(text)
    aliases = {
        node.target.id: _words(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.value is not None
    }
    base = next(
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == BASE
    )
    callbacks: list[Callback] = []
    attributes: list[str] = []
    properties: list[str] = []
    for node in base.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            attributes.append(node.target.id)
        if not isinstance(node, ast.FunctionDef):
            continue
        if node.decorator_list or node.args.args[1:] or node.name.startswith("_"):
            attributes.append(node.name)
            if node.decorator_list:
                properties.append(node.name)
            continue
        words = _words(node.returns)
        for alias, meaning in aliases.items():
            if alias in words:
                words |= meaning
        parameters = tuple(
            argument.arg for argument in (*node.args.posonlyargs, *node.args.args)
        )[1:]
        callbacks.append(
            Callback(
                name=node.name,
                parameters=parameters,
                results=tuple(sorted(words & _RESULTS)),
                has_client="websocket" in parameters,
            )
        )
    return Behaviour(
        tuple(callbacks),
        tuple(attributes),
        tuple(properties),
        {
            f"boss.{node.name}": frozenset(_names(node))
            for address in addresses
            for node in ast.parse(address).body
            if isinstance(node, ast.ClassDef)
        },
    )


def _names(class_: ast.ClassDef) -> Iterator[str]:
    """What the instances of a class have by its body: methods, annotated attributes."""
    for node in class_.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def _words(annotation: ast.expr | None) -> set[str]:
    """The names in an annotation, also in the quoted parts of it."""
    words: set[str] = set()
    for node in ast.walk(annotation) if annotation is not None else ():
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words |= _words(ast.parse(node.value, mode="eval").body)
    return words
