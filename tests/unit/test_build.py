"""build.py: the pipeline as a whole, in memory and on disk."""

import os
import random
from pathlib import Path

import pytest

from bossgen import build as pipeline
from bossgen.build import SETTINGS, build, compile_project, examine
from bossgen.config import load
from bossgen.errors import BossgenError
from bossgen.model import Source
from bossgen.sources import read
from tests.compiling import TEMPLATE, compiled, handler

HANDLERS = {name: handler(f"{name.title()}Websocket") for name in "abcdefg"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src/websocket").mkdir(parents=True)
    (root / "boss.toml").write_text('app = "myapp"\n')
    (root / "src/websocket/myapp_chat_websocket.py").write_text(handler())
    return root


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in root.rglob("*")
        if path.is_file()
    }


def test_the_order_of_the_sources_makes_no_difference() -> None:
    project, _ = load(Source("boss.toml", 'app = "myapp"\n'), TEMPLATE.copied[SETTINGS])
    assert project is not None
    sources = [
        Source(f"src/websocket/myapp_{name}_websocket.py", text)
        for name, text in HANDLERS.items()
    ]
    first = compile_project(project, TEMPLATE, sources)
    for _ in range(5):
        random.shuffle(sources)
        again = compile_project(project, TEMPLATE, sources)
        assert again.files == first.files
        assert again.problems == first.problems


def test_no_file_names_the_machine_or_the_moment(project: Path) -> None:
    report = build(project)
    assert report.outcome is not None
    for text in report.outcome.files.values():
        assert str(project) not in text
        assert os.path.expanduser("~") not in text


def test_building_twice_changes_nothing(project: Path) -> None:
    assert build(project).changes
    before = snapshot(project)
    assert build(project).changes == ()
    assert snapshot(project) == before


def test_a_dry_build_writes_nothing_and_says_the_same(project: Path) -> None:
    before = snapshot(project)
    dry = build(project, dry=True)
    assert snapshot(project) == before
    assert build(project).changes == dry.changes


def test_a_build_with_errors_changes_nothing(project: Path) -> None:
    build(project)
    (project / "src/websocket/myapp_new_websocket.py").write_text("class\n")
    (project / "src/websocket/myapp_other_websocket.py").write_text(handler())
    before = snapshot(project)
    report = build(project)
    assert report.failed
    assert report.changes == ()
    assert snapshot(project) == before


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("await websocket.send(message)", ["BG401"]),
        ("await self.save(message)", ["BG301"]),
        ("[await one.send(message) for one in state]", ["BG401"]),
        ("[await one.send(await self.save(1)) for one in state]", ["BG301", "BG401"]),
        ("await websocket.send(message); break", ["BG301", "BG401"]),
        ("break", ["BG301"]),
    ],
)
def test_what_python_does_not_compile_is_not_built(line: str, codes: list[str]) -> None:
    text = (
        "from boss import Group, Noreply, ServiceHandler\n"
        "class Chat(ServiceHandler[Group]):\n"
        "    def handle_incoming(self, service_url, websocket, message, state):\n"
        f"        {line}\n"
        "        return Noreply(state)\n"
        "    async def save(self, message): ...\n"
    )
    outcome = compiled({"chat": text})
    assert [problem.code for problem in outcome.problems] == codes
    assert outcome.files == {}


def test_mistakes_in_boss_toml_and_in_handlers_are_told_together(project: Path) -> None:
    (project / "boss.toml").write_text(
        'app = "myapp"\n[service.chta]\n[server]\nprot = 1\n'
    )
    (project / "src/websocket/myapp_new_websocket.py").write_text("class\n")
    report = examine(project)
    assert [problem.code for problem in report.problems] == ["BG104", "BG102", "BG301"]
    assert set(report.texts) == {"boss.toml"} | {s.path for s in read(project)}


def test_without_a_name_of_the_app_the_handlers_are_not_looked_at(
    project: Path,
) -> None:
    (project / "boss.toml").write_text("")
    report = build(project)
    assert report.failed
    assert report.outcome is None


def test_a_package_of_the_users_that_is_called_boss_is_not_touched(
    project: Path,
) -> None:
    (project / "boss").mkdir()
    (project / "boss/__init__.py").write_text("mine = 1\n")
    before = snapshot(project)
    with pytest.raises(BossgenError, match=r"boss/__init__\.py is not bossgen's"):
        build(project)
    assert snapshot(project) == before


def test_builds_at_once_read_and_write_one_after_the_other(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that has read before a handler was saved writes after the one that has read it since."""
    fcntl = pytest.importorskip("fcntl")
    read_now = pipeline.examine

    def reading(root: Path) -> pipeline.Report:
        folder = os.open(root, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(folder)
        return read_now(root)

    monkeypatch.setattr(pipeline, "examine", reading)
    assert build(project).changes


def test_a_service_that_is_gone_leaves_no_trace(project: Path) -> None:
    other = project / "src/websocket/myapp_other_websocket.py"
    other.write_text(handler("Other"))
    build(project)
    other.unlink()
    build(project)
    assert "other" not in (project / "boss/router.py").read_text()
    assert "other" not in (project / "boss/services.py").read_text()


def test_the_settings_of_the_server_are_not_compiled_in() -> None:
    assert compiled(HANDLERS, "[server]\nport = 1\n").files == compiled(HANDLERS).files
