from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def init(self):
        return Noreply(0)

    def handle_join(self, service_url, websocket, state):
        return state

    def handle_info(self, info, state):
        return ("noreply", state)

    async def handle_broadcast(self, message, state):
        return self._answer(state) if message else Stop(state)

    async def _answer(self, state):
        return Noreply(state)
