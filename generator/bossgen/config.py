"""boss.toml -> ProjectConfig, and what is wrong with it: BG101 to BG104."""

import ast
import keyword
import math
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from .diagnostics import Diagnostic, Span
from .model import ProjectConfig, ServiceSection, Settings, Source, Value
from .positions import Path, Positions

FILE: Final = "boss.toml"
SERVICE: Final = "service"
LONGEST_NAME: Final = 40
RESERVED_APPS: Final = frozenset(
    {"app", "boss", "src", "tests", "fastapi", "starlette", "uvicorn", "bossgen"}
)

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_BASE_URL: Final = re.compile(r"[A-Za-z0-9_.~/-]*")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9._~\[\]:%-]+")
_IMPORT: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")

# Of these, zero has no meaning; of all other numbers it is the smallest.
_POSITIVE: Final = frozenset(
    {
        "max_message_size",
        "outbound_limit",
        "outbound_bytes",
        "mailbox_limit",
        "max_age",
        "period",
    }
)
_LARGEST: Final[Mapping[str, int]] = {"port": 65535}

Kind: TypeAlias = Literal["str", "int", "float", "bool", "choice", "strings"]

_KINDS: Final[Mapping[str, Kind]] = {
    "str": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "tuple[str, ...]": "strings",
}
_WANTED: Final[Mapping[Kind, str]] = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "strings": "a list of strings",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One setting, as template/boss/runtime/settings.py declares it."""

    name: str  # "idle_timeout"
    kind: Kind
    default: Value
    choices: tuple[str, ...] = ()  # of the kind "choice": ("close", "drop_oldest")


Schema: TypeAlias = Mapping[str, tuple[Key, ...]]
"""Keyed by section: "server", "session", "websocket", "supervisor"; the keys in the order of their declaration."""


def load(
    source: Source, settings: str
) -> tuple[ProjectConfig | None, tuple[Diagnostic, ...]]:
    """Read boss.toml and report everything that is wrong with it.

    A value that cannot be used is reported and its default taken, so that the handlers can be looked at in the same
    run. There is no configuration when the text is no TOML or says no usable name for the app.

    Args:
        source: boss.toml.
        settings: the text of template/boss/runtime/settings.py, which declares sections, keys, types and defaults.
    """
    if source.unreadable:
        return None, (_not_text(source),)
    try:
        data = tomllib.loads(source.text)
    except (ValueError, RecursionError) as error:
        return None, (_syntax(source.text, source.path, error),)
    return _Reader(source.text, source.path, schema(settings)).read(data)


def schema(settings: str) -> Schema:
    """Read the sections and keys of boss.toml from the text of template/boss/runtime/settings.py.

    Each dataclass called `...Settings` is a section, each of its fields a key.
    """
    sections: dict[str, tuple[Key, ...]] = {}
    for node in ast.parse(settings).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Settings"):
            sections[node.name.removesuffix("Settings").lower()] = tuple(
                _key(field) for field in node.body if isinstance(field, ast.AnnAssign)
            )
    return sections


def unknown_services(
    project: ProjectConfig, services: Collection[str | None]
) -> tuple[Diagnostic, ...]:
    """BG104: a [service.NAME] that overrides the settings of no service.

    Args:
        project: boss.toml.
        services: what the handler files are named after, those with mistakes in them too.
    """
    known = [name for name in services if name]
    return tuple(
        Diagnostic(
            "BG104",
            "config-unknown-service",
            "error",
            f"there is no service `{section.name}`",
            Span(FILE, section.line, section.column, section.line, section.end_column),
            _did_you_mean(section.name, known)
            or f"its handler would be src/websocket/{project.app}_{section.name}_websocket.py",
        )
        for section in project.services
        if section.name not in known
    )


def name_problem(name: str, what: str) -> str:
    """Why `name` cannot be that of an app or a service; empty when it can.

    Args:
        name: "myapp".
        what: "app" or "service".
    """
    if not _NAME.fullmatch(name):
        return "must be lower-case letters, digits and underscores, a letter first"
    if len(name) > LONGEST_NAME:
        return f"is {len(name)} characters long; at most {LONGEST_NAME} are allowed"
    if keyword.iskeyword(name):
        return "is a keyword of Python"
    if what == "app" and name in RESERVED_APPS:
        return "is taken by a package that the project needs"
    return ""


def normalise_base_url(value: str) -> tuple[str, str]:
    """The base URL as the routes are built with it, "" or "/chat"; and what is wrong with it, if anything is."""
    if not _BASE_URL.fullmatch(value):
        return "", "may hold letters, digits and the characters _ . ~ / - only"
    segments = value.removeprefix("/").removesuffix("/").split("/")
    if segments == [""] and "//" not in value:
        return "", ""
    if "" in segments or "//" in value:
        return "", "has an empty segment"
    if "." in segments or ".." in segments:
        return "", "has a segment `.` or `..`, which browsers remove"
    return "/" + "/".join(segments), ""


def _key(field: ast.AnnAssign) -> Key:
    assert isinstance(field.target, ast.Name)
    assert field.value is not None  # every setting has a default
    default = ast.literal_eval(field.value)
    annotation = field.annotation
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == (
        "Literal"
    ):
        choices = ast.literal_eval(annotation.slice)
        return Key(field.target.id, "choice", default, choices)
    return Key(field.target.id, _KINDS[ast.unparse(annotation)], default)


class _Reader:
    """Reads one boss.toml, and collects what is wrong with it."""

    def __init__(self, text: str, path: str, schema: Schema) -> None:
        self._text = text
        self._path = path
        self._schema = schema
        self._problems: list[Diagnostic] = []
        self._places: Positions | None = None  # made for the first problem

    def read(
        self, data: Mapping[str, Any]
    ) -> tuple[ProjectConfig | None, tuple[Diagnostic, ...]]:
        app = self._app(data)
        base_url = self._base_url(data)
        known = {"app", "base_url", SERVICE, *self._schema}
        for name in data:
            if name not in known:
                self._unknown(name, data[name], known)
        sections = {
            section: self._section(data.get(section, {}), (section,), keys)
            for section, keys in self._schema.items()
        }
        services = self._services(data.get(SERVICE, {}))
        problems = tuple(self._problems)
        if app is None:
            return None, problems
        return (
            ProjectConfig(
                app=app,
                base_url=base_url,
                server=sections["server"],
                session=sections["session"],
                websocket=sections["websocket"],
                supervisor=sections["supervisor"],
                services=services,
            ),
            problems,
        )

    def _app(self, data: Mapping[str, Any]) -> str | None:
        if "app" not in data:
            self._report(
                "BG103", "`app` is missing", (), 'write app = "NAME" as the first line'
            )
            return None
        app = data["app"]
        if not isinstance(app, str):
            self._value_problem(
                ("app",), f"`app` must be a string, not {_kind_of(app)}"
            )
            return None
        problem = name_problem(app, "app")
        if problem:
            self._value_problem(("app",), f'`app`: "{app}" {problem}')
            return None
        return app

    def _base_url(self, data: Mapping[str, Any]) -> str:
        value = data.get("base_url", "")
        if not isinstance(value, str):
            self._value_problem(
                ("base_url",),
                f"`base_url` must be a string, not {_kind_of(value)}",
                'write base_url = "/" or base_url = "/chat"',
            )
            return ""
        base_url, problem = normalise_base_url(value)
        if problem:
            self._value_problem(
                ("base_url",),
                f'`base_url`: "{value}" {problem}',
                'write base_url = "/" or base_url = "/chat"',
            )
        return base_url

    def _unknown(self, name: str, value: Any, known: Iterable[str]) -> None:
        if isinstance(value, dict):
            sections = (*self._schema, SERVICE)
            near = _nearest(name, sections)
            listed = ", ".join(f"[{section}]" for section in self._schema)
            self._report(
                "BG102",
                f"boss.toml knows no section [{name}]",
                (name,),
                f"did you mean `[{near}]`?"
                if near
                else f"its sections are {listed} and [{SERVICE}.NAME]",
            )
            return
        home = self._home_of(name)
        self._report(
            "BG102",
            f"`{name}` is no key of boss.toml",
            (name,),
            (f"it belongs below [{home}]" if home else "")
            or _did_you_mean(name, ("app", "base_url"))
            or "above the sections there are `app` and `base_url`",
        )

    def _home_of(self, name: str) -> str:
        """The section that has a key of this name, or nearly; or "" when there is none."""
        for section, keys in self._schema.items():
            if any(key.name == name for key in keys):
                return section
        return ""

    def _section(self, table: Any, path: Path, keys: tuple[Key, ...]) -> Settings:
        """All keys of a section, those that are not given by their defaults."""
        given = dict(self._given(table, path, keys))
        return tuple((key.name, given.get(key.name, key.default)) for key in keys)

    def _services(self, table: Any) -> tuple[ServiceSection, ...]:
        if not isinstance(table, dict):
            self._value_problem(
                (SERVICE,),
                f"`{SERVICE}` must be sections [{SERVICE}.NAME], not {_kind_of(table)}",
            )
            return ()
        sections = []
        for name, overrides in table.items():
            if name in {key.name for key in self._schema["websocket"]} and not (
                isinstance(overrides, dict)
            ):
                self._report(
                    "BG102",
                    f"`{name}` stands below [{SERVICE}], which names no service",
                    (SERVICE, name),
                    f"write it below [{SERVICE}.NAME], or below [websocket] for all",
                )
                continue
            path = (SERVICE, name)
            settings = self._given(overrides, path, self._schema["websocket"])
            span = self._span(self._positions().key(path))
            sections.append(
                ServiceSection(
                    name, span.line, span.column, span.end_column, tuple(settings)
                )
            )
        return tuple(sections)

    def _given(
        self, table: Any, path: Path, keys: tuple[Key, ...]
    ) -> list[tuple[str, Value]]:
        """The settings that are there and right, in the order of `keys`."""
        title = ".".join(str(part) for part in path)
        if not isinstance(table, dict):
            self._value_problem(
                path, f"`{title}` must be a section [{title}], not {_kind_of(table)}"
            )
            return []
        names = [key.name for key in keys]
        for name in table:
            if name not in names:
                home = self._home_of(name)
                self._report(
                    "BG102",
                    f"`{name}` is no key of [{title}]",
                    (*path, name),
                    (f"it belongs below [{home}]" if home else "")
                    or _did_you_mean(name, names)
                    or f"its keys are {', '.join(names)}",
                )
        given = []
        for key in keys:
            if key.name in table:
                value = self._value(table[key.name], (*path, key.name), key)
                if value is not None:
                    given.append((key.name, value))
        return given

    def _value(self, value: Any, path: Path, key: Key) -> Value | None:
        """The value as the runtime takes it; None when it was reported."""
        problem, help_ = _check(value, key)
        if problem:
            self._value_problem(path, f"`{key.name}` {problem}", help_)
            return None
        if key.kind == "strings":
            sound = True
            for index, item in enumerate(value):
                problem, help_ = _check_item(item, key.name)
                if problem:
                    self._value_problem((*path, index), problem, help_)
                    sound = False
            return tuple(value) if sound else None
        found: Value = value
        return found

    def _value_problem(self, path: Path, message: str, help_: str = "") -> None:
        places = self._positions()
        self._problems.append(
            Diagnostic(
                "BG103",
                "config-value",
                "error",
                message,
                self._span(places.value(path)),
                help_,
            )
        )

    def _report(self, code: str, message: str, path: Path, help_: str) -> None:
        name = {"BG102": "config-unknown-key", "BG103": "config-value"}[code]
        span = self._span(self._positions().key(path))
        self._problems.append(Diagnostic(code, name, "error", message, span, help_))

    def _positions(self) -> Positions:
        if self._places is None:
            self._places = Positions(self._text)
        return self._places

    def _span(self, place: tuple[int, int]) -> Span:
        return _span(self._text, self._path, *place)


def _check(value: Any, key: Key) -> tuple[str, str]:
    """What is wrong with the value of a key, and what to write; two empty strings when it is right."""
    if key.kind == "choice":
        listed = ", ".join(f'"{choice}"' for choice in key.choices)
        if value in key.choices:
            return "", ""
        near = _nearest(value, key.choices) if isinstance(value, str) else ""
        shown = f'"{value}"' if isinstance(value, str) else _kind_of(value)
        return (
            f"must be one of {listed}, not {shown}",
            f'did you mean "{near}"?' if near else "",
        )
    if not _has_kind(value, key.kind):
        return (
            f"must be {_WANTED[key.kind]}, not {_kind_of(value)}",
            _converted(value, key),
        )
    if key.kind in ("int", "float"):
        return _check_number(value, key.name), ""
    if key.kind == "str":
        return _check_text(value, key.name)
    return "", ""


def _check_number(value: float, name: str) -> str:
    if not math.isfinite(value):
        return f"must be a number that ends, not {value}"
    largest = _LARGEST.get(name)
    if largest is not None and not 0 <= value <= largest:
        return f"must be from 0 to {largest}, not {value}"
    if value < 0:
        return f"must not be negative, and is {value}"
    if value == 0 and name in _POSITIVE:
        return "must be more than 0"
    return ""


def _check_text(value: str, name: str) -> tuple[str, str]:
    if name == "application" and not _IMPORT.fullmatch(value):
        return (
            f'must name a module and what is in it, not "{value}"',
            'write application = "app:app" for the `app` of app.py',
        )
    if name == "cookie" and not _TOKEN.fullmatch(value):
        return (
            f'must be the name of a cookie, not "{value}"',
            "letters, digits, _ and - are right, spaces and other punctuation are not",
        )
    if name == "host" and (not value or not value.isprintable() or " " in value):
        return (
            f'must be an address or a host name, not "{value}"',
            'write host = "127.0.0.1", or host = "0.0.0.0" for every interface',
        )
    return "", ""


def _check_item(item: Any, name: str) -> tuple[str, str]:
    """What is wrong with one item of a list of strings, and what to write."""
    if not isinstance(item, str):
        return f"`{name}` must be a list of strings, and this is {_kind_of(item)}", ""
    if name == "allowed_origins" and item != "*" and not _ORIGIN.fullmatch(item):
        return (
            f'"{item}" is no origin: a scheme, a host and perhaps a port',
            'write "https://example.com" or "http://localhost:3000", with no path; "*" allows all',
        )
    if name == "subprotocols" and not _TOKEN.fullmatch(item):
        return (
            f'"{item}" cannot be the name of a subprotocol',
            "letters, digits and . _ - are right, spaces, commas and slashes are not",
        )
    return "", ""


def _has_kind(value: Any, kind: Kind) -> bool:
    match kind:
        case "str":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, list)


def _kind_of(value: Any) -> str:
    """What kind of value it is, in words."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "a string"
        case int():
            return f"the number {value}"
        case float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a section"
        case _:
            return "a date or a time"


