# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Pretended clients: what a service sees of one, and what a test does with it."""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ..runtime.client import Client
from ..runtime.frames import check_close, check_message, size_of
from ..runtime.mailbox import Kind
from ..runtime.reasons import CloseReason, Error, Remote
from ..runtime.turn import Turn
from ..runtime.websocket import WebSocket, encode_json
from ..runtime.worker import Worker
from .awaiting import awaited
from .history import brief
from .world import World

__tracebackhide__ = True  # pytest shows the line of the test instead


class PretendClient(Client):
    """The address of a pretended client, as the service sees it."""

    __slots__ = ("closed_with", "inbox", "tell")

    worker: Worker

    def __init__(
        self, worker: Worker, turn: Turn, scope: dict[str, Any], session_id: str
    ) -> None:
        super().__init__(worker, turn, scope, session_id)
        self.inbox: deque[str | bytes] = deque()
        self.closed_with: tuple[int, str] | None = None  # by the service
        self.tell: Callable[[str], None] = lambda event: None  # writes the history

    def put(self, message: str | bytes) -> None:
        size_of(message)  # raises for what UTF-8 cannot say, as on a socket
        self.worker.counters.messages_out += 1
        self.inbox.append(message)
        self.tell(f"gets {brief(message)}")

    def hang_up(self, code: int, text: str) -> None:
        self.closed_with = code, text
        self.tell(f"is closed with {code}{text and f' ({text})'}")

    def stop_reading(self) -> None:
        """Nothing is read from a socket here; whoever sends waits until the service has come to rest anyway."""

    def go_on_reading(self) -> None:
        """See `stop_reading`."""


class TestClient:
    """One client of a service under test, as `join` returns it. What is awaited returns when the service is at rest."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(self, world: World, name: str, client: PretendClient) -> None:
        self.name = name
        self._world = world
        self._client = client
        self._left = ""  # how, once it has

    def __repr__(self) -> str:
        return f"<test client {self.name!r}>"

    @property
    def websocket(self) -> WebSocket:
        """The address by which the service knows this client: `ann.websocket in chat.state.members`."""
        return self._client

    @property
    def open(self) -> bool:
        """Is the client connected? Not when it has left, or was closed by the service."""
        return self._client.open

    # What it does.

    @awaited
    async def send(self, message: str | bytes) -> None:
        """Send one message to the service. One over `max_message_size` closes the client with 1009.

        Raises:
            TypeError: `message` is neither text nor bytes.
            AssertionError: the client is closed.
        """
        check_message(message)

        def action() -> None:
            client = self._client
            if not client.open:
                raise self._failure(f"{self.name} cannot send {brief(message)}")
            self._world.did(f"{self.name} sends {brief(message)}")
            if "handle_incoming" not in client.worker.callbacks:
                self._world.note(f"  {client.worker.name} has no handle_incoming")
            if size_of(message) > client.worker.limits.max_message_size:
                client.finish(1009, "message too big", Error("toobig"))
            else:
                client.received(message)

        await self._world.act(action)

    @awaited
    async def send_json(self, value: Any) -> None:
        """Send `value` as JSON to the service."""
        await self.send(encode_json(value))

    @awaited
    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a close frame, with `None` one without a code.

        Raises:
            ValueError: `code` or `reason` may not stand in a close frame.
        """
        if code is not None:
            check_close(code, reason)
        with_code = "without a code" if code is None else f"with {code}"
        await self._leave(
            Remote(code, reason), f"closes {with_code}", f"closed {with_code}"
        )

    @awaited
    async def disconnect(self) -> None:
        """Let the connection be lost."""
        await self._leave(
            Error("closed"), "loses its connection", "lost its connection"
        )

    async def _leave(self, reason: CloseReason, does: str, did: str) -> None:
        def action() -> None:
            self._world.did(f"{self.name} {does}")
            if self._client.open:
                self._left = did
                self._client.gone(reason)

        await self._world.act(action)

    @awaited
    async def crash(self, error: Exception | None = None) -> None:
        """Let the service crash in this client's `handle_incoming`: the client is closed with 1011, others rejoin.

        Args:
            error: what is raised there; by default a RuntimeError.

        Raises:
            AssertionError: the client is closed.
        """

        def action() -> None:
            client = self._client
            if not client.open:
                raise self._failure(f"{self.name} cannot let the service crash")
            self._world.did(f"{self.name} lets {client.worker.name} crash")
            provoke(self._world, client.worker, client, error)

        await self._world.act(action)

    # What it expects.

    @awaited
    async def receive(self) -> str | bytes:
        """The next message that the service has sent to this client.

        Raises:
            AssertionError: there is none, and the service is at rest.
        """
        return await self._next("a message")

    @awaited
    async def receive_json(self) -> Any:
        """The next message, read as JSON."""
        message = await self._next("a message")
        try:
            return json.loads(message)
        except ValueError:
            raise self._failure(
                f"{self.name} expected JSON, got {brief(message)}"
            ) from None

    @awaited
    async def expect(self, *messages: str | bytes) -> None:
        """Fail unless these are the next messages that the service has sent to this client."""
        for message in messages:
            got = await self._next(brief(message))
            if got != message:
                raise self._failure(
                    f"{self.name} expected {brief(message)}, got {brief(got)}"
                )

    @awaited
    async def expect_json(self, *values: Any) -> None:
        """Fail unless the next messages, read as JSON, are these values."""
        for value in values:
            got = await self.receive_json()
            if got != value:
                raise self._failure(
                    f"{self.name} expected {brief(value)}, got {brief(got)}"
                )

    @awaited
    async def expect_nothing(self) -> None:
        """Fail if a message of the service waits for this client."""
        await self._world.rest()
        waiting = self._client.inbox
        if waiting:
            got = ", ".join(brief(message) for message in waiting)
            raise self._failure(f"{self.name} expected nothing, got {got}")

    @awaited
    async def expect_close(self, code: int | None = None) -> tuple[int, str]:
        """Code and reason with which the service closed this client; fail if it did not, or not with `code`.

        1011 says that the service crashed; then the test need not say so again with `expect_crash`.
        """
        client = self._client
        await self._world.wait(lambda: client.closed_with is not None)
        what = "to be closed" if code is None else f"to be closed with {code}"
        if client.closed_with is None:
            how = "and is not" if client.open else f"but has {self._left}"
            raise self._failure(f"{self.name} expected {what}, {how}", closed=False)
        if code is not None and client.closed_with[0] != code:
            raise self._failure(f"{self.name} expected {what}")
        if client.closed_with[0] == 1011:
            self._world.history.expect(client.worker.name)
        return client.closed_with

    async def _next(self, expected: str) -> str | bytes:
        inbox = self._client.inbox
        await self._world.wait(lambda: bool(inbox))
        if not inbox:
            raise self._failure(f"{self.name} expected {expected}, none came")
        return inbox.popleft()

    def _failure(self, text: str, *, closed: bool = True) -> AssertionError:
        """What a failed expectation raises; the crash that may have caused it is its cause."""
        if closed and self._client.closed_with is not None:
            code, reason = self._client.closed_with
            text += f": it was closed with {code}{reason and f' ({reason})'}"
        elif closed and self._left:
            text += f": it has {self._left}"
        failure = self._world.failure(text)
        crash = self._world.history.unexpected()
        if crash is not None:
            failure.__cause__ = crash.error
        return failure


