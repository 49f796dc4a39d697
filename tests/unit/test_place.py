"""Files into a project, all or none."""

import errno
import os
import shutil
import signal
from pathlib import Path, PurePosixPath

import pytest

from bossgen import place
from bossgen.errors import BossgenError

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
A, B, C = (PurePosixPath(name) for name in ("a.txt", "new/deep/b.txt", "c.txt"))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    folder = tmp_path / "staged"
    place.write_all(folder, {A: b"new a", B: b"new b", C: b"new c"})
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"old a")
    (folder / "mine.txt").write_bytes(b"mine")
    return folder


def test_same_named_files_are_replaced_and_others_kept(
    staged: Path, root: Path
) -> None:
    place.move_files(staged, root, [A, B, C])
    assert tree(root) == {
        "a.txt": b"new a",
        "c.txt": b"new c",
        "mine.txt": b"mine",
        "new": b"",
        "new/deep": b"",
        "new/deep/b.txt": b"new b",
    }


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_move_that_fails_is_undone(
    staged: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
    error: BaseException,
) -> None:
    before = tree(root)
    replace = os.replace
    moved = 0

    def fail_at_last(source: Path, target: Path) -> None:
        nonlocal moved
        if Path(source).is_relative_to(staged) and ".replaced" not in str(source):
            if moved == failing:
                raise error
            moved += 1
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_last)
    with pytest.raises(type(error)):
        place.move_files(staged, root, [A, B, C])
    assert tree(root) == before


def test_a_folder_appears_with_one_rename(staged: Path, tmp_path: Path) -> None:
    target = tmp_path / "made" / "for it"
    assert place.move_folder(staged, target)
    assert tree(target)["a.txt"] == b"new a"
    assert not staged.exists()


def test_an_empty_folder_is_replaced(staged: Path, tmp_path: Path) -> None:
    target = tmp_path / "empty"
    target.mkdir()
    assert place.move_folder(staged, target)
    assert tree(target)["a.txt"] == b"new a"


