"""cli.py: arguments in, exit code and streams out."""

import errno
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bossgen import __version__
from bossgen.cli import app
from tests.compiling import handler

WARNS = """\
import time

from boss import Noreply, ServiceHandler


class ChatWebsocket(ServiceHandler[None]):
    def handle_info(self, info: object, state: None) -> Noreply[None]:
        time.sleep(1)
        return Noreply(state)
"""


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """`build` gives up collecting garbage, since its process ends."""
    yield
    gc.unfreeze()
    gc.enable()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the service chat, not built yet; the current folder."""
    root = tmp_path / "project"
    (root / "src/websocket").mkdir(parents=True)
    (root / "boss.toml").write_text('app = "myapp"\n')
    chat(root).write_text(handler())
    monkeypatch.chdir(root)
    return root


def chat(project: Path) -> Path:
    return project / "src/websocket/myapp_chat_websocket.py"


def bossgen(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, words, prog_name="bossgen")
    assert result.exit_code == code, result.output
    return result


def test_version() -> None:
    assert bossgen("--version").stdout == f"bossgen {__version__}\n"


def test_help_names_every_command() -> None:
    text = bossgen("--help").stdout
    for command in (
        *("new", "add-service", "build", "update", "init"),
        *("routes", "explain", "dev", "--version", "--install-completion"),
    ):
        assert command in text
    _, _, listed = text.partition("Commands:")
    assert "..." not in listed  # what each does is said in full


def test_no_command_is_a_wrong_command_line() -> None:
    assert "Usage" in bossgen(code=2).output


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["build", "--nonsense"],
        ["build", "--output-format", "xml"],
        ["build", "--watch", "--check"],
        ["build", "--diff", "--output-format", "json"],
        ["new"],
        ["new", "x", "--data", "novalue"],
        ["update", "--data", "novalue"],
        ["add-service"],
        ["add-service", "x", "--kind", "zzz"],
        ["explain", "BG999"],
    ],
)
def test_wrong_command_lines(project: Path, words: list[str]) -> None:
    result = bossgen(*words, code=2)
    assert result.stdout == ""
    assert result.stderr


@pytest.mark.parametrize("command", ["build", "routes", "update", "dev"])
def test_no_project_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = bossgen(command, code=1)
    assert result.stderr.startswith("error: there is no boss.toml in ")
    assert "\n hint: " in result.stderr


@pytest.mark.parametrize("words", ["build --project", "init --project", "new"])
def test_a_folder_that_may_not_be_read_is_no_wrong_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(Path, "is_file", refuse)
    result = bossgen(*words.split(), str(folder), code=1)
    assert "Permission denied" in result.stderr


def test_build_and_build_again(project: Path) -> None:
    assert "1 service: wrote " in bossgen("build").stderr
    result = bossgen("build", "--output-format", "json")
    assert (result.stdout, result.stderr) == (
        "[]\n",
        "1 service: boss/ is up to date\n",
    )


def test_a_project_is_found_from_below_and_by_name(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "src")
    bossgen("build")
    monkeypatch.chdir(project.parent)
    bossgen("build", "--check", "--project", "project")
    assert "is no project" in bossgen("build", "--project", ".", code=1).stderr


def test_check_and_diff_exit_alike(project: Path) -> None:
    check = bossgen("build", "--check", code=1)
    assert check.stdout == ""
    assert "boss/router.py is missing\n" in check.stderr
    diff = bossgen("build", "--diff", code=1)
    assert "+++ b/boss/router.py\n" in diff.stdout
    assert not (project / "boss").exists()
    bossgen("build")
    assert bossgen("build", "--check").stderr == "1 service: boss/ is up to date\n"
    assert bossgen("build", "--diff").stdout == ""
    router = project / "boss/router.py"
    router.write_text(router.read_text() + "# mine\n")
    both = bossgen("build", "--check", "--diff", code=1)
    assert "-# mine\n" in both.stdout
    assert "boss/router.py was edited by hand\n" in both.stderr


@pytest.mark.parametrize("form", ["full", "concise", "json", "github", "sarif"])
def test_problems_go_where_their_form_belongs(project: Path, form: str) -> None:
    chat(project).write_text("class\n")
    result = bossgen("build", "--output-format", form, code=1)
    there, not_there = result.stderr, result.stdout
    if form in ("json", "github", "sarif"):
        there, not_there = not_there, there
    assert "BG301" in there
    assert "BG301" not in not_there
    assert not (project / "boss").exists()


def test_every_line_of_the_form_concise_is_a_problem(project: Path) -> None:
    chat(project).write_text("class\n")
    (project / "src/websocket/stray.py").touch()
    result = bossgen("build", "--output-format", "concise", code=1)
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "src/websocket/myapp_chat_websocket.py",
        "src/websocket/stray.py",
    ]


def test_warnings_stop_nothing(project: Path) -> None:
    chat(project).write_text(WARNS)
    result = bossgen("build")
    assert "warning[BG501]" in result.stderr
    assert result.stderr.endswith("; 1 warning\n")
    assert (project / "boss/router.py").exists()
    bossgen("build", "--check")


def test_routes(project: Path) -> None:
    assert "/websocket/chat" in bossgen("routes").stdout
    [route] = json.loads(bossgen("routes", "--json").stdout)
    assert route["name"] == "chat"
    chat(project).write_text("class\n")
    result = bossgen("routes", "--json", code=1)
    assert result.stdout == ""
    assert "BG301" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["build", "--watch", "--diff"], "--watch writes, so it goes with neither"),
        (["build", "--diff", "--output-format", "json"], "--diff and --output-format"),
        (["new", "x", "--data", "=1"], "--data `=1` is not KEY=VALUE"),
    ],
)
def test_what_we_find_wrong_with_a_command_line_is_told_as_the_rest(
    project: Path, words: list[str], told: str
) -> None:
    assert bossgen(*words, code=2).stderr.startswith(f"error: {told}")


def test_explain() -> None:
    assert bossgen("explain", "bg305").stdout.startswith("BG305 callback-parameters")
    listed = bossgen("explain").stdout
    for code in ("BG101", "BG204", "BG305", "BG502"):
        assert f"\n{code} " in f"\n{listed}"
    assert "did you mean BG305?" in bossgen("explain", "BG3O5", code=2).stderr


def test_what_steers_a_terminal_is_shown_in_a_name(project: Path) -> None:
    told = bossgen("new", "a\x1b[31m\nb", code=2).stderr.splitlines()
    assert told[0].startswith(r"error: the app name `a\x1b[31m\nb` must be ")
    assert told[1:] == [" hint: name it: --name a_31m_b"]


def test_help_names_arguments_as_the_readme_does() -> None:
    assert "PATH" in bossgen("new", "-h").stdout.splitlines()[0]
    assert "NAME" in bossgen("add-service", "-h").stdout.splitlines()[0]


def test_a_folder_in_the_way(project: Path) -> None:
    (project / "boss/router.py").mkdir(parents=True)
    assert "error: boss/router.py is a folder" in bossgen("build", code=1).stderr


def test_no_colours_but_to_a_terminal(project: Path) -> None:
    chat(project).write_text("class\n")
    assert "\x1b" not in bossgen("build", code=1).output


@pytest.mark.parametrize(
    ("variables", "colors"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),  # as https://no-color.org has it
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours_to_a_terminal(variables: dict[str, str], colors: bool) -> None:
    import pty  # only where there are terminals

    master, slave = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "bossgen", "explain", "BG999"],
        env=variables,
        stderr=slave,
        timeout=60,
        check=False,
    )
    os.close(slave)
    assert (b"\x1b[" in os.read(master, 4096)) == colors
    os.close(master)


def test_ctrl_c_while_the_commands_are_loaded_shows_no_traceback(
    tmp_path: Path,
) -> None:
    pressed = (
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    (tmp_path / "typer.py").write_text(pressed)
    done = subprocess.run(
        [sys.executable, "-m", "bossgen", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_ctrl_c_when_the_command_is_done_shows_no_traceback() -> None:
    program = (
        "import atexit, os, signal\n"
        "from bossgen.__main__ import run\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        "run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_what_a_stream_cannot_show_is_no_reason_to_fail(project: Path) -> None:
    chat(project).write_text('x = "\N{SNOWMAN}" +\n')
    done = subprocess.run(
        [sys.executable, "-m", "bossgen", "build"],
        cwd=project,
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert r"\u2603" in done.stderr
    assert "Traceback" not in done.stderr


# So that the shell is the one that is named, whatever the tests are run from.
NAMED_SHELL = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
SHOWING = [
    "--help",
    "--version",
    "--show-completion bash",
    "new -h",
    "explain",
    "routes",
]


@pytest.mark.parametrize("words", SHOWING)
def test_a_full_disk_behind_stdout(project: Path, words: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bossgen", *words.split()],
            cwd=project,
            env=NAMED_SHELL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"


@pytest.mark.parametrize("words", SHOWING)
def test_nobody_reads_what_is_shown(project: Path, words: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bossgen", *words.split()],
            cwd=project,
            env=NAMED_SHELL,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_error_that_cannot_be_told_keeps_its_exit_code(project: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bossgen", "explain", "BG999"],
            cwd=project,
            stderr=full,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2


@pytest.mark.parametrize("words", ["build", "build --output-format json", "routes"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed(project: Path, words: str, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m bossgen {words} {closed}', sys.executable],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_was_meant_for_a_closed_stream_goes_to_no_other(project: Path) -> None:
    chat(project).write_text("class\n")
    done = subprocess.run(
        ["sh", "-c", '"$0" -m bossgen build 2>&-', sys.executable],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
