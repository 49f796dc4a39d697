from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_info(self, info, state):
        def numbers():
            yield 1

        return Noreply(state + sum(numbers()))
