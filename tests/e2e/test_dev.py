"""`bossgen dev` and `build --watch`: what happens from one save to the next."""

import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from tests.e2e.support import PATIENCE, Bossgen, environment

RUNNING = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")


class Output:
    """What a process prints, line by line as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: Queue[str] = Queue()
        self._seen: list[str] = []
        self._reader = Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.put(line)

    def until(self, pattern: str | re.Pattern[str]) -> re.Match[str]:
        """Wait for a line in which the pattern is found."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            self._seen.append(line)
            found = re.search(pattern, line)
            if found:
                return found


@contextmanager
def running(bossgen: Bossgen, *words: str, project: Path) -> Iterator[Output]:
    """Run a command until the test has seen what it wants; then end it as Ctrl-C does."""
    with subprocess.Popen(
        [bossgen.executable, *words],
        cwd=project,
        env=environment(BOSS_PORT="0", PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Output(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def save(path: Path, change: Callable[[str], str]) -> str:
    """Change a file as an editor does it; returns what it was."""
    before = path.read_text()
    new = path.with_suffix(".new")
    new.write_text(change(before))
    new.replace(path)
    return before


@pytest.fixture
def project(bossgen: Bossgen, tmp_path: Path) -> Path:
    bossgen("new", "myapp", "--defaults", "--service", "chat", cwd=tmp_path)
    return tmp_path / "myapp"


@pytest.fixture
def handler(project: Path) -> Path:
    return project / "src/websocket/myapp_chat_websocket.py"


def test_watch_builds_on_save_and_goes_on_through_errors(
    bossgen: Bossgen, project: Path, handler: Path
) -> None:
    with running(bossgen, "build", "--watch", project=project) as output:
        output.until("1 service: boss/ is up to date")
        before = save(handler, lambda text: f"{text}\n\ndef\n")
        output.until(r"error\[BG301\]")
        output.until("1 error; boss/ is left as it was")
        save(handler, lambda _: before)
        output.until("1 service: boss/ is up to date")
        save(handler, lambda text: text.replace("ChatWebsocket", "Chat"))
        output.until("1 service: wrote boss/router.py")
        save(project / "boss.toml", lambda text: f"{text}\n[severs]\n")
        output.until(r"error\[BG102\]")
        (project / "boss.toml").unlink()
        output.until("error: cannot read boss.toml")


def test_dev_serves_what_was_built_last(
    bossgen: Bossgen, project: Path, handler: Path
) -> None:
    with running(bossgen, "dev", project=project) as output:
        port = output.until(RUNNING)[1]
        assert status(port)["ok"] is True
        before = save(handler, lambda text: f"{text}\n\ndef\n")
        output.until("1 error; boss/ is left as it was")
        told = status(port)  # by the server that was there before
        assert told["ok"] is False
        assert [problem["code"] for problem in told["diagnostics"]] == ["BG301"]
        assert "myapp_chat_websocket.py:" in told["text"]
        save(handler, lambda _: before)
        output.until("Finished server process")
        port = output.until(RUNNING)[1]
        assert status(port)["ok"] is True
        (project / "src/lib").mkdir(exist_ok=True)
        (project / "src/lib/words.py").write_text("WORDS = 3\n")
        output.until(RUNNING)  # all code of the project counts
    assert not (project / ".bossgen/dev.json").exists()


def test_dev_tells_that_nothing_is_served_before_the_first_good_build(
    bossgen: Bossgen, project: Path, handler: Path
) -> None:
    before = save(handler, lambda text: f"{text}\n\ndef\n")
    with running(bossgen, "dev", project=project) as output:
        output.until("1 error; boss/ is left as it was")
        output.until("no server runs: the next build that succeeds starts it")
        save(handler, lambda _: before)
        output.until(RUNNING)


def test_dev_tells_when_the_server_has_ended_by_itself(
    bossgen: Bossgen, project: Path
) -> None:
    before = save(project / "app.py", lambda text: f"{text}\nraise SystemExit(3)\n")
    with running(bossgen, "dev", project=project) as output:
        output.until("the server ended with exit code")
        save(project / "app.py", lambda _: before)
        output.until(RUNNING)


def test_a_dev_outlives_its_terminal_when_it_is_to(
    bossgen: Bossgen, project: Path, handler: Path
) -> None:
    with subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$0" dev', bossgen.executable],  # as nohup
        cwd=project,
        env=environment(BOSS_PORT="0"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output = Output(process)
            output.until(RUNNING)
            process.send_signal(signal.SIGHUP)
            save(handler, lambda text: text.replace("ChatWebsocket", "Chat"))
            output.until(RUNNING)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_a_dev_that_is_killed_takes_the_server_with_it(
    bossgen: Bossgen, project: Path
) -> None:
    with subprocess.Popen(
        [bossgen.executable, "dev"],
        cwd=project,
        env=environment(BOSS_PORT="0"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = Output(process)
        output.until(RUNNING)
        process.kill()
        output.until("Finished server process")


def status(port: str) -> Any:
    url = f"http://127.0.0.1:{port}/boss/dev.json"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)
