"""`update`, with the real Copier, across two versions of the templates."""

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bossgen import locate, records, scaffold, templates
from bossgen import update as updating
from bossgen.errors import BadName, BossgenError
from bossgen.init import init
from bossgen.update import update
from tests.scaffolding import existing_project, tree


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
        for module in (records, templates, updating):
            monkeypatch.setattr(module, "__version__", "0.2.0")
        return copy

    return next_version


def test_a_fresh_project_is_up_to_date(project: Path) -> None:
    scaffold.add_service(project, "chat")
    before = tree(project)
    assert update(project, check=True).exit_code == 0
    assert update(project).exit_code == 0
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
    report = update(project, check=True)
    assert report.exit_code == 1
    assert tree(project) == before

    report = update(project)
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
    assert update(project, check=True).exit_code == 0
    assert update(project).exit_code == 0
    assert tree(project) == after


def test_an_adopted_project_gets_no_files_it_did_not_have(
    tmp_path: Path, template: Callable[[], Path]
) -> None:
    root = existing_project(tmp_path / "shop", "src/shop/web.py", "app = FastAPI()\n")
    init(root)
    before = tree(root)
    rendered = template() / "project/template"
    (rendered / "SECURITY.md").write_text("new")
    (rendered / "conftest.py").write_text("# new\n")
    report = update(root)
    assert report.message.splitlines()[0].split() == ["updated", "conftest.py"]
    assert set(tree(root)) == set(before)


def test_answers_may_change_later(project: Path) -> None:
    plain = tree(project)
    changed = update(project, data={"deploy": "docker, nginx"})
    told = [line.split() for line in changed.message.split("\n\n")[0].splitlines()]
    assert told == [
        *(["added", ".dockerignore"], ["added", "Dockerfile"]),
        *(["added", "compose.yaml"], ["added", "deploy/nginx.conf"]),
    ]
    assert update(project, check=True).exit_code == 0
    assert update(project, data={"deploy": ""}, check=True).exit_code == 1
    update(project, data={"deploy": ""})
    assert tree(project) == plain


def test_an_adopted_project_gets_the_files_that_it_asks_for(tmp_path: Path) -> None:
    root = existing_project(tmp_path / "shop", "src/shop/web.py", "app = FastAPI()\n")
    init(root)
    before = tree(root)
    update(root, data={"deploy": "systemd"})
    assert [path for path in tree(root) if path not in before] == [
        ".bossgen/base/deploy/shop.service.base",
        "deploy/shop.service",
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"app_name": "other"},
        {"base_url": "a b"},
        {"application": "app"},
        {"deploy": "docker nignx"},
        {"nothing": "1"},
    ],
)
def test_an_answer_that_cannot_be_used_changes_nothing(
    project: Path, data: dict[str, str]
) -> None:
    before = tree(project)
    with pytest.raises(BadName):
        update(project, data=data)
    assert tree(project) == before


@pytest.mark.parametrize("check", [False, True])
def test_what_is_in_the_way_of_an_update_is_named_before_anything_is_written(
    project: Path, check: bool
) -> None:
    (project / "Dockerfile").mkdir()
    (project / "deploy").write_text("mine\n")
    before = tree(project)
    with pytest.raises(BossgenError, match="Dockerfile is a folder and deploy is not"):
        update(project, data={"deploy": "docker nginx"}, check=check)
    assert tree(project) == before


def test_a_project_of_a_newer_bossgen_is_left_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "__version__", "0.0.9")
    with pytest.raises(BossgenError, match=r"0\.0\.9") as refusal:
        update(project)
    assert "upgrade" in refusal.value.hint


@pytest.mark.parametrize(
    "damage", ["", "[]", "{", "{}", '{"app_name": 5}', '{"app_name": "Shop"}']
)
def test_damaged_records_are_reported(project: Path, damage: str) -> None:
    (project / ".bossgen/project.json").write_text(damage)
    with pytest.raises(BossgenError, match=r"project\.json") as refusal:
        update(project)
    assert refusal.value.exit_code == 1


def test_records_that_cannot_be_read_are_not_taken_for_none(project: Path) -> None:
    base = project / ".bossgen/base"
    shutil.rmtree(base)
    base.symlink_to("base")
    with pytest.raises(BossgenError, match=r"base: Too many levels of symbolic links"):
        update(project, check=True)


def test_missing_records_are_reported(project: Path) -> None:
    (project / ".bossgen/project.json").unlink()
    with pytest.raises(BossgenError, match=r"project\.json cannot be read: No such"):
        update(project)
