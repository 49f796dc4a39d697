"""Diagnostics and the forms in which they are shown. Imports nothing of ours."""

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]

_NEWLINE = re.compile(r"\r\n|\r|\n")
_TAB = 4  # columns that a tab takes in the form `full`


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file. Lines and columns are 1-based characters; `end_column` is one past the last character."""

    path: str  # relative to the project, with "/"
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem in what the user wrote."""

    code: str  # "BG305", for searching
    name: str  # "callback-parameters", for reading
    severity: Severity
    message: str  # one line, with the user's own identifiers
    span: Span
    help: str = ""  # what to type instead; may have several lines
    related: tuple[tuple[Span, str], ...] = ()  # other places, and what each is


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, str, int, str]:
    """By path, line, code; then by what is left, so that the order is always the same."""
    span = diagnostic.span
    return span.path, span.line, diagnostic.code, span.column, diagnostic.message


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error; warnings never stop the output."""
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


def split_lines(text: str) -> list[str]:
    """The lines as Python counts them: form feeds and other separators of `str.splitlines` do not end one."""
    return _NEWLINE.split(text)


# --- full ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Paint:
    """ANSI sequences, or nothing."""

    error: str = ""
    warning: str = ""
    note: str = ""
    bold: str = ""
    off: str = ""


_PLAIN = _Paint()
_COLOR = _Paint("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m")


def render_full(
    diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], *, color: bool = False
) -> str:
    """Each problem with its line of source, a caret, and what to do.

    Args:
        diagnostics: in the order in which they are to appear.
        texts: keyed by path; a path that is not there is shown without its line of source.
        color: whether to use ANSI colours.
    """
    paint = _COLOR if color else _PLAIN
    lines: dict[str, list[str]] = {}
    for diagnostic in diagnostics:
        for span in (diagnostic.span, *(span for span, _ in diagnostic.related)):
            if span.path not in lines and span.path in texts:
                lines[span.path] = split_lines(texts[span.path].removeprefix("\ufeff"))
    return "\n".join(_full(diagnostic, lines, paint) for diagnostic in diagnostics)


def _full(
    diagnostic: Diagnostic, lines: Mapping[str, Sequence[str]], paint: _Paint
) -> str:
    spans = [diagnostic.span, *(span for span, _ in diagnostic.related)]
    width = max(len(str(span.line)) for span in spans)
    hue = paint.error if diagnostic.severity == "error" else paint.warning
    margin = " " * width
    label = f"{hue}{diagnostic.severity}[{diagnostic.code}]{paint.off}"
    out = [f"{label}{paint.bold}: {_display(diagnostic.message)}{paint.off}"]
    out += _excerpt(diagnostic.span, "", width, hue, lines, paint)
    for span, note in diagnostic.related:
        out += _excerpt(span, note, width, paint.note, lines, paint)
    for number, text in enumerate(
        map(_display, diagnostic.help.split("\n") if diagnostic.help else ())
    ):
        if number == 0:
            out.append(
                f"{margin} {paint.note}={paint.off} {paint.bold}help{paint.off}: {text}"
            )
        else:
            out.append(f"{margin}         {text}".rstrip())
    return "\n".join(out) + "\n"


_WIDEST: Final = 200  # characters of a line that are shown
_LEFT: Final = 80  # of them, at most, before what is meant


def _clipped(line: str, start: int, end: int) -> tuple[str, int, int]:
    """What is shown of a line: of one that is very long the part around what is meant, and where that then stands."""
    if len(line) <= _WIDEST:
        return line, start, end
    first = max(0, start - _LEFT)
    last = min(len(line), first + _WIDEST)
    head = "..." if first else ""
    tail = "..." if last < len(line) else ""
    moved = len(head) - first
    return f"{head}{line[first:last]}{tail}", start + moved, min(end, last) + moved


def _excerpt(
    span: Span,
    note: str,
    width: int,
    hue: str,
    lines: Mapping[str, Sequence[str]],
    paint: _Paint,
) -> list[str]:
    """` --> path:line:column`, the line, and carets below the part of it that is meant."""
    margin = " " * width
    bar = f"{margin} {paint.note}|{paint.off}"
    place = f"{_display(span.path)}:{span.line}:{span.column}"
    out = [f"{margin}{paint.note}-->{paint.off} {place}"]
    text = lines.get(span.path, ())
    if not 0 < span.line <= len(text):
        return [*out, *([f"{bar} {note}"] if note else [])]
    line = text[span.line - 1]
    start = min(span.column, len(line) + 1) - 1
    end = (
        min(span.end_column - 1, len(line))
        if span.end_line == span.line
        else len(line.rstrip())
    )
    line, start, end = _clipped(line, start, end)
    before = _display(line[:start])
    marked = _display(line[start:end], _columns(before))
    after = _display(line[end:], _columns(before) + _columns(marked))
    carets = "^" * max(1, _columns(marked))
    source = f"{before}{marked}{after}".rstrip()
    return [
        *out,
        bar,
        f"{paint.note}{span.line:>{width}} |{paint.off} {source}".rstrip(),
        f"{bar} {' ' * _columns(before)}{hue}{carets}{' ' + note if note else ''}{paint.off}",
    ]


def _display(text: str, column: int = 0) -> str:
    """`text` as it can be shown in one line of a terminal, beginning at `column`: tabs widened, controls visible."""
    out = []
    for character in text:
        if character == "\t":
            shown = " " * (_TAB - column % _TAB)
        elif unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            shown = "\N{REPLACEMENT CHARACTER}"
        else:
            shown = character
        out.append(shown)
        column += _columns(shown)
    return "".join(out)


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


# --- the other forms -----------------------------------------------------------------------------


def render_concise(diagnostics: Sequence[Diagnostic]) -> str:
    """One line each: `path:line:column: error[BG305] message`."""
    return "".join(
        f"{_display(d.span.path)}:{d.span.line}:{d.span.column}: {d.severity}[{d.code}] {_display(d.message)}\n"
        for d in diagnostics
    )


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """A list of objects, empty when there is nothing to report."""
    return (
        json.dumps(
            [
                {
                    "code": d.code,
                    "name": d.name,
                    "severity": d.severity,
                    "message": d.message,
                    "path": d.span.path,
                    "line": d.span.line,
                    "column": d.span.column,
                    "end_line": d.span.end_line,
                    "end_column": d.span.end_column,
                    "help": d.help,
                }
                for d in diagnostics
            ],
            indent=2,
        )
        + "\n"
    )


def render_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands, which GitHub shows as annotations in a pull request.

    Source: GitHub Actions, "Workflow commands": `%`, CR and LF are escaped, and `:` and `,` in properties.
    """
    out = []
    for d in diagnostics:
        properties = {
            "file": d.span.path,
            "line": str(d.span.line),
            "col": str(d.span.column),
            "endLine": str(d.span.end_line),
            "endColumn": str(d.span.end_column),
            "title": f"{d.code} {d.name}",
        }
        listed = ",".join(
            f"{key}={_github(value).replace(':', '%3A').replace(',', '%2C')}"
            for key, value in properties.items()
        )
        text = f"{d.message}\n{d.help}" if d.help else d.message
        out.append(f"::{d.severity} {listed}::{_github(text)}\n")
    return "".join(out)


