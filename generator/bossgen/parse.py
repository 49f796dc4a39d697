"""Source -> Handler, with `ast`: one parse and one walk for each file. Nothing is imported or run."""

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from .define import define, forget_changed
from .diagnostics import Diagnostic, split_lines
from .lineage import lineage, overriding
from .model import Behaviour, Handler, Module, Scope, Source
from .names import ANY_NAME
from .rules import RULES
from .rules.definitions import handlers
from .rules.files import service_of
from .rules.python import not_python, not_text, null_bytes, refusals, too_deep
from .rules.rule import HANDLER
from .scopes import scopes

_FILE_RULES: Final = tuple(rule for rule in RULES if rule.looks == "file")
_MODULE_RULES: Final = tuple(rule for rule in RULES if rule.looks == "module")


def parse(
    sources: Iterable[Source], app: str, behaviour: Behaviour
) -> tuple[tuple[Handler, ...], tuple[Diagnostic, ...]]:
    """Read the handlers, and say what keeps a file from being one.

    A file with a wrong name is read all the same, so that everything that is wrong with it is said in one run.

    Args:
        sources: the files below src/websocket/.
        app: the name of the application, with which the files' names begin.
        behaviour: the callbacks a handler may define.
    """
    handlers: list[Handler] = []
    problems: list[Diagnostic] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python, about escapes and the like
        for source in sorted(sources, key=lambda source: source.path):
            for rule in _FILE_RULES:
                for finding in rule.find(source, app) or ():
                    problems.append(rule.diagnostic(finding))
            service = service_of(source.path, app)
            if service is None or source.instead:
                continue
            try:
                found, wrong = _read(source, service, behaviour)
            except (RecursionError, MemoryError):
                found, wrong = [], [too_deep(source)]
            handlers += found
            problems += wrong
    return tuple(handlers), tuple(problems)


def _read(
    source: Source, service: str, behaviour: Behaviour
) -> tuple[list[Handler], list[Diagnostic]]:
    module = _module(source)
    if isinstance(module, Diagnostic):
        return [], [module]
    problems = [
        rule.diagnostic(finding)
        for rule in _MODULE_RULES
        for finding in rule.find(module, behaviour) or ()
    ]
    found = list(_handler(module, service, behaviour))
    if module.refused and not found:
        problems += refusals(module)  # with a handler, `check` says it
    return found, problems


def _handler(module: Module, service: str, behaviour: Behaviour) -> Iterator[Handler]:
    found = handlers(module)
    if len(found) != 1:
        return
    definition = found[0]
    classes = overriding(definition, HANDLER)
    defined = {
        name for class_ in classes if class_ is not None for name in class_.members
    }
    yield Handler(
        service=service,
        path=module.source.path,
        module=module.source.path.removesuffix(".py").replace("/", "."),
        class_name=definition.node.name,
        callbacks=tuple(
            name for name in behaviour.names if name in defined or ANY_NAME in defined
        ),
        summary=_summary(definition.node) or _summary(module.tree),
        parsed=module,
        definition=definition,
        lineage=lineage(definition, HANDLER),
        overriding=classes,
    )


def _summary(node: ast.ClassDef | ast.Module) -> str:
    text = (ast.get_docstring(node) or "").strip()
    return text.splitlines()[0].strip() if text else ""


def _module(source: Source) -> Module | Diagnostic:
    if source.unreadable:
        return not_text(source)
    text = source.text.removeprefix("\ufeff")
    if "\0" in text:
        return null_bytes(source, text)
    try:
        tree = ast.parse(text, source.path)
        found = scopes(tree)
        names, classes = define(tree, _rebound(tree, text, found[tree]))
        forget_changed(found.values(), names)
        module = Module(source, tree, tuple(split_lines(text)), names, classes, found)
    except SyntaxError as error:
        return not_python(source, text, error)
    if _suspicious(module) and refusals(module):
        return replace(module, refused=True)
    return module


def _rebound(tree: ast.Module, text: str, top: Scope) -> list[str]:
    """The names that functions declare as `global`, and those of variables of comprehensions of the top level."""
    names = [
        part.id
        for node in top.assignments
        if isinstance(node, ast.comprehension)
        for part in ast.walk(node.target)
        if isinstance(part, ast.Name)
    ]
    if "global" in text:
        declared = [node for node in ast.walk(tree) if isinstance(node, ast.Global)]
        names += [name for node in declared for name in node.names]
    return names


def _suspicious(module: Module) -> bool:
    """Whether the file may hold what the parser lets pass and the compiler of Python does not.

    Compiling takes half as long as parsing, so it is done only where a cheap sign calls for it.
    """
    starred = "*" in module.source.text
    for node, scope in module.scopes.items():
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if scope.awaits and not isinstance(node, ast.AsyncFunctionDef):
            return True
        if scope.yields or (scope.returns and not function):
            return True
        if any(len(call.keywords) > 1 and _repeats(call) for call in scope.calls):
            return True
        if starred and any(
            map(_has_star, (*scope.statements, *scope.assignments, *scope.returns))
        ):
            return True
        if node is not module.tree and "*" in scope.bindings:
            return True
        if function and any(
            len(bound) > 1 and all(isinstance(one, ast.arg) for one in bound[:2])
            for bound in scope.bindings.values()
        ):
            return True
        if not isinstance(node, ast.AsyncFunctionDef) and any(
            isinstance(statement, ast.AsyncFor | ast.AsyncWith)
            or (isinstance(statement, ast.comprehension) and statement.is_async)
            for statement in scope.assignments
        ):
            return True
    return any(sign in module.source.text for sign in _SIGNS)


# What is only allowed in some places; words in texts and comments merely cost a compilation.
_SIGNS: Final = (
    *("break", "continue", "nonlocal", "global", "case", ":=", "__future__"),
    *("__debug__", "except:", "except*", "except *", "\n" + " " * 80, "\n" + "\t" * 20),
)


def _repeats(call: ast.Call) -> bool:
    """Whether a call gives a keyword twice."""
    names = [keyword.arg for keyword in call.keywords if keyword.arg]
    return len(set(names)) < len(names)


def _has_star(statement: ast.AST) -> bool:
    """Whether a `*` stands where not all are allowed: alone, or on either side of an assignment."""
    match statement:
        case (
            ast.Expr(value=ast.Starred())
            | ast.Return(value=ast.Starred())
            | ast.Assign(value=ast.Starred())
            | ast.AnnAssign(value=ast.Starred())
            | ast.AugAssign(value=ast.Starred())
            | ast.For(iter=ast.Starred())
            | ast.AsyncFor(iter=ast.Starred())
        ):
            return True
        case ast.Assign(targets=targets):
            return any(
                isinstance(one, ast.Starred)
                for target in targets
                if not isinstance(target, ast.Name)
                for one in ast.walk(target)
            )
    return False
