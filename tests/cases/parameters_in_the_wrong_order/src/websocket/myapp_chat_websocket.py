from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_broadcast(self, state, message):
        return Noreply(message)
