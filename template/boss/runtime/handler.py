# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The callbacks a service may define, with their defaults. `bossgen build` reads the list from this class."""

from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar, cast

from starlette.requests import HTTPConnection

from .reasons import CloseReason
from .results import Noreply, Ok, Stop
from .websocket import WebSocket

S = TypeVar("S")

Result: TypeAlias = Noreply[S] | Stop[S]


class Timer(Protocol):
    """What `send_after` returns."""

    def cancel(self) -> None:
        """Take the message back, if it has not been delivered yet; harmless afterwards."""


class Context(Protocol):
    """What the runtime tells one instance of a handler: whose it is, and which life it belongs to."""

    @property
    def request(self) -> HTTPConnection | None: ...

    @property
    def session_id(self) -> str | None: ...

    def send_after(self, seconds: float, info: object) -> Timer: ...


class ServiceHandler(Generic[S]):
    """The base class of a handler: one service, its state passed in and out of seven callbacks.

    Each callback is optional, may be `def` or `async def`, and is called positionally. A `def` runs on the event loop,
    never in a thread. One callback of a service runs at a time, even while it awaits. There is one instance for each
    client and one for the service's own callbacks, made without arguments: what has to last belongs into the state.

    Source: Chicago Boss, the behaviour `boss_service_handler`; OTP, gen_server.
    """

    dependencies: ClassVar[Sequence[Any]] = ()
    """FastAPI dependencies, `[Depends(...)]`, resolved before the handshake is accepted."""

    _context: Context | None = None
    """Given by the runtime right after the instance is made."""

    def init(self) -> Ok[S] | Awaitable[Ok[S]]:
        """Begin a life of the service: make its first state. At most 30 seconds.

        Source: Chicago Boss, `init() -> {ok, State}`.
        """
        return cast("Ok[S]", Ok(None))

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: S, /
    ) -> Result[S] | Awaitable[Result[S]]:
        """A client joined the service, or is handed to a new life of it.

        Args:
            service_url: the request path with base_url and without the query, "/chat/websocket/foobar".
            websocket: the address of the client; send to it, keep it in the state.
            state: as the callback before left it.

        Source: Chicago Boss, `handle_join/3`.
        """
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: S, /
    ) -> Result[S] | Awaitable[Result[S]]:
        """A client left, however that came about; it has already left every `Group`.

        Source: Chicago Boss, `handle_close/4`.
        """
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: S, /
    ) -> Result[S] | Awaitable[Result[S]]:
        """A client sent a message: `str` from a Text frame, `bytes` from a Binary frame.

        Source: Chicago Boss, `handle_incoming/4`; RFC 6455 section 5.6.
        """
        return Noreply(state)

    def handle_broadcast(
        self, message: Any, state: S, /
    ) -> Result[S] | Awaitable[Result[S]]:
        """Somebody called `services.NAME.broadcast(message)`.

        Source: Chicago Boss, `handle_broadcast/2`.
        """
        return Noreply(state)

    def handle_info(self, info: Any, state: S, /) -> Result[S] | Awaitable[Result[S]]:
        """Anything else: `services.NAME.info(...)`, what `send_after` sent, or `TIMEOUT`.

        Source: Chicago Boss, `handle_info/2`.
        """
        return Noreply(state)

    def terminate(self, reason: object, state: S, /) -> None | Awaitable[None]:
        """The life ends: with the reason of `Stop`, the exception of a crash, or `"shutdown"`. At most 5 seconds.

        Source: Chicago Boss, `terminate/2`.
        """
        return None

    @property
    def req(self) -> HTTPConnection:
        """The request that opened the WebSocket: `url.path`, `query_params`, `headers`, `cookies`, `client`.

        Raises:
            RuntimeError: outside `handle_join`, `handle_close` and `handle_incoming`, where there is no client.

        Source: Chicago Boss, the module parameter `Req`.
        """
        request = None if self._context is None else self._context.request
        if request is None:
            raise RuntimeError(
                "self.req is there in handle_join, handle_close and handle_incoming only"
            )
        return request

    @property
    def session_id(self) -> str:
        """The verified session of the client's browser.

        Raises:
            RuntimeError: outside `handle_join`, `handle_close` and `handle_incoming`, where there is no client.

        Source: Chicago Boss, the module parameter `SessionId`.
        """
        session_id = None if self._context is None else self._context.session_id
        if session_id is None:
            raise RuntimeError(
                "self.session_id is there in handle_join, handle_close and handle_incoming only"
            )
        return session_id

    def send_after(self, seconds: float, info: object) -> Timer:
        """Let `info` reach `handle_info` once, `seconds` from now, unless cancelled or the life ends before.

        Raises:
            RuntimeError: called in `__init__`, before the instance belongs to a service.
            TypeError, ValueError: `seconds` is not a finite number of zero or more seconds.

        Source: `erlang:send_after/3` (there in milliseconds).
        """
        if self._context is None:
            raise RuntimeError(
                "send_after needs a running service; call it in a callback, not in __init__"
            )
        return self._context.send_after(seconds, info)


CALLBACKS = tuple(
    name
    for name in vars(ServiceHandler)
    if name == "init" or name == "terminate" or name.startswith("handle_")
)
"""The names of the callbacks, in the order in which they are declared above."""
