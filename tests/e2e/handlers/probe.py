"""Every callback of the seed: says what it was called with, and does what it is told."""

from dataclasses import dataclass, field
from pathlib import Path

from boss import (
    TIMEOUT,
    CloseReason,
    Group,
    Noreply,
    Ok,
    ServiceHandler,
    Stop,
    WebSocket,
    services,
)


@dataclass
class State:
    """Who is there, and how many messages came so far."""

    members: Group = field(default_factory=Group)
    count: int = 0


class ProbeWebsocket(ServiceHandler[State]):
    """Answers commands; anything else is echoed."""

    def init(self) -> Ok[State]:
        return Ok(State())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State] | Stop[State]:
        state.members.add(websocket)
        query = dict(self.req.query_params)
        if "stop" in query:
            return Stop(query["stop"], state)
        websocket.send_json(
            {
                "url": service_url,
                "path": self.req.url.path,
                "query": query,
                "session": self.session_id,
                "id": websocket.id,
            }
        )
        if "timeout" in query:
            return Noreply(state, timeout=float(query["timeout"]))
        return Noreply(state)

    def handle_close(
        self,
        reason: CloseReason,
        service_url: str,
        websocket: WebSocket,
        state: State,
    ) -> Noreply[State] | Stop[State]:
        query = self.req.query_params
        if "name" in query:
            state.members.send(f"{query['name']} left {service_url}: {reason!r}")
        if "stop_on_close" in query:
            return Stop(query["stop_on_close"], state)
        if "timeout_on_close" in query:
            return Noreply(state, timeout=float(query["timeout_on_close"]))
        return Noreply(state)

    async def handle_incoming(
        self,
        service_url: str,
        websocket: WebSocket,
        message: str | bytes,
        state: State,
    ) -> Noreply[State] | Stop[State]:
        if isinstance(message, bytes):
            websocket.send(message)
            return Noreply(state)
        state.count += 1
        command, _, argument = message.partition(" ")
        match command:
            case "count":
                websocket.send(f"{state.count} for {self.session_id}")
            case "all":
                state.members.send(argument)
            case "broadcast":
                services.myservice.broadcast(argument)
            case "info":
                services.myservice.info(argument)
            case "later":
                self.send_after(0.01, "later")
            case "timeout":
                return Noreply(state, timeout=float(argument))
            case "close":
                websocket.close(4000, argument)
            case "stop":
                return Stop(argument, state)
            case "crash":
                raise ValueError(argument)
            case _:
                websocket.send(message)
        return Noreply(state)

    def handle_broadcast(
        self, message: str, state: State
    ) -> Noreply[State] | Stop[State]:
        command, _, argument = message.partition(" ")
        if command == "stop":
            return Stop(argument, state)
        if command == "timeout":
            return Noreply(state, timeout=float(argument))
        state.members.send(f"broadcast: {message}")
        return Noreply(state)

    def handle_info(self, info: object, state: State) -> Noreply[State] | Stop[State]:
        if info is TIMEOUT:
            state.members.send("info: TIMEOUT")
            return Noreply(state)
        command, _, argument = str(info).partition(" ")
        if command == "stop":
            return Stop(argument, state)
        if command == "timeout":
            return Noreply(state, timeout=float(argument))
        state.members.send(f"info: {info}")
        return Noreply(state)

    def terminate(self, reason: object, state: State) -> None:
        with Path("terminated.txt").open("a") as file:
            file.write(f"{reason!r} after {state.count}\n")
