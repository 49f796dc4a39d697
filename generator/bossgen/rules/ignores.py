"""Comments that silence warnings: `# bossgen: ignore[BG501]`."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..diagnostics import Diagnostic, Span
from ..model import Module
from .rule import Finding, rule

_COMMENT: Final = re.compile(r"#\s*bossgen:\s*ignore\[([^\]]*)\]", re.IGNORECASE)
_CODE: Final = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One code in one comment."""

    code: str  # as it is written
    span: Span
    first: int  # the lines of the statement on which the comment stands
    last: int


def ignores(module: Module) -> tuple[Ignore, ...]:
    """All codes that the comments of a file name."""
    if "bossgen:" not in module.source.text.lower():
        return ()
    found: list[Ignore] = []
    statements = _statements(module.tree)
    for line, column, text in _comments(module):
        first, last = statements.get(line, (line, line))
        for comment in _COMMENT.finditer(text):
            for code in _CODE.finditer(text, *comment.span(1)):
                span = Span(
                    module.source.path,
                    line,
                    column + code.start() + 1,
                    line,
                    column + code.end() + 1,
                )
                found.append(Ignore(code.group(), span, first, last))
    return tuple(found)


def _comments(module: Module) -> Iterator[tuple[int, int, str]]:
    """Line (from 1), column (from 0) and text of each comment."""
    text = "\n".join(module.lines)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="\n").readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.start[1], token.string
    except (tokenize.TokenError, SyntaxError):
        return  # the parser has read it; the tokenizer is stricter in odd corners


def _statements(tree: ast.Module) -> dict[int, tuple[int, int]]:
    """For each line the lines of the statement there; of one with a body, those of its head."""
    found: dict[int, tuple[int, int]] = {}
    for node in ast.walk(tree):  # what stands within another comes after it
        if not isinstance(node, ast.stmt):
            continue
        end = node.end_lineno or node.lineno
        body = getattr(node, "body", None) or getattr(node, "cases", None)
        if body:
            inner = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
            end = max(node.lineno, inner.lineno - 1)
        for line in range(node.lineno, end + 1):
            found[line] = node.lineno, end
    return found


def silenced(
    found: Sequence[Diagnostic], comments: Sequence[Ignore]
) -> tuple[list[Diagnostic], set[Ignore]]:
    """What is left to report, and the comments that silenced something."""
    left: list[Diagnostic] = []
    used: set[Ignore] = set()
    at: dict[int, list[Ignore]] = {}  # the lines of a comment, and of its statement
    for comment in comments:
        for line in {comment.span.line, *range(comment.first, comment.last + 1)}:
            at.setdefault(line, []).append(comment)
    for diagnostic in found:
        span = diagnostic.span
        by = [
            comment
            for line in range(span.line, span.end_line + 1)
            for comment in at.get(line, ())
            if diagnostic.severity == "warning"
            and comment.code.lower() in {diagnostic.code.lower(), diagnostic.name}
            and (
                comment.first <= span.line <= comment.last or comment.span.line == line
            )
        ]
        if by:
            used.update(by)
        else:
            left.append(diagnostic)
    return left, used


@rule("BG601", "ignores", "warning")
def unused_ignore(comment: Ignore, severities: dict[str, str]) -> Iterator[Finding]:
    """A comment silences a warning that is not there.

    `# bossgen: ignore[BG501]` silences this warning on its line; several codes are separated by commas. When there is
    nothing to silence any more, the comment hides the next mistake. Errors are never silenced: what is an error cannot
    work when it is run.

    Example:

        await asyncio.sleep(1)  # bossgen: ignore[BG501]

    Instead:

        await asyncio.sleep(1)
    """
    severity = severities.get(comment.code.lower())
    if severity is None:
        message = f"there is no `{comment.code}`"
        help_ = "`bossgen explain` lists the codes"
    elif severity == "error":
        message = f"`{comment.code}` is an error, and no comment silences errors"
        help_ = "remove the comment, and what the error is about"
    else:
        message = f"there is no {comment.code} on this line to ignore"
        help_ = "remove the comment"
    yield Finding(comment.span, message, help_)
