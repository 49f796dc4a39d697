from boss import Group, Noreply, Ok, ServiceHandler


class ChatWebsocket(ServiceHandler[Group]):
    def init(self):
        return Ok(Group())

    async def handle_join(self, service_url, websocket, state):
        await websocket.accept()
        await websocket.send_text(websocket.headers["host"])
        state.add(websocket)
        return Noreply(state)

    async def handle_incoming(self, service_url, websocket, message, state):
        websocket.sendjson(await websocket.receive_json())
        state.broadcast(message)
        return Noreply(state)

    def handle_close(self, reason, service_url, websocket, state):
        await websocket.send_text("bye")
        state.remove(websocket)
        return Noreply(state)
