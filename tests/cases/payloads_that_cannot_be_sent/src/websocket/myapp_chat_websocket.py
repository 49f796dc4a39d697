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
        websocket.send(42)
        websocket.send({"type": "welcome"})
        state.members.send(len(state.members))
        websocket.send_json({1, 2})
        return Noreply(state)
