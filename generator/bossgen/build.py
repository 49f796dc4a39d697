"""The pipeline in order: boss.toml and the handlers in, the files of boss/ out. The file to read first.

`compile_project` is a function from texts to texts; `build` reads what it needs, and writes what comes of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from . import config, sources, write
from .behaviour import behaviour
from .check import check
from .diagnostics import Diagnostic, has_errors, sort_key
from .locate import read_template
from .model import Files, Plan, ProjectConfig, Source, Template
from .parse import parse
from .plan import make_plan
from .render import render
from .rules.files import service_of
from .write import Change

SETTINGS: Final = PurePosixPath("boss/runtime/settings.py")
HANDLER: Final = PurePosixPath("boss/runtime/handler.py")
ADDRESSES: Final = (
    PurePosixPath("boss/runtime/websocket.py"),
    PurePosixPath("boss/runtime/group.py"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a project compiles to."""

    plan: Plan
    files: Files  # empty when there are errors
    problems: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What `build` found and did, for the command line to tell."""

    problems: tuple[Diagnostic, ...]  # sorted by path, line, code
    texts: Mapping[str, str]  # what the problems point into, keyed by path
    outcome: Outcome | None = None  # None when boss.toml could not be read
    changes: tuple[Change, ...] = ()  # what differed from the disk

    @property
    def failed(self) -> bool:
        """Whether there are errors; nothing was written then."""
        return has_errors(self.problems)


def compile_project(
    project: ProjectConfig, template: Template, handlers: Sequence[Source]
) -> Outcome:
    """Compile the handlers of a project: no disk, no clock, and the same files whatever the order of the sources."""
    callbacks = behaviour(
        template.copied[HANDLER], [template.copied[path] for path in ADDRESSES]
    )
    parsed, unreadable = parse(handlers, project.app, callbacks)
    plan = make_plan(parsed, project)
    named = {service_of(source.path, project.app) for source in handlers}
    problems = (
        *unreadable,
        *config.unknown_services(project, named),
        *check(plan, callbacks, unreadable),
    )
    files = {} if has_errors(problems) else render(plan, template)
    return Outcome(plan, files, tuple(sorted(problems, key=sort_key)))


def examine(root: Path) -> Report:
    """Compile the project, and leave boss/ out of it.

    Args:
        root: the folder with boss.toml.

    Raises:
        BossgenError: the project cannot be read.
    """
    template = read_template()
    boss_toml = sources.read_config(root)
    handlers = sources.read(root)
    texts = {source.path: source.text for source in (boss_toml, *handlers)}
    project, problems = config.load(boss_toml, template.copied[SETTINGS])
    if project is None:
        return Report(problems, texts)
    outcome = compile_project(project, template, handlers)
    everything = sorted((*problems, *outcome.problems), key=sort_key)
    return Report(tuple(everything), texts, outcome)


def build(root: Path, *, dry: bool = False) -> Report:
    """Compile the project and bring its boss/ up to date, unless there are errors.

    Args:
        root: the folder with boss.toml.
        dry: only say what would change.

    Raises:
        BossgenError: the project cannot be read, or boss/ cannot be written.
    """
    # Reading is part of it, or a build that began earlier would undo this one.
    with write.alone(root):
        report = examine(root)
        if report.failed or report.outcome is None:
            return report
        changes = write.compare(root, report.outcome.files)
        if not dry:
            write.write(root, changes)
    return replace(report, changes=changes)
