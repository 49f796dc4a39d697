# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The address of a service: a registered name to send to, from anywhere in the process."""

from typing import Protocol

from .errors import ServiceDown


class Receiver(Protocol):
    """What an address leads to while the service is up."""

    def broadcast(self, message: object) -> None: ...

    def info(self, message: object) -> None: ...


class ServiceAddress:
    """A registered name, not an object that runs: it may be imported, kept and sent to before its service starts.

    Source: Chicago Boss, `boss_service_worker:broadcast(myapp_chat_websocket, Message)`; OTP, registered names.
    """

    __slots__ = ("_receiver", "_started", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._receiver: Receiver | None = None
        self._started = False  # was it ever up?

    def broadcast(self, message: object) -> None:
        """Queue `message` for the service's `handle_broadcast` and return at once; callable from any thread.

        Raises:
            ServiceDown: the service is not running.
            MailboxFull: `mailbox_limit` broadcasts and infos wait already.
        """
        self._running().broadcast(message)

    def info(self, message: object) -> None:
        """Queue `message` for the service's `handle_info` and return at once; callable from any thread.

        Raises:
            ServiceDown: the service is not running.
            MailboxFull: `mailbox_limit` broadcasts and infos wait already.
        """
        self._running().info(message)

    def bind(self, receiver: Receiver) -> None:
        """Let the name lead to `receiver`; for the runtime only."""
        self._receiver = receiver
        self._started = True

    def release(self, receiver: Receiver) -> None:
        """Let the name lead nowhere, unless it leads to another than `receiver` by now."""
        if self._receiver is receiver:
            self._receiver = None

    def _running(self) -> Receiver:
        receiver = self._receiver
        if receiver is None:
            why = (
                "is not running"
                if self._started
                else "has not been started: the application that is served does so, when it includes boss.router;"
                " a test does in `with TestClient(app) as client:`, or with ServiceTest or ServiceTest.together"
            )
            raise ServiceDown(f"the service `{self.name}` {why}")
        return receiver

    def __repr__(self) -> str:
        return f"<service {self.name}>"
