# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Drive a service in a test, without a network: the real worker, mailbox and supervisor, and a clock of its own.

    async def test_chat() -> None:
        async with ServiceTest(ChatWebsocket) as chat:
            ann, bob = await chat.join(session_id="ann"), await chat.join()
            await ann.send("hi")
            assert await bob.receive() == "hi"
            await bob.expect_nothing()

Whatever is awaited here returns when the service has come to rest. The clock stands still until `advance`, so a test of a
timeout of an hour takes no time; what a callback itself awaits (asyncio.sleep, a database) takes the time it takes.
"""

import asyncio
import heapq
import itertools
import json
import tomllib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from . import services as _services
from .runtime.address import ServiceAddress
from .runtime.client import Client
from .runtime.configuration import PROJECT
from .runtime.errors import ServiceDown
from .runtime.group import Batch
from .runtime.handler import CALLBACKS, ServiceHandler
from .runtime.reasons import CloseReason, Error, Remote
from .runtime.settings import Service, SupervisorSettings, WebsocketSettings
from .runtime.supervisor import Supervisor
from .runtime.turn import Turn
from .runtime.websocket import WebSocket, encode_json
from .runtime.worker import Worker

S = TypeVar("S")

PATIENCE = 5.0  # seconds of real time that a callback may await something before a test goes on without it


class VirtualTimer:
    """A timer of the virtual clock."""

    def __init__(
        self, callback: Callable[..., object], arguments: tuple[Any, ...]
    ) -> None:
        self._callback = callback
        self._arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        """Do not call; harmless afterwards."""
        self.cancelled = True

    def call(self) -> None:
        """Call, unless cancelled."""
        if not self.cancelled:
            self._callback(*self._arguments)


class VirtualClock:
    """A clock that stands still until it is told to go on; see `boss.runtime.clock.Clock`."""

    def __init__(self) -> None:
        self._now = 0.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, VirtualTimer]] = []

    def time(self) -> float:
        """Seconds since the test began."""
        return self._now

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any
    ) -> VirtualTimer:
        """Call `callback` when the clock has gone on by `delay` seconds."""
        timer = VirtualTimer(callback, args)
        heapq.heappush(self._timers, (self._now + delay, next(self._order), timer))
        return timer

    def next_due(self, until: float) -> VirtualTimer | None:
        """Go on to the next timer that is due, `until` at the latest, and return it; else go to `until`."""
        while self._timers and self._timers[0][0] <= until:
            due, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self._now = max(self._now, due)
                return timer
        self._now = until
        return None


class PretendClient(Client):
    """The address of a pretended client, as the service sees it."""

    __slots__ = ("closed_with", "inbox")

    def __init__(
        self, worker: Worker, turn: Turn, scope: dict[str, Any], session_id: str
    ) -> None:
        super().__init__(worker, turn, scope, session_id)
        self.inbox: deque[str | bytes] = deque()
        self.closed_with: tuple[int, str] | None = None  # by the service

    def put(self, message: str | bytes) -> None:
        self.worker.counters.messages_out += 1
        self.inbox.append(message)

    def put_batch(self, batch: Batch, hold: bool) -> None:
        if self.open:
            for message in batch.messages:
                self.put(message)

    def hang_up(self, code: int, text: str) -> None:
        self.closed_with = code, text

    def pause_reading(self) -> None:
        """Nothing is read from a socket here; whoever sends waits until the service has come to rest anyway."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""


class TestClient:
    """One client of the service under test."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(
        self, test: "ServiceTest[Any]", name: str, client: PretendClient
    ) -> None:
        self._test = test
        self._name = name
        self._client = client

    @property
    def websocket(self) -> WebSocket:
        """The address by which the service knows this client: `ann.websocket in chat.state.members`."""
        return self._client

    async def send(self, message: str | bytes) -> None:
        """Send one message to the service."""
        if not isinstance(message, (str, bytes)):
            raise TypeError(f"a message is str or bytes, not {type(message).__name__}")
        assert self._client.open, self._test.explain(
            f"{self._name} cannot send: it is closed"
        )
        self._test.note(f"{self._name} sends {message!r}")
        self._client.received(message)
        await self._test.settle()

    async def send_json(self, value: Any) -> None:
        """Send `value` as JSON to the service."""
        await self.send(encode_json(value))

    async def receive(self) -> str | bytes:
        """The next message that the service has sent to this client.

        Raises:
            AssertionError: there is none, and the service is at rest.
        """
        await self._test.settle()
        assert self._client.inbox, self._test.explain(
            f"{self._name} expected a message, none came"
        )
        message = self._client.inbox.popleft()
        self._test.note(f"{self._name} receives {message!r}")
        return message

    async def receive_json(self) -> Any:
        """The next message, read as JSON."""
        return json.loads(await self.receive())

    async def expect_nothing(self) -> None:
        """Fail if a message of the service waits for this client."""
        await self._test.settle()
        waiting = list(self._client.inbox)
        assert not waiting, self._test.explain(
            f"{self._name} expected nothing, got {waiting!r}"
        )

    async def expect_close(self, code: int | None = None) -> tuple[int, str]:
        """Code and reason with which the service closed this client; fail if it did not, or not with `code`."""
        await self._test.settle()
        closed = self._client.closed_with
        assert closed is not None, self._test.explain(
            f"{self._name} expected to be closed, and is not"
        )
        assert code is None or closed[0] == code, self._test.explain(
            f"{self._name} expected to be closed with {code}, was closed with {closed[0]}"
        )
        return closed

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a close frame, with `None` one without a code."""
        await self._leave(Remote(code, reason), f"closes with {code}")

    async def disconnect(self) -> None:
        """Let the connection be lost."""
        await self._leave(Error("closed"), "is lost")

    async def _leave(self, reason: CloseReason, what: str) -> None:
        self._test.note(f"{self._name} {what}")
        self._client.gone(reason)
        await self._test.settle()


