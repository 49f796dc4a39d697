from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def init(self):
        return Ok(0, timeout=None)

    def handle_info(self, info, state):
        self.send_after(0.5, "tick")
        return Noreply(state, timeout=info.seconds)
