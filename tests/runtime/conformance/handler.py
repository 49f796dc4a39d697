"""What the Autobahn suite talks to: an echo."""

from boss import Noreply, ServiceHandler, WebSocket


class EchoWebsocket(ServiceHandler[None]):
    """Sends back what it is sent."""

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        websocket.send(message)
        return Noreply(state)
