"""What `new`, `add-service` and `build` write is code one would commit."""

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.checks import check
from tests.e2e.support import Bossgen, environment, run

KINDS = ("room", "echo", "blank", "ticker")


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its content and modification time."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"__pycache__", ".ruff_cache"} & set(path.parts)
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {name: content for name, (content, _) in files(folder).items()}


@pytest.mark.timeout(300)
def test_a_project_passes_its_own_checks_all_along(
    bossgen: Bossgen, work: Path, tools: dict[str, str]
) -> None:
    project = work / "checked"
    bossgen("new", "checked", "--defaults", cwd=work)
    check(project, tools)
    for kind in KINDS:
        bossgen("add-service", f"my_{kind}", "--kind", kind, cwd=project)
    check(project, tools)
    bossgen("build", cwd=project)
    check(project, tools)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("app", "services"),
    [
        ("a", ["b"]),
        ("a" * 40, ["z" * 40, "s", "router", "node", "services", "service"]),
    ],
)
def test_any_legal_name(
    bossgen: Bossgen, work: Path, tools: dict[str, str], app: str, services: list[str]
) -> None:
    bossgen("new", app, "--defaults", cwd=work)
    for service in services:
        bossgen("add-service", service, cwd=work / app)
    bossgen("build", cwd=work / app)
    check(work / app, tools)


@pytest.mark.timeout(300)
def test_handlers_of_these_tests_pass_too(myapp: Path, tools: dict[str, str]) -> None:
    run("mypy", "--strict", "boss", "src", cwd=myapp, env=environment(**tools))


def test_types_need_no_package_that_serving_does_not(
    bossgen: Bossgen, python: Path, tmp_path: Path, tools: dict[str, str]
) -> None:
    bossgen("new", "myapp", "--defaults", "--service", "chat", cwd=tmp_path)
    run(
        *("mypy", "--strict", "--python-executable", python, "app.py", "boss", "src"),
        cwd=tmp_path / "myapp",
        env=environment(**tools),
    )


def test_what_a_folder_above_asks_for_is_not_asked_of_a_project(
    bossgen: Bossgen, tmp_path: Path, tools: dict[str, str]
) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 60\n")
    bossgen("new", "myapp", "--defaults", "--service", "chat", cwd=tmp_path)
    for command in (("check",), ("format", "--check")):
        run("ruff", *command, cwd=tmp_path / "myapp", env=environment(**tools))


def test_a_project_s_tests_have_settings_of_their_own(
    bossgen: Bossgen, tmp_path: Path, tools: dict[str, str]
) -> None:
    """Not those that the shell happens to have."""
    bossgen("new", "myapp", "--defaults", cwd=tmp_path)
    conftest = tmp_path / "myapp/conftest.py"
    own = '{"BOSS_SECRET": "for the tests alone"}'
    assert own in conftest.read_text()
    conftest.write_text(conftest.read_text().replace(own, '{"BOSS_METRICS": "1"}'))
    (tmp_path / "myapp/tests/test_settings.py").write_text(
        "import os\n\n\ndef test_settings() -> None:\n"
        '    ours = {name for name in os.environ if name.startswith("BOSS_")}\n'
        '    assert ours == {"BOSS_METRICS"}\n'
    )
    shell = environment(**tools, BOSS_PORT="none", BOSS_LANDING_PAGE="none")
    run("pytest", "-q", cwd=tmp_path / "myapp", env=shell)


def test_build_is_idempotent(bossgen: Bossgen, work: Path) -> None:
    project = work / "twice"
    bossgen("new", project, "--defaults", "--service", "chat", cwd=work)
    before = files(project)
    bossgen("build", cwd=project)
    bossgen("build", "--check", cwd=project)
    assert files(project) == before


def test_same_bytes_from_any_directory(bossgen: Bossgen, tmp_path: Path) -> None:
    for place in ("one", "two words/deeper"):
        (tmp_path / place).mkdir(parents=True)
        bossgen("new", "same", "--defaults", "--service", "b", cwd=tmp_path / place)
        project = tmp_path / place / "same"
        bossgen("add-service", "a", "--project", project, cwd=tmp_path)
        bossgen("build", "--project", project, cwd=tmp_path)
    first = contents(tmp_path / "one" / "same")
    assert first == contents(tmp_path / "two words" / "deeper" / "same")
    everything = b"\n".join(first.values()).decode()
    assert str(tmp_path) not in everything
    assert str(bossgen.executable.parent) not in everything


def test_a_project_may_be_moved(bossgen: Bossgen, tmp_path: Path) -> None:
    bossgen("new", "moved", "--defaults", "--service", "chat", cwd=tmp_path)
    shutil.move(tmp_path / "moved", tmp_path / "elsewhere")
    bossgen("build", "--check", cwd=tmp_path / "elsewhere")


def test_removed_handler_removes_its_route(bossgen: Bossgen, tmp_path: Path) -> None:
    bossgen("new", "less", "--defaults", "--service", "chat", cwd=tmp_path)
    project = tmp_path / "less"
    own = project / "boss" / "mine.py"
    own.write_text("MINE = 1\n")
    (project / "src/websocket/less_chat_websocket.py").unlink()
    stale = bossgen("build", "--check", cwd=project, expect=1)
    assert "boss/router.py" in stale.stderr
    bossgen("build", cwd=project)
    assert "/websocket/chat" not in (project / "boss/router.py").read_text()
    assert own.read_text() == "MINE = 1\n"


def test_every_generated_file_says_who_made_it(bossgen: Bossgen, work: Path) -> None:
    project = work / "headers"
    bossgen("new", project, "--defaults", "--service", "chat", cwd=work)
    for path in sorted((project / "boss").rglob("*.py")):
        first = path.read_text().partition("\n")[0]
        assert "bossgen" in first, path
        assert "Do not edit" in first, path


def test_the_route_is_found_by_searching_for_its_url(
    bossgen: Bossgen, work: Path
) -> None:
    project = work / "searched"
    bossgen("new", project, "--defaults", "--service", "chat", cwd=work)
    router = (project / "boss/router.py").read_text()
    assert '"/websocket/chat"' in router
    assert "# src/websocket/searched_chat_websocket.py" in router
    assert "importlib" not in router
    assert os.fspath(work) not in router
