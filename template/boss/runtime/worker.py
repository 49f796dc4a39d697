# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""One service at work: take one message, call one callback, keep the new state or end the life.

`busy` says who may call callbacks. While it is False and the mailbox is empty, a client's message goes straight to its
callback, in the very call that read it off the socket. Whoever finds it True only queues; whoever set it, and whatever
task goes on for an awaiting callback, drains the mailbox before setting it back. So callbacks of one service never
overlap, and messages are taken in the order in which they came.

A life ends in `_end`; what follows is the supervisor's to decide (`Ended`), and until it calls `begin` again the worker
stays busy and everything waits in the mailbox.
"""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from threading import get_ident
from time import perf_counter
from typing import Any

from .calling import CRASHES, from_user, timed, within
from .client import Client
from .clock import Clock
from .counters import Counters
from .errors import ServiceDown
from .handler import ServiceHandler
from .mailbox import Kind, Mailbox, Message
from .reasons import CloseReason, Normal
from .results import TIMEOUT, Noreply, Ok, Stop, check_seconds
from .settings import Service

log = logging.getLogger("boss")

INIT_LIMIT = 30.0  # seconds that init may take
TERMINATE_LIMIT = 5.0  # seconds that terminate may take
CALLBACK_LIMIT = 5.0  # seconds that callbacks may still take at server stop
LAST_LIMIT = 1.0  # seconds for what is left after a callback had to be cancelled
FAIR_SHARE = 0.01  # seconds of callbacks after which the event loop gets a turn
BLOCKED = 0.5  # seconds of the event loop's time that one callback may take before the log says so

_CALLBACKS = {
    Kind.JOIN: "handle_join",
    Kind.INCOMING: "handle_incoming",
    Kind.CLOSE: "handle_close",
    Kind.BROADCAST: "handle_broadcast",
    Kind.INFO: "handle_info",
    Kind.LATER: "handle_info",
    Kind.TIMEOUT: "handle_info",
}


class Later:
    """A message to `handle_info` that is still to come; what `send_after` returns."""

    __slots__ = ("_timer", "_worker", "info", "life")

    def __init__(self, worker: "Worker", seconds: float, info: object) -> None:
        self.info = info
        self.life = worker.life  # 0 once cancelled: no life bears that number
        self._worker = worker
        self._timer = worker.clock.call_later(seconds, self._due)

    def cancel(self) -> None:
        """Take the message back, if it has not been delivered yet; harmless afterwards."""
        self.life = 0
        self._timer.cancel()
        self._worker.laters.discard(self)

    def _due(self) -> None:
        self._worker.laters.discard(self)
        self._worker.queue(Kind.LATER, self, self.info)


Ended = Callable[["Worker", object, bool], Coroutine[Any, Any, None]]
"""What a worker calls when a life ended: itself, the reason, and whether it crashed."""


class Worker:
    """The service `service` at work; see the module. Everything but `broadcast` and `info` happens on the event loop.

    Args:
        service: the service as it was compiled.
        loop: the event loop on which all its callbacks run.
        clock: tells the time and holds the timers.
        ended: decides what follows the end of a life.
        left: called with each client whose connection has ended.
    """

    def __init__(
        self,
        service: Service,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        ended: Ended,
        left: Callable[[Client], None],
    ) -> None:
        self.name = service.address.name
        self.service = service
        self.limits = service.websocket
        self.clock = clock
        self.counters = Counters()
        self.mailbox = Mailbox(self.name, self.limits.mailbox_limit)
        self.clients: dict[
            Client, None
        ] = {}  # joined and not told closed, in join order
        self.connected = 0  # connections that are open
        self.state: Any = None
        self.life = 0  # counts the lives; the first is 1
        self.alive = False  # between init and terminate
        self.busy = True  # see the module; True until the first life has begun
        self.laters: set[Later] = set()
        self.status = "running"  # or "stopped", "failed"
        self.reason: str | None = None  # of the status
        self.restarts: tuple[
            float, ...
        ] = ()  # times of the clock, for the restart intensity
        self._callbacks = frozenset(service.callbacks)
        self._hears = "handle_incoming" in self._callbacks
        self._handler: ServiceHandler[Any] | None = None  # the service's own instance
        self._rejoining: deque[Client] = (
            deque()
        )  # to be handed to handle_join before anything else
        # The timeout of the last result: in seconds until the mailbox is empty, then as a timer.
        self._timeout: float | None = None
        self._timer: Any = None
        self._task: asyncio.Task[None] | None = (
            None  # an awaiting callback, or what follows a life
        )
        self._resting: asyncio.Future[None] | None = None  # wanted by `rest`
        self._loop = loop
        self._thread = get_ident()
        self._ended = ended
        self._left = left

    @property
    def at_work(self) -> bool:
        """Is something called, waiting to be called, or awaited? Not when the service is down."""
        if self.status != "running":
            return False
        awaited = self._task is not None and not self._task.done()
        return awaited or (self.alive and (self.busy or bool(self.mailbox.messages)))

    # Senders: see ServiceAddress.

    def broadcast(self, message: object) -> None:
        """Queue `message` for `handle_broadcast`; from any thread."""
        self._post(Kind.BROADCAST, message)

    def info(self, message: object) -> None:
        """Queue `message` for `handle_info`; from any thread."""
        self._post(Kind.INFO, message)

    def _post(self, kind: Kind, message: object) -> None:
        if self.status != "running":
            raise ServiceDown(f"the service `{self.name}` is {self.status}")
        self.mailbox.post(kind, message)
        if get_ident() == self._thread:
            self._wake()
        else:
            self._loop.call_soon_threadsafe(self._wake)

    def send_after(self, seconds: float, info: object) -> Later:
        """Let `info` reach `handle_info` in `seconds`, unless this life ends before."""
        check_seconds("seconds", seconds)
        later = Later(self, seconds, info)
        self.laters.add(later)
        return later

    # The context of the service's own handler instance: it has no client.

    request = None
    session_id = None

    # Clients: see Client.

    def join(self, client: Client) -> None:
        """A client has connected."""
        self.connected += 1
        if self.status == "running":
            self.queue(Kind.JOIN, client, None)
        else:  # since the handshake was let through: accepting may have had to wait
            client.drop(1001, "service stopped")

    def closed(self, client: Client, reason: CloseReason) -> None:
        """The connection of a client has ended, for this reason."""
        self.queue(Kind.CLOSE, client, reason)

    def left(self, client: Client) -> None:
        """The connection of a client has ended, whoever is told."""
        self.connected -= 1
        self._left(client)

    def incoming(self, client: Client, message: str | bytes) -> None:
        """A client has sent a message: call `handle_incoming` now if nothing is before it, else queue it."""
        counters = self.counters
        counters.messages_in += 1
        if self.busy or self.mailbox.messages:
            client.waits(len(message))
            self.queue(Kind.INCOMING, client, message)
            return
        self.busy = True
        if self._timer is not None:
            self._cancel_timer()
        if not self._hears:
            self.busy = False
            return
        started = perf_counter()
        try:
            result: object = client.handler.handle_incoming(  # type: ignore[union-attr]  # it has joined
                client.service_url, client, message, self.state
            )
        except CRASHES as error:  # logged there
            self._crashed("handle_incoming", client, error)
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
                self._loop.call_soon(self._drain)
            else:
                self.busy = False
        elif self._settle("handle_incoming", client, result):
            self._drain()

    # The loop.

    def queue(self, kind: Kind, sender: Any, content: Any) -> None:
        """Append to the mailbox what needs no counting, and see to it that somebody comes to it."""
        self.mailbox.put(kind, sender, content)
        self._wake()

    def _wake(self) -> None:
        if not self.busy and self.mailbox.messages:
            self.busy = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        """Deliver messages until none is left, a callback awaits, the life ends, or a fair share of time is used."""
        if not self.alive:
            return
        until = perf_counter() + FAIR_SHARE
        while True:
            if self._rejoining:
                message = Message(Kind.JOIN, self._rejoining.popleft(), None)
            elif self.mailbox.messages:
                message = self.mailbox.take()
            elif self._timeout == 0:
                message = Message(Kind.TIMEOUT, None, self.life)
            else:
                self._start_timer()
                self.busy = False
                self._rest()
                return
            if not self._deliver(message):
                return
            if perf_counter() > until:
                self._loop.call_soon(self._drain)
                return

    def _deliver(self, message: Message) -> bool:
        """Call the callback that `message` is for. Return whether the next message may follow at once."""
        kind, sender, content = message
        name = _CALLBACKS[kind]
        client: Client | None = sender if kind <= Kind.CLOSE else None
        started = perf_counter()
        try:
            if not self._prepare(kind, sender, content):
                return True
            self._cancel_timer()
            if name not in self._callbacks:
                return True
            result = self._call(kind, client, content)
            if kind is Kind.CLOSE:
                sender.handler = None
        except CRASHES as error:  # logged there
            self._crashed(name, client, error)
            return False
        self._spent(name, perf_counter() - started)
        return self._settle(name, client, result)

    def _prepare(self, kind: Kind, sender: Any, content: Any) -> bool:
        """Do what comes before the callback. Return False when the message is for nobody in this life."""
        if kind is Kind.JOIN:
            if sender.told:
                return False
            self.clients[sender] = None
            if sender.handler is None:
                sender.handler = self._make(sender)
        elif kind is Kind.INCOMING:
            sender.waited(len(content))
            return sender in self.clients
        elif kind is Kind.CLOSE:
            if sender not in self.clients:
                return False
            del self.clients[sender]
            sender.told = True
            sender.leave_groups()
        elif kind is Kind.LATER:
            return bool(sender.life == self.life)
        elif kind is Kind.TIMEOUT:
            return bool(content == self.life)
        return True

    def _call(self, kind: Kind, client: Client | None, content: Any) -> object:
        if client is None:
            handler = self._handler
            assert handler is not None
            if kind is Kind.BROADCAST:
                return handler.handle_broadcast(content, self.state)
            info = TIMEOUT if kind is Kind.TIMEOUT else content
            return handler.handle_info(info, self.state)
        handler = client.handler
        assert handler is not None
        if kind is Kind.JOIN:
            return handler.handle_join(client.service_url, client, self.state)
        if kind is Kind.INCOMING:
            return handler.handle_incoming(
                client.service_url, client, content, self.state
            )
        return handler.handle_close(content, client.service_url, client, self.state)

    def _settle(self, name: str, client: Client | None, result: object) -> bool:
        """Follow what a callback returned. Return whether the next message may follow at once."""
        if isinstance(result, Noreply):
            self.state = result.state
            self._timeout = result.timeout
            return True
        if isinstance(result, Stop):
            self.state = result.state
            log.info("%s: %s stopped the service: %s", self.name, name, result.reason)
            self._end(result.reason, crashed=False)
            return False
        if inspect.isawaitable(result):
            self._task = self._loop.create_task(self._await(name, client, result))
            return False
        wrong = TypeError(
            f"{name} returned {type(result).__name__}; return Noreply(state) or Stop(reason, state)"
        )
        self._crashed(name, client, wrong)
        return False

    async def _await(
        self, name: str, client: Client | None, awaitable: Awaitable[object]
    ) -> None:
        try:
            result = await timed(awaitable, lambda seconds: self._spent(name, seconds))
            if inspect.isawaitable(result):
                raise TypeError(
                    f"{name} returned an awaitable from an awaitable; await it there"
                )
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._crashed(
                name, client, error
            )  # the callback awaited something that was cancelled
            return
        except CRASHES as error:  # logged there
            self._crashed(name, client, error)
            return
        if self._settle(name, client, result):
            self._drain()

    # Timeouts.

    def _start_timer(self) -> None:
        if self._timeout is not None:
            self._timer = self.clock.call_later(self._timeout, self._timed_out)
            self._timeout = None

    def _cancel_timer(self) -> None:
        self._timeout = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _timed_out(self) -> None:
        self._timer = None
        if self.busy or self.mailbox.messages:
            self._timeout = 0  # unless one of them is for somebody
        else:
            self.queue(Kind.TIMEOUT, None, self.life)

    # Lives.

    async def begin(self) -> None:
        """Begin a life: `init`, then hand every client that is still there to `handle_join`.

        Raises:
            TimeoutError: `init` took longer than 30 seconds.
            Exception: whatever `init` raised, or a TypeError when it did not return `Ok`.
        """
        self.life += 1
        handler = self._make(self)
        result: object = Ok(None)
        if "init" in self._callbacks:
            started = perf_counter()
            result = await within(INIT_LIMIT, "init", handler.init)
            if perf_counter() - started > INIT_LIMIT:
                raise TimeoutError(f"init took longer than {INIT_LIMIT:g} seconds")
        if not isinstance(result, Ok):
            raise TypeError(f"init returned {type(result).__name__}; return Ok(state)")
        self._handler = handler
        self.state = result.state
        self.alive = True
        self._rejoining = deque(self.clients)
        self._timeout = result.timeout
        self._loop.call_soon(self._drain)

    async def terminate(self, reason: object) -> None:
        """Call `terminate`; what goes wrong in it is logged. Then no client is in any group of that life."""
        self.alive = False
        self.busy = True
        self._cancel_timer()
        for later in tuple(self.laters):
            later.cancel()
        handler = self._handler
        if handler is not None and "terminate" in self._callbacks:
            try:
                await within(
                    TERMINATE_LIMIT, "terminate", handler.terminate, reason, self.state
                )
            except Exception as error:  # a life that ends badly still ends
                log.error("%s: terminate crashed", self.name, exc_info=from_user(error))
        self._handler = None
        self.state = None
        for client in self.clients:
            client.leave_groups()

    def go_down(self, status: str, reason: object, code: int) -> None:
        """Stay down: `status` is "stopped" or "failed"; every client is closed with `code`, and nobody is told."""
        self.status = status
        self.reason = (
            type(reason).__name__ if isinstance(reason, BaseException) else str(reason)
        )
        self.alive = False
        self.busy = True
        self.service.address.release(self)
        text = "service stopped" if status == "stopped" else "service failed"
        self.drop_clients(code, text)
        for message in self.mailbox.clear():
            if message.kind is Kind.JOIN:
                message.sender.drop(code, text)
        self._rest()

    def drop_clients(self, code: int, text: str) -> None:
        """Close every client that has joined, without telling the service."""
        clients, self.clients = self.clients, {}
        self._rejoining.clear()
        for client in clients:
            client.drop(code, text)

    def _crashed(self, name: str, client: Client | None, error: BaseException) -> None:
        self.counters.crashes += 1
        who = "" if client is None else f" for client {client.id}"
        log.error("%s: %s crashed%s", self.name, name, who, exc_info=from_user(error))
        if client is not None:
            self.clients.pop(client, None)
            client.drop(1011, "the service crashed")
        self._end(error, crashed=True)

    def _end(self, reason: object, *, crashed: bool) -> None:
        self.alive = False
        self._cancel_timer()
        self._task = self._loop.create_task(self._ended(self, reason, crashed))

    # Server stop.

    async def finish(self) -> None:
        """Close every client with 1012, and deliver what is in the mailbox, their closes included.

        A callback that takes longer than 5 seconds is cancelled, and what is then left gets one second more.
        """
        clients = [
            *self.clients,
            *(m.sender for m in self.mailbox.messages if m.kind is Kind.JOIN),
        ]
        for client in clients:
            client.finish(1012, "server stops", Normal("shutdown"))
        for limit in (CALLBACK_LIMIT, LAST_LIMIT):
            if await self._rests(limit):
                return
            await self._cancel_callback()

    async def stop(self) -> None:
        """End the life that still runs, with the reason "shutdown", and stay down."""
        if self.alive:
            await self.terminate("shutdown")
        if self.status == "running":
            self.go_down("stopped", "shutdown", 1012)

    async def _rests(self, limit: float) -> bool:
        """Wait until the worker is down, or has nothing to do; at most `limit` seconds."""
        if self.at_work:
            self._resting = self._loop.create_future()
            try:
                async with asyncio.timeout(limit):
                    await self._resting
            except TimeoutError:
                return False
            finally:
                self._resting = None
        return True

    def _rest(self) -> None:
        if self._resting is not None and not self._resting.done():
            self._resting.set_result(None)

    async def _cancel_callback(self) -> None:
        task = self._task
        if task is None or task.done():
            return
        log.warning(
            "%s: a callback was still running at server stop and is cancelled",
            self.name,
        )
        task.cancel()
        await asyncio.wait({task}, timeout=LAST_LIMIT)
        if not self.alive:
            self.go_down("stopped", "shutdown", 1012)
        elif task.cancelled():  # else it has gone on by itself, or still refuses to end
            self._drain()

    # Small things.

    def _make(self, context: Any) -> ServiceHandler[Any]:
        handler = self.service.handler()
        handler._context = context
        return handler

    def _spent(self, name: str, seconds: float) -> None:
        counters = self.counters
        counters.callbacks += 1
        counters.callback_seconds += seconds
        if seconds > BLOCKED:
            self._blocked(name, seconds)

    def _blocked(self, name: str, seconds: float) -> None:
        log.warning(
            "%s: %s blocked the event loop for %.1f seconds", self.name, name, seconds
        )
