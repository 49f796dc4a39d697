"""Lives in the project under test as a handler: notes every call, then does what it is told; see script.py.

There are many services of this kind, so that every test has one that nobody has touched. Those whose name begins with
`d` get this text without `async` and `await`.
"""

from typing import Any

from boss import CloseReason, Noreply, Ok, ServiceHandler, WebSocket
from src.lib.script import State, called, new_state

NAME = __name__.removeprefix("src.websocket.myapp_").removesuffix("_websocket")


class ScriptedWebsocket(ServiceHandler[State]):
    """One of many of the same kind."""

    async def init(self) -> Any:
        state = new_state(NAME)
        return await called(self, "init", state, Ok(state), what=state.life)

    async def handle_join(
        self, service_url: str, websocket: WebSocket, state: State
    ) -> Any:
        default = Noreply(state)
        return await called(
            self, "handle_join", state, default, what=service_url, websocket=websocket
        )

    async def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: State
    ) -> Any:
        default = Noreply(state)
        return await called(
            self,
            "handle_close",
            state,
            default,
            what=reason,
            websocket=websocket,
            reason=reason,
        )

    async def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: State
    ) -> Any:
        default = Noreply(state)
        return await called(
            self,
            "handle_incoming",
            state,
            default,
            what=message,
            websocket=websocket,
            message=message,
        )

    async def handle_broadcast(self, message: Any, state: State) -> Any:
        default = Noreply(state)
        return await called(
            self, "handle_broadcast", state, default, what=message, message=message
        )

    async def handle_info(self, info: Any, state: State) -> Any:
        default = Noreply(state)
        return await called(
            self, "handle_info", state, default, what=info, message=info
        )

    async def terminate(self, reason: object, state: State) -> Any:
        return await called(self, "terminate", state, None, what=reason, reason=reason)