class ServiceTest(Generic[S]):
    """One service under test: begun on entering, ended with "shutdown" on leaving.

    Args:
        handler: the handler class itself; it need not have been built.
        websocket: the service's limits; by default the ones that a fresh boss.toml has.
        supervisor: restart type and intensity.
        base_url: what the service's URL begins with.
    """

    __test__ = False

    def __init__(
        self,
        handler: type[ServiceHandler[S]],
        *,
        websocket: WebsocketSettings | None = None,
        supervisor: SupervisorSettings | None = None,
        base_url: str = "",
    ) -> None:
        name = _service_name(handler)
        address = getattr(_services, name, None)
        self._service = Service(
            address=address
            if isinstance(address, ServiceAddress)
            else ServiceAddress(name),
            handler=handler,
            file=f"{handler.__module__.replace('.', '/')}.py",
            url=f"{base_url}/websocket/{name}",
            callbacks=[
                callback
                for callback in CALLBACKS
                if getattr(handler, callback) is not getattr(ServiceHandler, callback)
            ],
            websocket=websocket or WebsocketSettings(),
        )
        self._settings = supervisor or SupervisorSettings()
        self._clock = VirtualClock()
        self._history: list[str] = []
        self._names = itertools.count(1)
        self._supervisor: Supervisor | None = None
        self._turn: Turn | None = None

    async def __aenter__(self) -> "ServiceTest[S]":
        self._turn = Turn(asyncio.get_running_loop())
        self._supervisor = Supervisor(
            [self._service], self._settings, self._clock, lambda client: None
        )
        await self._supervisor.start()
        await self.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._supervisor is not None
        await self._supervisor.stop()

    @property
    def state(self) -> S:
        """The state of the service as the last callback left it."""
        state: S = self._worker.state
        return state

    @property
    def running(self) -> bool:
        """Is the service up? It is down after `Stop("normal", ...)`, or after too many crashes."""
        return self._worker.status == "running"

    async def join(
        self,
        *,
        session_id: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> TestClient:
        """Let a client join, with any request.

        Raises:
            ServiceDown: the service is down; a real handshake would get HTTP 503.
        """
        worker, turn = self._worker, self._turn
        assert turn is not None
        if worker.status != "running":
            raise ServiceDown(f"the service `{worker.name}` is {worker.status}")
        number = next(self._names)
        scope = _scope(
            self._service.url, number, query or {}, headers or {}, cookies or {}
        )
        client = PretendClient(worker, turn, scope, session_id or f"session-{number}")
        name = session_id or f"client {number}"
        self.note(f"{name} joins")
        worker.join(client)
        await self.settle()
        return TestClient(self, name, client)

    async def broadcast(self, message: object) -> None:
        """Send `message` to `handle_broadcast`."""
        self.note(f"broadcast {message!r}")
        self._service.address.broadcast(message)
        await self.settle()

    async def info(self, message: object) -> None:
        """Send `message` to `handle_info`."""
        self.note(f"info {message!r}")
        self._service.address.info(message)
        await self.settle()

    async def advance(self, seconds: float) -> None:
        """Let the clock go on, and what is due happen in its order: timeouts, `send_after`, idle clients."""
        self.note(f"{seconds:g} seconds pass")
        until = self._clock.time() + seconds
        while (timer := self._clock.next_due(until)) is not None:
            timer.call()
            await self.settle()

    async def settle(self) -> None:
        """Wait until the service has come to rest; when a callback awaits for long, at most 5 seconds of real time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        await asyncio.sleep(0)
        while (self._worker.at_work or self._turn_is_open) and loop.time() < until:
            await asyncio.sleep(0)

    def note(self, event: str) -> None:
        """Add a line to the history that a failure shows."""
        self._history.append(event)

    def explain(self, failure: str) -> str:
        """The text of a failed expectation: what was expected, and what happened so far."""
        return "\n".join(
            [failure, "so far:", *(f"  {event}" for event in self._history)]
        )

    @property
    def _worker(self) -> Worker:
        assert self._supervisor is not None, "use `async with ServiceTest(...)`"
        return self._supervisor.workers[self._service.address.name]

    @property
    def _turn_is_open(self) -> bool:
        return self._turn is not None and self._turn.open


def _service_name(handler: type[ServiceHandler[Any]]) -> str:
    """`chat` of `src.websocket.myapp_chat_websocket`; for a class from elsewhere, its own name in lower case."""
    module = handler.__module__.rpartition(".")[2]
    if not module.endswith("_websocket"):
        return handler.__name__.lower()
    stem = module.removesuffix("_websocket")
    try:
        app = str(
            tomllib.loads((PROJECT / "boss.toml").read_text("utf-8")).get("app", "")
        )
    except (OSError, ValueError):
        app = ""
    if app and stem.startswith(f"{app}_"):
        return stem.removeprefix(f"{app}_")
    return stem.partition("_")[2] or stem


def _scope(
    url: str,
    number: int,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    cookies: Mapping[str, str],
) -> dict[str, Any]:
    raw = {
        "host": "testserver",
        **{name.lower(): value for name, value in headers.items()},
    }
    if cookies:
        raw["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {
        "type": "websocket",
        "scheme": "ws",
        "path": url,
        "raw_path": url.encode(),
        "root_path": "",
        "query_string": urlencode(query).encode(),
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in raw.items()
        ],
        "client": ("testclient", 50000 + number),
        "server": ("testserver", 80),
        "subprotocols": [],
        "state": {},
        "extensions": {},
    }
