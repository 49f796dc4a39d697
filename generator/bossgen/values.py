"""Which values the keys of boss.toml may have, and what to write instead of one they may not have."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from .model import Value

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_ORIGIN: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
)
_NO_HOST: Final = re.compile(r"[\s/\[\]]")  # of a URL, or a socket in the file system
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
_LARGEST_OF_TOML: Final = 2**63 - 1  # TOML 1.0, "Integer": 64 bits

Kind: TypeAlias = Literal["str", "int", "float", "bool", "choice", "strings"]

KINDS: Final[Mapping[str, Kind]] = {
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


def check_value(value: Any, key: Key) -> tuple[str, str]:
    """What is wrong with the value of a key, and what to write; two empty strings when it is right."""
    if key.kind == "choice":
        listed = ", ".join(f'"{choice}"' for choice in key.choices)
        if value in key.choices:
            return "", ""
        near = nearest(value, key.choices) if isinstance(value, str) else ""
        shown = f'"{value}"' if isinstance(value, str) else kind_of(value)
        return (
            f"must be one of {listed}, not {shown}",
            f'did you mean "{near}"?' if near else "",
        )
    if not _has_kind(value, key.kind):
        return (
            f"must be {_WANTED[key.kind]}, not {kind_of(value)}",
            _converted(value, key),
        )
    if key.kind in ("int", "float"):
        return _check_number(value, key.name), ""
    if key.kind == "str":
        return check_text(value, key.name)
    return "", ""


def _check_number(value: float, name: str) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number, not {value}"
    largest = _LARGEST.get(name)
    if largest is not None and not 0 <= value <= largest:
        return f"must be from 0 to {largest}, not {value}"
    if isinstance(value, int) and value > _LARGEST_OF_TOML:
        return f"must be at most {_LARGEST_OF_TOML}"
    if value < 0:
        return f"must not be negative, and is {value}"
    if value == 0 and name in _POSITIVE:
        return "must be more than 0"
    return ""


def check_text(value: str, name: str) -> tuple[str, str]:
    """The same for a key whose value is text."""
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
    if name == "host" and (
        not value or not value.isprintable() or _NO_HOST.search(value)
    ):
        return (
            f'must be an address or a host name, not "{value}"',
            'write host = "127.0.0.1", or host = "0.0.0.0" for every interface',
        )
    return "", ""


def check_item(item: Any, name: str) -> tuple[str, str]:
    """What is wrong with one item of a list of strings, and what to write."""
    if not isinstance(item, str):
        return f"`{name}` must be a list of strings, and this is {kind_of(item)}", ""
    if name == "allowed_origins" and item != "*" and not _is_origin(item):
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


def _is_origin(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    return found is not None and int(found[1] or 0) <= _LARGEST["port"]


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


def is_array_of_tables(value: Any) -> bool:
    """Whether it was written as `[[section]]`."""
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def kind_of(value: Any) -> str:
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


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name, all lower-case, that is most like this one; empty when none is near."""
    near = difflib.get_close_matches(name.lower(), sorted(known), 1, 0.6)
    return next(iter(near), "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The help that proposes the nearest name; empty when none is near."""
    near = nearest(name, known)
    return f"did you mean `{near}`?" if near else ""


def one_line(text: str) -> str:
    """The text with escapes for what would end the line, or tell a terminal what to do."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode()
        for character in text
    )