def _github(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def render_sarif(diagnostics: Sequence[Diagnostic], *, version: str = "") -> str:
    """One run of SARIF 2.1.0, for code scanning.

    Args:
        diagnostics: in the order in which they are to appear.
        version: bossgen's own, if the log shall name it.
    """
    names = {d.code: d.name for d in sorted(diagnostics, key=lambda d: d.code)}
    index = {code: number for number, code in enumerate(names)}
    driver: dict[str, Any] = {
        "name": "bossgen",
        "rules": [{"id": code, "name": name} for code, name in names.items()],
    }
    if version:
        driver["version"] = version
    results = []
    for d in diagnostics:
        text = f"{d.message}\n{d.help}" if d.help else d.message
        result: dict[str, Any] = {
            "ruleId": d.code,
            "ruleIndex": index[d.code],
            "level": d.severity,
            "message": {"text": text},
            "locations": [{"physicalLocation": _location(d.span)}],
        }
        if d.related:
            result["relatedLocations"] = [
                {"physicalLocation": _location(span), "message": {"text": note}}
                for span, note in d.related
            ]
        results.append(result)
    log = {
        "$schema": (
            "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
            "sarif-schema-2.1.0.json"
        ),
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _location(span: Span) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": _uri(span.path)},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        },
    }


def _uri(path: str) -> str:
    """The path as a relative URI reference: what is not allowed in one is percent-encoded."""
    return "".join(
        character
        if character.isascii() and (character.isalnum() or character in "-._~/")
        else "".join(f"%{byte:02X}" for byte in os.fsencode(character))
        for character in path
    )
