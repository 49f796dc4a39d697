from dataclasses import dataclass, field

from boss import Group, Noreply, Ok, ServiceHandler, WebSocket, services


@dataclass
class State:
    members: Group = field(default_factory=Group)
    plain: set[WebSocket] = field(default_factory=set)


class ChatWebsocket(ServiceHandler[State]):
    def init(self):
        return Ok(State())

    async def handle_join(self, service_url, websocket, state):
        await websocket.send("hello")
        for member in state.members:
            await member.send_json({"joined": websocket.id})
        return Noreply(state)

    async def handle_info(self, info, state):
        await services.chat.broadcast(info)
        return Noreply(state)
