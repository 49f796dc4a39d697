"""`new` and `add-service`, with the real Copier."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import plumbum
import pytest

from bossgen import build as pipeline
from bossgen import config, locate, scaffold, sources
from bossgen.errors import BadName, BossgenError
from tests.scaffolding import tree

KINDS = ("room", "echo", "blank", "ticker")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    scaffold.new(tmp_path / "myapp")
    return tmp_path / "myapp"


# new


def test_a_project_has_what_the_readme_lists(project: Path) -> None:
    files = tree(project)
    assert {
        ".bossgen/project.json",
        ".gitignore",
        "README.md",
        "app.py",
        "boss.toml",
        "boss/__init__.py",
        "boss/router.py",
        "boss/runtime/worker.py",
        "boss/services.py",
        "boss/testing.py",
        "priv/static/boss.js",
        "priv/static/index.html",
        "pyproject.toml",
        "src/__init__.py",
        "src/lib/__init__.py",
        "src/websocket/__init__.py",
        "tests/test_app.py",
    } <= set(files)
    assert not [path for path in files if path.endswith((".jinja", ".pyc"))]


def test_no_path_of_the_machine_is_written_down(project: Path, tmp_path: Path) -> None:
    for path, content in tree(project).items():
        for place_ in (tmp_path, locate.template_root(), Path.home()):
            if place_ != Path("/root") and place_ != Path("/"):
                assert str(place_).encode() not in content, path


def test_the_answers_are_recorded(project: Path) -> None:
    recorded = json.loads((project / ".bossgen/project.json").read_text())
    assert recorded["app_name"] == "myapp"
    assert recorded["_src_path"] == "bossgen:project"


def test_the_name_is_that_of_the_folder_with_underscores(tmp_path: Path) -> None:
    scaffold.new(tmp_path / "two words" / "my-app")
    text = (tmp_path / "two words" / "my-app" / "boss.toml").read_text()
    assert 'app = "my_app"' in text


def test_the_folder_may_be_called_anything_when_a_name_is_given(tmp_path: Path) -> None:
    scaffold.new(tmp_path / "Größe 1.0", name="size", base_url="chat/")
    text = (tmp_path / "Größe 1.0" / "boss.toml").read_text()
    assert 'app = "size"\nbase_url = "/chat"\n' in text


def test_answers_may_be_given_as_data(tmp_path: Path) -> None:
    scaffold.new(tmp_path / "x", data={"app_name": "shop", "base_url": "/s"})
    assert 'app = "shop"\nbase_url = "/s"\n' in (tmp_path / "x/boss.toml").read_text()


@pytest.mark.parametrize("written", ["", "/"])
def test_a_base_url_may_be_empty(tmp_path: Path, written: str) -> None:
    scaffold.new(tmp_path / "shop", base_url=written)
    assert 'base_url = "/"\n' in (tmp_path / "shop/boss.toml").read_text()


def test_services_to_begin_with_are_built(tmp_path: Path) -> None:
    scaffold.new(tmp_path / "shop", services=["chat", "news"])
    router = (tmp_path / "shop/boss/router.py").read_text()
    assert '"/websocket/chat"' in router
    assert '"/websocket/news"' in router
    assert (tmp_path / "shop/.bossgen/services/news.json").is_file()


def test_a_git_that_does_not_work_is_in_nobodys_way(tmp_path: Path) -> None:
    stub = tmp_path / "git"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    with plumbum.local.env(PATH=str(tmp_path)):
        scaffold.new(tmp_path / "shop", services=["chat"])
    assert (tmp_path / "shop/boss/router.py").is_file()


def test_a_settings_file_of_copiers_answers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults:\n  base_url: /elsewhere\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    scaffold.new(tmp_path / "myapp")
    assert 'base_url = "/"' in (tmp_path / "myapp/boss.toml").read_text()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        scaffold.new(tmp_path / "myapp")
        scaffold.add_service(tmp_path / "myapp", "chat")
    finally:
        os.umask(before)
    for path in [tmp_path / "myapp", *(tmp_path / "myapp").rglob("*")]:
        mode = (0o777 if path.is_dir() else 0o666) & ~umask
        assert path.stat().st_mode & 0o777 == mode, path


def test_what_is_made_in_the_folder_of_a_team_belongs_to_the_team(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o2755)  # it gives its group to what is made in it
    scaffold.new(tmp_path / "myapp")
    for path in [tmp_path / "myapp", *(tmp_path / "myapp").rglob("*")]:
        assert not path.is_dir() or path.stat().st_mode & stat.S_ISGID, path


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("MyApp", "my_app"),
        ("my app", "my_app"),
        ("1st", "st"),
        ("class", "my_class"),
        ("boss", "my_boss"),
        ("fastapi", "my_fastapi"),
        ("Größe", "groe"),
        ("日本", "myapp"),
        ("a" * 41, "a" * 40),
        ("", "myapp"),
        ("../up", "up"),
    ],
)
def test_a_bad_name_is_refused_with_a_better_one(
    tmp_path: Path, name: str, better: str
) -> None:
    with pytest.raises(BadName) as refusal:
        scaffold.new(tmp_path / "x", name=name)
    assert refusal.value.exit_code == 2
    assert refusal.value.hint == f"for example: {better}"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_bad_name_asks_for_another(tmp_path: Path) -> None:
    with pytest.raises(BadName, match="My.App") as refusal:
        scaffold.new(tmp_path / "My.App")
    assert refusal.value.hint == "name it: --name my_app"


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "a b"},
        {"base_url": "/../x"},
        {"data": {"nothing": "1"}},
        {"data": {"_commit": "1"}},
        {"data": {"_copier_conf": "1"}},  # which Copier hands to each template
        {"data": {"dict": "1"}},  # which the template calls
        {"data": {"adopted": "true"}},
        {"data": {"base_url": "?"}},
        {"data": {"application": "app"}},
        {"services": ["Chat"]},
        {"services": ["chat", "chat"]},
    ],
)
def test_a_bad_answer_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(BadName) as refusal:
        scaffold.new(tmp_path / "x", **wrong)  # type: ignore[arg-type]
    assert refusal.value.hint or "twice" in refusal.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_not_empty_is_refused(project: Path) -> None:
    before = tree(project)
    with pytest.raises(BossgenError, match="not empty") as refusal:
        scaffold.new(project)
    assert refusal.value.exit_code == 1
    assert "--force" in refusal.value.hint
    assert tree(project) == before


def test_a_target_that_is_filled_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def filled(_staged: Path) -> dict[PurePosixPath, str]:
        (tmp_path / "myapp").mkdir()
        (tmp_path / "myapp/app.py").write_text("mine")
        return {}

    monkeypatch.setattr(scaffold, "build_staged", filled)
    with pytest.raises(BossgenError, match="not empty"):
        scaffold.new(tmp_path / "myapp")
    assert tree(tmp_path) == {"myapp/app.py": b"mine"}


@pytest.mark.parametrize("pretend", [False, True])
def test_a_target_below_a_file_is_refused(tmp_path: Path, pretend: bool) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BossgenError, match="/file exists and is no folder"):
        scaffold.new(tmp_path / "file/sub/myapp", pretend=pretend)


@pytest.mark.parametrize("force", [False, True])
def test_a_target_that_is_a_file_is_refused(tmp_path: Path, force: bool) -> None:
    (tmp_path / "myapp").write_text("mine")
    with pytest.raises(BossgenError, match="no folder"):
        scaffold.new(tmp_path / "myapp", force=force)
    assert tree(tmp_path) == {"myapp": b"mine"}


def test_an_empty_target_is_taken(tmp_path: Path) -> None:
    (tmp_path / "myapp").mkdir()
    scaffold.new(tmp_path / "myapp")
    assert (tmp_path / "myapp/boss/router.py").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["myapp"]


def test_the_empty_folder_one_stands_in_stays_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "myapp").mkdir()
    monkeypatch.chdir(tmp_path / "myapp")
    report = scaffold.new(Path())
    assert report.message.startswith("Created myapp. Next:\n\n    bossgen ")
    assert Path("boss/router.py").is_file()
    assert [path for path in os.listdir() if path.startswith(".bossgen-")] == []


def test_a_link_to_an_empty_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "link").symlink_to("shop")
    scaffold.new(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert 'app = "shop"' in (tmp_path / "shop/boss.toml").read_text()


def test_staging_in_the_target_itself_leaves_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "myapp").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path / "myapp")
    scaffold.new(tmp_path / "myapp")
    assert [path for path in os.listdir(tmp_path / "myapp") if "-" in path] == []


def test_force_replaces_files_of_the_same_name_and_keeps_others(tmp_path: Path) -> None:
    root = tmp_path / "myapp"
    handlers = root / "src/websocket"
    handlers.mkdir(parents=True)
    (root / "boss").mkdir()
    (root / "app.py").write_text("old")
    (root / "notes.txt").write_text("mine")
    (root / "boss/router.py").write_text("# Generated by bossgen, long ago\n")
    (handlers / "myapp_old_websocket.py").write_text(
        "from boss import ServiceHandler\n\n\nclass Old(ServiceHandler[None]):\n    pass\n"
    )
    scaffold.new(root, force=True)
    assert "FastAPI" in (root / "app.py").read_text()
    assert (root / "notes.txt").read_text() == "mine"
    assert '"/websocket/old"' in (root / "boss/router.py").read_text()
    assert not pipeline.build(root, dry=True).changes


def test_force_does_not_touch_what_would_not_build(tmp_path: Path) -> None:
    handlers = tmp_path / "myapp/src/websocket"
    handlers.mkdir(parents=True)
    (handlers / "myapp_old_websocket.py").write_text("def (")
    before = tree(tmp_path)
    with pytest.raises(BossgenError, match="would not build") as refusal:
        scaffold.new(tmp_path / "myapp", force=True)
    assert "myapp_old_websocket.py:1" in refusal.value.hint
    assert tree(tmp_path) == before


def test_force_does_not_replace_a_folder_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "myapp/app.py").mkdir(parents=True)
    with pytest.raises(BossgenError, match=r"app\.py is a folder"):
        scaffold.new(tmp_path / "myapp", force=True)
    assert os.listdir(tmp_path / "myapp") == ["app.py"]


@pytest.mark.parametrize("pretend", [True, False])
def test_force_refuses_what_bossgen_did_not_write_in_boss(
    tmp_path: Path, pretend: bool
) -> None:
    (tmp_path / "myapp/boss").mkdir(parents=True)
    (tmp_path / "myapp/boss/router.py").write_text("print('mine')\n")
    (tmp_path / "myapp/app.py").write_text("old")
    before = tree(tmp_path)
    with pytest.raises(BossgenError, match=r"boss/router\.py is not bossgen's"):
        scaffold.new(tmp_path / "myapp", force=True, pretend=pretend)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_that_is_terminated_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    if exists:
        (tmp_path / "myapp").mkdir()
        (tmp_path / "myapp/mine.txt").write_text("mine")
    before = tree(tmp_path)
    monkeypatch.setattr(
        scaffold, "build_staged", lambda staged: signal.raise_signal(signal.SIGTERM)
    )
    with pytest.raises(SystemExit):
        scaffold.new(tmp_path / "myapp", force=exists)
    assert tree(tmp_path) == before
    assert [path for path in os.listdir(tmp_path) if path != "myapp"] == []


def test_so_does_one_that_is_terminated_while_it_renders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(
        "copier.run_copy", lambda *_, **__: signal.raise_signal(signal.SIGTERM)
    )
    with pytest.raises(SystemExit):
        scaffold.new(tmp_path / "myapp")
    assert list(tmp_path.iterdir()) == []


def test_pretend_writes_nothing_and_lists_everything(
    tmp_path: Path, project: Path
) -> None:
    before = tree(tmp_path)
    report = scaffold.new(tmp_path / "other", services=["chat"], pretend=True)
    assert tree(tmp_path) == before
    assert "create   src/websocket/other_chat_websocket.py\n" in report.data
    assert "create   boss/router.py\n" in report.data
    report = scaffold.new(project, pretend=True, force=True)
    assert "replace  app.py\n" in report.data
    assert tree(tmp_path) == before


def test_a_disk_that_refuses_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BossgenError, match="name too long"):
        scaffold.new(tmp_path / ("x" * 300), name="shop")


def test_so_is_a_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(BossgenError, match="cannot read or write"):
        scaffold.new(Path("shop"))


def asked(folder: Path, name: str, dialogue: Sequence[tuple[bytes, bytes]]) -> int:
    """Run `new` on a terminal: wait for the first of each pair and type the second. The exit code."""
    import pty  # only where there are terminals

    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bossgen", "new", name],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm"},
        close_fds=True,
    ) as process:
        os.close(slave)
        seen = b""
        for awaited, typed in dialogue:
            while awaited not in seen:
                seen += os.read(master, 4096)
            seen = b""
            os.write(master, typed)
        try:
            while os.read(master, 4096):
                pass
        except OSError:  # how Linux says that the other end is gone
            pass
        code = process.wait(20)
    os.close(master)
    return code


def test_in_a_terminal_what_is_not_given_is_asked(tmp_path: Path) -> None:
    """Copier asks through a real terminal; Enter takes what it suggests."""
    dialogue = [
        (b"name of the application", b"\r"),
        (b"Where it will be served", b"\b/shop\r"),
        (b"Files for its deployment", b" \r"),
    ]
    assert asked(tmp_path, "My-App", dialogue) == 0
    assert (
        'app = "my_app"\nbase_url = "/shop"\n'
        in (tmp_path / "My-App/boss.toml").read_text()
    )


def test_an_answer_that_cannot_be_is_asked_for_again(tmp_path: Path) -> None:
    dialogue = [
        (
            b"name of the application",
            b"\x15class\r",
        ),  # Ctrl-U: instead of what is there
        (b"taken", b"\x15tests\r"),
        (b"taken", b"\x15shop\r"),
        (b"Where it will be served", b"\x15/a//b\r"),
        (b"no empty segment", b"\x15/a/..\r"),
        (b"no empty segment", b"\x15/.a/...\r"),
        (b"Files for its deployment", b"\r"),
    ]
    assert asked(tmp_path, "myapp", dialogue) == 0
    assert (
        'app = "shop"\nbase_url = "/.a/..."\n'
        in (tmp_path / "myapp/boss.toml").read_text()
    )


@pytest.mark.parametrize(("key", "code"), [(b"\x15\x04", 1), (b"\x03", 130)])
def test_questions_may_be_left(tmp_path: Path, key: bytes, code: int) -> None:
    assert asked(tmp_path, "myapp", [(b"name of the application", key)]) == code
    assert list(tmp_path.iterdir()) == []


def test_uncommented_boss_toml_says_the_defaults(project: Path) -> None:
    """All keys there are, each with the default that it has."""
    declared = locate.read_template().copied[pipeline.SETTINGS]
    source = sources.read_config(project)
    as_it_is, problems = config.load(source, declared)
    assert not problems
    text = re.sub(r"^# (?=\[|[a-z_]+ = )", "", source.text, flags=re.MULTILINE)
    uncommented, problems = config.load(sources.Source("boss.toml", text), declared)
    assert not problems
    assert uncommented == as_it_is
    for keys in config.schema(declared).values():
        for key in keys:
            assert re.search(rf"^{key.name} = ", text, flags=re.MULTILINE), key.name


# add-service


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_builds(project: Path, kind: str) -> None:
    report = scaffold.add_service(project, "foo_bar", kind=kind)
    handler = project / "src/websocket/myapp_foo_bar_websocket.py"
    assert "class FooBarWebsocket(ServiceHandler[" in handler.read_text()
    assert (project / "tests/test_foo_bar_websocket.py").is_file()
    assert str(handler.relative_to(project)) in report.message
    built = pipeline.build(project)
    assert not built.problems
    assert '"/websocket/foo_bar"' in (project / "boss/router.py").read_text()


def test_no_shared_file_is_touched(project: Path) -> None:
    before = tree(project)
    scaffold.add_service(project, "chat")
    after = tree(project)
    assert {path: after[path] for path in before} == before
    assert sorted(set(after) - set(before)) == [
        ".bossgen/base/src/websocket/myapp_chat_websocket.py.base",
        ".bossgen/base/tests/test_chat_websocket.py.base",
        ".bossgen/services/chat.json",
        "src/websocket/myapp_chat_websocket.py",
        "tests/test_chat_websocket.py",
    ]


@pytest.mark.parametrize(
    "existing",
    [
        "src/websocket/myapp_chat_websocket.py",
        "src/websocket/MyApp_Chat_websocket.py",
        "tests/test_chat_websocket.py",
    ],
)
def test_a_service_that_exists_is_refused(project: Path, existing: str) -> None:
    (project / existing).write_text("mine")
    before = tree(project)
    with pytest.raises(BossgenError, match=re.escape(existing)) as refusal:
        scaffold.add_service(project, "chat")
    assert refusal.value.exit_code == 1
    assert "--force" in refusal.value.hint
    assert tree(project) == before


def test_force_writes_the_stub_anew(project: Path) -> None:
    scaffold.add_service(project, "chat")
    before = tree(project)
    (project / "src/websocket/myapp_chat_websocket.py").write_text("mine")
    scaffold.add_service(project, "chat", force=True)
    assert tree(project) == before


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("chat-room", "chat_room"),
        ("ChatRoom", "chat_room"),
        ("import", "my_import"),
        ("myapp_News_websocket.py", "news"),
        ("/", "chat"),
        ("chat.py", "chat"),
    ],
)
def test_a_bad_service_name_is_refused_with_a_better_one(
    project: Path, name: str, better: str
) -> None:
    before = tree(project)
    with pytest.raises(BadName) as refusal:
        scaffold.add_service(project, name)
    assert refusal.value.hint == f"for example: {better}"
    assert tree(project) == before


def test_an_unknown_kind_is_a_wrong_command_line(project: Path) -> None:
    with pytest.raises(BadName, match="kind"):
        scaffold.add_service(project, "chat", kind="lobby")


def test_pretending_to_add_a_service(project: Path) -> None:
    before = tree(project)
    report = scaffold.add_service(project, "chat", pretend=True)
    assert "create   tests/test_chat_websocket.py\n" in report.data
    assert tree(project) == before


def test_adding_to_a_project_with_a_broken_boss_toml(project: Path) -> None:
    (project / "boss.toml").write_text("app = ")
    with pytest.raises(BossgenError) as refusal:
        scaffold.add_service(project, "chat")
    assert "boss.toml:1" in refusal.value.hint
