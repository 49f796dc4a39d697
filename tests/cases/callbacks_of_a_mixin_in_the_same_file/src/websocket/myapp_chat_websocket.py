from boss import Noreply, ServiceHandler


class Quiet:
    def handle_info(self, info: object, state: None) -> Noreply[None]:
        return Noreply(state)


class ChatWebsocket(Quiet, ServiceHandler[None]):
    def handle_broadcast(self, message: object, state: None) -> Noreply[None]:
        return Noreply(state)
