from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_incoming(self, service_url, websocket, message, state):
        if message == "ping":
            websocket.send("pong")
            return Noreply(state)
