"""All seven callbacks, sync and async, with each result that they may have."""

from boss import TIMEOUT, CloseReason, Noreply, Ok, ServiceHandler, Stop, WebSocket


class AllWebsocket(ServiceHandler[int]):
    def init(self) -> Ok[int]:
        return Ok(0, timeout=1.5)

    async def handle_join(
        self, service_url: str, websocket: WebSocket, state: int
    ) -> Noreply[int]:
        return Noreply(state + 1, timeout=0)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: int
    ) -> Noreply[int] | Stop[int]:
        return Noreply(state - 1) if state > 1 else Stop("normal", 0)

    async def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: int
    ) -> Noreply[int] | Stop[int]:
        match message:
            case "stop":
                return Stop("shutdown", state)
            case str():
                result = Noreply(state)
            case _:
                raise ValueError("text only")
        return result

    def handle_broadcast(self, message: object, state: int) -> Noreply[int]:
        return self._kept(state)

    def handle_info(self, info: object, state: int) -> Noreply[int] | Stop[int]:
        if info is TIMEOUT:
            return Stop("normal", state)
        return Noreply(state, timeout=60)

    async def terminate(self, reason: object, state: int) -> None:
        pass

    def _kept(self, state: int) -> Noreply[int]:
        return Noreply(state)
