"""Everyone who joins hears everyone who speaks: a room kept in a `set`."""

from dataclasses import dataclass, field

from boss import CloseReason, Noreply, Ok, ServiceHandler, WebSocket


@dataclass
class State:
    """Who is in the room."""

    members: set[WebSocket] = field(default_factory=set)


class LoopWebsocket(ServiceHandler[State]):
    """The room of a newcomer: a plain set, and `send` in a loop."""

    def init(self) -> Ok[State]:
        return Ok(State())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.members.add(websocket)
        return Noreply(state)

    def handle_incoming(
        self,
        service_url: str,
        websocket: WebSocket,
        message: str | bytes,
        state: State,
    ) -> Noreply[State]:
        for member in state.members:
            member.send(message)
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.members.discard(websocket)
        return Noreply(state)
