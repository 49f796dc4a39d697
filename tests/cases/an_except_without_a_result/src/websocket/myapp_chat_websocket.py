from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_incoming(self, service_url, websocket, message, state):
        try:
            return Noreply(state + int(message))
        except ValueError:
            websocket.send("a number, please")
