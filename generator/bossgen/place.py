"""Files into a project, all or none: they are made in a staging folder and moved when they are complete.

The staging folder lies on the same file system as the target, so each move is a rename. What fails on the way is
undone; what is killed on the way leaves whole files only.
"""

import errno
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from types import FrameType

from .errors import BossgenError


@contextmanager
def disk() -> Iterator[None]:
    """Say in our own words that the disk refuses, whatever was being done; made to decorate a whole command.

    Raises:
        BossgenError: in the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        ending = error.__context__
        while isinstance(ending, Exception):
            ending = ending.__context__
        # Told to end: what that left undone is no fault of the disk.
        if ending is not None:
            raise ending from None
        named = error.filename2 or error.filename  # of a move: where to
        where = f" {named}" if named else ""
        hint = "see who owns it, and with which permissions: ls -ld"
        raise BossgenError(
            f"cannot read or write{where}: {error.strerror or error}",
            hint if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else "",
        ) from error


@contextmanager
def staging(parent: Path | None) -> Iterator[Path]:
    """An empty folder in `parent`, or where temporary files go, that is gone afterwards, even after a signal."""
    with _terminating():
        try:
            folder = Path(tempfile.mkdtemp(prefix=".bossgen-", dir=parent))
        except OSError as error:  # say which folder, and not what was to be in it
            raise OSError(error.errno, error.strerror, parent) from error
        try:
            yield folder
        finally:
            try:
                shutil.rmtree(folder, ignore_errors=True)
            finally:  # a signal may have come in the midst of it; there is no second one
                shutil.rmtree(folder, ignore_errors=True)


def listing(folder: Path) -> tuple[PurePosixPath, ...]:
    """The files in `folder`, sorted, relative to it, none when it is not there; caches of Python are left out."""
    found = []
    for here, folders, names in os.walk(folder, onerror=_report):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(here, name).relative_to(folder).as_posix() for name in names]
    return tuple(sorted(PurePosixPath(path) for path in found))


def _report(error: OSError) -> None:
    # What stands in the place of a folder is told of before anything is written: `obstacles`.
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def write_all(folder: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    """Write new files below a folder that is made for them."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def obstacles(files: Sequence[PurePosixPath], root: Path) -> tuple[str, ...]:
    """What stands where a folder has to be, or is a folder where a file has to be; no `--force` helps there."""
    found = set()
    for file in files:
        if (root / file).is_dir():
            found.add(f"{file} is a folder")
        for parent in file.parents:
            if os.path.lexists(root / parent) and not (root / parent).is_dir():
                found.add(f"{parent} is not a folder")
    return tuple(sorted(found))


def move_folder(staged: Path, target: Path) -> bool:
    """Make `staged` the folder `target` with one rename; False when what is there cannot be replaced so.

    An empty folder is replaced and its permissions are kept, but not one that belongs to somebody else, and not one
    that somebody stands in: a shell in it would be left in a deleted folder.
    """
    if target.is_dir():
        there, new = target.stat(), staged.stat()
        foreign = (there.st_uid, there.st_gid) != (new.st_uid, new.st_gid)
        if foreign or Path.cwd().is_relative_to(target):
            return False
        staged.chmod(stat.S_IMODE(there.st_mode))
    made = _make_folders(target.parent)
    try:
        os.rename(staged, target)
    except OSError:
        _remove_folders(made)
        return False
    return True


def move_files(staged: Path, root: Path, files: Sequence[PurePosixPath]) -> None:
    """Move the files into `root` in this order, replacing same-named ones; undo everything if one fails."""
    kept = staged / ".replaced"
    with ExitStack() as undo:
        for number, file in enumerate(files):
            target = root / file
            undo.callback(_remove_folders, _make_folders(target.parent))
            if os.path.lexists(target):
                kept.mkdir(exist_ok=True)
                old = kept / str(number)
                shutil.copy2(target, old, follow_symlinks=False)
                undo.callback(os.replace, old, target)
            else:
                undo.callback(target.unlink, missing_ok=True)
            os.replace(staged / file, target)
        undo.pop_all()


def write(path: Path, content: bytes) -> None:
    """Write one file as a whole: into a file beside it, then renamed over it; its permissions are kept.

    A file that holds this content already keeps its modification time. A link stays one: what it leads to is written.
    """
    path = Path(os.path.realpath(path))
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.bossgen-tmp")
    try:
        beside.write_bytes(content)
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    except OSError as error:  # say which file, and not under which name it began
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        beside.unlink(missing_ok=True)


def remove(path: Path, root: Path) -> None:
    """Remove one file if it is there, and the folders between it and `root` that are empty then."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder == root or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def beside(target: Path) -> Path:
    """The folder in which to stage what shall become `target`: on its file system, and writable.

    That is the nearest folder above it which exists; or `target`, when it is the root of a file system or may be
    written while its parent may not.
    """
    parent = next(folder for folder in target.parents if folder.is_dir())
    if target.is_dir() and (os.path.ismount(target) or not os.access(parent, os.W_OK)):
        return target
    return parent


def _missing(folder: Path) -> list[Path]:
    """The folder and its parents as far as they do not exist, the innermost first."""
    missing = []
    for here in (folder, *folder.parents):
        if here.is_dir():
            break
        missing.append(here)
    return missing


def _make_folders(folder: Path) -> list[Path]:
    made = _missing(folder)
    for missing in reversed(made):
        missing.mkdir()
    return made


def _remove_folders(folders: Sequence[Path]) -> None:
    for folder in folders:
        folder.rmdir()


@contextmanager
def _terminating() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the body as Ctrl-C does, so that it is undone; only where signals can be handled.

    Whoever is told twice, as a child of a program that hands Ctrl-C on is, undoes in peace what the first one ended.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for one in handled:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handled: list[signal.Signals] = []
    with ExitStack() as undo:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:  # as `nohup` has it
                undo.callback(signal.signal, number, before)
                handled.append(number)
                signal.signal(number, stop)
        yield
