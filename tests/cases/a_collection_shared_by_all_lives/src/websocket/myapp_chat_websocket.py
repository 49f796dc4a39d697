from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    members = set()

    def handle_join(self, service_url, websocket, state):
        self.members.add(websocket)
        return Noreply(state)
