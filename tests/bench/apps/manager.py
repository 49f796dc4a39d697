"""FastAPI with the `ConnectionManager` of its documentation, and a plain echo route.

Source: FastAPI, "WebSockets: handling disconnections and multiple clients". The words
that the example speaks to a client, and about one that left, are taken out: the load
client counts what it hears.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class ConnectionManager:
    """The clients of one room, as in the documentation."""

    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active_connections.remove(websocket)

    async def broadcast(self, message: str) -> None:
        for connection in self.active_connections:
            await connection.send_text(message)


manager = ConnectionManager()


@app.websocket("/room")
async def room(websocket: WebSocket) -> None:
    await manager.connect(websocket)
    try:
        while True:
            data = await websocket.receive_text()
            await manager.broadcast(data)
    except WebSocketDisconnect:
        manager.disconnect(websocket)


async def echo_to(websocket: WebSocket) -> None:
    """Give one client its own texts back."""
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await echo_to(websocket)


def nothing() -> None:
    """A dependency, for the price of one."""


@app.websocket("/depends")
async def depends(
    websocket: WebSocket, _dependency: Annotated[None, Depends(nothing)]
) -> None:
    await echo_to(websocket)
