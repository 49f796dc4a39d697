from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_join(self, service_url, websocket, state):
        websocket.send(f"{self.session_id} {self.req.url.path}")
        return Noreply(state)
