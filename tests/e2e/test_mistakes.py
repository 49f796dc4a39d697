"""What a person does wrong: a clear message with place and remedy, and nothing is lost."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.support import Bossgen, environment, run, serving

BROKEN = (
    "from boss import ServiceHandler\n\n\nclass A(ServiceHandler[None]):\n    def\n"
)


@pytest.fixture
def project(bossgen: Bossgen, tmp_path: Path) -> Path:
    bossgen("new", "myapp", "--defaults", "--service", "chat", cwd=tmp_path)
    return tmp_path / "myapp"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("command", ["build", "routes", "update"])
def test_no_project_here(bossgen: Bossgen, tmp_path: Path, command: str) -> None:
    done = bossgen(command, cwd=tmp_path, expect=1)
    assert "boss.toml" in done.stderr
    assert "bossgen new" in done.stderr


def test_broken_boss_toml(bossgen: Bossgen, project: Path) -> None:
    before = snapshot(project / "boss")
    (project / "boss.toml").write_text('app = "myapp"\nport = = 8001\n')
    done = bossgen("build", cwd=project, expect=1)
    assert "error[BG101]" in done.stderr
    assert "boss.toml:2:" in done.stderr
    assert snapshot(project / "boss") == before


def test_misspelt_key_in_boss_toml(bossgen: Bossgen, project: Path) -> None:
    with (project / "boss.toml").open("a") as file:
        file.write("\n[service.chat]\nidle_timeuot = 3\n")
    done = bossgen("build", cwd=project, expect=1)
    assert "error[BG102]" in done.stderr
    assert "idle_timeout" in done.stderr
    assert "^" in done.stderr


@pytest.mark.parametrize(
    "name",
    ["Chat", "2chat", "my-chat", "chat room", "class", "ä", "", "x" * 41, "../x"],
)
def test_bad_service_name(bossgen: Bossgen, project: Path, name: str) -> None:
    before = snapshot(project)
    done = bossgen("add-service", name, cwd=project, expect=2)
    assert done.stderr
    assert snapshot(project) == before


@pytest.mark.parametrize("name", ["Myapp", "boss", "tests", "fastapi", "1st", "import"])
def test_bad_app_name(bossgen: Bossgen, tmp_path: Path, name: str) -> None:
    done = bossgen("new", name, "--defaults", cwd=tmp_path, expect=2)
    assert name in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_existing_target(bossgen: Bossgen, tmp_path: Path) -> None:
    (tmp_path / "myapp").mkdir()
    precious = tmp_path / "myapp" / "precious.txt"
    precious.write_text("mine")
    app = tmp_path / "myapp" / "app.py"
    app.write_text("old")
    done = bossgen("new", "myapp", "--defaults", cwd=tmp_path, expect=1)
    assert "--force" in done.stderr
    assert snapshot(tmp_path) == {"myapp/precious.txt": b"mine", "myapp/app.py": b"old"}
    bossgen("new", "myapp", "--defaults", "--force", cwd=tmp_path)
    assert precious.read_text() == "mine"
    assert "boss.router" in app.read_text()


def test_existing_service(bossgen: Bossgen, project: Path) -> None:
    handler = project / "src/websocket/myapp_chat_websocket.py"
    handler.write_text(handler.read_text() + "\n# mine\n")
    before = snapshot(project)
    done = bossgen("add-service", "chat", cwd=project, expect=1)
    assert "chat" in done.stderr
    assert snapshot(project) == before


def test_pretend_writes_nothing(bossgen: Bossgen, project: Path) -> None:
    before = snapshot(project.parent)
    bossgen("new", "other", "--defaults", "--pretend", cwd=project.parent)
    bossgen("add-service", "more", "--pretend", cwd=project)
    assert snapshot(project.parent) == before


def test_syntax_error(bossgen: Bossgen, project: Path) -> None:
    before = snapshot(project / "boss")
    (project / "src/websocket/myapp_bad_websocket.py").write_text(BROKEN)
    done = bossgen("build", cwd=project, expect=1)
    assert "error[BG301]" in done.stderr
    assert "src/websocket/myapp_bad_websocket.py:5:" in done.stderr
    assert "^" in done.stderr
    assert snapshot(project / "boss") == before


def test_every_problem_of_every_file_in_one_run(
    bossgen: Bossgen, project: Path
) -> None:
    websocket = project / "src" / "websocket"
    (websocket / "myapp_bad_websocket.py").write_text(BROKEN)
    (websocket / "stray.py").write_text("")
    (websocket / "myapp_none_websocket.py").write_text("x = 1\n")
    (websocket / "myapp_short_websocket.py").write_text(
        "from boss import Noreply, ServiceHandler\n\n\n"
        "class Short(ServiceHandler[None]):\n"
        "    def handle_join(self, service_url, websocket):\n"
        "        return Noreply(None)\n"
    )
    done = bossgen("build", "--output-format", "concise", cwd=project, expect=1)
    lines = [line for line in done.stderr.splitlines() if "error[" in line]
    assert [line.partition(" ")[2].partition(" ")[0] for line in lines] == [
        "error[BG301]",
        "error[BG302]",
        "error[BG305]",
        "error[BG204]",
    ]
    assert lines == sorted(lines)
    assert done.stdout == ""


def test_import_of_a_package_that_is_not_installed(
    bossgen: Bossgen, project: Path
) -> None:
    """Handlers are read, never imported: it builds all the same."""
    handler = project / "src/websocket/myapp_chat_websocket.py"
    handler.write_text("import nonesuch  # noqa: F401\n" + handler.read_text())
    bossgen("build", cwd=project)


def test_handlers_are_not_run(bossgen: Bossgen, project: Path) -> None:
    handler = project / "src/websocket/myapp_chat_websocket.py"
    handler.write_text(
        'import pathlib\n\npathlib.Path("ran.txt").touch()\n' + handler.read_text()
    )
    bossgen("build", cwd=project)
    assert not (project / "ran.txt").exists()


def test_a_file_of_ours_without_the_header_is_refused(
    bossgen: Bossgen, project: Path
) -> None:
    router = project / "boss" / "router.py"
    router.write_text("print('mine')\n")
    bossgen("add-service", "more", cwd=project)
    done = bossgen("build", cwd=project, expect=1)
    assert "boss/router.py" in done.stderr
    assert router.read_text() == "print('mine')\n"


@pytest.mark.parametrize("form", ["json", "github", "sarif"])
def test_data_goes_to_stdout(bossgen: Bossgen, project: Path, form: str) -> None:
    (project / "src/websocket/myapp_bad_websocket.py").write_text(BROKEN)
    done = bossgen("build", "--output-format", form, cwd=project, expect=1)
    assert "BG301" in done.stdout
    assert "BG301" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["build", "--nonsense"], ["explain", "BG999"], ["new"]],
)
def test_wrong_command_line(
    bossgen: Bossgen, tmp_path: Path, arguments: list[str]
) -> None:
    assert bossgen(*arguments, cwd=tmp_path, expect=2).stderr


def test_unwritable_target(bossgen: Bossgen, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = bossgen("new", "file/myapp", "--defaults", cwd=tmp_path, expect=1)
    assert "file" in done.stderr


@pytest.mark.timeout(300)
def test_a_killed_build_leaves_an_importable_project(
    bossgen: Bossgen, python: Path, project: Path
) -> None:
    """SIGKILL after ever longer times: every file is whole, old or new, and it serves."""
    boss = project / "boss"
    bossgen("build", cwd=project)
    whole = snapshot(boss)
    for name in ("runtime/group.py", "testing.py", "services.py", "router.py"):
        path = boss / name
        path.write_text(path.read_text().replace("\n", "\n# older\n", 1))
    old = snapshot(boss)
    for milliseconds in range(100, 500, 25):
        for name, content in old.items():
            (boss / name).write_bytes(content)
        with subprocess.Popen(
            [str(bossgen.executable), "build"],
            cwd=project,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as building:
            try:
                building.wait(milliseconds / 1000)
            except subprocess.TimeoutExpired:
                os.kill(building.pid, signal.SIGKILL)
        for name, content in snapshot(boss).items():
            if name in whole:
                assert content in (whole[name], old[name]), name
    run(python, "-c", "import app", cwd=project)
    bossgen("build", cwd=project)
    assert {k: v for k, v in snapshot(boss).items() if "__pycache__" not in k} == whole
    with (
        serving(python, project, "plain") as server,
        server.connect("/websocket/chat") as client,
    ):
        client.send("alive")
        assert "alive" in str(client.receive())
