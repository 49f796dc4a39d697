from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    async def handle_join(self, service_url, websocket):
        return Noreply(0)
