"""`update`: the scaffolded files come to the installed templates, and what the user has edited stays."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from . import __version__, place, records, templates
from .errors import BadName
from .merge import PENDING, Contents, Update, compare
from .records import PROJECT, RECORDS
from .scaffold import Report, refuse_obstacles


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
        BossgenError: nobody knows what was written, a newer bossgen wrote it, something is in the way, or a file
            cannot be written.
    """
    answers = records.answers(root / PROJECT)
    records.refuse_newer(str(answers.get("_commit", "")))
    given = templates.read_answers(data or {})
    if "app_name" in given:
        raise BadName(
            "the app cannot be given another name: its files and handlers bear this one",
            "`bossgen new` starts another project",
        )
    templates.check_asked(given)
    templates.check_answers(given, "")
    base = records.base(root)
    files = dict(templates.render_again("project", root / PROJECT, given))
    if answers.get("adopted"):
        # The user's own application keeps its files; what it has asked for comes to them.
        unasked = templates.render_again(
            "project", root / PROJECT, {**given, "deploy": []}
        )
        files = {
            path: files[path]
            for path in files
            if path in base or path == PROJECT or path not in unasked
        }
    own: set[PurePosixPath] = set()
    for record in sorted((root / records.SERVICES).glob("*.json")):
        service = templates.render_again("service", record, {})
        files.update(service)
        own.update(service)
    new = {path: text for path, text in files.items() if RECORDS not in path.parents}
    mine = {
        path: (root / path).read_bytes()
        for path in {*base, *new}
        if (root / path).is_file()
    }
    result = compare(base, mine, new, own)
    written = [change.path for change in result.changes if change.content is not None]
    refuse_obstacles(written, root)
    if not check:
        _apply(root, result, {path: files[path] for path in files if path not in new})
    return _updated(result, check=check)


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