def _converted(value: Any, key: Key) -> str:
    """The same value as the key wants it, where that is plain to see."""
    if isinstance(value, str):
        if key.kind == "bool" and value.lower() in ("true", "false"):
            return f"write {key.name} = {value.lower()}"
        if key.kind in ("int", "float") and re.fullmatch(r"[0-9]+", value):
            return f"write {key.name} = {value}"
        if key.kind == "strings" and '"' not in value:
            return f'write {key.name} = ["{value}"]'
    if (
        key.kind == "int"
        and isinstance(value, float)
        and math.isfinite(value)
        and value.is_integer()
    ):
        return f"write {key.name} = {int(value)}"
    return ""


def _nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like this one; empty when none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, sorted(known), 1, 0.6)), "")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = _nearest(name, known)
    return f"did you mean `{near}`?" if near else ""


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
    "Cannot overwrite a value": ("this key is written twice", "keep one of the two"),
    "Unclosed array": ("the `]` of a list is missing", ""),
    "Unclosed inline table": ("the `}` of a table is missing", ""),
    "Unterminated string": ("the closing quote of a string is missing", ""),
}
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def _syntax(text: str, path: str, error: Exception) -> Diagnostic:
    """BG101 for what `tomllib` says about a text that is no TOML."""
    if isinstance(error, RecursionError):
        said, line, column = "the values are nested too deeply", 1, 1
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
    span = _token(text, path, line, column, whole=said == "Cannot overwrite a value")
    return Diagnostic("BG101", "config-syntax", "error", message, span, help_)


def _not_text(source: Source) -> Diagnostic:
    """BG101 for a file that is not UTF-8; U+FFFD stands in its text where it is not."""
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


def _token(text: str, path: str, line: int, column: int, *, whole: bool) -> Span:
    """What stands at a place: the word there, or the whole statement of the line up to there."""
    source = text.split("\n")[line - 1] if text else ""
    if whole:
        start = len(source) - len(source.lstrip()) + 1
        end = source.find("=") if "=" in source else column - 1
        return Span(path, line, start, line, max(start, len(source[:end].rstrip())) + 1)
    found = re.compile(r"[^\s,=\]}#]+").match(source, column - 1)
    return Span(path, line, column, line, found.end() + 1 if found else column + 1)


def _span(text: str, path: str, start: int, end: int) -> Span:
    """Offsets in characters as lines and columns."""
    line = text.count("\n", 0, start) + 1
    end_line = text.count("\n", 0, end) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    end_column = end - (text.rfind("\n", 0, end) + 1) + 1
    return Span(path, line, column, end_line, end_column)
