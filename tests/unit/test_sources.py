"""sources.py: which files are read, and how bytes become text."""

import os
from pathlib import Path

import pytest

from bossgen import sources
from bossgen.errors import BossgenError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "boss.toml").write_text('app = "myapp"\n')
    (tmp_path / "src/websocket").mkdir(parents=True)
    return tmp_path


def write(project: Path, name: str, data: bytes = b"") -> Path:
    path = project / "src/websocket" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def paths(project: Path) -> list[str]:
    return [
        source.path.removeprefix("src/websocket/") for source in sources.read(project)
    ]


def test_the_project_is_the_nearest_folder_with_a_boss_toml(project: Path) -> None:
    inner = project / "src/websocket"
    assert sources.find_project(inner) == project
    (inner / "boss.toml").touch()
    assert sources.find_project(inner) == inner


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(BossgenError, match=r"no boss\.toml in .* nor in any"):
        sources.find_project(tmp_path)
    with pytest.raises(BossgenError, match="is no project"):
        sources.open_project(tmp_path)
    with pytest.raises(BossgenError, match="cannot open"):
        sources.open_project(tmp_path / "nowhere")


def test_a_folder_that_has_been_deleted_under_our_feet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(BossgenError, match=r"cannot look for boss\.toml"):
        sources.find_project(Path())


def test_all_python_files_are_read_sorted_by_path(project: Path) -> None:
    for name in ("b.py", "a.py", "sub/c.py", "a_b.py", "a/z.py", "__init__.py"):
        write(project, name)
    assert paths(project) == [
        "__init__.py",
        "a.py",
        "a/z.py",
        "a_b.py",
        "b.py",
        "sub/c.py",
    ]


def test_what_is_hidden_or_no_python_is_passed_over(project: Path) -> None:
    for name in ("a.pyc", "a.txt", ".b.py", "__pycache__/c.py", ".d/e.py"):
        write(project, name)
    os.symlink("user@host.1:2", project / "src/websocket/.#lock.py")  # Emacs does so
    assert paths(project) == []


def test_links_to_files_are_followed_and_links_to_folders_are_not(
    project: Path,
) -> None:
    elsewhere = project / "elsewhere.py"
    elsewhere.write_text("x = 1\n")
    (project / "src/websocket/a.py").symlink_to(elsewhere)
    (project / "src/websocket/loop").symlink_to(project / "src")
    [source] = sources.read(project)
    assert (source.path, source.text) == ("src/websocket/a.py", "x = 1\n")


def test_what_is_no_file_is_named_and_not_opened(project: Path) -> None:
    folder = project / "src/websocket"
    os.mkfifo(folder / "myapp_pipe_websocket.py")
    (folder / "myapp_folder_websocket.py").mkdir()
    (folder / "myapp_folder_websocket.py/inner.py").touch()
    (folder / "myapp_device_websocket.py").symlink_to("/dev/null")
    write(project, "myapp_chat_websocket.py", b"pass")
    found = {
        source.path.split("_")[1]: (source.instead, source.text)
        for source in sources.read(project)
    }
    assert found == {
        "pipe": ("a named pipe", ""),
        "folder": ("a folder", ""),
        "device": ("a device", ""),
        "chat": ("", "pass"),
    }
    assert len(sources.fingerprint(project)) == 5


def test_a_project_without_the_folder_has_no_handlers(tmp_path: Path) -> None:
    assert sources.read(tmp_path) == ()


def test_what_cannot_be_read_is_named(project: Path) -> None:
    (project / "src/websocket/a.py").symlink_to("nowhere")
    with pytest.raises(BossgenError, match=r"cannot read src/websocket/a\.py: No such"):
        sources.read(project)
    (project / "boss.toml").unlink()
    with pytest.raises(BossgenError, match=r"cannot read boss\.toml: No") as refusal:
        sources.read_config(project)
    assert "restore it" in refusal.value.hint


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/websocket").touch()
    with pytest.raises(BossgenError, match="Not a directory"):
        sources.read(tmp_path)


@pytest.mark.parametrize(
    ("data", "text", "problem"),
    [
        (b"a = 1\n", "a = 1\n", ""),
        (b"\xef\xbb\xbfa = 1\n", "a = 1\n", ""),
        (b"a\r\nb\rc\n", "a\nb\nc\n", ""),
        ("ü\n".encode(), "ü\n", ""),
        ("# coding: latin-1\nü\n".encode("latin-1"), "# coding: latin-1\nü\n", ""),
        (
            b"#!\n# vim: fileencoding=utf8\n\xc3\xbc",
            "#!\n# vim: fileencoding=utf8\nü",
            "",
        ),
        (b"\n\n# coding: latin-1\n\xc3\xbc", "\n\n# coding: latin-1\nü", ""),
        (b"a\xe9\n", "a\ufffd\n", "byte 0xe9 is not UTF-8"),
        (b"# coding: klingon\n", "# coding: klingon\n", "unknown encoding: klingon"),
        (b"# coding: rot13\n", "# coding: rot13\n", "rot13 is no encoding of text"),
        (b"# coding: ascii\n\xc3\xbc", "# coding: ascii\nü", "byte 0xc3 is not ASCII"),
        (
            b"\xef\xbb\xbf# coding: latin-1\n",
            "# coding: latin-1\n",
            "encoding problem: utf-8",
        ),
    ],
)
def test_decoding(data: bytes, text: str, problem: str) -> None:
    assert sources.decode(data) == (text, problem)


def test_a_cookie_means_nothing_in_boss_toml() -> None:
    data = "# coding: latin-1\nü".encode()
    assert sources.decode(data, python=False) == ("# coding: latin-1\nü", "")


def test_the_fingerprint_changes_with_each_save(project: Path) -> None:
    seen = {sources.fingerprint(project)}
    path = write(project, "a.py", b"1")
    seen.add(sources.fingerprint(project))
    os.utime(path, ns=(0, 0))
    seen.add(sources.fingerprint(project))
    path.unlink()
    (project / "boss.toml").unlink()
    seen.add(sources.fingerprint(project))
    assert len(seen) == 4
    assert sources.fingerprint(project) in seen


def test_the_wide_fingerprint_is_about_all_code(project: Path) -> None:
    narrow, wide = sources.fingerprint(project), sources.fingerprint(project, wide=True)
    (project / "app.py").touch()
    after_app = sources.fingerprint(project, wide=True)
    (project / "src/lib").mkdir()
    (project / "src/lib/a.py").touch()
    assert len({wide, after_app, sources.fingerprint(project, wide=True)}) == 3
    assert sources.fingerprint(project) == narrow


@pytest.mark.parametrize("folder", ["", "src/lib", "src/websocket"])
def test_what_is_edited_and_not_saved_is_not_in_the_wide_fingerprint(
    project: Path, folder: str
) -> None:
    (project / folder).mkdir(exist_ok=True)
    before = sources.fingerprint(project, wide=True)
    (project / folder / ".#app.py").symlink_to("ann@example.com.1")  # as Emacs has it
    assert sources.fingerprint(project, wide=True) == before
