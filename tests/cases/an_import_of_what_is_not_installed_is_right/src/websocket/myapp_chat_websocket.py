import nowhere
from boss import Noreply, ServiceHandler


class ChatWebsocket(ServiceHandler[int]):
    def handle_info(self, info, state):
        return Noreply(nowhere.add(state))
