"""What Python says of a file that it cannot read, or will not compile, as BG301 and in our words."""

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from ..diagnostics import Diagnostic, Span, split_lines
from ..model import Function, Module, Source
from .definitions import handler_syntax
from .rule import Finding

_ASYNC: Final = re.compile(r" outside .*(?:async|asynchronous) function$")

Place: TypeAlias = tuple[int, int]
"""Line from 1, and column as `ast` counts it."""


# --- what the parser lets pass -----------------------------------------------------------------------


def refusals(
    module: Module, without: Collection[ast.Await] = ()
) -> tuple[Diagnostic, ...]:
    """What Python does not compile in a file that it could parse; nothing when it compiles.

    It names one fault at a time. Where the remedy is to make `async def` of a `def`, this is taken as done and Python is
    asked again.

    Args:
        module: the file.
        without: what stands behind an `await` that is to be left out; taken as done as well.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python, about escapes and the like
        return tuple(_refusals(module, without))


def _refusals(module: Module, without: Collection[ast.Await]) -> Iterator[Diagnostic]:
    text = module.source.text.removeprefix("\ufeff")
    tree = module.tree
    if without:
        places = {(node.lineno, node.col_offset) for node in without}
        tree = _WithoutAwait(places).visit(ast.parse(text))
    changed: set[Place] = set()
    while True:
        try:
            compile(tree, module.source.path, "exec", dont_inherit=True)
        except SyntaxError as error:
            place = (error.lineno or 1, (error.offset or 1) - 1)
            error = _in_characters(error, module.lines)
            problem = not_python(module.source, text, error)
            if not _asks_for_async(error):
                yield problem
                return
            around = _function_around(tree, place)
            yield _where_no_async_fits(problem, around)
            function = _to_be_async(around)
            if function is None or function in changed:
                return
            changed.add(function)
            # The tree of the module is for the rules to look at.
            copy = ast.parse(text) if tree is module.tree else tree
            tree = _Async(function).visit(copy)
        except (RecursionError, MemoryError):
            yield too_deep(module.source)
            return
        else:
            return


def _asks_for_async(error: SyntaxError) -> bool:
    """Whether Python says that something stands in a `def` which has to stand in an `async def`."""
    return _ASYNC.search(error.msg or "") is not None


def _function_around(tree: ast.Module, place: Place) -> Function | ast.Lambda | None:
    """The innermost function around a place."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, Function | ast.Lambda)
        and (node.lineno, node.col_offset) <= place
        and place < (node.end_lineno or 0, node.end_col_offset or 0)
    ]
    return max(around, key=lambda node: (node.lineno, node.col_offset), default=None)


def _where_no_async_fits(
    problem: Diagnostic, around: Function | ast.Lambda | None
) -> Diagnostic:
    """The problem as it is in a `def`; in a `lambda`, or outside of functions, it takes more than an `async`."""
    if isinstance(around, ast.Lambda):
        where, help_ = "in a `lambda`", "write an `async def` in place of the `lambda`"
    elif around is None:
        where, help_ = "outside of a function", "move it into an `async def`"
    else:
        return problem
    message = problem.message.replace("in a `def`", where)
    return replace(problem, message=message, help=help_)


def _to_be_async(function: Function | ast.Lambda | None) -> Place | None:
    """Where a `def` begins that can be an `async def`."""
    if not isinstance(function, ast.FunctionDef):
        return None
    # A generator would become another kind of generator.
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function)):
        return None
    return function.lineno, function.col_offset


class _WithoutAwait(ast.NodeTransformer):
    """Leaves some `await` out."""

    def __init__(self, places: Collection[Place]) -> None:
        self.places = places

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value if (node.lineno, node.col_offset) in self.places else node


class _Async(ast.NodeTransformer):
    """Makes an `async def` of the `def` at a place."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if (node.lineno, node.col_offset) != self.place:
            return node
        fields: dict[str, Any] = dict(ast.iter_fields(node))
        return ast.copy_location(ast.AsyncFunctionDef(**fields), node)


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


# --- BG301 -------------------------------------------------------------------------------------------


def _diagnostic(source: Source, span: Span, message: str, help_: str) -> Diagnostic:
    return handler_syntax.diagnostic(Finding(span, message, help_))


def awaited_in_def(place: Span, help_: str) -> Diagnostic:
    """An `await` in a `def` that has to go, for a better reason than the `def`."""
    return handler_syntax.diagnostic(Finding(place, "`await` stands in a `def`", help_))


def not_text(source: Source) -> Diagnostic:
    """A file that could not be decoded."""
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


def null_bytes(source: Source, text: str) -> Diagnostic:
    """A file with null bytes in it."""
    before = split_lines(text[: text.index("\0") + 1])
    line, column = len(before), len(before[-1])
    span = Span(source.path, line, column, line, column + 1)
    return _diagnostic(source, span, "this file contains null bytes", "save it as text")


def too_deep(source: Source) -> Diagnostic:
    """A file for which Python runs out of depth."""
    return _diagnostic(
        source,
        Span(source.path, 1, 1, 1, 1),
        "the expressions or blocks of this file are nested too deeply to be read",
        "split the longest expression, or move data into a file of its own",
    )


def not_python(source: Source, text: str, error: SyntaxError) -> Diagnostic:
    """A file for which Python has raised an error, where it says."""
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
    if _ASYNC.search(said):
        what = _quoted(said.partition(" outside ")[0])
        return f"{what} stands in a `def`", "write `async def`"
    if said.startswith(("invalid character", "invalid non-printable character")):
        character = _quoted(said.partition("character ")[2])
        code = character.partition("U+")[2].rstrip(")")
        instead = next(
            (plain for odd, plain in _PLAIN.items() if chr(int(code, 16)) in odd), ""
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
    "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000": "a plain space",
}
