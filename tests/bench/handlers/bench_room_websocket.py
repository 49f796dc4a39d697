"""Everyone who joins hears everyone who speaks: a room kept in a `Group`."""

from dataclasses import dataclass, field

from boss import CloseReason, Group, Noreply, Ok, ServiceHandler, WebSocket


@dataclass
class State:
    """Who is in the room."""

    members: Group = field(default_factory=Group)


class RoomWebsocket(ServiceHandler[State]):
    """The idiomatic room."""

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
        state.members.send(message)
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: State
    ) -> Noreply[State]:
        state.members.discard(websocket)
        return Noreply(state)
