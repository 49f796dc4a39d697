"""What `tomllib` says about a text that is no TOML, as BG101: in our words, and with the place marked."""

import re
from collections.abc import Mapping
from typing import Final

from .diagnostics import Diagnostic, Span
from .model import Source

# What tomllib says, and what it means for someone who writes a boss.toml.
_SYNTAX: Final[Mapping[str, tuple[str, str]]] = {
    "Invalid statement": (
        "a line must be `key = value` or `[section]`",
        "",
    ),
    "Invalid value": (
        "no value of TOML stands here",
        'a string needs quotes: host = "127.0.0.1"; true and false are lower-case',
    ),
    "Expected '=' after a key in a key/value pair": (
        "a `=` is missing after the key",
        "",
    ),
    "Expected newline or end of document after a statement": (
        "the line goes on after the value",
        "one `key = value` to a line; a string is closed by the quote it began with",
    ),
    "Expected ']' at the end of a table declaration": (
        "the `]` of the section is missing",
        "",
    ),
    "Invalid initial character for a key part": (
        "the name of a key or a section is missing",
        "",
    ),
    "Expected ']]' at the end of an array declaration": (
        "the `]]` of the section is missing",
        "the sections of boss.toml stand in single brackets",
    ),
    "Cannot overwrite a value": ("this key is written twice", "keep one of the two"),
    "Unclosed array": ("the `]` of a list is missing", ""),
    "Unclosed inline table": ("the `}` of a table is missing", ""),
    "Unterminated string": ("the closing quote of a string is missing", ""),
    'Expected "\'"': ("the closing quote of a string is missing", ""),
    "Expected \"'''\"": ("the closing quotes of a string are missing", ""),
    "Unescaped '\\' in a string": (
        r"a `\` begins an escape, and this is none",
        r"write `\\`, or put the string in single quotes",
    ),
    "Invalid hex value": ("this escape names no character", ""),
    "Escaped character is not a Unicode scalar value": (
        "this escape names no character",
        "",
    ),
}
_ESCAPES: Final = (  # of these tomllib names the place behind
    "Unescaped '\\' in a string",
    "Invalid hex value",
    "Escaped character is not a Unicode scalar value",
)
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def not_toml(text: str, path: str, error: Exception) -> Diagnostic:
    """What to report when `tomllib` has raised `error` for a text."""
    if isinstance(error, RecursionError):
        said, line, column = "the values are nested too deeply", 1, 1
    elif "set_int_max_str_digits" in str(error):  # CPython, "Integer string conversion"
        said, line, column = "a number has more digits than TOML allows", 1, 1
    else:
        said = str(error)
        place = _PLACE.search(said)
        said = _PLACE.sub("", said)
        if place is not None and place[1] is not None:
            line, column = int(place[1]), int(place[2])
        elif place is not None:
            line, column = _end_of(text)
        else:
            line, column = 1, 1
    message, help_ = _SYNTAX.get(said, (said[:1].lower() + said[1:], ""))
    if said.startswith("Cannot declare"):
        message, help_ = "this section is written twice", "put its keys together"
    elif said.startswith("Duplicate inline table key"):
        message, help_ = _SYNTAX["Cannot overwrite a value"]
    elif said.startswith(("Illegal character", "Found invalid character")):
        if said.endswith(r"'\n'"):
            message, help_ = _SYNTAX["Unterminated string"]
        else:
            message = "this character may not stand here as it is"
            help_ = r'write it as an escape, such as "\u0007"'
    span = _wrong(text, path, line, column, said)
    return Diagnostic("BG101", "config-syntax", "error", message, span, help_)


def not_text(source: Source) -> Diagnostic:
    """What to report of a file that is not UTF-8; U+FFFD stands in its text where it is not."""
    before = source.text[: source.text.find("\ufffd")]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Diagnostic(
        "BG101",
        "config-syntax",
        "error",
        source.unreadable,
        Span(source.path, line, column, line, column + 1),
        "save the file as UTF-8",
    )


def _end_of(text: str) -> tuple[int, int]:
    """The line and column just behind the last character that is not blank."""
    lines = text.rstrip().split("\n")
    return len(lines), len(lines[-1]) + 1


def _wrong(text: str, path: str, line: int, column: int, said: str) -> Span:
    """What is wrong around the place that tomllib names: a key, a section, a string, or the word there."""
    source = text.split("\n")[line - 1]
    twice = said == "Cannot overwrite a value"
    if said.startswith("Cannot declare") or (twice and source.lstrip().startswith("[")):
        found = re.search(r"\[.*\]", source)
    elif twice:
        found = re.search(r"[^\s=][^=]*?(?=\s*=)", source)
    elif said.startswith("Duplicate inline table key"):
        key = said.partition("'")[2].removesuffix("'")
        found = re.compile(re.escape(key)).match(source, source.rfind(key, 0, column))
    elif said in _ESCAPES:
        found = re.compile(r"\\.\w*").match(source, source.rfind("\\", 0, column))
    elif said.endswith(r"'\n'"):
        found = re.search(r"[\"'].*", source)
    else:
        found = re.compile(r"[^\s,=\]}#]+").match(source, column - 1)
    start, end = found.span() if found else (column - 1, column)
    return Span(path, line, start + 1, line, end + 1)
