"""`new` and `add-service`: what Copier writes once, and the user owns from then on.

Each command renders into memory, completes the result in a staging folder, and moves it into the project at once.
Every scaffolded file is also kept below .bossgen/base/ as it was written: by it `update` tells what the user changed.
"""

import json
import os
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import config, locate, place, records, sources, templates
from .build import SETTINGS, build
from .diagnostics import render_concise
from .errors import BossgenError
from .model import Files
from .records import PROJECT, RECORDS
from .write import compare


@dataclass(frozen=True, slots=True)
class Report:
    """What a command has to say when it is done."""

    message: str  # for the person; goes to stderr
    data: str = ""  # what was asked for, the files of --pretend; goes to stdout
    exit_code: int = 0


@place.disk()
def new(
    target: Path,
    *,
    name: str | None = None,
    base_url: str | None = None,
    services: Sequence[str] = (),
    data: Mapping[str, str] | None = None,
    ask: bool = False,
    pretend: bool = False,
    force: bool = False,
) -> Report:
    """Make a project: render the template, add the services, build, and move the whole to `target` at once.

    Args:
        target: the folder to make; it may exist when it is empty, and with `force` when it is not.
        name: the name of the application, by default that of the folder.
        base_url: where it will be served, "/chat" for example.
        services: services to begin with, of the kind "room".
        data: answers to further questions of the template, keyed by question.
        ask: ask in the terminal for what is not given.
        pretend: write nothing, list what would be written.
        force: replace files of the same name in a folder that is not empty, and keep all others; in boss/, as `build`
            does, replace only what bossgen has written.

    Raises:
        BadName: a name or an answer that cannot be used.
        BossgenError: something is in the way, or cannot be written.
    """
    target = Path(os.path.realpath(target))
    default = target.name.replace("-", "_")
    given = templates.read_answers(data or {})
    templates.check_asked(given)
    if name is not None:
        given["app_name"] = name
    if base_url is not None:
        given["base_url"] = base_url
    if not ask:
        given.setdefault("app_name", default)
    remedy = "for example: {name}" if name is not None else "name it: --name {name}"
    templates.check_answers(given, remedy)
    templates.check_services(services, given.get("app_name", default))
    empty = _is_empty(target, force=force)

    near = templates.suggestion(default) if templates.fault(default) else default
    suggested = {"app_name": near}
    files = dict(templates.render("project", given, ask=ask, suggested=suggested))
    answers = json.loads(files[PROJECT])
    templates.check_answers(answers, remedy)
    for service in services:
        files.update(templates.render_service(answers["app_name"], service, "room"))
    files.update(records.as_base(files))

    with place.staging(None if pretend else place.beside(target)) as work:
        staged = work / "project"
        place.write_all(staged, files)
        if not empty:
            borrow_handlers(target, staged)
        generated = build_staged(staged)
        written = in_order([*files, *generated])
        refuse_obstacles(written, target)
        if not empty:
            compare(target, generated)  # refuses what is not bossgen's
        if pretend:
            return _pretended(written, target)
        if not (empty and place.move_folder(staged, target)):
            _is_empty(target, force=force, but=work.name)  # still
            place.move_files(staged, target, written)
            build(target)  # removes what an earlier build has left
    return Report(_welcome(target, services, answers["base_url"]))


@place.disk()
def add_service(
    root: Path,
    name: str,
    *,
    kind: str = "room",
    pretend: bool = False,
    force: bool = False,
) -> Report:
    """Write the handler stub of a service and its test; no file is touched that another service has a part in.

    Args:
        root: the project.
        name: the service, "chat".
        kind: a folder of template/service: "room", "echo", "blank", "ticker".
        pretend: write nothing, list what would be written.
        force: replace the handler and the test when they exist.

    Raises:
        BadName: a name or a kind that cannot be used.
        BossgenError: the service exists, something is in the way, or cannot be written.
    """
    app = _app_of(root)
    templates.check_services([name], app)
    files = dict(templates.render_service(app, name, kind))
    handler, test = (path for path in files if path.suffix == ".py")
    if not force:
        _refuse_existing((handler, test), root, name)
    files.update(records.as_base(files))
    written = in_order(files)
    refuse_obstacles(written, root)
    if pretend:
        return _pretended(written, root)
    with place.staging(root) as work:
        staged = work / "service"
        place.write_all(staged, files)
        place.move_files(staged, root, written)
    return Report(f"Wrote {handler}\n  and {test}\n\nNext: bossgen build")


