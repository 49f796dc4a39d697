# -*- coding: latin-1 -*-
from boss import Noreply, ServiceHandler, WebSocket


NAME = "é"


class LatinWebsocket(ServiceHandler[None]):
    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        websocket.send(message)
        return Noreply(state)
