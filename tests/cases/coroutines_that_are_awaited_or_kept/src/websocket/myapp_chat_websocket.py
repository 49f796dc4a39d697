from dataclasses import dataclass, field

from boss import Group, Noreply, Ok, ServiceHandler, WebSocket, services


@dataclass
class State:
    members: Group = field(default_factory=Group)
    plain: set[WebSocket] = field(default_factory=set)


class ChatWebsocket(ServiceHandler[State]):
    def init(self):
        return Ok(State())

    async def handle_info(self, info, state):
        await self.save(state)
        task = self.save(state)
        await task
        return Noreply(state)

    async def save(self, state):
        print(state)
