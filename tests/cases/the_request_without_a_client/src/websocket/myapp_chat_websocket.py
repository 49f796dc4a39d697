from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_broadcast(self, message, state):
        return Noreply(self.req.url.path)

    def handle_info(self, info, state):
        return Noreply(self._who())

    def _who(self):
        return self.session_id