def test_its_permissions_stay(staged: Path, tmp_path: Path) -> None:
    target = tmp_path / "private"
    target.mkdir(0o700)
    assert place.move_folder(staged, target)
    assert target.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_stays_theirs(
    staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "theirs"
    target.mkdir()
    stat = Path.stat

    def foreign(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = list(stat(path, follow_symlinks=follow_symlinks))
        found[4] += 1 if path == target else 0  # st_uid
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", foreign)
    assert not place.move_folder(staged, target)
    assert staged.exists()


def test_staging_is_beside_the_target(tmp_path: Path) -> None:
    assert place.beside(tmp_path / "a" / "b") == tmp_path
    assert place.beside(tmp_path) == tmp_path.parent


def test_or_in_it_when_it_is_a_file_system_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path)
    assert place.beside(tmp_path) == tmp_path


def test_a_folder_with_something_in_it_is_not(staged: Path, root: Path) -> None:
    before = tree(root)
    assert not place.move_folder(staged, root)
    assert tree(root) == before
    assert staged.exists()


def test_nor_is_one_that_somebody_stands_in(
    staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "here"
    target.mkdir()
    monkeypatch.chdir(target)
    assert not place.move_folder(staged, target)


def test_folders_made_for_nothing_are_removed(
    staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError

    monkeypatch.setattr(os, "rename", refuse)
    assert not place.move_folder(staged, tmp_path / "x" / "y" / "z")
    assert not (tmp_path / "x").exists()


def test_obstacles_are_named(root: Path) -> None:
    (root / "c.txt").mkdir()
    (root / "new").write_text("a file")
    assert place.obstacles([A, B, C], root) == (
        "c.txt is a folder",
        "new is not a folder",
    )
    assert place.obstacles([A], root) == ()


def test_writing_keeps_permissions_and_times_of_what_does_not_change(
    root: Path,
) -> None:
    path = root / "a.txt"
    path.chmod(0o640)
    place.write(path, b"newer")
    assert path.stat().st_mode & 0o777 == 0o640
    os.utime(path, (1, 1))
    place.write(path, b"newer")
    assert path.stat().st_mtime == 1
    assert sorted(tree(root)) == ["a.txt", "mine.txt"]


def test_writing_to_a_link_writes_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/README.md").write_text("old")
    (tmp_path / "README.md").symlink_to("docs/README.md")
    place.write(tmp_path / "README.md", b"new")
    assert (tmp_path / "README.md").is_symlink()
    assert (tmp_path / "docs/README.md").read_text() == "new"


def test_removing_takes_empty_folders_along(staged: Path) -> None:
    place.remove(staged / B, staged)
    assert sorted(tree(staged)) == ["a.txt", "c.txt"]
    place.remove(staged / B, staged)


def test_staging_leaves_nothing_behind(tmp_path: Path) -> None:
    with place.staging(tmp_path) as folder:
        (folder / "x").write_text("x")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nor_when_it_is_terminated(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as end, place.staging(tmp_path):
        signal.raise_signal(number)
    assert end.value.code == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_nor_when_it_is_terminated_while_it_tidies_up(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmtree = shutil.rmtree

    def disturbed(folder: Path, *, ignore_errors: bool) -> None:
        signal.raise_signal(number)
        rmtree(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", disturbed)
    with pytest.raises((KeyboardInterrupt, SystemExit)), place.staging(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", SIGNALS)
def test_told_twice_to_end_it_undoes_all(
    root: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(root)
    replace = os.replace

    def disturbed(source: Path, target: Path) -> None:
        if target != root / A or ".replaced" in str(source):
            signal.raise_signal(number)
        replace(source, target)

    monkeypatch.setattr(os, "replace", disturbed)
    with pytest.raises((KeyboardInterrupt, SystemExit)), place.staging(root) as work:
        place.write_all(work, {A: b"new a", C: b"new c"})
        place.move_files(work, root, [A, C])
    assert tree(root) == before


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with place.staging(tmp_path):
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("ending", [SystemExit(143), KeyboardInterrupt()])
def test_what_an_end_leaves_undone_is_no_fault_of_the_disk(
    ending: BaseException,
) -> None:
    with pytest.raises(type(ending)) as end, place.disk():
        try:
            raise ending
        finally:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), ".git")
    assert end.value is ending


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "ls -ld"),
        (errno.EROFS, "ls -ld"),
        (errno.ENAMETOOLONG, ""),
    ],
)
def test_what_the_disk_refuses_is_said_with_its_place(number: int, said: str) -> None:
    with pytest.raises(BossgenError) as refusal, place.disk():
        raise OSError(number, os.strerror(number), "some/file")
    assert refusal.value.message == (
        f"cannot read or write some/file: {os.strerror(number)}"
    )
    assert said in refusal.value.hint


def test_that_place_is_never_the_staging_folder(staged: Path, root: Path) -> None:
    missing = root / "missing"
    with pytest.raises(BossgenError) as refusal, place.disk(), place.staging(missing):
        pass
    assert refusal.value.message.startswith(f"cannot read or write {missing}: ")
    folder = root / "folder"
    folder.mkdir()
    with pytest.raises(BossgenError) as refusal, place.disk():
        os.replace(staged / A, folder)
    assert refusal.value.message.startswith(f"cannot read or write {folder}: ")


def test_nor_the_file_that_is_written_beside_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(BossgenError) as refusal, place.disk():
        place.write(root / "a.txt", b"newer")
    said = f"cannot read or write {root / 'a.txt'}: {os.strerror(errno.ENOSPC)}"
    assert refusal.value.message == said


def test_listing_leaves_caches_out(staged: Path) -> None:
    place.write_all(staged, {PurePosixPath("__pycache__/a.pyc"): b""})
    assert place.listing(staged) == (A, C, B)
