import boss
from boss import Noreply, ServiceHandler


class ChatWebsocket(ServiceHandler[int]):
    def handle_info(self, info, state):
        match info:
            case boss.TIMEOUT:
                return Noreply(state)
            case other:
                return Noreply(other)
