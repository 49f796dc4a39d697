"""`bossgen dev`: build on save, and serve what was built last.

The server is a child process, served.py, and is started anew after each build that succeeds. While the last build has
failed it goes on with the code it has loaded, and the landing page shows what is wrong: the outcome of the last build
lies in a file whose path the server finds in its environment.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from . import place
from .build import Report
from .errors import BossgenError
from .report import problems
from .served import PATIENCE
from .watch import attempt, ending, looks

STATUS: Final = Path(".bossgen", "dev.json")  # in the project; .gitignore names it
VARIABLE: Final = "BOSS_DEV_STATUS"  # tells the server where it is

Outcome = Report | BossgenError


def dev(
    root: Path,
    tell: Callable[[Outcome, float], None],
    say: Callable[[str], None],
) -> None:
    """Build and serve, again after each save, until Ctrl-C is pressed or the process is told to end.

    Args:
        root: the project.
        tell: is given what each build came to, and how many seconds it took.
        say: is given what else there is to tell, line by line.

    Raises:
        BossgenError: the outcome of a build cannot be written down.
    """
    server = Server(root, say)
    status = root / STATUS
    number = 0
    with ending() as stop:
        try:
            for saved in looks(root, stop, wide=True):
                if not saved:
                    server.look_after()
                    continue
                outcome, seconds = attempt(root)
                number += 1
                # First to the page: who reads of it in the terminal finds it there.
                _write(status, _status(outcome, number))
                tell(outcome, seconds)
                if isinstance(outcome, Report) and not outcome.failed:
                    server.restart()
                elif not server.runs:
                    say("no server runs: the next build that succeeds starts it")
        finally:
            server.stop()
            with suppress(OSError):
                status.unlink()


class Server:
    """The child process, when there is one."""

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self._root = root
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        # One secret for all servers of this run: a restart does not end anyone's session.
        secret = os.environ.get("BOSS_SECRET") or secrets.token_hex(32)
        status = str(root / STATUS)
        self._environment = {**os.environ, VARIABLE: status, "BOSS_SECRET": secret}
        # The server waits at the first end; the second is closed with this process, however it ends.
        self._pipe, _ = os.pipe()

    @property
    def runs(self) -> bool:
        """Has it been started, and not ended by itself, as far as `look_after` has seen?"""
        return self._process is not None

    def restart(self) -> None:
        """End the server if it runs, and start it on what is there now."""
        self.stop()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bossgen.served", str(self._pipe)],
            cwd=self._root,
            env=self._environment,
            pass_fds=[self._pipe],
        )

    def stop(self) -> None:
        """End the server; wait until it has drained, and no longer than PATIENCE."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def look_after(self) -> None:
        """Tell it once when the server has ended by itself."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            self._process = None
            self._say(
                f"the server ended with exit code {code}; save a file to start it again"
            )


def _status(outcome: Outcome, number: int) -> dict[str, object]:
    """What the landing page is told of a build."""
    if isinstance(outcome, BossgenError):
        text = f"error: {outcome.message}\n{outcome.hint}".rstrip()
        return {"build": number, "ok": False, "diagnostics": [], "text": text}
    return {
        "build": number,
        "ok": not outcome.failed,
        "diagnostics": json.loads(problems(outcome, "json", color=False)),
        "text": problems(outcome, "full", color=False),
    }


def _write(path: Path, status: dict[str, object]) -> None:
    """Replace the file at once, so that nobody reads half of it."""
    try:
        place.write(path, json.dumps(status).encode())
    except OSError as error:
        raise BossgenError(
            f"cannot write {STATUS}: {error.strerror}",
            "bossgen dev keeps there what the landing page shows of the last build",
        ) from error
