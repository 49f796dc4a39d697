from dataclasses import dataclass, field

from boss import Group, Noreply, Ok, ServiceHandler, WebSocket, services


@dataclass
class State:
    members: Group = field(default_factory=Group)
    plain: set[WebSocket] = field(default_factory=set)


class ChatWebsocket(ServiceHandler[State]):
    def init(self):
        return Ok(State())

    def handle_info(self, info, state):
        services.chat.broadcast(info)
        if hasattr(services, "news"):
            services.news.broadcast(info)
        getattr(services, info).broadcast(info)
        return Noreply(state)
