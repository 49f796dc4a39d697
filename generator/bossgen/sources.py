"""The files of a project that the compiler reads: boss.toml, and the handlers as Source(path, text), sorted by path."""

import io
import os
import stat
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .errors import BossgenError
from .model import Source

CONFIG: Final = "boss.toml"
CODE: Final = "src"
HANDLERS: Final = "src/websocket"


def find_project(start: Path) -> Path:
    """The nearest folder with a boss.toml: `start`, or one of those it lies in.

    Raises:
        BossgenError: there is none.
    """
    try:
        here = start.resolve(strict=True)
        for folder in (here, *here.parents):
            if (folder / CONFIG).is_file():
                return folder
    except OSError as error:
        raise BossgenError(f"cannot look for {CONFIG}: {error.strerror}") from error
    raise BossgenError(
        f"there is no {CONFIG} in {here}, nor in any folder above it",
        "go into a project, name one with --project DIR, or start one: bossgen new PATH",
    )


def open_project(folder: Path) -> Path:
    """The folder that was named with `--project`, made absolute.

    Raises:
        BossgenError: it is no project.
    """
    try:
        root = folder.resolve(strict=True)
        if (root / CONFIG).is_file():
            return root
    except OSError as error:
        raise BossgenError(f"cannot open {folder}: {error.strerror}") from error
    raise BossgenError(
        f"{folder} is no project: it has no {CONFIG}",
        "bossgen new PATH starts a project; bossgen init adds bossgen to an existing one",
    )


def read_config(root: Path) -> Source:
    """boss.toml, as text."""
    return _source(root, CONFIG)


def read(root: Path) -> tuple[Source, ...]:
    """Every Python file below src/websocket/, also those that are no handlers, sorted by path.

    Hidden files and folders and __pycache__ are passed over, links to folders are not followed. What is no file, but
    bears the name of one, is among them without being read: opening a named pipe would wait for ever.

    Raises:
        BossgenError: a file or folder cannot be read.
    """
    paths = _paths(root, HANDLERS, _report)
    return tuple(_handler(root, path) for path in sorted(paths))


def fingerprint(root: Path, *, wide: bool = False) -> tuple[object, ...]:
    """A value that changes when boss.toml or a handler is saved, added or removed; no file is read for it.

    A folder that cannot be read counts as that: the build says so where it needs to read it.

    Args:
        root: the project.
        wide: all code counts, that of the application and src/lib/ too.
    """
    unread: list[str] = []

    def report(error: OSError) -> None:
        unread.append(str(error))

    tops = code(root) if wide else (HANDLERS,)
    found = [path for top in tops for path in _paths(root, top, report)]
    paths = [CONFIG, *sorted(found)]
    if wide:
        # Emacs keeps a link `.#app.py` there while the file is edited and not saved.
        paths += sorted(path.name for path in root.glob("[!.]*.py"))
    marks: list[object] = [*sorted(unread)]
    for path in paths:
        try:
            status = os.stat(root / path)
        except OSError:
            marks.append((path, None))
        else:
            marks.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(marks)


def code(root: Path) -> tuple[str, ...]:
    """The folders that hold the code of the project: src/, and packages beside it, such as app/ of an adopted one."""
    packages = {path.parent.name for path in root.glob("[!.]*/__init__.py")}
    return (CODE, *sorted(packages - {CODE, "boss", "tests"}))


def _paths(root: Path, top: str, report: Callable[[OSError], None]) -> list[str]:
    """What bears the name of a Python file below a folder of the project, in no order.

    `report` is told why a folder cannot be read.
    """
    found = []
    for folder, folders, names in os.walk(root / top, onerror=report):
        prefix = os.path.relpath(folder, root).replace(os.sep, "/")
        found += [
            f"{prefix}/{name}"
            for name in (*names, *folders)
            if name.endswith(".py") and not name.startswith(".")
        ]
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and not name.endswith(".py")
            and name != "__pycache__"
        ]
    return found


def _report(error: OSError) -> None:
    # A project without the folder has no services; git keeps no empty folders.
    if not isinstance(error, FileNotFoundError):
        raise _unreadable(error.filename, error)


def _handler(root: Path, path: str) -> Source:
    try:
        mode = (root / path).stat().st_mode
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISREG(mode):
        return _source(root, path)
    return Source(path, "", instead=_KINDS.get(stat.S_IFMT(mode), "a device"))


_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


def _source(root: Path, path: str) -> Source:
    try:
        data = (root / path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    return Source(path, *decode(data, python=path.endswith(".py")))


def _unreadable(path: str, error: OSError) -> BossgenError:
    return BossgenError(
        f"cannot read {path}: {error.strerror}",
        "it is the configuration of the project; restore it, or make it readable"
        if path == CONFIG
        else "bossgen reads every .py file below src/websocket/; make it readable, or remove it",
    )


def decode(data: bytes, *, python: bool = True) -> tuple[str, str]:
    """Text with "\\n" at the end of its lines, and why the bytes are none, or "".

    Python files are decoded as Python does it: UTF-8, unless a cookie in the first two lines says otherwise.
    """
    encoding, problem = "utf-8", ""
    if python and b"coding" in b"".join(data.split(b"\n", 2)[:2]):
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError as error:
            problem = str(error.msg)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        problem = problem or f"byte 0x{wrong:02x} is not {encoding.upper()}"
        text = data.decode("utf-8", "replace")
    except (UnicodeError, LookupError):
        problem = problem or f"{encoding} is no encoding of text"
        text = data.decode("utf-8", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removeprefix("\ufeff"), problem
