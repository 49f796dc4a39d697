"""Files -> disk, or a comparison with disk.

What is written stays whole however bossgen ends: each file goes to a temporary name beside its place, and when all lie
there they are renamed over the old ones. The order keeps boss/ importable in between: the runtime, which imports nothing
else of boss/; then what is built on it; services.py; __init__.py, which imports all these; router.py; deletions last. A
boss/ that does not exist yet appears at once, by renaming a finished folder.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias

from .errors import BossgenError
from .header import is_ours
from .model import Files

try:
    import fcntl
except ImportError:
    # Not on POSIX: two builds at once are not told apart.
    fcntl = None  # type: ignore[assignment]

BOSS: Final = PurePosixPath("boss")
TEMPORARY: Final = ".bossgen-tmp"  # how the names of files being written end
STAGING: Final = f".boss{TEMPORARY}"  # where a new boss/ is made

Kind: TypeAlias = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """What has to happen to one file."""

    path: PurePosixPath  # relative to the project root
    kind: Kind
    old: str  # what is there now; undecodable bytes as surrogates; "" of a new file
    new: str  # what shall be there; "" of a deletion


def compare(root: Path, files: Files) -> tuple[Change, ...]:
    """What differs between `files` and the disk, in the order in which it is to be written.

    Raises:
        BossgenError: something of the user's stands where a file has to go, or the disk cannot be read.
    """
    changes = []
    foreign = []
    with _readable(root):
        for path in sorted(files, key=_rank):
            old = _current(root, path)
            if old is None:
                changes.append(Change(path, "create", "", files[path]))
            elif not is_ours(old):
                foreign.append(path)
            elif old != files[path]:
                changes.append(Change(path, "update", old, files[path]))
        for path in _generated(root):
            if path not in files:
                old = _text(root / path)
                if is_ours(old):
                    changes.append(Change(path, "delete", old, ""))
    if foreign:
        listed = ", ".join(str(path) for path in foreign)
        is_, it = ("is", "it") if len(foreign) == 1 else ("are", "them")
        raise BossgenError(
            f"{listed} {is_} not bossgen's: the first line does not say so",
            f"`bossgen build` writes a file of that name; move {it} away, or delete {it}, and try again",
        )
    return tuple(changes)


def write(root: Path, changes: Sequence[Change]) -> None:
    """Make the changes, in the order given.

    Every new text lies beside its place before the first file is replaced, so that a disk that is full, or a folder that
    may not be written, changes nothing.

    Raises:
        BossgenError: the disk refuses.
    """
    with _writable(root):
        _sweep(root)
        if changes and not os.path.lexists(root / BOSS):
            _write_folder(root, changes)
            return
        with contextlib.ExitStack() as undo:
            prepared = {}
            for change in changes:
                if change.kind != "delete":
                    temporary = _prepare(root / change.path, change.new)
                    undo.callback(temporary.unlink, missing_ok=True)
                    prepared[change.path] = temporary
            for change in changes:
                target = root / change.path
                if change.kind == "delete":
                    target.unlink()
                    _remove_empty(target.parent, root / BOSS)
                else:
                    prepared[change.path].replace(target)
            undo.pop_all()


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Wait until no other build writes into this project, and keep others waiting.

    The lock lies on the folder itself, leaves no file, and ends with the process however it ends.
    """
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                folder = os.open(root, os.O_RDONLY)
                stack.callback(os.close, folder)
                fcntl.flock(folder, fcntl.LOCK_EX)
        yield


def _rank(path: PurePosixPath) -> tuple[int, str]:
    name = str(path)
    if name.startswith("boss/runtime/"):
        return 0, name
    last = {"boss/services.py": 2, "boss/__init__.py": 3, "boss/router.py": 4}
    return last.get(name, 1), name


def _current(root: Path, path: PurePosixPath) -> str | None:
    """What the file holds, or None when it is not there."""
    target = root / path
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        raise BossgenError(
            f"{path} is a symbolic link, where `bossgen build` writes a file",
            "remove the link and build again",
        )
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
        raise BossgenError(
            f"{path} is {what}, where `bossgen build` writes a file",
            "move it away and build again",
        )
    return _text(target)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _generated(root: Path) -> list[PurePosixPath]:
    """All files of boss/ that may bear our header, sorted; links are left alone."""
    found = []
    for folder, folders, names in os.walk(root / BOSS):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = Path(folder, name)
            if name.endswith(".py") and path.is_file() and not path.is_symlink():
                found.append(PurePosixPath(path.relative_to(root).as_posix()))
    return sorted(found)


def _sweep(root: Path) -> None:
    """Remove what a build that was killed may have left."""
    for folder, _, names in os.walk(root / BOSS):
        for name in names:
            if name.startswith(".") and name.endswith(TEMPORARY):
                os.unlink(os.path.join(folder, name))
    shutil.rmtree(root / STAGING, ignore_errors=True)


def _write_folder(root: Path, changes: Sequence[Change]) -> None:
    """Make boss/ from nothing, in one step."""
    staging = root / STAGING
    try:
        for change in changes:
            target = staging / change.path.relative_to(BOSS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_bytes(change.new))
        staging.rename(root / BOSS)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _prepare(target: Path, text: str) -> Path:
    """Write what is to take the place of a file into one beside it, with the permissions of that file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}{TEMPORARY}")
    try:
        with temporary.open("xb") as file:
            file.write(_bytes(text))
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove a folder that held nothing but what was deleted, and its parents likewise, up to `top`."""
    while folder != top:
        if {entry.name for entry in folder.iterdir()} - {"__pycache__"}:
            return
        shutil.rmtree(folder)
        folder = folder.parent


@contextlib.contextmanager
def _readable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused("read", root, error) from error


@contextlib.contextmanager
def _writable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused("write", root, error) from error


def _refused(what: str, root: Path, error: OSError) -> BossgenError:
    name = os.path.relpath(error.filename, root) if error.filename else str(BOSS)
    folder, file = os.path.split(name)
    if file.endswith(TEMPORARY):  # say which file it was to become
        name = os.path.join(folder, file[1:].removesuffix(TEMPORARY))
    hint = {
        errno.EACCES: "see who owns it, and with which permissions: ls -l boss",
        errno.EPERM: "see who owns it, and with which permissions: ls -l boss",
        errno.EROFS: "the file system is mounted read-only",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.ENOTDIR: "a file stands where a folder has to be; move it away",
        errno.EEXIST: "a file stands where a folder has to be; move it away",
    }.get(error.errno or 0, "")
    return BossgenError(f"cannot {what} {name}: {error.strerror}", hint)
