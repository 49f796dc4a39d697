"""`new`, `add-service`, `init` and `update`: what Copier writes once, and the user owns from then on.

Each command renders into memory, completes the result in a staging folder, and moves it into the project at once.
Every scaffolded file is also kept below .bossgen/base/ as it was written: by it `update` tells what the user changed.
"""

import json
import os
import re
import shlex
import shutil
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from . import __version__, config, locate, place, records, sources
from .application import Application, find_application
from .build import SETTINGS, build
from .diagnostics import render_concise
from .errors import BadName, BossgenError
from .model import Files
from .records import PROJECT, RECORDS
from .update import PENDING, Contents, Update, compare
from .write import compare as compare_generated

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
    given = _read_answers(data or {})
    if name is not None:
        given["app_name"] = name
    if base_url is not None:
        given["base_url"] = base_url
    if not ask:
        given.setdefault("app_name", default)
    remedy = "for example: {name}" if name is not None else "name it: --name {name}"
    _check_answers(given, remedy)
    _check_services(services, given.get("app_name", default))
    empty = _is_empty(target, force=force)

    suggested = {"app_name": default if not _fault(default) else suggestion(default)}
    files = dict(_render("project", given, ask=ask, suggested=suggested))
    answers = json.loads(files[PROJECT])
    _check_asked(given, answers)
    _check_answers(answers, remedy)
    for service in services:
        files.update(_render_service(answers["app_name"], service, "room"))
    files.update(records.as_base(files))

    with place.staging(None if pretend else place.beside(target)) as work:
        staged = work / "project"
        place.write_all(staged, files)
        if not empty:
            _borrow_handlers(target, staged)
        generated = _build(staged)
        written = _in_order([*files, *generated])
        _refuse_obstacles(written, target)
        if not empty:
            compare_generated(target, generated)  # refuses what is not bossgen's
        if pretend:
            return _pretended(written, target)
        place.apply_umask(staged)
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
    _check_services([name], app)
    files = dict(_render_service(app, name, kind))
    handler, test = (path for path in files if path.suffix == ".py")
    if not force:
        _refuse_existing((handler, test), root, name)
    files.update(records.as_base(files))
    written = _in_order(files)
    _refuse_obstacles(written, root)
    if pretend:
        return _pretended(written, root)
    with place.staging(root) as work:
        staged = work / "service"
        place.write_all(staged, files)
        place.apply_umask(staged)
        place.move_files(staged, root, written)
    return Report(f"Wrote {handler}\n  and {test}\n\nNext: bossgen build")


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
    app = suggestion(root.name) or "myapp" if name is None else name
    _check_answers({"app_name": app}, "for example: {name}")
    found = find_application(root)
    answers = {
        "app_name": app,
        "application": found.target if found else "app:app",
        "adopted": True,
    }
    rendered = _render("project", answers)
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
        _borrow_handlers(root, staged)
        written = _in_order([*files, *_build(staged)])
        _refuse_obstacles(written, root)
        place.apply_umask(staged)
        place.move_files(staged, root, written)
    return Report(_adopted(files, found))


@place.disk()
def update(
    root: Path, *, data: Mapping[str, str] | None = None, check: bool = False
) -> Report:
    """Bring the scaffolded files to the installed template, and merge where the user has edited them.

    Args:
        root: the project.
        data: other answers than those given to `new`, keyed by question.
        check: write nothing; the exit code is 1 when anything would change.

    Raises:
        BadName: an answer that cannot be used.
        BossgenError: nobody knows what was written, a newer bossgen wrote it, or a file cannot be written.
    """
    answers = records.answers(root / PROJECT)
    records.refuse_newer(str(answers.get("_commit", "")))
    given = _read_answers(data or {})
    if "app_name" in given:
        raise BadName(
            "the app cannot be given another name: its files and handlers bear this one",
            "`bossgen new` starts another project",
        )
    _check_asked(given, answers)
    _check_answers(given, "")
    base = records.base(root)
    files = dict(_render_again("project", root / PROJECT, given))
    if answers.get("adopted"):
        # The user's own application keeps its files; what it has asked for comes to them.
        unasked = _render_again("project", root / PROJECT, {**given, "deploy": []})
        files = {
            path: files[path]
            for path in files
            if path in base or path == PROJECT or path not in unasked
        }
    own: set[PurePosixPath] = set()
    for record in sorted((root / records.SERVICES).glob("*.json")):
        service = _render_again("service", record, {})
        files.update(service)
        own.update(service)
    new = {path: text for path, text in files.items() if RECORDS not in path.parents}
    mine = {
        path: (root / path).read_bytes()
        for path in {*base, *new}
        if (root / path).is_file()
    }
    result = compare(base, mine, new, own)
    if not check:
        _apply(root, result, {path: files[path] for path in files if path not in new})
    return _updated(result, check=check)


