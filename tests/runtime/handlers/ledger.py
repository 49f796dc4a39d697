"""Writes down every callback in the file that LEDGER names, and does what it is told."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

from boss import CloseReason, Group, Noreply, Ok, ServiceHandler, Stop, WebSocket

SERVICE = Path(__file__).name.split("_")[1]
LEDGER = os.open(
    os.environ.get("LEDGER", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT
)
FAULTS = Path(os.environ.get("FAULTS", os.devnull))  # what goes wrong, a word each


def note(callback: str, who: str = "", what: object = "") -> None:
    os.write(LEDGER, f"{SERVICE} {callback} {who} {what}\n".encode())


def goes_wrong(fault: str) -> bool:
    try:
        return fault in FAULTS.read_text().split()
    except OSError:  # no descriptor left, in the test of just that
        return False


@dataclass
class State:
    """Who is there."""

    members: Group = field(default_factory=Group)


Result = Noreply[State] | Stop[State]


class LedgerWebsocket(ServiceHandler[State]):
    """See the module."""

    async def init(self) -> Ok[State]:
        note("init")
        if goes_wrong("init"):
            raise RuntimeError("init, as told")
        if goes_wrong("hanging_init"):
            await asyncio.Event().wait()
        return Ok(State())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Result:
        note("handle_join", websocket.id)
        state.members.add(websocket)
        if "silent" not in self.req.query_params:
            websocket.send(f"welcome {websocket.id}")
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: State
    ) -> Result | Awaitable[Result]:
        note("handle_close", websocket.id, reason)
        if goes_wrong("hanging_close"):
            return self.hang("hung in handle_close", state)
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: State
    ) -> Result | Awaitable[Result]:
        if isinstance(message, bytes):
            websocket.send(message)
            return Noreply(state)
        command, _, argument = message.partition(" ")
        note("handle_incoming", websocket.id, message[:50])
        match command:
            case "crash":
                raise RuntimeError(f"{argument}, as told")
            case "all":
                state.members.send(argument)
            case "block":
                time.sleep(float(argument))
            case "hang":
                return self.hang("hung in handle_incoming", state)
            case "cling":
                return self.cling()
            case "slowly":
                return self.slowly(float(argument), state)
            case "close":
                websocket.close(4000, "as told")
            case "print":
                print("printed", flush=True)
            case _:
                websocket.send(message)
        return Noreply(state)

    def handle_broadcast(self, message: str, state: State) -> Result:
        """Send so many messages of so many KiB, numbered, to all, one in each turn of the loop."""
        number, last, size = (int(word) for word in message.split())
        state.members.send(f"{number:6}".encode() + bytes(size * 1024 - 6))
        if number < last:
            self.send_after(0, f"{number + 1} {last} {size}")
        return Noreply(state)

    def handle_info(self, info: str, state: State) -> Result:
        return self.handle_broadcast(info, state)

    async def hang(self, what: str, state: State) -> Result:
        note("hangs")
        try:
            await asyncio.Event().wait()
        finally:
            note("cancelled", what=what)
        return Noreply(state)

    async def cling(self) -> Result:
        note("hangs")
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async def slowly(self, seconds: float, state: State) -> Result:
        await asyncio.sleep(seconds)
        note("slowly")
        return Noreply(state)

    async def terminate(self, reason: object, state: State) -> None:
        note("terminate", what=repr(reason))
        if goes_wrong("terminate"):
            raise RuntimeError("terminate, as told")
        if goes_wrong("hanging_terminate"):
            await asyncio.Event().wait()
