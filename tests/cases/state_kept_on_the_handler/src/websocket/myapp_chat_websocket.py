from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def init(self):
        self.members = set()
        return Ok(0)

    def handle_join(self, service_url, websocket, state):
        self.count += 1
        return Noreply(state)
