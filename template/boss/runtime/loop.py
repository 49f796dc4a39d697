# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The loop of one service: take one message, call one callback, keep the new state or say that the life is over.

`busy` says who may call callbacks. While it is False and the mailbox is empty, a client's message goes straight to its
callback, in the very call that read it off the socket. Whoever finds it True only queues; whoever set it, and whatever
task goes on for an awaiting callback, drains the mailbox before setting it back. So callbacks of one service never
overlap, and messages are taken in the order in which they came.

Source: OTP gen_server.
"""

import asyncio
import inspect
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from time import perf_counter
from typing import Any, Final

from .calling import timed
from .client import Client
from .clock import Clock
from .counters import Counters
from .frames import size_of
from .handler import ServiceHandler
from .mailbox import FROM_CLIENTS, Kind, Mailbox, Message
from .reasons import CloseReason
from .results import TIMEOUT, Noreply, Stop
from .settings import Service

log = logging.getLogger("boss")

FAIR_SHARE = 0.01  # seconds of callbacks after which the event loop gets a turn
# Messages of one client, after which it is looked whether that is used.
LOOK_AT_CLOCK = 16
BLOCKED = 0.5  # seconds of the event loop's time that one callback may take before the log says so

_NOT_CALLED: Final = object()


class MessageLoop(ABC):
    """What takes the messages of `service` from its mailbox; see the module. Everything here happens on the event loop.

    Args:
        service: the service as it was compiled.
        loop: the event loop on which all its callbacks run.
        clock: tells the time and holds the timers.
    """

    def __init__(
        self, service: Service, loop: asyncio.AbstractEventLoop, clock: Clock
    ) -> None:
        self.name = service.address.name
        self.service = service
        self.limits = service.websocket
        self.loop = loop
        # Context variables are the service's own: no callback sees what middleware has set for a client.
        self.context = copy_context()
        self.clock = clock
        self.counters = Counters()
        self.mailbox = Mailbox(self.name, self.limits.mailbox_limit)
        # Joined and not told closed, in join order.
        self.clients: dict[Client, None] = {}
        self.state: Any = None
        self.life = 0  # counts the lives; the first is 1
        self.alive = False  # between init and terminate
        self.busy = True  # see the module; True until the first life has begun
        self.cancelling = False  # is it we who cancel a callback, at server stop,
        self.given_up = False  # and is it closed, since it goes on all the same?
        self.handler: ServiceHandler[Any] | None = None  # the service's own instance
        # To be handed to handle_join before anything else.
        self.rejoining: deque[Client] = deque()
        # An awaiting callback, or what follows a life.
        self.task: asyncio.Task[None] | None = None
        # The timeout of the last result: in seconds until the mailbox is empty, then as a timer.
        self.timeout: float | None = None
        self._timer: Any = None
        self.callbacks = frozenset(service.callbacks)
        self._hears = "handle_incoming" in self.callbacks
        # The callback that each kind of message is for, and how it is called.
        self._calls: dict[Kind, tuple[str, Callable[[Any, Any], object]]] = {
            Kind.JOIN: ("handle_join", self._call_join),
            Kind.INCOMING: ("handle_incoming", self._call_incoming),
            Kind.CLOSE: ("handle_close", self._call_close),
            Kind.BROADCAST: ("handle_broadcast", self._call_broadcast),
            Kind.INFO: ("handle_info", self._call_info),
            Kind.LATER: ("handle_info", self._call_later),
            Kind.TIMEOUT: ("handle_info", self._call_timeout),
        }

    # What follows the end of a life is not this module's to say.

    @abstractmethod
    def crashed(self, name: str, client: Client | None, error: BaseException) -> None:
        """The callback `name` raised, or returned what is no result; it was called for this client, if for any."""

    @abstractmethod
    def end(self, reason: object, *, crashed: bool) -> None:
        """The life ends: a callback returned `Stop`, or `crashed`."""

    @abstractmethod
    def rests(self) -> None:
        """Nothing is left to do."""

    # From the mailbox to the callback.

    def incoming(self, client: Client, message: str | bytes) -> None:
        """A client has sent a message: call `handle_incoming` now if nothing is before it, else queue it."""
        counters = self.counters
        counters.messages_in += 1
        if self.busy or self.mailbox.messages:
            client.waits(size_of(message))
            self.queue(Kind.INCOMING, client, message)
            return
        self.busy = True
        if self._timer is not None:
            self.cancel_timer()
        if not self._hears:
            self.busy = False
            return
        started = perf_counter()
        try:
            result: object = client.handler.handle_incoming(  # type: ignore[union-attr]  # it has joined
                client.service_url, client, message, self.state
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # see calling.py
            counters.callbacks += 1
            self.crashed("handle_incoming", client, error)  # logs it
            return
        # As `_spent` does: this is the way of nearly all messages.
        seconds = perf_counter() - started
        counters.callbacks += 1
        counters.callback_seconds += seconds
        if seconds > BLOCKED:
            self._blocked("handle_incoming", seconds)
        if type(result) is Noreply and result.timeout is None:
            self.state = result.state
            if self.mailbox.messages:
                self.drain_soon()
            else:
                self.busy = False
        elif self._settle("handle_incoming", client, result):
            if self.mailbox.messages or self.timeout == 0:
                self.drain_soon()  # not here: the context is the client's
            else:
                self.drain()  # nothing but the timeout has to be begun

    def queue(self, kind: Kind, sender: Any, content: Any) -> None:
        """Append to the mailbox what needs no counting, and see to it that somebody comes to it."""
        self.mailbox.put(kind, sender, content)
        self.wake()

    def wake(self) -> None:
        """See to it that somebody comes to what is in the mailbox."""
        if not self.busy and self.mailbox.messages:
            self.busy = True
            self.drain_soon()

    def drain_soon(self) -> None:
        """Drain in the next turn of the event loop, in the context of the service."""
        self.loop.call_soon(self.drain, context=self.context)

    def drain(self) -> None:
        """Deliver messages until none is left, a callback awaits, the life ends, or a fair share of time is used."""
        if not self.alive:
            return
        until = perf_counter() + FAIR_SHARE
        while True:
            if self.rejoining:
                message = Message(Kind.JOIN, self.rejoining.popleft(), None)
            elif self.mailbox.messages:
                message = self.mailbox.take()
            elif self.timeout == 0:
                message = Message(Kind.TIMEOUT, None, self.life)
            else:
                self._start_timer()
                self.busy = False
                self.rests()
                return
            if not self._deliver(message):
                return
            if perf_counter() > until:
                self.drain_soon()
                return

    def _deliver(self, message: Message) -> bool:
        """Call the callback that `message` is for. Return whether the next message may follow at once."""
        kind, sender, content = message
        name, call = self._calls[kind]
        client: Client | None = sender if kind in FROM_CLIENTS else None
        started = perf_counter()
        try:
            result = call(sender, content)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # see calling.py
            self.counters.callbacks += 1
            self.crashed(name, client, error)  # logs it
            return False
        if result is _NOT_CALLED:
            return True
        self.counters.callbacks += 1
        self._spent(name, perf_counter() - started)
        return self._settle(name, client, result)

    # One method for each kind of message: what comes before its callback, and the call.
    # _NOT_CALLED: the message is for nobody in this life, or the handler does not define
    # the callback.

    def _call_join(self, client: Client, _: None) -> object:
        self.clients[client] = None
        handler = client.handler
        if handler is None:
            handler = client.handler = self.make(client)
        self.cancel_timer()
        if "handle_join" not in self.callbacks:
            return _NOT_CALLED
        return handler.handle_join(client.service_url, client, self.state)

    def _call_incoming(self, client: Client, message: str | bytes) -> object:
        client.waited(size_of(message))
        if client not in self.clients:
            return _NOT_CALLED
        self.cancel_timer()
        handler = client.handler
        if handler is None or "handle_incoming" not in self.callbacks:
            return _NOT_CALLED
        return handler.handle_incoming(client.service_url, client, message, self.state)

    def _call_close(self, client: Client, reason: CloseReason) -> object:
        if client not in self.clients:
            return _NOT_CALLED
        del self.clients[client]
        client.told = True
        client.leave_groups()
        self.cancel_timer()
        handler, client.handler = client.handler, None
        if handler is None or "handle_close" not in self.callbacks:
            return _NOT_CALLED
        return handler.handle_close(reason, client.service_url, client, self.state)

    def _call_broadcast(self, _: None, message: object) -> object:
        self.cancel_timer()
        if self.handler is None or "handle_broadcast" not in self.callbacks:
            return _NOT_CALLED
        return self.handler.handle_broadcast(message, self.state)

    def _call_info(self, _: None, info: object) -> object:
        self.cancel_timer()
        if self.handler is None or "handle_info" not in self.callbacks:
            return _NOT_CALLED
        return self.handler.handle_info(info, self.state)

    def _call_later(self, later: Any, info: object) -> object:
        return self._call_info(None, info) if later.life == self.life else _NOT_CALLED

    def _call_timeout(self, _: None, life: int) -> object:
        return self._call_info(None, TIMEOUT) if life == self.life else _NOT_CALLED

    def _settle(self, name: str, client: Client | None, result: object) -> bool:
        """Follow what a callback returned. Return whether the next message may follow at once."""
        if isinstance(result, Noreply):
            self.state = result.state
            self.timeout = result.timeout
            return True
        if isinstance(result, Stop):
            self.state = result.state
            log.info("%s: %s stopped the service: %s", self.name, name, result.reason)
            self.end(result.reason, crashed=False)
            return False
        if inspect.isawaitable(result):
            self.begin_task(self._await(name, client, result))
            return False
        wrong = TypeError(
            f"{name} returned {type(result).__name__}; return Noreply(state) or Stop(reason, state)"
        )
        self.crashed(name, client, wrong)
        return False

    async def _await(
        self, name: str, client: Client | None, awaitable: Awaitable[object]
    ) -> None:
        try:
            result = await timed(
                awaitable,
                lambda seconds: self._spent(name, seconds),
                lambda: self.given_up,
            )
            if inspect.isawaitable(result):
                raise TypeError(
                    f"{name} returned an awaitable from an awaitable; await it there"
                )
        except BaseException as error:
            ours = self.cancelling and isinstance(error, asyncio.CancelledError)
            if ours or isinstance(error, (KeyboardInterrupt, GeneratorExit)):
                raise
            self.crashed(name, client, error)  # logs it
            return
        if self._settle(name, client, result):
            self.drain()

    # Timeouts.

    def _start_timer(self) -> None:
        if self.timeout is not None:
            self._timer = self.clock.call_later(self.timeout, self._timed_out)
            self.timeout = None

    def cancel_timer(self) -> None:
        """Forget the timeout of the last result: a message has come, or the life has ended."""
        self.timeout = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _timed_out(self) -> None:
        self._timer = None
        if self.busy or self.mailbox.messages:
            self.timeout = 0  # unless one of them is for somebody
        else:
            self.queue(Kind.TIMEOUT, None, self.life)

    # Small things.

    def make(self, context: Any) -> ServiceHandler[Any]:
        """A handler instance for one client, or for the service itself."""
        handler = self.service.handler()
        handler._context = context
        return handler

    def begin_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Let `task` run `coroutine`, from the next turn of the event loop on; nothing else of the service runs before.

        Not by `loop.create_task`: an application may have set a factory whose tasks begin at once.
        """
        self.task = asyncio.Task(coroutine, loop=self.loop, context=self.context)

    def _spent(self, name: str, seconds: float) -> None:
        self.counters.callback_seconds += seconds
        if seconds > BLOCKED:
            self._blocked(name, seconds)

    def _blocked(self, name: str, seconds: float) -> None:
        log.warning(
            "%s: %s blocked the event loop for %.1f seconds", self.name, name, seconds
        )
