"""What the tests of `new`, `add-service`, `init` and `update` share: folders as values, and a project of somebody else."""

from pathlib import Path


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, keyed by its path there; caches of Python are left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def existing_project(root: Path, file: str, text: str) -> Path:
    """A project that was not made by bossgen: one file of code, a conftest.py, and a pyproject.toml."""
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text)
    (root / "tests").mkdir(exist_ok=True)
    (root / "tests/conftest.py").write_text("# mine\n")
    (root / "pyproject.toml").write_text("[project]\nname = 'shop'\nversion = '1'\n")
    return root
