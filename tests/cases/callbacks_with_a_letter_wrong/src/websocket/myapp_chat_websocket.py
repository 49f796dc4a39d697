from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_jion(self, service_url, websocket, state):
        return Noreply(state)

    def handleIncoming(self, service_url, websocket, message, state):
        return Noreply(state)

    async def on_message(self, service_url, websocket, message, state):
        return Noreply(state)
