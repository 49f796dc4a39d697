from boss import Group, Noreply, Ok, ServiceHandler


class ChatWebsocket(ServiceHandler[Group]):
    def init(self):
        return Ok(Group())

    def handle_join(self, service_url, websocket, state):
        state.add(websocket)
        state.send_json({"here": websocket.id}, exclude=websocket)
        if hasattr(websocket, "ping"):
            websocket.ping()
        return Noreply(state)

    def handle_close(self, reason, service_url, websocket, state):
        try:
            state.remove(websocket)
        except AttributeError:
            state.discard(websocket)
        return Noreply(state)
