"""Where each key and value of a TOML text lies. Imports nothing of ours.

`tomllib` says what a text means, not where; this walks the same text once more and notes the offsets. It is only used
on text that `tomllib` has accepted, so it follows the structure and checks nothing.
"""

import re
import tomllib
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indices from the top: `("websocket", "allowed_origins", 1)`."""

Range: TypeAlias = tuple[int, int]
"""Offsets in characters; the end is one past the last."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[^,\]}#\n]*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+|'
    + r"'''.*?'''+|"
    + r'"(?:[^"\\\n]|\\.)*"|'
    + r"'[^'\n]*'",
    re.DOTALL,
)


class Positions:
    """The places of all keys and values of one TOML text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._keys: dict[Path, Range] = {}
        self._values: dict[Path, Range] = {}
        self._document()

    def key(self, path: Path) -> Range:
        """Where the last key of the path is first written; of something unwritten, what it is part of."""
        return self._find(path, self._keys)

    def value(self, path: Path) -> Range:
        """Where the value lies; of a `[section]`, where its name is written."""
        return self._find(path, self._values)

    def _find(self, path: Path, places: dict[Path, Range]) -> Range:
        while path:
            found = places.get(path) or self._keys.get(path) or self._values.get(path)
            if found is not None:
                return found
            path = path[:-1]
        return (0, 0)

    def _document(self) -> None:
        prefix: Path = ()
        lengths: dict[Path, int] = {}  # of the arrays of tables so far
        while True:
            self._skip()
            if self._at >= len(self._text):
                return
            if self._text.startswith("[[", self._at):
                self._at += 2
                path = self._key(())
                prefix = (*path, lengths.get(path, 0))
                lengths[path] = lengths.get(path, 0) + 1
                self._at = self._text.index("]]", self._at) + 2
            elif self._text.startswith("[", self._at):
                self._at += 1
                prefix = self._key(())
                self._at = self._text.index("]", self._at) + 1
            else:
                self._pair(prefix)

    def _skip(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None  # it matches the empty string
        self._at = blank.end()

    def _key(self, prefix: Path) -> Path:
        """Read a dotted key; each part is noted where it is written first."""
        path = prefix
        while True:
            self._skip()
            start = self._at
            quoted = _STRING.match(self._text, start)
            bare = quoted or _BARE_KEY.match(self._text, start)
            assert bare is not None  # tomllib has accepted the text
            name = bare.group()
            if quoted:
                name = tomllib.loads(f"key = {name}")["key"]
            self._at = bare.end()
            path = (*path, name)
            self._keys.setdefault(path, (start, self._at))
            self._skip()
            if not self._text.startswith(".", self._at):
                return path
            self._at += 1

    def _pair(self, prefix: Path) -> None:
        path = self._key(prefix)
        self._at = self._text.index("=", self._at) + 1
        self._skip()
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self._at
        if self._text.startswith(("[", "{"), start):
            self._items(path, "]" if self._text[start] == "[" else "}")
        else:
            found = _STRING.match(self._text, start) or _BARE.match(self._text, start)
            assert found is not None  # the second matches the empty string
            self._at = start + len(found.group().rstrip())
        self._values.setdefault(path, (start, self._at))

    def _items(self, path: Path, closing: str) -> None:
        """Read what an array or an inline table holds, up to its end."""
        self._at += 1
        index = 0
        while True:
            self._skip()
            if self._text.startswith(closing, self._at):
                self._at += 1
                return
            if self._text.startswith(",", self._at):
                self._at += 1
            elif closing == "]":
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
