"""`init`: bossgen comes to a FastAPI project that exists, and changes no file of it."""

import os
from pathlib import Path, PurePosixPath
from typing import Final

from . import place, records, sources, templates
from .application import Application, find_application
from .errors import BossgenError
from .merge import Contents
from .records import PROJECT, RECORDS
from .scaffold import Report, borrow_handlers, build_staged, in_order, refuse_obstacles

ADOPTED: Final = tuple(
    PurePosixPath(path)
    for path in (
        "boss.toml",
        "conftest.py",
        "src/__init__.py",
        "src/websocket/__init__.py",
    )
)
"""What `init` takes of the project template."""


@place.disk()
def init(root: Path, *, name: str | None = None) -> Report:
    """Add bossgen to a FastAPI project; no file that exists is changed.

    Args:
        root: the folder from which the application is started.
        name: the name of the application, by default that of the folder.

    Raises:
        BadName: the name cannot be used.
        BossgenError: the project has bossgen already, or something is in the way.
    """
    root = root.resolve()
    if not root.is_dir():
        raise BossgenError(f"there is no folder {root}")
    if os.path.lexists(root / sources.CONFIG):
        raise BossgenError(
            f"{root / sources.CONFIG} exists: bossgen is here already",
            "`bossgen add-service NAME` adds a service",
        )
    for taken in ("boss", "boss.py"):
        if os.path.lexists(root / taken):
            raise BossgenError(
                f"{root / taken} is in the way: bossgen generates a package `boss`",
                "give yours another name",
            )
    app = templates.suggestion(root.name) or "myapp" if name is None else name
    templates.check_answers({"app_name": app}, "for example: {name}")
    found = find_application(root)
    answers = {
        "app_name": app,
        "application": found.target if found else "app:app",
        "adopted": True,
    }
    rendered = templates.render("project", answers)
    files = {path: rendered[path] for path in (PROJECT, *ADOPTED)}
    for path in ADOPTED:
        # A folder of the user's is a package, or is none, as they want it.
        package = path.name == "__init__.py" and (root / path.parent).is_dir()
        if package or os.path.lexists(root / path):
            del files[path]
    files.update(records.as_base(files))
    with place.staging(root) as work:
        staged = work / "project"
        place.write_all(staged, files)
        borrow_handlers(root, staged)
        written = in_order([*files, *build_staged(staged)])
        refuse_obstacles(written, root)
        place.move_files(staged, root, written)
    return Report(_adopted(files, found))


def _adopted(files: Contents, found: Application | None) -> str:
    written = ", ".join(str(path) for path in files if RECORDS not in path.parents)
    where = found.file if found else "the file of your FastAPI application"
    name = found.name if found else "app"
    named = (
        ""  # in boss.toml already
        if found
        else 'and name it in boss.toml, below [server]: application = "MODULE:app"\n\n'
    )
    return (
        f"Wrote {written} and boss/; nothing that was here has changed.\n\n"
        f"Add these two lines to {where}:\n\n"
        f"    from boss.router import router as boss_router\n"
        f"    {name}.include_router(boss_router)\n\n"
        f"{named}"
        f"Then: bossgen add-service chat && bossgen build\n"
        f"Serving needs fastapi, uvicorn[standard] and itsdangerous."
    )
