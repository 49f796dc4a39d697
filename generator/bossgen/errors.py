"""What is raised when the surroundings are wrong. Imports nothing of ours.

Mistakes in handlers and in boss.toml are diagnostics, values that the stages return. Raised is only what keeps bossgen
from working at all: no project here, a file in the way, a disk that cannot be written. `cli.py` alone catches it.
"""

from typing import ClassVar


class BossgenError(Exception):
    """The surroundings are wrong.

    Args:
        message: one sentence that names the thing, without a full stop.
        hint: what to do about it; may have several lines, may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadName(BossgenError):
    """A name on the command line that cannot be used, a code that does not exist, options at odds: a wrong command line."""

    exit_code: ClassVar[int] = 2
