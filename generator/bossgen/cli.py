"""The commands: read arguments, call one function, print, choose the exit code.

Whatever is slow to import is imported inside the commands, because `--help` and shell completion need none of it.
"""

import contextlib
import errno
import gc
import io
import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from . import __version__
from .errors import BadName, BossgenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import build as pipeline
    from . import scaffold


class Commands(TyperGroup):
    """All commands. What is wrong with the surroundings of any of them, or keeps its help from being shown, is told here."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except BossgenError as error:
            _show_error(error)
            sys.exit(error.exit_code)
        except OSError as error:
            if error.errno != errno.EPIPE:  # else `| head`: nobody reads any more
                where = f"{error.filename}: " if error.filename else ""
                _show_error(BossgenError(f"{where}{error.strerror}"))
            sys.exit(1)


app = typer.Typer(
    cls=Commands,
    help="WebSocket services for FastAPI: handlers in, an explicit router and a tiny runtime out.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Kind(str, Enum):
    """The stubs that `add-service` has."""

    room = "room"
    echo = "echo"
    blank = "blank"
    ticker = "ticker"


class Form(str, Enum):
    """The forms in which problems are shown."""

    full = "full"
    concise = "concise"
    json = "json"
    github = "github"
    sarif = "sarif"


DATA = (Form.json, Form.github, Form.sarif)  # forms for programs, on stdout

Project = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="DIR",
        readable=False,  # we look ourselves: it is no fault of the command line
        help="The project; by default the nearest folder above with a boss.toml.",
        show_default=False,
    ),
]
Pretend = Annotated[
    bool, typer.Option("--pretend", help="Write nothing; list what would be written.")
]
OutputFormat = Annotated[
    Form,
    typer.Option(
        "--output-format",
        help="How problems are shown: json, github and sarif on stdout, the others on stderr.",
    ),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bossgen {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name or a handler may hold what the terminal cannot show.
            stream.reconfigure(errors="backslashreplace")


@app.command()
def new(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", readable=False, help="The folder to make.")
    ],
    name: Annotated[
        str | None,
        typer.Option(
            help="The name of the app; by default the folder's, with _ for -.",
            show_default=False,
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="What the app is served below, such as /chat.", show_default=False
        ),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A service to begin with; may be given again.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="An answer to a question of the template; may be given again.",
            show_default=False,
        ),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing, take the defaults.")
    ] = False,
    pretend: Pretend = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Write into a folder that is not empty: files of the same name are replaced, others kept; "
            "in boss/ only what bossgen has written is replaced.",
        ),
    ] = False,
) -> None:
    """Start a project that serves at once."""
    answers = dict(_pair(item) for item in data or ())
    from . import scaffold

    _tell(
        scaffold.new(
            path,
            name=name,
            base_url=base_url,
            services=service or (),
            data=answers,
            ask=not defaults and _is_terminal(),
            pretend=pretend,
            force=force,
        )
    )


@app.command()
def add_service(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name, such as chat.")
    ],
    kind: Annotated[Kind, typer.Option(help="The stub to begin with.")] = Kind.room,
    pretend: Pretend = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the handler and test of that name.")
    ] = False,
    project: Project = None,
) -> None:
    """Write a handler stub and its test."""
    from . import scaffold

    root = _root(project)
    _tell(
        scaffold.add_service(root, name, kind=kind.value, pretend=pretend, force=force)
    )


@app.command()
def build(
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing; exit with 1 when anything would change, and say why.",
        ),
    ] = False,
    diff: Annotated[
        bool,
        typer.Option(
            "--diff", help="Write nothing; show what would change, exit as --check."
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Build again whenever a file is saved.")
    ] = False,
    output_format: OutputFormat = Form.full,
    project: Project = None,
) -> None:
    """Compile the handlers into boss/."""
    if watch and (check or diff):
        raise BadName("--watch writes, so it goes with neither --check nor --diff")
    if diff and output_format in DATA:
        raise BadName(
            f"--diff and --output-format {output_format.value} both write to stdout",
            "give one of them",
        )
    root = _root(project)
    if watch:
        _watch(root, output_format)
        return
    # What a build makes lives to its end, and that is the end of the process too: to look for garbage in between,
    # and once more at the exit, would take as long as all the rest.
    gc.disable()
    from . import build as pipeline
    from . import report as told

    report = pipeline.build(root, dry=check or diff)
    gc.freeze()
    _show_problems(report, output_format)
    if report.failed:
        if output_format is not Form.concise:
            _say(told.summary(report))
        raise typer.Exit(1)
    if diff:
        text = told.difference(report.changes, color=_colors(sys.stdout))
        typer.echo(text, nl=False)
    if check:
        typer.echo(told.reasons(report), err=True, nl=False)
    if (check or diff) and report.changes:
        raise typer.Exit(1)
    _say(told.summary(report))


@app.command()
def update(
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit with 1 when anything would."),
    ] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Another answer than that given to `new`, such as deploy=docker,nginx; may be given again.",
            show_default=False,
        ),
    ] = None,
    project: Project = None,
) -> None:
    """Bring scaffolded files to this bossgen's templates. No edit is lost."""
    answers = dict(_pair(item) for item in data or ())
    from .update import update as bring

    _tell(bring(_root(project), data=answers, check=check))


