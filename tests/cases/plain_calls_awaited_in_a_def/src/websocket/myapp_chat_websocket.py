from boss import Group, Noreply, Ok, ServiceHandler


class ChatWebsocket(ServiceHandler[Group]):
    def init(self):
        return Ok(Group())

    def handle_join(self, service_url, websocket, state):
        state.add(websocket)
        await websocket.send("hello")
        return state

    def handle_incoming(self, service_url, websocket, message, state):
        await state.send(message)
        await self.save(message)
        await self.save(message)
        return Noreply(state)

    async def save(self, message): ...
