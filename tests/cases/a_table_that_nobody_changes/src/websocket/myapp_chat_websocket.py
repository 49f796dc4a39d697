from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    COMMANDS = {"more": 1, "less": -1}

    def handle_info(self, info, state):
        return Noreply(state + self.COMMANDS[info])
