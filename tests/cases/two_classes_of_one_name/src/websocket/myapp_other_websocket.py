from boss import Noreply, ServiceHandler, WebSocket


class Websocket_chat(ServiceHandler[None]):
    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        websocket.send(message)
        return Noreply(state)
