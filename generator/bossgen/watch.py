"""`build --watch`: build again whenever boss.toml or a handler is saved, and go on through errors.

The file system says when to look; a fingerprint of the files says whether anything was saved. So nothing is lost while
a build is under way, an editor that replaces files is understood, and a disk that sends no events is looked at in turn.
"""

import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Final

import watchfiles

from .build import Report, build
from .errors import BossgenError
from .sources import CODE, HANDLERS, code, fingerprint

# All in milliseconds. A save often comes as several events: wait until none has come for
# QUIET, but not for longer than LONGEST.
QUIET: Final = 20
LONGEST: Final = 100
UNTOLD: Final = 100  # be there again even if no event has come

# Looks without an event: at all of the first few, since a save may have come before the watch began; then at one in ten,
# which a disk that sends no events has to live with.
FIRST: Final = 3
RARELY: Final = 10


def watch(
    root: Path, tell: Callable[[Report | BossgenError, float], None], stop: Event
) -> None:
    """Build now, and after every save until `stop` is set.

    Args:
        root: the project.
        tell: is given what each build came to, and how many seconds it took.
        stop: ends the watch; it may be set from any thread. See `ending`.
    """
    for saved in looks(root, stop, wide=False):
        if saved:
            tell(*attempt(root))


@contextlib.contextmanager
def ending() -> Iterator[Event]:
    """An event that is set when the process is told to end, whichever way.

    Not by an exception: one that Ctrl-C raises may come where Python can only report it and go on. Who is told a second
    time ends at once, whatever is waited for.
    """
    stop = Event()

    def end(signum: int, frame: FrameType | None) -> None:
        stop.set()
        restore()

    def restore() -> None:
        for one, handler in zip(told, before, strict=True):
            signal.signal(one, handler)

    told = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` has it
        told.append(signal.SIGHUP)
    before = [signal.getsignal(one) for one in told]
    for one in told:
        signal.signal(one, end)
    try:
        yield stop
    finally:
        restore()


def attempt(root: Path) -> tuple[Report | BossgenError, float]:
    """Build; give back what came of it, or stood in the way, and the seconds it took."""
    started = time.perf_counter()
    outcome: Report | BossgenError
    gc.disable()  # what a build makes lives to its end
    try:
        outcome = build(root)
    except BossgenError as error:
        outcome = error
    finally:
        gc.enable()
    return outcome, time.perf_counter() - started


def looks(root: Path, stop: Event, *, wide: bool) -> Iterator[bool]:
    """Look at the files again and again: yield whether something was saved, added or removed since the look before.

    The first look finds that everything was saved.

    Args:
        root: the project.
        stop: ends it.
        wide: look at all code of the project, not only at boss.toml and the handlers.
    """
    seen = fingerprint(root, wide=wide)
    yield True
    while not stop.is_set():
        folders = _folders(root, wide)
        with contextlib.suppress(FileNotFoundError):  # a folder that has just gone
            for count, events in enumerate(
                watchfiles.watch(
                    *folders,
                    watch_filter=None,
                    debounce=LONGEST,
                    step=QUIET,
                    stop_event=stop,
                    rust_timeout=UNTOLD,
                    yield_on_timeout=True,
                    recursive=False,
                )
            ):
                if not events and count > FIRST and count % RARELY:
                    yield False
                    continue
                now = fingerprint(root, wide=wide)
                saved, seen = now != seen, now
                yield saved
                if _folders(root, wide) != folders:
                    break


def _folders(root: Path, wide: bool) -> list[Path]:
    """What to watch: the folders on the way to the files, as far as they exist, and those below."""
    found = {root, root / CODE}
    for top in code(root) if wide else (HANDLERS,):
        for here, folders, _ in os.walk(root / top):  # without what cannot be read
            folders[:] = [name for name in folders if name != "__pycache__"]
            found.add(Path(here))
    return sorted(path for path in found if path.is_dir())
