from boss import Noreply, ServiceHandler, WebSocket


class ChatWebsocket(ServiceHandler[None]):
    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        websocket.send(message)
        return Noreply(state)
