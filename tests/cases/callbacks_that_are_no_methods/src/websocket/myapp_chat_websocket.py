from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    handle_info = None

    @property
    def init(self):
        return Ok(0)

    @staticmethod
    def handle_broadcast(message, state):
        return Noreply(state)

    async def handle_join(self, service_url, websocket, state):
        yield Noreply(state)
