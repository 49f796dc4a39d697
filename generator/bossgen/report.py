"""What a build has to say, as text: problems, a summary, a difference. Nothing is printed here."""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from . import __version__
from .build import Report
from .causes import Reason, find_causes
from .diagnostics import (
    Diagnostic,
    render_concise,
    render_full,
    render_github,
    render_json,
    render_sarif,
)
from .model import Plan, Value
from .write import Change

_FEW: Final = 4  # files that a summary names
_LINES: Final = 12  # of a difference that `--check` shows for one cause
_REASONS: Final[Mapping[Reason, str]] = {
    "missing": "is missing",
    "edited by hand": "was edited by hand",
    "out of date": "is out of date",
    "different": "was edited by hand, or is of another version of bossgen",
    "no longer produced": "is no longer produced",
}


def problems(report: Report, form: str, *, color: bool) -> str:
    """The problems in one of the forms "full", "concise", "json", "github", "sarif"."""
    match form:
        case "json":
            return render_json(report.problems)
        case "github":
            return render_github(report.problems)
        case "sarif":
            return render_sarif(report.problems, version=__version__)
        case "concise":
            return render_concise(report.problems)
        case _:
            return render_full(report.problems, report.texts, color=color)


def count(found: Sequence[Diagnostic]) -> str:
    """`2 errors and 1 warning`."""
    parts = []
    for severity in ("error", "warning"):
        number = sum(problem.severity == severity for problem in found)
        if number:
            parts.append(f"{number} {severity}{'' if number == 1 else 's'}")
    return " and ".join(parts)


def summary(report: Report) -> str:
    """One line on what was done."""
    if report.failed or report.outcome is None:
        return f"{count(report.problems)}; boss/ is left as it was"
    number = len(report.outcome.plan.services)
    services = f"{number} service{'' if number == 1 else 's'}"
    warned = f"; {count(report.problems)}" if report.problems else ""
    return f"{services}: {_done(report.changes)}{warned}"


def _done(changes: Sequence[Change]) -> str:
    if not changes:
        return "boss/ is up to date"
    parts = []
    for word, kinds in (("wrote", ("create", "update")), ("removed", ("delete",))):
        files = [str(change.path) for change in changes if change.kind in kinds]
        if len(files) > _FEW:
            parts.append(f"{word} {len(files)} files in boss/")
        elif files:
            parts.append(f"{word} {', '.join(files)}")
    return ", ".join(parts)


def difference(changes: Sequence[Change], *, color: bool) -> str:
    """What would change, as a patch that `patch -p1` takes."""
    out = []
    for change in changes:
        lines = difflib.unified_diff(
            change.old.splitlines(keepends=True),
            change.new.splitlines(keepends=True),
            "/dev/null" if change.kind == "create" else f"a/{change.path}",
            "/dev/null" if change.kind == "delete" else f"b/{change.path}",
        )
        for line in lines:
            end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
            out.append(_painted(line, color=color) + end)
    return "".join(out)


def _painted(line: str, *, color: bool) -> str:
    codes = {"-": "31", "+": "32", "@": "36"}
    code = codes.get(line[0]) if color else None
    return f"\x1b[{code}m{line.rstrip()}\x1b[0m\n" if code else line


def reasons(report: Report) -> str:
    """For each file why it would change, with the lines that differ and what they come from."""
    if report.outcome is None:
        return ""
    out = []
    for finding in find_causes(
        report.changes, report.outcome.files, report.outcome.plan
    ):
        out.append(f"{finding.path} {_REASONS[finding.reason]}\n")
        for cause in finding.causes:
            out.append(f"  {cause.origin}\n")
            out += [f"    {line}\n" for line in cause.lines[:_LINES]]
            more = len(cause.lines) - _LINES
            if more > 0:
                out.append(f"    ... and {more} more lines; --diff shows all\n")
    return "".join(out)


def routes(plan: Plan) -> str:
    """The services as a table; of the limits those that [service.NAME] sets."""
    rows = [("name", "url", "file", "callbacks", "limits")]
    for service in plan.services:
        own = [f"{key}={_shown(value)}" for key, value in service.overrides]
        callbacks = " ".join(service.handler.callbacks)
        rows.append(
            (
                service.name,
                service.url,
                service.handler.path,
                callbacks or "none",
                " ".join(own) or "as in [websocket]",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows
    )


def routes_json(plan: Plan) -> str:
    """The services for programs, under the same words."""
    listed = [
        {
            "name": service.name,
            "url": service.url,
            "file": service.handler.path,
            "callbacks": service.handler.callbacks,
            "limits": dict(service.limits),
        }
        for service in plan.services
    ]
    return json.dumps(listed, indent=2) + "\n"


def _shown(value: Value) -> str:
    """A value as boss.toml has it."""
    if isinstance(value, tuple):
        return f"[{','.join(_shown(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
