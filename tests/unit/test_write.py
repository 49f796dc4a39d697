"""write.py: what is written is whole, what is the user's is left alone."""

import errno
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from bossgen.errors import BossgenError
from bossgen.header import COPIED, GENERATED
from bossgen.model import Files
from bossgen.write import STAGING, TEMPORARY, Change, compare, write


def files(*names: str, text: str = "") -> dict[PurePosixPath, str]:
    """Files of boss/ with a header."""
    return {PurePosixPath("boss", name): f"{COPIED}.\n{text}\n" for name in names}


KEPT = files("services.py", "runtime/a.py", text="same")
OLD = KEPT | files("__init__.py", "router.py", "runtime/sub/b.py", text="old")
NEW = KEPT | files("__init__.py", "router.py", "runtime/c.py", text="new")


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with its time of modification."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in root.rglob("*")
        if path.is_file()
    }


def texts(root: Path) -> Files:
    return {
        PurePosixPath(name): data.decode() for name, (_, data) in snapshot(root).items()
    }


def bring(root: Path, wanted: Files) -> tuple[Change, ...]:
    changes = compare(root, wanted)
    write(root, changes)
    return changes


def refusal(root: Path, wanted: Files) -> str:
    """What is said when nothing can be written; and nothing is."""
    before = snapshot(root)
    with pytest.raises(BossgenError) as caught:
        bring(root, wanted)
    assert snapshot(root) == before
    return f"{caught.value.message}\n{caught.value.hint}"


def test_what_is_missing_is_made_and_then_nothing_is_to_do(tmp_path: Path) -> None:
    assert {change.kind for change in bring(tmp_path, OLD)} == {"create"}
    before = snapshot(tmp_path)
    assert texts(tmp_path) == OLD
    assert bring(tmp_path, OLD) == ()
    assert snapshot(tmp_path) == before


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    bring(tmp_path, OLD)
    before = snapshot(tmp_path)
    bring(tmp_path, NEW)
    after = snapshot(tmp_path)
    assert texts(tmp_path) == NEW
    for path in KEPT:
        assert after[str(path)] == before[str(path)]


def test_the_order_keeps_boss_importable(tmp_path: Path) -> None:
    (tmp_path / "boss").mkdir()
    (tmp_path / "boss/gone.py").write_text(f"{GENERATED}.\n")
    wanted = files(
        "__init__.py",
        "router.py",
        "runtime/b.py",
        "services.py",
        "testing.py",
        "runtime/a.py",
    )
    assert [change.path.as_posix() for change in compare(tmp_path, wanted)] == [
        "boss/runtime/a.py",
        "boss/runtime/b.py",
        "boss/testing.py",
        "boss/services.py",
        "boss/__init__.py",
        "boss/router.py",
        "boss/gone.py",
    ]


def test_folders_that_hold_nothing_any_more_are_removed(tmp_path: Path) -> None:
    bring(tmp_path, OLD)
    (tmp_path / "boss/runtime/sub/__pycache__").mkdir()
    bring(tmp_path, NEW)
    assert not (tmp_path / "boss/runtime/sub").exists()


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    bring(tmp_path, OLD)
    theirs = tmp_path / "boss/runtime/sub/theirs.py"
    theirs.write_text("x = 1\n")
    (tmp_path / "boss/notes.txt").write_text(GENERATED)
    (tmp_path / "boss/link.py").symlink_to(tmp_path / "boss/router.py")
    bring(tmp_path, NEW)
    assert theirs.read_text() == "x = 1\n"
    assert (tmp_path / "boss/notes.txt").exists()
    assert (tmp_path / "boss/link.py").is_symlink()


def test_a_file_without_our_header_is_refused(tmp_path: Path) -> None:
    bring(tmp_path, OLD)
    (tmp_path / "boss/router.py").write_text("mine = 1\n")
    assert "boss/router.py is not bossgen's" in refusal(tmp_path, NEW)
    (tmp_path / "boss/services.py").write_bytes(b"\xff\xfe")
    assert "boss/services.py, boss/router.py are not" in refusal(tmp_path, NEW)


def test_an_empty_file_is_not_ours_either(tmp_path: Path) -> None:
    (tmp_path / "boss").mkdir()
    (tmp_path / "boss/__init__.py").touch()
    assert "boss/__init__.py is not bossgen's" in refusal(tmp_path, NEW)


def test_a_link_where_a_file_has_to_go_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(f"{COPIED}.\n")
    (tmp_path / "boss").mkdir()
    for target in (outside, tmp_path / "nowhere"):
        link = tmp_path / "boss/router.py"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert "boss/router.py is a symbolic link" in refusal(tmp_path, NEW)


def test_a_folder_where_a_file_has_to_go_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boss/router.py").mkdir(parents=True)
    assert "boss/router.py is a folder" in refusal(tmp_path, NEW)


@pytest.mark.parametrize("name", ["boss", "boss/runtime"])
def test_a_file_where_a_folder_has_to_be_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert "a file stands where a folder has to be" in refusal(tmp_path, NEW)


def test_boss_may_be_a_link_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "boss").symlink_to(tmp_path / "elsewhere")
    bring(project, OLD)
    bring(project, NEW)
    assert (project / "boss").is_symlink()
    assert {f"boss/{name}" for name in snapshot(tmp_path / "elsewhere")} == set(
        map(str, NEW)
    )


def test_permissions_are_kept(tmp_path: Path) -> None:
    bring(tmp_path, OLD)
    (tmp_path / "boss/router.py").chmod(0o640)
    bring(tmp_path, NEW)
    assert (tmp_path / "boss/router.py").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("there", [False, True])
def test_a_disk_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, there: bool
) -> None:
    if there:
        bring(tmp_path, OLD)

    def refuse(self: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code), str(self))

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(Path, "rename", refuse)
    said = refusal(tmp_path, NEW)
    assert os.strerror(code) in said
    assert said.splitlines()[1]  # what to do


def test_the_last_file_that_cannot_be_written_keeps_all_as_they_are(
    tmp_path: Path,
) -> None:
    bring(tmp_path, OLD)
    (tmp_path / f"boss/.router.py{TEMPORARY}").mkdir()
    assert "cannot write boss/router.py" in refusal(tmp_path, NEW)


# A build that ends itself, without cleaning up, at its n-th step.
DYING = """
import os, sys
from pathlib import Path
sys.path[:0] = {path!r}
from tests.unit.test_write import NEW, bring
left = int(sys.argv[2])

def dying(name):
    real = getattr(Path, name)
    def step(*given, **named):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*given, **named)
    setattr(Path, name, step)

for name in ("open", "chmod", "replace", "rename", "unlink", "mkdir"):
    dying(name)
bring(Path(sys.argv[1]), NEW)
"""


@pytest.mark.parametrize("there", [False, True])
def test_a_killed_build_leaves_every_file_whole(tmp_path: Path, there: bool) -> None:
    for step in range(40):
        root = tmp_path / str(step)
        root.mkdir()
        if there:
            bring(root, OLD)
        done = subprocess.run(
            [sys.executable, "-c", DYING.format(path=sys.path), root, str(step)],
            timeout=60,
            check=False,
        )
        left = {
            path: text
            for path, text in texts(root).items()
            if not path.name.endswith(TEMPORARY) and path.parts[0] != STAGING
        }
        if not there:
            assert left in ({}, NEW)
        for path, text in left.items():
            assert text in (OLD.get(path), NEW.get(path))
        bring(root, NEW)
        assert texts(root) == NEW  # and nothing temporary
        if done.returncode == 0:
            assert step > 5
            return
    raise AssertionError("more steps than were tried")
