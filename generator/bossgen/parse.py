"""Source -> Handler, with `ast`: one parse and one walk for each file. Nothing is imported or run."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .define import define, forget_changed
from .diagnostics import Diagnostic, Span, split_lines
from .lineage import lineage, overriding
from .model import Behaviour, Handler, Module, Scope, Source
from .names import ANY_NAME
from .rules import RULES
from .rules.definitions import HANDLER, handler_syntax, handlers
from .rules.files import service_of
from .rules.rule import Finding
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
                found, wrong = [], [_too_deep(source)]
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
    return list(_handler(module, service, behaviour)), problems


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
        return _unreadable(source)
    text = source.text.removeprefix("\ufeff")
    if "\0" in text:
        return _null(source, text)
    try:
        tree = ast.parse(text, source.path)
        found = scopes(tree)
        names, classes = define(tree, _rebound(tree, text, found[tree]))
        forget_changed(found.values(), names)
        module = Module(source, tree, tuple(split_lines(text)), names, classes, found)
    except SyntaxError as error:
        return _syntax(source, text, error)
    if _suspicious(module):
        try:
            compile(tree, source.path, "exec", dont_inherit=True)
        except SyntaxError as error:
            return _syntax(source, text, _in_characters(error, module.lines))
    return module


def _in_characters(error: SyntaxError, lines: Sequence[str]) -> SyntaxError:
    """What the compiler of Python says, which counts columns in bytes of UTF-8 where the parser counts characters."""
    line, end_line = error.lineno or 0, error.end_lineno or 0
    if 0 < line <= len(lines):
        error.offset = _characters(lines[line - 1], error.offset)
    if 0 < end_line <= len(lines):
        error.end_offset = _characters(lines[end_line - 1], error.end_offset)
    return error


def _characters(line: str, offset: int | None) -> int | None:
    if not offset or offset < 1:
        return offset
    return len(line.encode()[: offset - 1].decode(errors="replace")) + 1


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
    for node, scope in module.scopes.items():
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if scope.awaits and not isinstance(node, ast.AsyncFunctionDef):
            return True
        if scope.yields or (scope.returns and not function):
            return True
        if any(len(call.keywords) > 1 and _repeats(call) for call in scope.calls):
            return True
        if any(map(_has_star, (*scope.statements, *scope.assignments, *scope.returns))):
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


# --- BG301 -------------------------------------------------------------------------------------------


def _diagnostic(source: Source, span: Span, message: str, help_: str) -> Diagnostic:
    return handler_syntax.diagnostic(Finding(span, message, help_))


def _unreadable(source: Source) -> Diagnostic:
    line = column = 1
    for number, text in enumerate(split_lines(source.text), 1):
        if "\ufffd" in text:
            line, column = number, text.index("\ufffd") + 1
            break
    return _diagnostic(
        source,
        Span(source.path, line, column, line, column + 1),
        f"this file is not text that Python can read: {source.unreadable}",
        "save it as UTF-8, or name its encoding in the first line: `# -*- coding: latin-1 -*-`",
    )


def _null(source: Source, text: str) -> Diagnostic:
    before = split_lines(text[: text.index("\0") + 1])
    line, column = len(before), len(before[-1])
    span = Span(source.path, line, column, line, column + 1)
    return _diagnostic(source, span, "this file contains null bytes", "save it as text")


def _too_deep(source: Source) -> Diagnostic:
    return _diagnostic(
        source,
        Span(source.path, 1, 1, 1, 1),
        "the expressions or blocks of this file are nested too deeply to be read",
        "split the longest expression, or move data into a file of its own",
    )


def _syntax(source: Source, text: str, error: SyntaxError) -> Diagnostic:
    lines = split_lines(text)
    line = min(max(error.lineno or 1, 1), len(lines))
    shift = _shift(error, lines[line - 1])
    column = min(max((error.offset or 1) + shift, 1), len(lines[line - 1]) + 1)
    end_line, end_column = error.end_lineno or line, (error.end_offset or 0) + shift
    if end_line < line or (end_line == line and end_column <= column):
        end_line, end_column = line, column
    end_line = min(end_line, len(lines))
    end_column = max(min(end_column, len(lines[end_line - 1]) + 1), 1)
    span = Span(source.path, line, column, end_line, end_column)
    shown = lines[line - 1][column - 1 : end_column - 1] if end_line == line else ""
    message, help_ = _in_our_words(error.msg or "", shown.strip())
    return _diagnostic(source, span, message, help_)


def _shift(error: SyntaxError, line: str) -> int:
    """How far the place lies to the right of what is told.

    Python 3.11 parses an expression in an f-string by itself, in brackets, and counts from there.
    """
    shown = (error.text or "").strip()
    if error.msg.startswith("f-string: ") and shown.startswith("(") and shown[1:-1]:
        return max(line.find(shown[1:-1]) - 1, 0)
    return 0


def _in_our_words(message: str, shown: str) -> tuple[str, str]:
    """What Python says, without its "invalid", and what it proposes, as a help."""
    said, _, proposed = message.partition(". ")
    help_ = _quoted(f"{proposed[:1].lower()}{proposed[1:]}")
    if "integer string conversion" in said:
        return "a number in this file has too many digits to be read", ""
    if said == "invalid syntax":
        if not shown:
            return "Python cannot read this line", help_
        return f"Python cannot read on at `{shown}`", help_
    if "outside" in said and said.endswith(("async function", "asynchronous function")):
        what = _quoted(said.partition(" outside ")[0])
        return f"{what} stands in a `def`", "write `async def`"
    if said.startswith(("invalid character", "invalid non-printable character")):
        character = _quoted(said.partition("character ")[2])
        instead = next(
            (plain for odd, plain in _PLAIN.items() if set(odd) & set(character)), ""
        )
        help_ = f"write {instead}" if instead else "remove it"
        return f"the character {character} cannot stand here", help_
    if said.startswith("invalid "):
        said = f"this is no {said.removeprefix('invalid ')}"
    elif said.startswith(("cannot ", "can't ", "expected ")):
        said = "Python " + said.replace("can't ", "cannot ", 1)
    else:
        said = f"{said[:1].lower()}{said[1:]}"
    said = said.replace("invalid syntax", "Python cannot read this")
    return _quoted(said.replace("invalid ", "no valid ")), help_


def _quoted(text: str) -> str:
    """What Python says with our marks around what it quotes; an apostrophe stays one."""
    return re.sub(r"(?<!\w)'(.+?)'(?!\w)", r"`\1`", text)


# Characters that word processors put in the place of others.
_PLAIN: Final = {
    "\u201c\u201d\u201e\u00ab\u00bb": 'a plain `"`',
    "\u2018\u2019\u201a": "a plain `'`",
    "\u2013\u2014\u2212": "a plain `-`",
}
