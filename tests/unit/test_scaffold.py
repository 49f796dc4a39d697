"""`new`, `add-service`, `init` and `update`, with the real Copier."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from bossgen import build as pipeline
from bossgen import config, locate, place, records, scaffold, sources
from bossgen.errors import BadName, BossgenError

KINDS = ("room", "echo", "blank", "ticker")


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    scaffold.new(tmp_path / "myapp")
    return tmp_path / "myapp"


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A copy of template/ that takes the place of the installed one: the next version."""

    def next_version() -> Path:
        copy = tmp_path / "next"
        original = locate.template_root()
        for path, content in tree(original).items():
            if not path.startswith("boss/"):
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                (copy / path).write_bytes(content)
        (copy / "boss").symlink_to(original / "boss")
        monkeypatch.setattr(locate, "template_root", lambda: copy)
        for module in (scaffold, records):
            monkeypatch.setattr(module, "__version__", "0.2.0")
        return copy

    return next_version


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
        {"data": {"base_url": "?"}},
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

    monkeypatch.setattr(scaffold, "_build", filled)
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
        place, "apply_umask", lambda folder: signal.raise_signal(signal.SIGTERM)
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


def test_in_a_terminal_what_is_not_given_is_asked(tmp_path: Path) -> None:
    """Copier asks through a real terminal; Enter takes what it suggests."""
    import pty  # only where there are terminals

    program = (
        "from pathlib import Path; from bossgen import scaffold;"
        "scaffold.new(Path('My-App'), ask=True)"
    )
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm"},
        close_fds=True,
    ) as process:
        os.close(slave)
        seen = b""
        for question, answer in (
            (b"name of the application", b"\r"),
            (b"Where it will be served", b"\b/shop\r"),
            (b"Files for its deployment", b" \r"),
        ):
            while question not in seen:
                seen += os.read(master, 4096)
            os.write(master, answer)
        try:
            while os.read(master, 4096):
                pass
        except OSError:  # how Linux says that the other end is gone
            pass
        assert process.wait(20) == 0
    os.close(master)
    assert (
        'app = "my_app"\nbase_url = "/shop"\n'
        in (tmp_path / "My-App/boss.toml").read_text()
    )


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


# init


def existing_project(root: Path, file: str, text: str) -> Path:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text)
    (root / "tests").mkdir(exist_ok=True)
    (root / "tests/conftest.py").write_text("# mine\n")
    (root / "pyproject.toml").write_text("[project]\nname = 'shop'\nversion = '1'\n")
    return root


