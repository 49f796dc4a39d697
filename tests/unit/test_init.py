"""`init`, with the real Copier, on applications of several layouts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bossgen import build as pipeline
from bossgen import scaffold
from bossgen.errors import BadName, BossgenError
from bossgen.init import init
from tests.scaffolding import existing_project, tree


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
    report = init(root)
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
    report = init(root)
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
    init(root)
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
    init(root)
    assert (root / "conftest.py").read_text() == "# mine\n"
    assert not (root / "src/__init__.py").exists()
    assert not (root / "src/websocket/__init__.py").exists()


def test_without_an_application_the_lines_are_said_all_the_same(tmp_path: Path) -> None:
    report = init(tmp_path, name="shop")
    assert "app.include_router(boss_router)" in report.message
    assert "itsdangerous" in report.message  # which FastAPI does not bring
    assert 'boss.toml, below [server]: application = "' in report.message
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
        init(tmp_path)
    assert tree(tmp_path) == before


def test_init_refuses_a_bad_name_and_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BadName):
        init(tmp_path, name="Shop")
    with pytest.raises(BossgenError, match="no folder"):
        init(tmp_path / "missing")
