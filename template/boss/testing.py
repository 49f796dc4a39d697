# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Drive services in a test, without a network: the real worker, mailbox and supervisor, and a clock of its own.

    @pytest.mark.anyio
    async def test_chat() -> None:
        async with ServiceTest(ChatWebsocket) as chat:
            ann, bob = await chat.join(session_id="ann"), await chat.join()
            await ann.send("hi")
            assert await bob.receive() == "hi"
            await bob.expect_nothing()

Whatever is awaited here returns when the services have come to rest. The clock stands still until `advance`, so a test
of a timeout of an hour takes no time. It is the clock of `timeout=`, `send_after`, `idle_timeout` and the restarts; what
a callback itself awaits (`asyncio.sleep`, a database) takes the time it takes, and a test waits for it for `patience`
seconds. So does a client that expects a message, for a task that a callback has started. Whatever fails inside the
`async with` shows what happened so far, and so does a crash of the service that the test did not expect. A call without
`await`, which would do nothing, fails the test. `explore` runs a test under many orders of what its clients do.

The handshake is no part of this: for dependencies, origins and the session cookie there is Starlette's TestClient.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, overload

from .runtime.errors import ServiceDown, ServiceStartError
from .runtime.handler import ServiceHandler
from .runtime.results import check_seconds
from .runtime.settings import SupervisorSettings, WebsocketSettings
from .testkit.awaiting import awaited
from .testkit.clients import PretendClient, TestClient, provoke, request
from .testkit.clock import VirtualClock
from .testkit.exploring import explore
from .testkit.history import brief
from .testkit.table import Limits, check_settings, limits_of, remark, table_entry
from .testkit.world import World

__all__ = [
    "PretendClient",
    "ServiceStartError",
    "ServiceTest",
    "SupervisorSettings",
    "TestClient",
    "VirtualClock",
    "WebsocketSettings",
    "explore",
]

__tracebackhide__ = True  # pytest shows the line of the test instead

S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
E = TypeVar("E", bound=BaseException)

PATIENCE = 5.0  # seconds


