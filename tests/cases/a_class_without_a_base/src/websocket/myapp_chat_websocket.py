from boss import Noreply


class ChatWebsocket:
    def handle_info(self, info, state):
        return Noreply(state)