@app.command()
def init(
    name: Annotated[
        str | None,
        typer.Option(
            help="The name of the app; by default the folder's.", show_default=False
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project",
            metavar="DIR",
            readable=False,
            help="The FastAPI project; by default this folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Add bossgen to an existing FastAPI project."""
    from .init import init as adopt

    _tell(adopt(project or Path(), name=name))


@app.command()
def routes(
    json: Annotated[
        bool, typer.Option("--json", help="For programs: a list of objects.")
    ] = False,
    project: Project = None,
) -> None:
    """List the services: name, url, file, callbacks, limits."""
    from . import build as pipeline
    from . import report as told

    report = pipeline.examine(_root(project))
    if report.failed or report.outcome is None:
        _show_problems(report, Form.full)
        raise typer.Exit(1)
    plan = report.outcome.plan
    typer.echo(told.routes_json(plan) if json else told.routes(plan), nl=False)


@app.command()
def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE", help="Such as BG305; without it, all are listed."
        ),
    ] = None,
) -> None:
    """Say at length what a diagnostic means."""
    from . import explain as explaining

    if code is None:
        typer.echo(explaining.overview(), nl=False)
        return
    text = explaining.explain(code)
    if text is None:
        near = explaining.suggestion(code)
        raise BadName(
            f"there is no diagnostic `{code}`",
            f"did you mean {near}?" if near else "bossgen explain lists all",
        )
    typer.echo(text, nl=False)


@app.command()
def dev(project: Project = None) -> None:
    """Build on save, and serve what was built last. Host and port are those of boss.toml."""
    root = _root(project)
    from .dev import dev as serve

    serve(root, _teller(Form.full), _say)


def _pair(item: str) -> tuple[str, str]:
    """KEY=VALUE as given to --data."""
    key, equals, value = item.partition("=")
    if not equals or not key:
        raise BadName(
            f"--data `{item}` is not KEY=VALUE", "for example: --data base_url=/chat"
        )
    return key, value


def _root(project: Path | None) -> Path:
    from .sources import find_project, open_project

    return find_project(Path()) if project is None else open_project(project)


def _show_error(error: BossgenError) -> None:
    from .values import one_line  # a name may hold what steers a terminal

    color = _colors(sys.stderr)
    with contextlib.suppress(OSError):  # a stderr that is full: the exit code tells
        _say(f"{_paint('error', '1;31', color)}: {one_line(error.message)}")
        for number, line in enumerate(error.hint.splitlines()):
            start = "      " if number else _paint(" hint", "1", color) + ":"
            _say(f"{start} {one_line(line)}")


def _is_terminal() -> bool:
    """Whether questions can be seen and answered."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


def _tell(report: "scaffold.Report") -> None:
    if report.message:
        _say(report.message)
    if report.data:
        typer.echo(report.data, nl=not report.data.endswith("\n"))
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _show_problems(report: "pipeline.Report", form: Form) -> None:
    """Problems, to the stream that the form is for."""
    from . import report as told

    stream = sys.stdout if form in DATA else sys.stderr
    text = told.problems(report, form.value, color=_colors(stream))
    if stream is not None:  # echo would take another one
        typer.echo(text, nl=bool(text) and form is Form.full, file=stream)


def _watch(root: Path, form: Form) -> None:
    """Build until Ctrl-C is pressed."""
    from .watch import ending, watch

    with ending() as stop:
        watch(root, _teller(form), stop)


def _teller(form: Form) -> "Callable[[pipeline.Report | BossgenError, float], None]":
    """What tells of one build after the other: what is wrong, and a line with the time."""
    import time

    from . import report as told

    def tell(outcome: "pipeline.Report | BossgenError", seconds: float) -> None:
        if isinstance(outcome, BossgenError):
            _show_error(outcome)
            return
        _show_problems(outcome, form)
        now = time.strftime("%H:%M:%S")
        _say(f"{now} {told.summary(outcome)} ({seconds * 1000:.0f} ms)")

    return tell


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _colors(stream: TextIO | None) -> bool:
    # A stream that the process was started without, as with `>&-`, is None.
    shows = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    return shows and not os.environ.get("NO_COLOR")


def _paint(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text