class _Trap:
    """Lies in the mailbox as a message does, and raises when its turn has come: where the worker calls its callback."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def life(self) -> int:
        """What the worker asks of an info."""
        raise self._error

    def isascii(self) -> bool:
        """What the worker asks of a text."""
        raise self._error


def provoke(
    world: World, worker: Worker, client: PretendClient | None, error: Exception | None
) -> None:
    """Queue a message in whose callback the service crashes: of a client, or else an info."""
    error = error or RuntimeError("the test lets the service crash")
    world.history.provoked.append(error)
    trap = _Trap(error)
    if client is None:
        worker.queue(Kind.LATER, trap, None)
    else:
        worker.queue(Kind.INCOMING, client, trap)


def request(
    path: str,
    number: int,
    query: Mapping[str, str | Sequence[str]] | str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]],
    cookies: Mapping[str, str],
) -> dict[str, Any]:
    """The ASGI scope of the handshake of client `number`."""
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is no path: write {f'/{path}'!r}")
    if "?" in path:
        raise ValueError(f"{path!r} is no path: what follows the ? goes into query=")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    raw = [(name.lower(), value) for name, value in pairs]
    if not any(name == "host" for name, _ in raw):
        raw.insert(0, ("host", "testserver"))
    if cookies:
        pairs_of_cookies = "; ".join(
            f"{name}={value}" for name, value in cookies.items()
        )
        raw.append(("cookie", pairs_of_cookies))
    offered = ",".join(v for name, v in raw if name == "sec-websocket-protocol")
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    text = text.removeprefix("?")
    return {
        "type": "websocket",
        "scheme": "ws",
        "http_version": "1.1",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": text.encode(),
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in raw
        ],
        "client": ("testclient", 50000 + number),
        "server": ("testserver", 80),
        "subprotocols": [name.strip() for name in offered.split(",") if name.strip()],
        "state": {},
        "extensions": {},
    }
