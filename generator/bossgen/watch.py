"""`build --watch`: build again whenever boss.toml or a handler is saved, and go on through errors.

The file system says when to look; a fingerprint of the files says whether anything was saved. So nothing is lost while
a build is under way, an editor that replaces files is understood, and a disk that sends no events is looked at in turn.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Final

import watchfiles

from .build import Report, build
from .errors import BossgenError
from .sources import HANDLERS, fingerprint

# All in milliseconds.
QUIET: Final = (
    20  # a save often comes as several events: wait until none has come for so long,
)
LONGEST: Final = 100  # but not for longer than this
UNTOLD: Final = 100  # look at the files even if no event has come


def watch(
    root: Path, tell: Callable[[Report | BossgenError, float], None], stop: Event
) -> None:
    """Build now, and after every save until `stop` is set.

    Args:
        root: the project.
        tell: is given what each build came to, and how many seconds it took.
        stop: ends the watch; it may be set from any thread.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    for _ in saves(root, stop):
        started = time.perf_counter()
        outcome = attempt(root)
        tell(outcome, time.perf_counter() - started)


def attempt(root: Path) -> Report | BossgenError:
    """Build, and give back what stood in the way, since the next save may remove it."""
    try:
        return build(root)
    except BossgenError as error:
        return error


def saves(root: Path, stop: Event) -> Iterator[None]:
    """Yield at once, and then each time that boss.toml or a handler was saved, added or removed."""
    seen = _fingerprint(root)
    yield
    while not stop.is_set():
        folders = _folders(root)
        for _ in watchfiles.watch(
            *folders,
            watch_filter=None,
            debounce=LONGEST,
            step=QUIET,
            stop_event=stop,
            rust_timeout=UNTOLD,
            yield_on_timeout=True,
            recursive=False,
        ):
            now = _fingerprint(root)
            if now != seen:
                seen = now
                yield
            if _folders(root) != folders:
                break


def _fingerprint(root: Path) -> tuple[object, ...]:
    try:
        return fingerprint(root)
    except BossgenError as error:  # a folder that cannot be read: the build will say so
        return (error.message,)


def _folders(root: Path) -> list[Path]:
    """What to watch: the folders on the way to the handlers, as far as they exist, and those below."""
    top = root / HANDLERS
    on_the_way = [root, root / "src", top]
    below = (path for path in top.rglob("*") if path.name != "__pycache__")
    return sorted(path for path in {*on_the_way, *below} if path.is_dir())
