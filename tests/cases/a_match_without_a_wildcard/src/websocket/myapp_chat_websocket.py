from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_info(self, info, state):
        match info:
            case "more":
                return Noreply(state + 1)
            case "less":
                return Noreply(state - 1)
