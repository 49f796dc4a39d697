"""Where a project makes its FastAPI application."""

from pathlib import Path, PurePosixPath

import pytest

from bossgen.application import Application, find_application


def project(root: Path, *files: str, text: str = "app = FastAPI()\n") -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "file", "target"),
    [
        (["main.py"], "main.py", "main:app"),
        (["app/main.py", "app/__init__.py"], "app/__init__.py", "app:app"),
        (["app/main.py"], "app/main.py", "app.main:app"),
        (["src/main.py"], "src/main.py", "src.main:app"),
        (["src/shop/main.py"], "src/shop/main.py", "shop.main:app"),
        (["zzz.py", "app/main.py"], "zzz.py", "zzz:app"),
        (["a/b/c.py", "d/e.py"], "d/e.py", "d.e:app"),
    ],
)
def test_it_is_found(tmp_path: Path, files: list[str], file: str, target: str) -> None:
    found = find_application(project(tmp_path, *files))
    assert found == Application(PurePosixPath(file), "app", target)


def test_where_src_is_a_package_it_belongs_to_the_name(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "__init__.py").touch()
    found = find_application(project(tmp_path, "src/main.py"))
    assert found is not None
    assert found.target == "src.main:app"


@pytest.mark.parametrize(
    "text",
    [
        "api = fastapi.FastAPI(title='x')",
        "api: FastAPI = FastAPI()",
        "from x import y\n\napi = other = FastAPI()",
    ],
)
def test_however_it_is_written(tmp_path: Path, text: str) -> None:
    found = find_application(project(tmp_path, "main.py", text=text))
    assert found is not None
    assert found.name == "api"


@pytest.mark.parametrize(
    "text",
    [
        "def make():\n    app = FastAPI()\n",
        "app = Flask()",
        "app = FastAPI(",
        "FastAPI()",
        "x.app = FastAPI()",
        "app: FastAPI",
        "app = calls[0]()",
        "\0",
    ],
)
def test_nothing_is_guessed(tmp_path: Path, text: str) -> None:
    assert find_application(project(tmp_path, "main.py", text=text)) is None


def test_neither_tests_nor_installed_packages_are_looked_at(tmp_path: Path) -> None:
    project(
        tmp_path, "tests/main.py", "venv/lib/x.py", ".venv/x.py", "env/x.py", "a-b/x.py"
    )
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert find_application(tmp_path) is None