@pytest.mark.parametrize(
    ("file", "module"),
    [("main.py", "main"), ("app/main.py", "app.main"), ("src/shop/web.py", "shop.web")],
)
def test_an_existing_project_gets_services(
    tmp_path: Path, file: str, module: str
) -> None:
    root = existing_project(
        tmp_path / "shop",
        file,
        "from fastapi import FastAPI\n\napi = FastAPI()\n",
    )
    before = tree(root)
    report = scaffold.init(root)
    after = tree(root)
    assert {path: after[path] for path in before} == before
    assert f'application = "{module}:api"' in (root / "boss.toml").read_text()

    lines = [
        line.strip() for line in report.message.splitlines() if "boss_router" in line
    ]
    assert lines == [
        "from boss.router import router as boss_router",
        "api.include_router(boss_router)",
    ]
    assert f"two lines to {file}" in report.message
    with (root / file).open("a") as stream:
        stream.write("\n".join(lines) + "\n")
    scaffold.add_service(root, "chat")
    assert not pipeline.build(root).problems
    program = f"""
from {module} import api
from fastapi.testclient import TestClient
with TestClient(api) as client:
    print(client.get("/healthz").text)
"""
    served = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"chat":{"state":"running"' in served.stdout, served.stderr


# The parts of FastAPI's full-stack template that matter here: the application in a package,
# routers elsewhere, tests in a package of their own, migrations, no src/.
FULL_STACK = {
    "app/__init__.py": "",
    "app/main.py": """from fastapi import FastAPI

from app.api.main import api_router
from app.core.config import settings

app = FastAPI(title=settings.PROJECT_NAME)
app.include_router(api_router, prefix=settings.API_V1_STR)
""",
    "app/api/__init__.py": "",
    "app/api/main.py": """from fastapi import APIRouter

api_router = APIRouter()


@api_router.get("/items")
def items() -> list[str]:
    return ["one"]
""",
    "app/core/__init__.py": "",
    "app/core/config.py": """class Settings:
    PROJECT_NAME = "Full Stack"
    API_V1_STR = "/api/v1"


settings = Settings()
""",
    "app/alembic/env.py": "",
    "pyproject.toml": "[project]\nname = 'app'\nversion = '0.1.0'\n",
    "tests/__init__.py": "",
    "tests/conftest.py": """import pytest
from fastapi.testclient import TestClient

from app.main import app


@pytest.fixture
def client():
    with TestClient(app) as client:
        yield client
""",
    "tests/api/test_items.py": """def test_items(client):
    assert client.get("/api/v1/items").json() == ["one"]


def test_services(client):
    assert client.get("/healthz").json()["services"]["chat"]["state"] == "running"
    with client.websocket_connect("/websocket/chat") as websocket:
        websocket.send_text("hello")
        assert websocket.receive_text() == "hello"
""",
}


def test_the_full_stack_template_of_fastapi_is_adopted(tmp_path: Path) -> None:
    root = tmp_path / "full-stack" / "backend"
    for name, text in FULL_STACK.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    before = tree(root)
    report = scaffold.init(root)
    assert {path: text for path, text in tree(root).items() if path in before} == before
    assert 'app = "backend"' in (root / "boss.toml").read_text()
    assert 'application = "app.main:app"' in (root / "boss.toml").read_text()
    assert "two lines to app/main.py" in report.message
    with (root / "app/main.py").open("a") as stream:
        stream.writelines(
            f"{line.strip()}\n"
            for line in report.message.splitlines()
            if "boss_router" in line
        )
    scaffold.add_service(root, "chat")
    assert not pipeline.build(root).problems
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_the_tests_of_an_adopted_service_pass(tmp_path: Path) -> None:
    root = existing_project(tmp_path / "shop", "main.py", "")
    scaffold.init(root)
    scaffold.add_service(root, "chat")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_exists_already_stays(tmp_path: Path) -> None:
    root = existing_project(tmp_path / "shop", "main.py", "")
    (root / "conftest.py").write_text("# mine\n")
    (root / "src/websocket").mkdir(parents=True)
    scaffold.init(root)
    assert (root / "conftest.py").read_text() == "# mine\n"
    assert not (root / "src/__init__.py").exists()
    assert not (root / "src/websocket/__init__.py").exists()


def test_without_an_application_the_lines_are_said_all_the_same(tmp_path: Path) -> None:
    report = scaffold.init(tmp_path, name="shop")
    assert "app.include_router(boss_router)" in report.message
    assert "application" in (tmp_path / "boss.toml").read_text()


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("boss.toml", "already"),
        ("boss/__init__.py", "package `boss`"),
        ("boss.py", "boss"),
    ],
)
def test_init_refuses_what_is_in_its_way(tmp_path: Path, taken: str, said: str) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(BossgenError, match=said):
        scaffold.init(tmp_path)
    assert tree(tmp_path) == before


def test_init_refuses_a_bad_name_and_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BadName):
        scaffold.init(tmp_path, name="Shop")
    with pytest.raises(BossgenError, match="no folder"):
        scaffold.init(tmp_path / "missing")


# update


def test_a_fresh_project_is_up_to_date(project: Path) -> None:
    scaffold.add_service(project, "chat")
    before = tree(project)
    assert scaffold.update(project, check=True).exit_code == 0
    assert scaffold.update(project).exit_code == 0
    assert tree(project) == before


