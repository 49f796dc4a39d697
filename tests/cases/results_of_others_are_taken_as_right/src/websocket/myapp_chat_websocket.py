from boss import ServiceHandler

from src.lib.answers import answer


class ChatWebsocket(ServiceHandler[int]):
    def handle_info(self, info, state):
        return answer(info, state)

    def handle_broadcast(self, message, state):
        return super().handle_broadcast(message, state)
