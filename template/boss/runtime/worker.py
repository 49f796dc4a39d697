# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The lives of one service: what lies between `init` and `terminate`, and who is told what when one ends.

Within a life the loop (loop.py) takes one message after the other. A life ends in `end`; what follows is the
supervisor's to decide (`Ended`), and until it calls `begin` again the worker stays busy and everything waits in the
mailbox.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from threading import get_ident
from time import perf_counter
from typing import Any

from .calling import from_thread, from_user, within
from .client import Client
from .clock import Clock
from .errors import ServiceDown
from .loop import MessageLoop
from .mailbox import Kind
from .reasons import Normal
from .results import Ok, check_seconds
from .settings import Service

log = logging.getLogger("boss")

INIT_LIMIT = 30.0  # seconds that init may take
TERMINATE_LIMIT = 5.0  # seconds that terminate may take
CALLBACK_LIMIT = 5.0  # seconds that callbacks may still take at server stop
LAST_LIMIT = 1.0  # seconds for what is left after a callback had to be cancelled


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


class Worker(MessageLoop):
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
        super().__init__(service, loop, clock)
        self.connected = 0  # connections that are open
        self.laters: set[Later] = set()
        self.status = "running"  # or "stopped", "failed"
        self.reason: str | None = None  # of the status
        # Times of the clock, for the restart intensity.
        self.restarts: tuple[float, ...] = ()
        self._resting: asyncio.Future[None] | None = None  # wanted by `finish`
        self._thread = get_ident()
        self._ended = ended
        self._left = left

    @property
    def at_work(self) -> bool:
        """Is something called, waiting to be called, or awaited? Not when the service is down."""
        if self.status != "running":
            return False
        awaited = self.task is not None and not self.task.done()
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
            self.wake()
        else:
            from_thread(self.loop, self.wake)

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
            code = 1001 if self.status == "stopped" else 1011
            client.drop(code, f"service {self.status}")

    def left(self, client: Client) -> None:
        """The connection of a client has ended, whoever is told."""
        self.connected -= 1
        self._left(client)

    # Lives.

    async def begin(self) -> None:
        """Begin a life: `init`, then hand every client that is still there to `handle_join`.

        Raises:
            TimeoutError: `init` took longer than 30 seconds.
            Exception: whatever `init` raised, or a TypeError when it did not return `Ok`.
        """
        self.life += 1
        handler = self.make(self)
        result: object = Ok(None)
        if "init" in self.callbacks:
            started = perf_counter()
            result = await within(INIT_LIMIT, "init", handler.init)
            if perf_counter() - started > INIT_LIMIT:
                raise TimeoutError(f"init took longer than {INIT_LIMIT:g} seconds")
        if not isinstance(result, Ok):
            raise TypeError(f"init returned {type(result).__name__}; return Ok(state)")
        self.handler = handler
        self.state = result.state
        self.alive = True
        self.rejoining = deque(self.clients)
        self.timeout = result.timeout
        self.drain_soon()

    async def terminate(self, reason: object) -> None:
        """Call `terminate`; what goes wrong in it is logged."""
        self.alive = False
        self.busy = True
        self.cancel_timer()
        for later in tuple(self.laters):
            later.cancel()
        handler = self.handler
        if handler is not None and "terminate" in self.callbacks:
            try:
                await within(
                    TERMINATE_LIMIT, "terminate", handler.terminate, reason, self.state
                )
            except Exception as error:  # a life that ends badly still ends
                log.error("%s: terminate crashed", self.name, exc_info=from_user(error))
        self.handler = None
        self.state = None

    def go_down(self, status: str, reason: object, code: int) -> None:
        """Stay down: `status` is "stopped" or "failed"; every client is closed with `code`, and nobody is told."""
        self.status = status
        self.reason = (
            type(reason).__name__ if isinstance(reason, BaseException) else str(reason)
        )
        self.service.address.release(self)
        text = f"service {status}"
        self.drop_clients(code, text)
        for message in self.mailbox.clear():
            if message.kind is Kind.JOIN:
                message.sender.drop(code, text)
        self.rests()

    def drop_clients(self, code: int, text: str) -> None:
        """Close every client that has joined, without telling the service."""
        clients, self.clients = self.clients, {}
        self.rejoining.clear()
        for client in clients:
            client.drop(code, text)

    def crashed(self, name: str, client: Client | None, error: BaseException) -> None:
        self.counters.crashes += 1
        who = "" if client is None else f" for client {client.id}"
        log.error("%s: %s crashed%s", self.name, name, who, exc_info=from_user(error))
        if client is not None:
            self.clients.pop(client, None)
            client.drop(1011, "the service crashed")
        self.end(error, crashed=True)

    def end(self, reason: object, *, crashed: bool) -> None:
        if not self.alive:  # it awaited a task that outlived the life at server stop
            return
        self.alive = False
        self.begin_task(self._ended(self, reason, crashed))

    # Server stop.

    async def finish(self) -> None:
        """Close every client with 1012, and deliver what is in the mailbox, their closes included.

        When that takes longer than 5 seconds, the callback is cancelled; who has come and gone is told within one more
        second, and all other messages are dropped.
        """
        clients = [
            *self.clients,
            *(m.sender for m in self.mailbox.messages if m.kind is Kind.JOIN),
        ]
        for client in clients:
            client.finish(1012, "server stops", Normal("shutdown"))
        if await self._comes_to_rest(CALLBACK_LIMIT):
            return
        for message in self.mailbox.clear():
            if message.kind in (Kind.JOIN, Kind.CLOSE):
                self.mailbox.put(*message)
        await self._cancel_callback()
        if not await self._comes_to_rest(LAST_LIMIT):
            self.mailbox.clear()
            await self._cancel_callback()

    async def stop(self) -> None:
        """End the life that still runs, with the reason "shutdown", and stay down."""
        if self.alive:
            await self.terminate("shutdown")
        elif self.status == "running" and self.task is not None:
            # `terminate` has been called already: it has its own time.
            await asyncio.wait({self.task}, timeout=TERMINATE_LIMIT)
        if self.status == "running":
            self.go_down("stopped", "shutdown", 1012)

    async def _comes_to_rest(self, limit: float) -> bool:
        """Wait until the worker is down, or has nothing to do; at most `limit` seconds."""
        if self.at_work:
            self._resting = self.loop.create_future()
            try:
                async with asyncio.timeout(limit):
                    await self._resting
            except TimeoutError:
                return False
            finally:
                self._resting = None
        return True

    def rests(self) -> None:
        if self._resting is not None and not self._resting.done():
            self._resting.set_result(None)

    async def _cancel_callback(self) -> None:
        task = self.task
        terminates = not self.alive and self.handler is not None
        if task is None or task.done() or terminates:
            return
        log.warning(
            "%s: a callback was still running at server stop and is cancelled",
            self.name,
        )
        self.cancelling = True
        task.cancel()
        await asyncio.wait({task}, timeout=LAST_LIMIT)
        if not task.done():
            log.error("%s: it goes on all the same, and is closed", self.name)
            self.given_up = True
            task.cancel()
            await asyncio.wait({task}, timeout=LAST_LIMIT)
        self.cancelling = self.given_up = not task.done()
        if not self.alive and self.task is task:  # it was `init` of another life
            self.go_down("stopped", "shutdown", 1012)
        elif task.cancelled():  # else it has gone on, or still refuses to end
            self.drain()
