"""A handler that does in each callback what it is told, and keeps the journal that `model.py` keeps, too."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from boss import (
    CloseReason,
    Group,
    MailboxFull,
    Noreply,
    Ok,
    ServiceHandler,
    Stop,
    WebSocket,
)
from boss.runtime.address import ServiceAddress
from tests.runtime.model import Do, Entry


class Boom(Exception):
    """What a callback raises that is told to raise."""


@dataclass
class Script:
    """What lies outside the service: the journal, the gate, and what goes wrong in init and terminate."""

    address: ServiceAddress
    journal: list[Entry] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of clients, keyed by id
    life: int = 0
    failing_inits: int = 0
    crashing_terminates: int = 0
    stopping: bool = False  # nobody awaits the gate any more
    gate: "asyncio.Future[None] | None" = None  # what a callback awaits


@dataclass
class State:
    """Who is there, in this life."""

    life: int
    members: Group = field(default_factory=Group)


Result = Noreply[State] | Stop[State] | None


class ScriptedWebsocket(ServiceHandler[State]):
    """See the module."""

    script: ClassVar[Script]

    def init(self) -> Ok[State]:
        script = self.script
        script.life += 1
        state = State(script.life)
        self._note(state, "init", "", "")
        if script.failing_inits:
            script.failing_inits -= 1
            raise Boom("init")
        return Ok(state)

    def handle_join(  # type: ignore[override]  # it may return what it must not
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Result | Awaitable[Result]:
        query = self.req.query_params
        name = query["name"]
        again = websocket.id in self.script.names
        self.script.names[websocket.id] = name
        self._note(state, "handle_join", name, "")
        do = Do.read(query["again" if again else "join"])
        if do.verb != "hide":
            state.members.add(websocket)
        return self._perform(do, state, websocket)

    def handle_close(  # type: ignore[override]
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: State
    ) -> Result | Awaitable[Result]:
        query = self.req.query_params
        self._note(state, "handle_close", query["name"], repr(reason))
        return self._perform(Do.read(query["close"]), state, websocket)

    def handle_incoming(  # type: ignore[override]
        self,
        service_url: str,
        websocket: WebSocket,
        message: str | bytes,
        state: State,
    ) -> Result | Awaitable[Result]:
        assert isinstance(message, str)
        name = self.req.query_params["name"]
        self._note(state, "handle_incoming", name, message)
        return self._perform(Do.read(message), state, websocket)

    def handle_broadcast(  # type: ignore[override]
        self, message: str, state: State
    ) -> Result | Awaitable[Result]:
        self._note(state, "handle_broadcast", "", message)
        return self._perform(Do.read(message), state, None)

    def handle_info(  # type: ignore[override]
        self, info: object, state: State
    ) -> Result | Awaitable[Result]:
        self._note(
            state, "handle_info", "", info if isinstance(info, str) else repr(info)
        )
        do = Do.read(info) if isinstance(info, str) else Do(0, "note")
        return self._perform(do, state, None)

    def terminate(self, reason: object, state: State) -> None:
        told = str(reason)
        if isinstance(reason, Boom):
            told = f"Boom {reason}"
        elif isinstance(reason, Exception):
            told = type(reason).__name__
        self._note(state, "terminate", "", told)
        if self.script.crashing_terminates:
            self.script.crashing_terminates -= 1
            raise Boom("terminate")

    def _note(self, state: State, callback: str, who: str, what: str) -> None:
        names = self.script.names
        members = tuple(names[member.id] for member in state.members)
        self.script.journal.append(Entry(state.life, callback, who, what, members))

    def _perform(
        self, do: Do, state: State, websocket: WebSocket | None
    ) -> Result | Awaitable[Result]:
        number, verb, argument = do
        members = state.members
        match verb:
            case "echo" if websocket:
                websocket.send(f"{number} echo")
            case "all":
                members.send(f"{number} all")
            case "others":
                members.send(f"{number} others", exclude=websocket)
            case "loop":
                text = f"{number} loop"
                for member in members:
                    member.send(text)
            case "mixed":
                members.send(f"{number} a")
                for member in list(members)[:1]:
                    member.send(f"{number} b")
                members.send(f"{number} c", exclude=websocket)
                members.send(f"{number} d")
                if websocket:
                    websocket.send(f"{number} e")
            case "enter" if websocket:
                members.add(websocket)
            case "leave" if websocket:
                members.discard(websocket)
            case "close" if websocket:
                members.send(f"{number} before")
                websocket.close(4000, "as told")
                members.send(f"{number} after")
            case "close_first" if members:
                next(iter(members)).close(4001)
            case "tell":
                try:
                    self.script.address.broadcast(f"{number} {argument}")
                except MailboxFull:
                    who = self.script.names[websocket.id] if websocket else ""
                    self._note(state, "full", who, "")
            case "later":
                seconds, _, then = argument.partition(" ")
                self.send_after(float(seconds), f"{number} {then}")
            case "wait" | "wait_raise":
                return self._wait(do, state)
        return self._finish(do, state)

    async def _wait(self, do: Do, state: State) -> Result:
        if not self.script.stopping:
            self.script.gate = asyncio.get_running_loop().create_future()
            await self.script.gate
        return self._finish(do, state)

    def _finish(self, do: Do, state: State) -> Result:
        match do.verb:
            case "raise" | "wait_raise":
                raise Boom(do.number)
            case "wrong":
                return None
            case "stop":
                return Stop(do.argument, state)
            case "timeout":
                return Noreply(state, timeout=float(do.argument))
        return Noreply(state)


CALLBACKS: list[Any] = [
    "init",
    "handle_join",
    "handle_close",
    "handle_incoming",
    "handle_broadcast",
    "handle_info",
    "terminate",
]