def test_an_update_across_two_versions(
    project: Path, template: Callable[[], Path]
) -> None:
    scaffold.add_service(project, "chat")
    scaffold.add_service(project, "echo", kind="echo")
    mine = project / "src/websocket/myapp_chat_websocket.py"
    mine.write_text(mine.read_text() + "\n# mine\n")
    (project / "app.py").write_text((project / "app.py").read_text() + "\n# mine\n")
    readme = project / "README.md"
    readme.write_text(readme.read_text().replace("# myapp", "# The best app"))
    needs = project / "pyproject.toml"
    needs.write_text(needs.read_text().replace("dev = [", 'dev = [\n    "coverage",'))
    (project / "tests/test_app.py").unlink()
    (project / "CONTRIBUTING.md").write_text("mine")

    rendered = template() / "project/template"
    page = rendered / "priv/static/index.html"
    page.write_text(page.read_text() + "<!-- new -->\n")
    for file, old, new in (
        ("app.py.jinja", '"""{{', '"""The new {{'),
        ("README.md.jinja", "# {{ app_name }}", "# {{ app_name }} anew"),
        ("tests/test_app.py", "def test", "def test_new"),
        ("src/lib/__init__.py", "shares", "share"),
    ):
        text = (rendered / file).read_text()
        (rendered / file).write_text(text.replace(old, new))
    (rendered / "CONTRIBUTING.md").write_text("new")
    (rendered / "SECURITY.md").write_text("new")
    (rendered / "priv/static/icon.svg").unlink()
    for kind in ("room", "echo"):
        for stub in (rendered.parents[1] / "service" / kind).rglob(
            "*_websocket.py.jinja"
        ):
            stub.write_text(stub.read_text() + "\n# new\n")

    before = tree(project)
    report = scaffold.update(project, check=True)
    assert report.exit_code == 1
    assert tree(project) == before

    report = scaffold.update(project)
    told = dict(
        line.split()[1::-1] for line in report.message.split("\n\n")[0].splitlines()
    )
    assert told == {
        "CONTRIBUTING.md": "kept",
        "README.md": "conflict",
        "SECURITY.md": "added",
        "app.py": "merged",
        "priv/static/icon.svg": "deleted",
        "priv/static/index.html": "updated",
        "pyproject.toml": "merged",  # it names the version of bossgen
        "src/websocket/myapp_chat_websocket.py": "kept",
        "src/websocket/myapp_echo_websocket.py": "updated",
        "tests/test_chat_websocket.py": "updated",
        "tests/test_echo_websocket.py": "updated",
    }
    assert report.exit_code == 1  # a conflict is left
    assert "<<<<<<< yours" in readme.read_text()
    groups = tomllib.loads(needs.read_text())["dependency-groups"]
    assert groups["bossgen"] == ["bossgen==0.2.0"]
    assert "coverage" in groups["dev"]
    merged = (project / "app.py").read_text()
    assert merged.startswith('"""The new myapp') and merged.endswith("# mine\n")
    assert mine.read_text().endswith("# mine\n")
    assert not (project / "tests/test_app.py").exists()
    assert not (project / "priv/static/icon.svg").exists()
    assert (project / "CONTRIBUTING.md").read_text() == "mine"
    recorded = json.loads((project / ".bossgen/project.json").read_text())
    assert recorded["_commit"] == "0.2.0"

    after = tree(project)
    assert scaffold.update(project, check=True).exit_code == 0
    assert scaffold.update(project).exit_code == 0
    assert tree(project) == after


def test_an_adopted_project_gets_no_files_it_did_not_have(
    tmp_path: Path, template: Callable[[], Path]
) -> None:
    root = existing_project(tmp_path / "shop", "src/shop/web.py", "app = FastAPI()\n")
    scaffold.init(root)
    before = tree(root)
    rendered = template() / "project/template"
    (rendered / "SECURITY.md").write_text("new")
    (rendered / "conftest.py").write_text("# new\n")
    report = scaffold.update(root)
    assert report.message.splitlines()[0].split() == ["updated", "conftest.py"]
    assert set(tree(root)) == set(before)


def test_answers_may_change_later(project: Path) -> None:
    plain = tree(project)
    changed = scaffold.update(project, data={"deploy": "docker, nginx"})
    told = [line.split() for line in changed.message.split("\n\n")[0].splitlines()]
    assert told == [
        *(["added", ".dockerignore"], ["added", "Dockerfile"]),
        *(["added", "compose.yaml"], ["added", "deploy/nginx.conf"]),
    ]
    assert scaffold.update(project, check=True).exit_code == 0
    assert scaffold.update(project, data={"deploy": ""}, check=True).exit_code == 1
    scaffold.update(project, data={"deploy": ""})
    assert tree(project) == plain


def test_an_adopted_project_gets_the_files_that_it_asks_for(tmp_path: Path) -> None:
    root = existing_project(tmp_path / "shop", "src/shop/web.py", "app = FastAPI()\n")
    scaffold.init(root)
    before = tree(root)
    scaffold.update(root, data={"deploy": "systemd"})
    assert [path for path in tree(root) if path not in before] == [
        ".bossgen/base/deploy/shop.service.base",
        "deploy/shop.service",
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"app_name": "other"},
        {"base_url": "a b"},
        {"deploy": "docker nignx"},
        {"nothing": "1"},
    ],
)
def test_an_answer_that_cannot_be_used_changes_nothing(
    project: Path, data: dict[str, str]
) -> None:
    before = tree(project)
    with pytest.raises(BadName):
        scaffold.update(project, data=data)
    assert tree(project) == before


def test_a_project_of_a_newer_bossgen_is_left_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "__version__", "0.0.9")
    with pytest.raises(BossgenError, match=r"0\.0\.9") as refusal:
        scaffold.update(project)
    assert "upgrade" in refusal.value.hint


@pytest.mark.parametrize(
    "damage", ["", "[]", "{", "{}", '{"app_name": 5}', '{"app_name": "Shop"}']
)
def test_damaged_records_are_reported(project: Path, damage: str) -> None:
    (project / ".bossgen/project.json").write_text(damage)
    with pytest.raises(BossgenError, match=r"project\.json") as refusal:
        scaffold.update(project)
    assert refusal.value.exit_code == 1


def test_missing_records_are_reported(project: Path) -> None:
    (project / ".bossgen/project.json").unlink()
    with pytest.raises(BossgenError, match=r"project\.json"):
        scaffold.update(project)
