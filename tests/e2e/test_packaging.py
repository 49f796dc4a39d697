"""The wheel holds what it must, and the repository's own scripts work."""

import zipfile
from pathlib import Path

from tests.e2e.support import REPOSITORY, Bossgen

CACHES = {"__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache"}


def below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not CACHES & set(path.parts)
    }


def test_wheel_holds_template_and_generator(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if ".dist-info/" not in n}
    template = {f"bossgen/template/{name}" for name in below(REPOSITORY / "template")}
    generator = {f"bossgen/{n}" for n in below(REPOSITORY / "generator" / "bossgen")}
    assert names == template | generator
    assert "bossgen/py.typed" in names  # what the classifier "Typing :: Typed" means


def test_version(bossgen: Bossgen, wheel: Path, tmp_path: Path) -> None:
    """One place says it: the name of the wheel and the command agree."""
    said = bossgen("--version", cwd=tmp_path).stdout.split()[-1]
    assert wheel.name.startswith(f"bossgen-{said}-")
