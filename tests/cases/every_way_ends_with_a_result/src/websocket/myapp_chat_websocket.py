from boss import Error, Noreply, Normal, Remote, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_close(self, reason, service_url, websocket, state):
        match reason:
            case Normal():
                return Noreply(state)
            case Error(text) | Remote(_, text):
                return Stop(text, state)

    async def handle_incoming(self, service_url, websocket, message, state):
        while True:
            try:
                return await self._answer(message, state)
            except OSError:
                state += 1
                if state > 5:
                    raise
            finally:
                websocket.send("done")

    async def _answer(self, message, state):
        result = None
        if isinstance(message, str):
            result = Noreply(state)
        return result or Stop("binary", state)
