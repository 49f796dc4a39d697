"""watch.py: every save is noticed, however it comes about."""

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import watchfiles

from bossgen.build import Report
from bossgen.errors import BossgenError
from bossgen.watch import ending, looks, watch
from tests.compiling import handler

PATIENCE = 100  # looks, of at most a tenth of a second, until a test gives up


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "boss.toml").write_text('app = "myapp"\n')
    return tmp_path


@pytest.fixture
def stop() -> Iterator[Event]:
    stop = Event()
    yield stop
    stop.set()


def saved(look: Iterator[bool]) -> bool:
    """Whether a save is noticed in the end."""
    return any(next(look) for _ in range(PATIENCE))


def test_the_first_look_finds_everything_new(project: Path, stop: Event) -> None:
    look = looks(project, stop, wide=False)
    assert next(look)
    assert not next(look)


def test_saves_are_noticed(project: Path, stop: Event) -> None:
    look = looks(project, stop, wide=False)
    next(look)
    (project / "boss.toml").write_text('app = "myapp"\n\n')
    assert saved(look)
    new = project / "new.toml"
    new.write_text('app = "other"\n')
    new.replace(project / "boss.toml")  # as some editors save
    assert saved(look)
    folder = project / "src/websocket"
    folder.mkdir(parents=True)
    (folder / "a.py").touch()
    assert saved(look)
    (folder / "a.py").write_text("x = 1\n")
    assert saved(look)
    (folder / "sub").mkdir()
    (folder / "sub/b.py").touch()
    assert saved(look)
    (folder / "a.py").unlink()
    assert saved(look)


def test_other_files_are_none_of_ours(project: Path, stop: Event) -> None:
    (project / "src/lib").mkdir(parents=True)
    look = looks(project, stop, wide=False)
    next(look)
    (project / "src/lib/a.py").touch()
    (project / "app.py").touch()
    assert not any(next(look) for _ in range(5))


def test_a_wide_look_is_about_all_code(project: Path, stop: Event) -> None:
    look = looks(project, stop, wide=True)
    next(look)
    (project / "app.py").touch()
    assert saved(look)
    (project / "src/lib").mkdir(parents=True)
    (project / "src/lib/a.py").touch()
    assert saved(look)
    (project / "app/routes").mkdir(parents=True)  # as an adopted application may be
    (project / "app/__init__.py").touch()
    assert saved(look)
    (project / "app/routes/a.py").touch()
    assert saved(look)


def test_a_save_during_the_build_is_not_lost(project: Path, stop: Event) -> None:
    look = looks(project, stop, wide=False)
    next(look)
    (project / "boss.toml").write_text('app = "myapp"\n\n')  # and nobody was looking
    assert saved(look)


def test_builds_go_on_through_errors(project: Path, stop: Event) -> None:
    told: list[Report | BossgenError] = []
    path = project / "src/websocket/myapp_chat_websocket.py"

    def tell(outcome: Report | BossgenError, seconds: float) -> None:
        assert seconds > 0
        told.append(outcome)
        match len(told):
            case 1:
                path.parent.mkdir(parents=True)
                path.write_text("class\n")
            case 2:
                path.unlink()
                path.symlink_to("nowhere")
            case 3:
                path.unlink()
                path.write_text(handler())
            case _:
                stop.set()

    watch(project, tell, stop)
    first, broken, unreadable, last = told
    assert isinstance(first, Report)
    assert first.changes
    assert isinstance(broken, Report)
    assert broken.failed
    assert isinstance(unreadable, BossgenError)
    assert isinstance(last, Report)
    assert [str(change.path) for change in last.changes] == [
        "boss/services.py",
        "boss/router.py",
    ]


def test_a_folder_that_cannot_be_read_is_left_to_the_build(
    project: Path, stop: Event
) -> None:
    (project / "src").mkdir()
    (project / "src/websocket").touch()
    look = looks(project, stop, wide=False)
    assert next(look)
    (project / "src/websocket").unlink()
    assert saved(look)


def test_a_folder_that_nobody_here_may_read_is_passed_over(
    project: Path, stop: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the package of an adopted application, as the data of a database may lie there; the build has no need of it."""
    private = project / "app/data"
    private.mkdir(parents=True)
    (project / "app/__init__.py").touch()
    scandir, watching = os.scandir, watchfiles.watch

    def refused(path: Any = ".") -> Any:
        if str(path) == str(private):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    def refuse(*folders: Path, **options: Any) -> Any:
        for folder in folders:
            refused(folder).close()
        return watching(*folders, **options)

    monkeypatch.setattr(os, "scandir", refused)  # root would be let in
    monkeypatch.setattr(watchfiles, "watch", refuse)
    look = looks(project, stop, wide=True)
    next(look)
    (project / "app.py").touch()
    assert saved(look)
    (project / "app/a.py").touch()
    assert saved(look)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_tells_the_process_to_end_ends_the_watch(
    project: Path, told: signal.Signals
) -> None:
    """Even while something is built, of which the outcome is still told."""
    before = signal.getsignal(told)
    outcomes: list[Report | BossgenError] = []

    def tell(outcome: Report | BossgenError, seconds: float) -> None:
        signal.raise_signal(told)
        outcomes.append(outcome)

    with ending() as stop:
        watch(project, tell, stop)
        assert signal.getsignal(told) == before, "told again, it ends at once"
    assert len(outcomes) == 1
    assert signal.getsignal(told) == before
