from boss import TIMEOUT, Noreply, ServiceHandler


class ChatWebsocket(ServiceHandler[int]):
    def handle_info(self, info, state):
        match info:
            case TIMEOUT:
                return Noreply(state)
