"""Why generated files would change: what is wrong with each, the lines that differ, and what those come from.

A rendered file carries a digest of itself, and router.py one of all copied files, so an edit by hand is told from
output that is out of date. Where a line comes from is read off the generated text: every line of router.py stands in
an import, a table entry or a route of one service, or is a setting with its key in front.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

from .header import COPIED, combined, is_intact, runtime_digest
from .model import Files, Plan
from .write import Change

Reason: TypeAlias = Literal[
    "missing", "edited by hand", "out of date", "no longer produced", "different"
]

RUNTIME: Final = "bossgen itself"
UNDONE: Final = "`bossgen build` would undo"

_ROUTER: Final = PurePosixPath("boss/router.py")
_IMPORT: Final = re.compile(r"from (src\.websocket\.\w+) import \($")
_ENTRY: Final = re.compile(r'            file="(.+)",$')
_ROUTE: Final = re.compile(r"# (src/websocket/\w+\.py)$")
_ADDRESS: Final = re.compile(r"(\w+) = ServiceAddress\(")
_SECTION: Final = re.compile(r"( *)\w+ ?= ?(?:(\w+)Settings|replace)\($")
_KEY: Final = re.compile(r"\s*(\w+)=")
_ENTRY_END: Final = "        ),"


@dataclass(frozen=True, slots=True)
class Cause:
    """One origin of lines that differ."""

    origin: str  # "src/websocket/myapp_chat_websocket.py", "boss.toml, [websocket] idle_timeout"
    lines: tuple[str, ...]  # "-    idle_timeout=0,", "+    idle_timeout=60,"


@dataclass(frozen=True, slots=True)
class Finding:
    """Why one file would change."""

    path: PurePosixPath
    reason: Reason
    causes: tuple[Cause, ...]


def find_causes(
    changes: Iterable[Change], files: Files, plan: Plan
) -> tuple[Finding, ...]:
    """Say for each change why it would be made.

    Args:
        changes: what would be done.
        files: what the project compiles to.
        plan: what the files were rendered from.
    """
    changes = tuple(changes)
    present = dict(files)
    for change in changes:
        present[change.path] = change.old
    recorded = runtime_digest(present[_ROUTER])
    untouched = recorded == _runtime(present)
    current = recorded == _runtime(files)
    return tuple(
        _finding(change, plan.app, untouched=untouched, current=current)
        for change in changes
    )


def _runtime(files: Files) -> str:
    """The digest that router.py records of the copied files."""
    return combined(
        files[path] for path in sorted(files) if files[path].startswith(COPIED)
    )


def _finding(change: Change, app: str, *, untouched: bool, current: bool) -> Finding:
    reason: Reason
    if change.kind != "update":
        reason = "missing" if change.kind == "create" else "no longer produced"
        return Finding(change.path, reason, ())
    old, new = change.old.split("\n"), change.new.split("\n")
    if change.new.startswith(COPIED):
        # Recorded is what was copied, so one of the two is what it is equal to, unless both have changed.
        reason = "different"
        if untouched != current:
            reason = "out of date" if untouched else "edited by hand"
    else:
        reason = "out of date" if is_intact(change.old) else "edited by hand"
    if old[2:] != new[2:] and runtime_digest(change.old) == runtime_digest(change.new):
        # The digest follows from the rest.
        old, new = (
            [line for line in text if not _is_digest(line)] for text in (old, new)
        )
    if reason == "edited by hand":
        origins = [UNDONE] * len(old), [UNDONE] * len(new)
    elif change.new.startswith(COPIED):
        origins = [RUNTIME] * len(old), [RUNTIME] * len(new)
    else:
        known = _services_of(old) & _services_of(new)
        origins = _origins(old, known, app), _origins(new, known, app)
    return Finding(change.path, reason, _causes(old, new, *origins))


def _causes(
    old: Sequence[str],
    new: Sequence[str],
    old_origins: Sequence[str],
    new_origins: Sequence[str],
) -> tuple[Cause, ...]:
    """The lines that differ, put together by where they come from.

    What comes from one origin is compared with what came from it before: in a comparison of the whole texts the end of
    one table entry would pass for that of the next, since they look alike.
    """
    causes = []
    for origin in dict.fromkeys((*old_origins, *new_origins)):
        before = _from(origin, old, old_origins)
        after = _from(origin, new, new_origins)
        lines: list[str] = []
        matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
        for tag, start, end, new_start, new_end in matcher.get_opcodes():
            if tag != "equal":
                lines += [f"-{line}" for line in before[start:end]]
                lines += [f"+{line}" for line in after[new_start:new_end]]
        if lines:
            causes.append(Cause(origin, tuple(lines)))
    return tuple(causes)


def _from(origin: str, lines: Sequence[str], origins: Sequence[str]) -> list[str]:
    """The lines that come from one origin; blank ones count for nothing."""
    return [
        line
        for line, known in zip(lines, origins, strict=True)
        if known == origin and line
    ]


def _services_of(lines: Sequence[str]) -> set[str]:
    """The files of the services that a router has."""
    return {found[1] for found in map(_ROUTE.match, lines) if found}


def _origins(lines: Sequence[str], known: set[str], app: str) -> list[str]:
    """Where each line comes from.

    Args:
        lines: of router.py or services.py.
        known: the files of services that exist before and after: a new URL of theirs comes from base_url.
        app: of the project.
    """
    origins: list[str] = []
    file = ""  # of the service that an import, an entry or a route is about
    section = ""  # of boss.toml, inside a call that holds settings
    key = ""
    ends: tuple[str, ...] = ()  # the lines that may close that call
    for number, line in enumerate(lines):
        if found := _IMPORT.match(line):
            file = found[1].replace(".", "/") + ".py"
        elif found := _ROUTE.match(line):
            file = found[1]
        elif line == "        Service(":
            entry = (_ENTRY.match(following) for following in lines[number:])
            file = next((found[1] for found in entry if found), "")
        elif found := _SECTION.match(line):
            section = (
                found[2].lower() if found[2] else f"service.{_service_of(file, app)}"
            )
            ends = (f"{found[1]})", f"{found[1]}),")
        elif section and (found := _KEY.match(line)):
            key = found[1]

        closes = line in ends
        if closes:
            key = ""
        if _is_digest(line):
            origins.append(RUNTIME)
        elif found := _ADDRESS.match(line):
            origins.append(f"src/websocket/{app}_{found[1]}_websocket.py")
        elif file and file not in known:
            origins.append(file)
        elif section:
            origins.append(f"boss.toml, [{section}]{f' {key}' if key else ''}")
        elif line.strip() == "websocket=websocket,":
            origins.append(f"boss.toml, [service.{_service_of(file, app)}]")
        elif _is_url(line):
            origins.append("boss.toml, base_url")
        else:
            origins.append(file or _general(line))

        if closes:
            section, ends = "", ()
        elif not section and line in (")", _ENTRY_END):
            file = ""
    return origins


def _is_digest(line: str) -> bool:
    return line.startswith("# digest: ")


def _service_of(file: str, app: str) -> str:
    name = PurePosixPath(file).stem
    return name.removeprefix(f"{app}_").removesuffix("_websocket")


def _is_url(line: str) -> bool:
    start = line.lstrip()
    return start.startswith(("base_url = ", 'url="/', '"/', "# Whatever else"))


def _general(line: str) -> str:
    """Where a line comes from that belongs to no service and no setting."""
    if "replace" in line:
        return "boss.toml, [service.NAME]"
    if line.startswith(('"""', "    app=")):
        return "boss.toml, app"
    if line.startswith(("from boss import", "from .runtime", "    Service,")):
        return "src/websocket/"
    return "src/websocket/" if "services=[" in line or line == "    ]," else RUNTIME
