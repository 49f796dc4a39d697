from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def handle_join(this, url, ws, st, extra=5):
        return Noreply(st)

    def handle_incoming(self, *given):
        return Noreply(given[-1])
