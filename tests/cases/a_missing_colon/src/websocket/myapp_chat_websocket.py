from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_info(self, info, state)
        return Noreply(state)
