from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    def init(self):
        return Ok(self.inti())

    def inti(self):
        return 0

    def greet(self):
        return "hello"