def suggestion(name: str) -> str:
    """A name near to this one that an application and a service may have, "" when there is none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    near = re.sub(r"[^a-z0-9_]+", "_", words).strip("_").lstrip("0123456789_")
    near = near[: config.LONGEST_NAME].rstrip("_")
    if near and _fault(near):
        near = f"my_{near}"[: config.LONGEST_NAME]
    return near if near and not _fault(near) else ""


# Rendering


def _render(
    template: str,
    answers: Mapping[str, Any],
    *,
    ask: bool = False,
    suggested: Mapping[str, str] | None = None,
) -> Contents:
    """What template/project or template/service comes to with these answers; the other questions take defaults."""
    import copier  # it costs a quarter of a second, which `bossgen --help` has no use for

    with place.staging(None) as root:
        try:
            copier.run_copy(
                str(locate.template_root() / template),
                root,
                data={**answers, "bossgen_version": __version__},
                user_defaults=dict(suggested or {}),
                defaults=not ask,
                quiet=True,
                settings=copier.Settings(),
            )
        except KeyboardInterrupt:
            raise
        except copier.errors.CopierError as error:
            raise BossgenError(str(error)) from error
        except ValueError as error:
            raise BadName(str(error)) from error
        return {path: (root / path).read_bytes() for path in place.listing(root)}


def _render_again(template: str, record: Path, given: Mapping[str, Any]) -> Contents:
    """What it comes to with the answers that an earlier run has written down, and those given now."""
    asked = {**records.asked(records.answers(record)), **given}
    try:
        return _render(template, asked)
    except BadName as error:
        if given:
            raise
        raise BossgenError(
            f"{record} cannot be used: {error.message}",
            "restore it from version control",
        ) from error


def _render_service(app: str, name: str, kind: str) -> Contents:
    return _render("service", {"app_name": app, "service_name": name, "kind": kind})


# Answers, and checks before anything is written


def _read_answers(data: Mapping[str, str]) -> dict[str, Any]:
    """What --data says, for Copier."""
    given: dict[str, Any] = dict(data)
    if "deploy" in given:  # the one question with several answers
        given["deploy"] = [one for one in re.split(r"[,\s]+", given["deploy"]) if one]
    return given


def _fault(name: str) -> str:
    return config.name_problem(name, "app")


def _check_answers(answers: Mapping[str, Any], remedy: str) -> None:
    if "app_name" in answers:
        name = str(answers["app_name"])
        if problem := _fault(name):
            better = suggestion(name) or "myapp"
            raise BadName(
                f"the app name `{name}` {problem}", remedy.format(name=better)
            )
    _, problem = config.normalise_base_url(str(answers.get("base_url", "")))
    if problem:
        raise BadName(
            f"the base URL `{answers['base_url']}` {problem}",
            "for example: --base-url /chat",
        )


def _check_asked(given: Mapping[str, Any], answers: Mapping[str, Any]) -> None:
    """Refuse an answer to a question that the template does not ask."""
    asked = records.asked(answers)
    for key in given:
        if key not in asked:
            known = ", ".join(sorted(asked))
            raise BadName(
                f"the template does not ask for `{key}`", f"it asks for {known}"
            )


def _check_services(names: Sequence[str], app: str) -> None:
    for index, name in enumerate(names):
        if problem := config.name_problem(name, "service"):
            bare = name.removesuffix(".py").removesuffix("_websocket")
            better = suggestion(bare.removeprefix(f"{app}_")) or "chat"
            raise BadName(
                f"the service name `{name}` {problem}", f"for example: {better}"
            )
        if name in names[:index]:
            raise BadName(f"the service `{name}` is named twice")


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


def _refuse_obstacles(files: Sequence[PurePosixPath], root: Path) -> None:
    if found := place.obstacles(files, root):
        raise BossgenError(
            f"in {root}, {' and '.join(found)}", "move it out of the way"
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


# Building and writing


def _borrow_handlers(root: Path, staged: Path) -> None:
    """Let the build see the handlers that are in the project already."""
    for path in place.listing(root / sources.HANDLERS):
        copy = staged / sources.HANDLERS / path
        if path.suffix == ".py" and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / sources.HANDLERS / path, copy)


def _build(staged: Path) -> Files:
    """Build what is staged; what is in boss/ then."""
    report = build(staged)
    if report.failed or report.outcome is None:
        raise BossgenError(
            "the project would not build",
            render_concise(report.problems).rstrip(),
        )
    return report.outcome.files


def _in_order(paths: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """Sorted, but with the records last: they say that the rest is there."""
    return sorted(set(paths), key=lambda path: (RECORDS in path.parents, path))


def _apply(root: Path, result: Update, answers: Contents) -> None:
    """Write what `update` decided.

    Each file is whole at any time and its copy in the base follows at once, so that an update that was killed can be
    run again.
    """
    for change in result.changes:
        if change.content is not None:
            place.write(root / change.path, change.content)
        elif change.fate == "deleted":
            place.remove(root / change.path, root)
        records.record(root, change.path, result.base)
    for path in sorted({*records.base(root), *result.base}):
        records.record(root, path, result.base)
    for path, text in answers.items():
        place.write(root / path, text)


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


def _adopted(files: Contents, found: Application | None) -> str:
    written = ", ".join(str(path) for path in files if RECORDS not in path.parents)
    where = found.file if found else "the file of your FastAPI application"
    name = found.name if found else "app"
    return (
        f"Wrote {written} and boss/; nothing that was here has changed.\n\n"
        f"Add these two lines to {where}:\n\n"
        f"    from boss.router import router as boss_router\n"
        f"    {name}.include_router(boss_router)\n\n"
        f"Then: bossgen add-service chat && bossgen build"
    )


def _updated(result: Update, *, check: bool) -> Report:
    lines = "".join(
        f"{change.fate:8} {change.path}{f'  ({change.why})' if change.why else ''}\n"
        for change in result.changes
    )
    pending = [change for change in result.changes if change.fate in PENDING]
    if not pending:
        return Report(f"{lines}Up to date with bossgen {__version__}.")
    if check:
        return Report(f"{lines}\n`bossgen update` would do this.", exit_code=1)
    if any(change.fate == "conflict" for change in pending):
        after = "Both versions stand in the files of a conflict, between <<<<<<< and >>>>>>>: choose, then `bossgen build`."
    else:
        after = "Next: look at the changes, then `bossgen build`."
    unsettled = any(change.fate in ("conflict", "unmerged") for change in pending)
    return Report(f"{lines}\n{after}", exit_code=1 if unsettled else 0)
