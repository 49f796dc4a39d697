from dataclasses import dataclass, field

from boss import Group, Noreply, Ok, ServiceHandler, WebSocket, services


@dataclass
class State:
    members: Group = field(default_factory=Group)
    plain: set[WebSocket] = field(default_factory=set)


class ChatWebsocket(ServiceHandler[State]):
    def init(self):
        return Ok(State())

    def handle_join(self, service_url, websocket, state):
        state.members.add(websocket)
        state.plain.add(websocket)
        return Noreply(state)

    def handle_close(self, reason, service_url, websocket, state):
        state.plain.discard(websocket)
        return Noreply(state)