class ServiceTest(Generic[S]):
    """One service under test: begun on entering, ended with "shutdown" on leaving.

    Args:
        handler: the handler class itself; it need not have been built. A class derived from it in the test, with
            something replaced, stands for it.
        websocket: the service's limits; by default the ones that a fresh boss.toml has.
        supervisor: restart type and intensity; likewise.
        base_url: what the service's URL begins with, "/chat", as in boss.toml.
        patience: seconds of real time that a callback, or a task that it has started, may await something before the
            test goes on without it.

    Raises:
        TypeError: `handler` is no handler class, or `websocket` or `supervisor` no settings.
        ServiceStartError: on entering: `init` failed.
        AssertionError: on leaving: the service crashed, and the test has neither let it crash (`crash`), nor seen it
            (`expect_crash`, or `expect_close` of a client that it closed with 1011).
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(
        self,
        handler: type[ServiceHandler[S]],
        *,
        websocket: WebsocketSettings | None = None,
        supervisor: SupervisorSettings | None = None,
        base_url: str = "",
        patience: float = PATIENCE,
    ) -> None:
        check_settings("websocket", websocket, WebsocketSettings)
        check_settings("supervisor", supervisor, SupervisorSettings)
        self._service = table_entry(handler, websocket or WebsocketSettings(), base_url)
        self._world = World(
            [self._service],
            supervisor or SupervisorSettings(),
            patience,
            [remark(self._service)],
        )

    if not TYPE_CHECKING:  # a type checker says so itself

        def __enter__(self):
            """Say what to write."""
            raise TypeError(
                "write `async with ServiceTest(...) as chat:`, in an `async def`"
            )

        __exit__ = __enter__

    async def __aenter__(self) -> Self:
        await self._world.__aenter__()
        return self

    async def __aexit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._world.__aexit__(type_, error, trace)

    # What it is like.

    @property
    def state(self) -> S:
        """The state of the service as the last callback left it.

        Raises:
            ServiceDown: the service is down, and has none.
        """
        worker = self._world.worker(self._service)
        if not worker.alive:
            raise ServiceDown(f"the service `{worker.name}` is {worker.status}")
        state: S = worker.state
        return state

    @property
    def running(self) -> bool:
        """Is the service up? It is down after `Stop("normal", ...)`, after too many crashes, and after `stop`."""
        return self._world.worker(self._service).status == "running"

    @property
    def clock(self) -> VirtualClock:
        """The clock of the test: `clock.time()` says how many seconds have passed.

        A handler that asks `time.monotonic()` gets real time, unless the test replaces what it asks. With
        `from time import monotonic` in the handler: `monkeypatch.setattr(module, "monotonic", chat.clock.time)`.
        """
        return self._world.clock

    # What happens to it.

    @awaited
    async def join(
        self,
        *,
        session_id: str | None = None,
        path: str | None = None,
        query: Mapping[str, str | Sequence[str]] | str = "",
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        cookies: Mapping[str, str] | None = None,
        scope: Mapping[str, Any] | None = None,
    ) -> TestClient:
        """Let a client join, with any request: what the handler sees as `self.req` and `self.session_id`.

        Args:
            session_id: several clients may have the same; by default each has another. It names the client in failures.
            path: the `service_url`; by default the service's own.
            query: "room=7", with or without a question mark before it, or a mapping whose values may be lists.
            headers: a mapping, or pairs where one name comes twice.
            cookies: sent in a header of their own, without a signature.
            scope: what dependencies and middleware have added to the ASGI scope, or changed in it:
                {"state": {"user": "ann"}} is `self.req.state.user`.

        Raises:
            ServiceDown: the service is down; a real handshake would get HTTP 503.
            ValueError: `path` has a query, or does not begin with a slash.
        """

        def action() -> TestClient:
            world = self._world
            worker = world.worker(self._service)
            if worker.status != "running":
                raise ServiceDown(f"the service `{worker.name}` is {worker.status}")
            world.clients += 1
            number = world.clients
            asked = request(
                path or self._service.url, number, query, headers, cookies or {}
            )
            session = session_id or f"session-{number}"
            client = PretendClient(
                worker, world.turn, {**asked, **(scope or {})}, session
            )
            client.id = f"{number:016x}"  # the same in every run of the test
            names = world.history.names
            name = session_id or f"client {number}"
            if name in names.values():
                name = f"{name} ({number})"
            names[client.id] = name
            client.tell = lambda event: world.note(f"  {name} {event}")
            world.did(f"{name} joins {worker.name}")
            worker.join(client)
            return TestClient(world, name, client)

        return cast("TestClient", await self._world.act(action))

    @awaited
    async def broadcast(self, message: object) -> None:
        """Send `message` to `handle_broadcast`, as `services.NAME.broadcast(message)` does.

        Raises:
            ServiceDown, MailboxFull: as there.
        """

        def action() -> None:
            self._did(f"is sent the broadcast {brief(message)}")
            self._world.worker(self._service).broadcast(message)

        await self._world.act(action)

    @awaited
    async def info(self, message: object) -> None:
        """Send `message` to `handle_info`, as `services.NAME.info(message)` does.

        Raises:
            ServiceDown, MailboxFull: as there.
        """

        def action() -> None:
            self._did(f"is sent the info {brief(message)}")
            self._world.worker(self._service).info(message)

        await self._world.act(action)

    @awaited
    async def advance(self, seconds: float) -> None:
        """Let the clock go on, and what is due happen in its order: timeouts, `send_after`, idle clients.

        The services of one test share the clock.
        """
        check_seconds("seconds", seconds)

        async def action() -> None:
            self._world.did(f"{seconds:g} s pass")
            await self._world.advance(seconds)

        await self._world.act(action)

    @awaited
    async def crash(self, error: Exception | None = None) -> None:
        """Let the service crash, as if its `handle_info` had raised; `ann.crash()` does it in `handle_incoming`.

        Args:
            error: what is raised, and what `terminate` is told; by default a RuntimeError.

        Raises:
            ServiceDown: the service is down already.
        """

        def action() -> None:
            worker = self._world.worker(self._service)
            if worker.status != "running":
                raise ServiceDown(f"the service `{worker.name}` is {worker.status}")
            self._did("is made to crash")
            provoke(self._world, worker, None, error)

        await self._world.act(action)

    @awaited
    async def stop(self) -> None:
        """Stop the server: clients are closed with 1012, then `terminate("shutdown", state)`; all services of the test."""

        async def action() -> None:
            self._world.did("the server stops")
            await self._world.supervisor.stop()

        await self._world.act(action)

    @awaited
    async def settle(self) -> None:
        """Wait until the services have come to rest; for what something else than this kit has set going."""
        await self._world.rest()

    # What is expected of it.

    @overload
    async def expect_crash(self) -> BaseException: ...
    @overload
    async def expect_crash(self, kind: type[E]) -> E: ...
    @awaited
    async def expect_crash(
        self, kind: type[BaseException] = BaseException
    ) -> BaseException:
        """What the service crashed with, the first since the last `expect_crash`; fail if it did not, or not with `kind`.

        All crashes of that kind so far count as expected then, those of a crash loop, too.
        """
        name, history = self._service.address.name, self._world.history
        await self._world.wait(lambda: bool(history.untold(name)))
        crashes = history.untold(name)
        fitting = [crash for crash in crashes if isinstance(crash.error, kind)]
        expected = "" if kind is BaseException else f" with {kind.__name__}"
        if not crashes:
            raise self._world.failure(
                f"{name} expected to crash{expected}, and did not"
            )
        if not fitting:
            raise self._world.failure(
                f"{name} expected to crash{expected}; {crashes[0].what}"
            ) from crashes[0].error
        for crash in fitting:
            crash.expected = crash.told = True
        return fitting[0].error

    def _did(self, what: str) -> None:
        self._world.did(f"{self._service.address.name} {what}")

    # Several.

    @overload
    @staticmethod
    def together(
        first: type[ServiceHandler[A]],
        second: type[ServiceHandler[B]],
        /,
        *,
        websocket: Limits | None = None,
        supervisor: SupervisorSettings | None = None,
        base_url: str = "",
        patience: float = PATIENCE,
    ) -> "AbstractAsyncContextManager[tuple[ServiceTest[A], ServiceTest[B]]]": ...
    @overload
    @staticmethod
    def together(
        first: type[ServiceHandler[A]],
        second: type[ServiceHandler[B]],
        third: type[ServiceHandler[C]],
        /,
        *,
        websocket: Limits | None = None,
        supervisor: SupervisorSettings | None = None,
        base_url: str = "",
        patience: float = PATIENCE,
    ) -> "AbstractAsyncContextManager[tuple[ServiceTest[A], ServiceTest[B], ServiceTest[C]]]": ...
    @overload
    @staticmethod
    def together(
        *handlers: type[ServiceHandler[Any]],
        websocket: Limits | None = None,
        supervisor: SupervisorSettings | None = None,
        base_url: str = "",
        patience: float = PATIENCE,
    ) -> "AbstractAsyncContextManager[tuple[ServiceTest[Any], ...]]": ...
    @staticmethod
    def together(
        *handlers: type[ServiceHandler[Any]],
        websocket: Limits | None = None,
        supervisor: SupervisorSettings | None = None,
        base_url: str = "",
        patience: float = PATIENCE,
    ) -> "AbstractAsyncContextManager[Any]":
        """Several services in one test, that talk to each other as `services.NAME`, also before `build`.

            async with ServiceTest.together(ChatWebsocket, AuditWebsocket) as (chat, audit):
                ann = await chat.join()

        They share the clock, the history and the supervisor, and start in this order.

        Args:
            handlers: the handler classes.
            websocket: the limits of all services, or of some, keyed by handler class.
            supervisor: see `ServiceTest`, as for the rest.

        Raises:
            TypeError: see `ServiceTest`; or `websocket` has a key that is none of the handlers.
        """
        return _together(handlers, websocket, supervisor, base_url, patience)


@asynccontextmanager
async def _together(
    handlers: Sequence[type[ServiceHandler[Any]]],
    websocket: Limits | None,
    supervisor: SupervisorSettings | None,
    base_url: str,
    patience: float,
) -> AsyncIterator[tuple[ServiceTest[Any], ...]]:
    check_settings("supervisor", supervisor, SupervisorSettings)
    limits = limits_of(handlers, websocket)
    tests = tuple(
        ServiceTest(handler, websocket=limits[handler], base_url=base_url)
        for handler in handlers
    )
    services = [test._service for test in tests]
    names = [service.address.name for service in services]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two services bear the name {min(twice)}")
    world = World(
        services,
        supervisor or SupervisorSettings(),
        patience,
        [remark(service) for service in services],
    )
    for test in tests:
        test._world = world
    async with world:
        yield tests
