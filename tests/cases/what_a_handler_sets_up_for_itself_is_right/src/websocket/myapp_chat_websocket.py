from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def __init__(self):
        self.greeting = "hello"

    def handle_join(self, service_url, websocket, state):
        websocket.send(self.greeting)
        return Noreply(state)
