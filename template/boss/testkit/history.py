# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What has happened in a test so far: what its failures show, and which crashes nobody has expected yet."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..runtime.clock import Clock
from ..runtime.configuration import PROJECT
from ..runtime.mailbox import Kind, Mailbox, Message
from ..runtime.worker import Later

log = logging.getLogger("boss")

SHOWN = 60  # lines of the history that a failure shows
LONGEST = 200  # characters of one message that are shown


def brief(value: object) -> str:
    """`value` as code, cut where it is long."""
    text = repr(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}... ({len(text)} characters)"


@dataclass(eq=False)
class Crash:
    """Something of a service raised."""

    service: str  # its name
    what: str  # "handle_incoming crashed for ann: ValueError('no') at src/websocket/...py:31"
    error: BaseException
    client: str | None = None  # the one in whose callback it was
    expected: bool = False  # by the test, so that it need not fail
    told: bool = False  # by `expect_crash`


class History:
    """See the module.

    Args:
        clock: whose time stands before each line.
        services: the names of the services under test.
    """

    def __init__(self, clock: Clock, services: Sequence[str]) -> None:
        self.crashes: list[Crash] = []
        self.names: dict[str, str] = {}  # of the clients, keyed by their ids
        self.provoked: list[BaseException] = []  # what the test lets a service raise
        self._clock = clock
        self._services = frozenset(services)
        self._lines: list[tuple[str, str]] = []  # "30 s", "ann joins"
        self._shown_with: BaseException | None = None

    def note(self, event: str) -> None:
        """Add a line."""
        self._lines.append((f"{self._clock.time():g} s", event))

    def consequence(self, event: str) -> None:
        """Add a line about what follows from the one before, unless the test has just said so itself."""
        if not self._lines or self._lines[-1][1] not in (event, f"at once, {event}"):
            self.note(f"  {event}")

    def text(self) -> str:
        """The last lines, the oldest of them first."""
        shown = self._lines[-SHOWN:]
        width = max((len(time) for time, _ in shown), default=0)
        cut = f", the last {SHOWN} of {len(self._lines)} lines"
        return "\n".join(
            [
                f"What happened{cut if len(self._lines) > SHOWN else ''}:",
                *(f"  {time:>{width}}  {event}" for time, event in shown),
            ]
        )

    def show_with(self, error: BaseException) -> None:
        """Let `error` show the history wherever it is printed; once."""
        if self._shown_with is not error:
            self._shown_with = error
            error.add_note(self.text())

    def unexpected(self) -> Crash | None:
        """The first crash that the test has not expected."""
        return next((crash for crash in self.crashes if not crash.expected), None)

    def untold(self, service: str) -> list[Crash]:
        """The crashes of a service that `expect_crash` has not told of yet."""
        return [c for c in self.crashes if c.service == service and not c.told]

    def expect(self, service: str) -> None:
        """The test has seen that this service crashed."""
        for crash in self.crashes:
            if crash.service == service:
                crash.expected = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Write down what the runtime logs; it logs whatever goes wrong, once."""
        listener = _Listener(self)
        level, disabled = log.level, log.disabled
        log.addHandler(listener)
        log.setLevel(min(logging.INFO, log.getEffectiveLevel()))
        log.disabled = False  # a project's logging may have been set up without it
        try:
            yield
        finally:
            log.removeHandler(listener)
            log.setLevel(level)
            log.disabled = disabled

    def heard(self, record: logging.LogRecord) -> None:
        """One record of the runtime's log: "chat: handle_info crashed", perhaps with an exception."""
        service, _, what = record.getMessage().partition(": ")
        if service not in self._services:
            return
        client = None
        for identity, name in self.names.items():
            if f"client {identity}" in what:
                what, client = what.replace(f"client {identity}", name), name
        error = record.exc_info[1] if record.exc_info else None
        if record.exc_info and error is not None:
            # As in the log, from the user's line on: the cause of a failure is shown whole.
            error.__traceback__ = record.exc_info[2]
            what = f"{what}: {brief(error)}{_place(record.exc_info[2])}"
            expected = any(error is provoked for provoked in self.provoked)
            self.crashes.append(Crash(service, what, error, client, expected))
        self.note(f"{service}: {what}")


class WatchedMailbox(Mailbox):
    """The mailbox of a service, that writes down what the service takes from it beside its clients' messages."""

    __slots__ = ("_callbacks", "_history")

    def __init__(
        self, name: str, limit: int, callbacks: Sequence[str], history: History
    ) -> None:
        super().__init__(name, limit)
        self._callbacks = callbacks
        self._history = history

    def take(self) -> Message:
        message = super().take()
        kind, sender, content = message
        callback = "handle_info"
        if kind is Kind.BROADCAST:
            callback = "handle_broadcast"
            self._history.consequence(
                f"{self.name} is sent the broadcast {brief(content)}"
            )
        elif kind is Kind.INFO:
            self._history.consequence(f"{self.name} is sent the info {brief(content)}")
        elif kind is Kind.TIMEOUT:
            self._history.consequence(f"{self.name} is sent TIMEOUT")
        elif isinstance(sender, Later) and sender.life:
            self._history.consequence(
                f"{self.name} is sent {brief(content)}, as send_after said"
            )
        else:
            return message
        if callback not in self._callbacks:
            self._history.consequence(f"{self.name} has no {callback}")
        return message


class _Listener(logging.Handler):
    """Hands the records of the log to a history."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    def emit(self, record: logging.LogRecord) -> None:
        self._history.heard(record)


def in_project(file: str) -> bool:
    """Is it the project's own code? What lies in boss/, or is installed below the project as in .venv, is not."""
    path = Path(file)
    return (
        path.is_relative_to(PROJECT)
        and not path.is_relative_to(PROJECT / "boss")
        and "site-packages" not in path.parts
    )


def place_of(file: str, line: int) -> str:
    """ "tests/test_chat.py:12", or the whole path of what lies outside of the project."""
    path = Path(file)
    if path.is_relative_to(PROJECT):
        path = path.relative_to(PROJECT)
    return f"{path.as_posix()}:{line}"


def _place(trace: TracebackType | None) -> str:
    """Where it was raised, as far as the line is in the project."""
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if in_project(file):
            place = f" at {place_of(file, trace.tb_lineno)}"
        trace = trace.tb_next
    return place
