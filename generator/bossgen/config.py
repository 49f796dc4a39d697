"""boss.toml -> ProjectConfig, and what is wrong with it: BG101 to BG104."""

import ast
import keyword
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias

from .diagnostics import Diagnostic, Span
from .model import ProjectConfig, ServiceSection, Settings, Source, Value
from .positions import Path, Positions
from .syntax import not_text, not_toml
from .values import (
    KINDS,
    Key,
    check_item,
    check_value,
    did_you_mean,
    is_array_of_tables,
    kind_of,
    nearest,
    one_line,
)

FILE: Final = "boss.toml"
SERVICE: Final = "service"
LONGEST_NAME: Final = 40
_TOP: Final = ("app", "base_url")  # the keys above the sections
RESERVED_APPS: Final = frozenset(
    {"app", "boss", "src", "tests", "fastapi", "starlette", "uvicorn", "bossgen"}
)
_SECRET: Final = "what signs the session cookie is BOSS_SECRET in the environment: boss.toml is committed"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_BASE_URL: Final = re.compile(r"[A-Za-z0-9_.~/-]*")

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
        return None, (not_text(source),)
    try:
        data = tomllib.loads(source.text)
    except (ValueError, RecursionError) as error:
        return None, (not_toml(source.text, source.path, error),)
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
            one_line(f"there is no service `{section.name}`"),
            Span(FILE, section.line, section.column, section.line, section.end_column),
            did_you_mean(section.name, known)
            or _unknown_service(section.name, project),
        )
        for section in project.services
        if section.name not in known
    )


def _unknown_service(name: str, project: ProjectConfig) -> str:
    if problem := name_problem(name, "service"):
        return f"the name of a service {problem}"
    return f"its handler would be src/websocket/{project.app}_{name}_websocket.py"


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
    return Key(field.target.id, KINDS[ast.unparse(annotation)], default)


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
        known = {*_TOP, SERVICE, *self._schema}
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
            self._value_problem(("app",), f"`app` must be a string, not {kind_of(app)}")
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
                f"`base_url` must be a string, not {kind_of(value)}",
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
            near = nearest(name, sections)
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
            (f"it belongs {home}" if home else "")
            or did_you_mean(name, _TOP)
            or "above the sections there are `app` and `base_url`",
        )

    def _home_of(self, name: str) -> str:
        """The place where a key of this name belongs; or "" when there is none."""
        if name in _TOP:
            return "above the first section"
        for section, keys in self._schema.items():
            if any(key.name == name for key in keys):
                return f"below [{section}]"
        return ""

    def _section(self, table: Any, path: Path, keys: tuple[Key, ...]) -> Settings:
        """All keys of a section, those that are not given by their defaults."""
        given = dict(self._given(table, path, keys))
        return tuple((key.name, given.get(key.name, key.default)) for key in keys)

    def _services(self, table: Any) -> tuple[ServiceSection, ...]:
        if not isinstance(table, dict):
            self._value_problem(
                (SERVICE,),
                f"`{SERVICE}` must be sections [{SERVICE}.NAME], not {kind_of(table)}",
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
                path,
                f"`{title}` must be a section [{title}], not {kind_of(table)}",
                "write it in single brackets" if is_array_of_tables(table) else "",
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
                    (f"it belongs {home}" if home else "")
                    or (_SECRET if name == "secret" else "")
                    or did_you_mean(name, names)
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
        problem, help_ = check_value(value, key)
        if problem:
            self._value_problem(path, f"`{key.name}` {problem}", help_)
            return None
        if key.kind == "strings":
            sound = True
            for index, item in enumerate(value):
                problem, help_ = check_item(item, key.name)
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
                one_line(message),
                self._span(places.value(path)),
                one_line(help_),
            )
        )

    def _report(self, code: str, message: str, path: Path, help_: str) -> None:
        name = {"BG102": "config-unknown-key", "BG103": "config-value"}[code]
        span = self._span(self._positions().key(path))
        self._problems.append(
            Diagnostic(code, name, "error", one_line(message), span, one_line(help_))
        )

    def _positions(self) -> Positions:
        if self._places is None:
            self._places = Positions(self._text)
        return self._places

    def _span(self, place: tuple[int, int]) -> Span:
        return _span(self._text, self._path, *place)


def _span(text: str, path: str, start: int, end: int) -> Span:
    """Offsets in characters as lines and columns."""
    line = text.count("\n", 0, start) + 1
    end_line = text.count("\n", 0, end) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    end_column = end - (text.rfind("\n", 0, end) + 1) + 1
    return Span(path, line, column, end_line, end_column)
