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
        websocket.send("text")
        websocket.send(b"bytes")
        websocket.send(self.greeting())
        state.members.send_json({"members": len(state.members)})
        return Noreply(state)

    def greeting(self):
        return "hello"
