"""What a service guarantees, as a model: plain lists, no waiting, every message delivered at once.

A handler that does what it is told (`scripted.py`) and this model are told the same. Both keep a journal of every
callback with all that it could see, and for each client what it was sent and how it was closed.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from boss.runtime.reasons import Error, Normal, Remote
from boss.runtime.settings import SupervisorSettings, WebsocketSettings


class Do(NamedTuple):
    """What a callback is to do; travels as a text: "17 timeout 0.5"."""

    number: int  # makes every message another
    verb: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.number} {self.verb} {self.argument}".strip()

    @classmethod
    def read(cls, text: str) -> "Do":
        number, verb, argument = [*text.split(" ", 2), "", ""][:3]
        return cls(int(number), verb, argument)


class Entry(NamedTuple):
    """One line of the journal: a callback, and what it saw."""

    life: int
    callback: str
    who: str  # name of the client, "" for the service's own callbacks
    what: str  # the message, reason or info
    members: tuple[str, ...]  # of the group, in its order


@dataclass
class Peer:
    """One client."""

    name: str
    joins: list[Do]  # what handle_join is to do, the first time and every time after
    leaves: Do  # what handle_close is to do
    inbox: list[str] = field(default_factory=list)
    open: bool = True
    told: bool = False  # the service knows, or need not know, that it has gone
    closed_with: int | None = None  # by the service
    waiting: int = 0
    heard_at: float = 0.0


class Message(NamedTuple):
    kind: str
    peer: Peer | None
    what: str
    life: int = 0  # the one it is for; 0: any


class Crash(Exception):
    """A callback raised, or returned something else; the text is what terminate is told."""


class Stopped(Exception):
    """A callback returned Stop; the text is the reason."""


class Waiting(Exception):
    """A callback awaits the gate; the text is what it does then."""


class Model:
    """One service and its clients."""

    def __init__(
        self, websocket: WebsocketSettings, supervisor: SupervisorSettings
    ) -> None:
        self.websocket = websocket
        self.supervisor = supervisor
        self.journal: list[Entry] = []
        self.peers: dict[str, Peer] = {}
        self.status = "running"
        self.failing_inits = 0
        self.crashing_terminates = 0
        self.blocked: tuple[Peer | None, str] | None = None  # who awaits the gate
        self.stopping = False
        self._now = 0.0
        self._life = 0
        self._alive = False
        self._joined: dict[str, Peer] = {}
        self._rejoining: deque[Peer] = deque()
        self._group: dict[str, Peer] = {}
        self._mailbox: deque[Message] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._timeout = 0  # number of the timeout in force; others have been cancelled
        self._asked: float | None = None  # the timeout of the last result, not started
        self._restarts: list[float] = []
        self._begin()

    # What happens to it.

    def join(self, name: str, joins: list[Do], leaves: Do) -> bool:
        """A client connects; False when the handshake is refused."""
        if self.status != "running":
            return False
        peer = self.peers[name] = Peer(name, joins, leaves, heard_at=self._now)
        if self.websocket.idle_timeout:
            self._after(self.websocket.idle_timeout, lambda: self._check_idle(peer))
        self._put("join", peer, "")
        return True

    def send(self, name: str, do: Do) -> None:
        """A client sends a message."""
        peer = self.peers[name]
        peer.heard_at = self._now
        peer.waiting += 1
        self._put("incoming", peer, str(do))

    def leave(self, name: str, code: int | None) -> None:
        """A client closes with that code, or is lost."""
        reason = Error("closed") if code is None else Remote(code, "bye")
        self._gone(self.peers[name], repr(reason))

    def post(self, kind: str, do: Do) -> str:
        """A broadcast or an info from outside; returns what its sender is told."""
        if self.status != "running":
            return "down"
        told = self._post(kind, str(do))
        self._drain()
        return told

    def release(self) -> None:
        """The gate opens: the callback that awaits goes on."""
        assert self.blocked is not None
        (peer, text), self.blocked = self.blocked, None
        self._settle(peer, lambda: self._finish(Do.read(text)))
        self._drain()

    def advance(self, seconds: float) -> None:
        """Time passes."""
        until = self._now + seconds
        while self._timers and self._timers[0][0] <= until:
            self._now, _, action = heapq.heappop(self._timers)
            action()
            self._drain()
        self._now = until

    def stop(self) -> None:
        """The server stops; nothing awaits the gate."""
        assert self.blocked is None
        self.stopping = True
        queued = [m.peer for m in self._mailbox if m.kind == "join" and m.peer]
        self._draining = True
        for peer in [*self._joined.values(), *queued]:
            self._finish_peer(peer, 1012, repr(Normal("shutdown")))
        self._draining = False
        self._drain()
        if self._alive:
            self._terminate("shutdown")
        if self.status == "running":
            self._down("stopped", 1012)

    # The mailbox.

    def _put(self, kind: str, peer: Peer | None, what: str) -> None:
        self._mailbox.append(Message(kind, peer, what))
        self._drain()

    def _post(self, kind: str, what: str) -> str:
        posted = sum(m.kind in ("broadcast", "info") for m in self._mailbox)
        if posted >= self.websocket.mailbox_limit:
            return "full"
        self._mailbox.append(Message(kind, None, what))
        return "ok"

    _draining = False

    def _drain(self) -> None:
        if self._draining:
            return
        self._draining = True
        while self._alive and self.blocked is None:
            if self._rejoining:
                self._deliver(Message("join", self._rejoining.popleft(), ""))
            elif self._mailbox:
                self._deliver(self._mailbox.popleft())
            elif self._asked == 0:
                self._deliver(Message("timeout", None, "TIMEOUT"))
            else:
                self._start_timer()
                break
        self._draining = False

    def _deliver(self, message: Message) -> None:
        kind, peer, what, life = message
        if life not in (0, self._life):
            return
        if kind == "incoming" and peer is not None:
            peer.waiting -= 1
        if peer is not None and kind == "join" and peer.told:
            return
        if peer is not None and kind != "join" and peer.name not in self._joined:
            return
        self._cancel_timer()
        if kind == "join":
            assert peer is not None
            again = self._life_of_join(peer)
            self._settle(peer, lambda: self._call("handle_join", peer, "", again))
            return
        if kind == "close":
            assert peer is not None
            del self._joined[peer.name]
            peer.told = True
            self._group.pop(peer.name, None)
            self._settle(
                peer, lambda: self._call("handle_close", peer, what, peer.leaves)
            )
        elif kind == "incoming":
            do = Do.read(what)
            self._settle(peer, lambda: self._call("handle_incoming", peer, what, do))
        else:
            callback = "handle_broadcast" if kind == "broadcast" else "handle_info"
            do = Do(0, "note") if kind == "timeout" else Do.read(what)
            self._settle(None, lambda: self._call(callback, None, what, do))

    def _life_of_join(self, peer: Peer) -> Do:
        first = not any(
            e.callback == "handle_join" and e.who == peer.name for e in self.journal
        )
        self._joined[peer.name] = peer
        return peer.joins[0 if first else 1]

    # A callback.

    def _call(
        self, callback: str, peer: Peer | None, what: str, do: Do
    ) -> float | None:
        self._note(callback, peer, what)
        if callback == "handle_join" and peer is not None and do.verb != "hide":
            self._enter(peer)
        group = list(self._group.values())
        match do.verb:
            case "echo" if peer is not None:
                self._send(peer, f"{do.number} echo")
            case "all":
                self._send_all(f"{do.number} all")
            case "others":
                self._send_all(f"{do.number} others", exclude=peer)
            case "loop":
                for member in group:
                    self._send(member, f"{do.number} loop")
            case "mixed":
                self._send_all(f"{do.number} a")
                for member in group[:1]:
                    self._send(member, f"{do.number} b")
                self._send_all(f"{do.number} c", exclude=peer)
                self._send_all(f"{do.number} d")
                if peer is not None:
                    self._send(peer, f"{do.number} e")
            case "enter" if peer is not None:
                self._enter(peer)
            case "leave" if peer is not None:
                self._group.pop(peer.name, None)
            case "close" if peer is not None:
                self._send_all(f"{do.number} before")
                self._finish_peer(peer, 4000, repr(Normal("shutdown")))
                self._send_all(f"{do.number} after")
            case "close_first" if group:
                self._finish_peer(group[0], 4001, repr(Normal("shutdown")))
            case "tell":
                if self._post("broadcast", f"{do.number} {do.argument}") == "full":
                    self._note("full", peer, "")
            case "later":
                seconds, _, then = do.argument.partition(" ")
                self._later(float(seconds), f"{do.number} {then}")
            case "wait" | "wait_raise" if not self.stopping:
                raise Waiting(str(do))
        return self._finish(do)

    def _finish(self, do: Do) -> float | None:
        match do.verb:
            case "raise" | "wait_raise":
                raise Crash(f"Boom {do.number}")
            case "wrong":
                raise Crash("TypeError")
            case "stop":
                raise Stopped(do.argument)
            case "timeout":
                return float(do.argument)
        return None

    def _settle(self, peer: Peer | None, call: Callable[[], float | None]) -> None:
        try:
            timeout = call()
        except Waiting as waiting:
            self.blocked = peer, str(waiting)
        except Crash as crash:
            if peer is not None:
                self._joined.pop(peer.name, None)
                self._drop(peer, 1011)
            self._end(str(crash), crashed=True)
        except Stopped as stopped:
            self._end(str(stopped), crashed=False)
        else:
            self._asked = timeout

    def _start_timer(self) -> None:
        if self._asked is None:
            return
        number = self._timeout

        def due() -> None:
            if number == self._timeout and self._alive and self.blocked is None:
                self._mailbox.append(Message("timeout", None, "TIMEOUT"))

        self._after(self._asked, due)
        self._asked = None

    def _cancel_timer(self) -> None:
        """A message that is for somebody cancels the timeout."""
        self._timeout += 1
        self._asked = None

    # Lives.

    def _begin(self) -> bool:
        self._life += 1
        self._note("init", None, "")
        if self.failing_inits:
            self.failing_inits -= 1
            return False
        self._alive = True
        self._rejoining = deque(self._joined.values())
        return True

    def _terminate(self, reason: str) -> None:
        self._alive = False
        self._cancel_timer()
        self._note("terminate", None, reason)
        self.crashing_terminates = max(0, self.crashing_terminates - 1)
        self._group = {}

    def _end(self, reason: str, crashed: bool) -> None:
        clean = reason in ("normal", "shutdown") and not crashed
        self._terminate(reason)
        wanted = {
            "permanent": True,
            "transient": not clean,
            "temporary": False,
        }[self.supervisor.restart]
        while True:
            if self.stopping or not wanted:
                self._down(
                    *(("failed", 1011) if crashed else ("stopped", 1001)),
                )
                return
            period = self.supervisor.period
            recent = [t for t in self._restarts if self._now - t < period]
            self._restarts = [*recent, self._now]
            if len(self._restarts) > self.supervisor.max_restarts:
                self._down("failed", 1011)
                return
            if self.supervisor.on_restart == "close":
                self._drop_joined(1012)
            if self._begin():
                return
            crashed = True
            wanted = self.supervisor.restart != "temporary"

    def _down(self, status: str, code: int) -> None:
        self.status = status
        self._drop_joined(code)
        for message in self._mailbox:
            if message.kind == "join" and message.peer is not None:
                self._drop(message.peer, code)
        self._mailbox.clear()

    def _drop_joined(self, code: int) -> None:
        joined, self._joined = self._joined, {}
        self._rejoining.clear()
        for peer in joined.values():
            self._drop(peer, code)

    # Clients.

    def _drop(self, peer: Peer, code: int) -> None:
        peer.told = True
        self._group.pop(peer.name, None)
        if peer.open:
            peer.open = False
            peer.closed_with = code

    def _finish_peer(self, peer: Peer, code: int, reason: str) -> None:
        if peer.open:
            peer.closed_with = code
            self._gone(peer, reason)

    def _gone(self, peer: Peer, reason: str) -> None:
        peer.open = False
        self._put("close", peer, reason)

    def _check_idle(self, peer: Peer) -> None:
        limit = self.websocket.idle_timeout
        if not peer.open:
            return
        left = peer.heard_at + limit - self._now
        if left > 0:
            self._after(left, lambda: self._check_idle(peer))
        elif peer.waiting:
            self._after(limit, lambda: self._check_idle(peer))
        else:
            self._finish_peer(peer, 1000, repr(Normal("timeout")))

    def _enter(self, peer: Peer) -> None:
        if not peer.told:
            self._group[peer.name] = peer

    def _send(self, peer: Peer, text: str) -> None:
        if peer.open:
            peer.inbox.append(text)

    def _send_all(self, text: str, exclude: Peer | None = None) -> None:
        for member in self._group.values():
            if member is not exclude:
                self._send(member, text)

    # Small things.

    def _note(self, callback: str, peer: Peer | None, what: str) -> None:
        who = "" if peer is None else peer.name
        self.journal.append(Entry(self._life, callback, who, what, tuple(self._group)))

    def _later(self, seconds: float, text: str) -> None:
        life = self._life

        def due() -> None:
            if life == self._life and self._alive:
                self._mailbox.append(Message("later", None, text, life))

        self._after(seconds, due)

    def _after(self, seconds: float, action: Callable[[], Any]) -> None:
        heapq.heappush(self._timers, (self._now + seconds, next(self._order), action))
