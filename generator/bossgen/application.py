"""Where an existing project makes its FastAPI application: found by reading, never by importing."""

import ast
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_ELSEWHERE: Final = frozenset(
    ("__pycache__", "build", "dist", "node_modules", "site-packages", "tests", "venv")
)


@dataclass(frozen=True, slots=True)
class Application:
    """A module-level `app = FastAPI(...)`."""

    file: PurePosixPath  # "app/main.py", relative to the project
    name: str  # "app"
    target: str  # what a server is told to serve: "app.main:app"


def find_application(root: Path) -> Application | None:
    """The application of the project, None when there is none; of several, the one nearest to the root."""
    found = [
        Application(file, name, f"{_module(root, file)}:{name}")
        for file in _python_files(root)
        for name in _applications(root / file)
    ]
    return min(found, key=lambda one: (len(one.file.parts), one.file), default=None)


def _module(root: Path, file: PurePosixPath) -> str:
    """The name under which the file is imported; a src/ that is no package is no part of a package's name in it."""
    parts = list(file.with_suffix("").parts)
    # What lies in src/ itself is not installed from there: from the root of the project it is `src.main`.
    packaged = parts[0] == "src" and len(parts) > 2
    if packaged and not (root / "src" / "__init__.py").exists():
        del parts[0]
    if parts[-1] == "__init__":
        del parts[-1]
    return ".".join(parts)


def _python_files(root: Path) -> list[PurePosixPath]:
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if name not in _ELSEWHERE
            and name.isidentifier()
            and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        found += [
            PurePosixPath(Path(folder, name).relative_to(root).as_posix())
            for name in names
            if name.endswith(".py")
        ]
    return found


def _applications(path: Path) -> list[str]:
    """The names at module level to which the file assigns a call of `FastAPI`."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []  # no file of ours: whatever is wrong with it is for others to say
    return [name for node in tree.body for name in _assigned(node)]


def _assigned(node: ast.stmt) -> list[str]:
    match node:
        case ast.Assign(targets=targets, value=ast.Call(func=called)):
            pass
        case ast.AnnAssign(target=target, value=ast.Call(func=called)):
            targets = [target]
        case _:
            return []
    name = (
        called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    )
    if name != "FastAPI":
        return []
    return [target.id for target in targets if isinstance(target, ast.Name)]