# What `init` shares


def borrow_handlers(root: Path, staged: Path) -> None:
    """Let the build see the handlers that are in the project already."""
    for path in place.listing(root / sources.HANDLERS):
        copy = staged / sources.HANDLERS / path
        if path.suffix == ".py" and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / sources.HANDLERS / path, copy)


def build_staged(staged: Path) -> Files:
    """Build what is staged; what is in boss/ then."""
    report = build(staged)
    if report.failed or report.outcome is None:
        raise BossgenError(
            "the project would not build",
            render_concise(report.problems).rstrip(),
        )
    return report.outcome.files


def refuse_obstacles(files: Sequence[PurePosixPath], root: Path) -> None:
    """Refuse to write where a file stands in the place of a folder, or a folder in that of a file."""
    if found := place.obstacles(files, root):
        raise BossgenError(
            f"in {root}, {' and '.join(found)}", "move it out of the way"
        )


def in_order(paths: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """Sorted, but with the records last: they say that the rest is there."""
    return sorted(set(paths), key=lambda path: (RECORDS in path.parents, path))


# Checks before anything is written


def _is_empty(target: Path, *, force: bool, but: str = "") -> bool:
    """Whether there is nothing yet in `target`, but for a folder of ours.

    Raises:
        BossgenError: there is, and no `force`; or it is no folder.
    """
    there = next(path for path in (target, *target.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise BossgenError(f"{there} exists and is no folder", "choose another name")
    if there != target:
        return True
    empty = set(os.listdir(target)) <= {but}
    if not empty and not force:
        raise BossgenError(
            f"{target} exists and is not empty",
            "choose another name; or --force replaces files of the same name and keeps all others",
        )
    return empty


def _refuse_existing(files: Iterable[PurePosixPath], root: Path, service: str) -> None:
    for file in files:
        folder = root / file.parent
        names = os.listdir(folder) if folder.is_dir() else []
        # On some file systems Chat.py and chat.py are one file, so they never are two here.
        found = next((name for name in names if name.lower() == file.name), None)
        if found is not None:
            raise BossgenError(
                f"{file.parent / found} exists already",
                f"choose another name than `{service}`; or --force replaces it",
            )


def _app_of(root: Path) -> str:
    """The name of the application, from boss.toml."""
    template = locate.read_template()
    source = sources.read_config(root)
    project, problems = config.load(source, template.copied[SETTINGS])
    if project is None:
        raise BossgenError(
            "boss.toml does not say which application this is",
            render_concise(problems).rstrip(),
        )
    return project.app


# What to say


def _pretended(files: Iterable[PurePosixPath], root: Path) -> Report:
    lines = [
        f"{'replace' if os.path.lexists(root / file) else 'create':8} {file}\n"
        for file in files
    ]
    return Report(f"Nothing was written to {root}. This would be:", "".join(lines))


def _welcome(target: Path, services: Sequence[str], base_url: str) -> str:
    shown = os.path.relpath(target)
    steps = [] if shown == "." else [f"cd {shlex.quote(shown)}"]
    if not services:
        steps += ["bossgen add-service chat", "bossgen build"]
    steps.append("uvicorn app:app --port 8001")
    path, _ = config.normalise_base_url(base_url)
    created = target.name if shown == "." else shown
    return (
        f"Created {created}. Next:\n\n"
        + "".join(f"    {step}\n" for step in steps)
        + f"\nand open http://localhost:8001{path}/"
    )
