from boss import Group, Noreply, Ok, ServiceHandler


class Greeting:
    def handle_join(self, service_url, websocket, state):
        websocket.send("hello")
        return Noreply(state)

    def handle_incoming(self, service_url, websocket, message, state):
        return Noreply(state)


class ChatWebsocket(ServiceHandler[Group], Greeting):
    def init(self):
        return Ok(Group())

    def handle_incoming(self, service_url, websocket, message, state):
        state.send(message)
        return Noreply(state)
