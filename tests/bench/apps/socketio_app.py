"""python-socketio in its ASGI form: the event `echo`, and `room` for everybody."""

import socketio

server = socketio.AsyncServer(async_mode="asgi", logger=False, engineio_logger=False)
app = socketio.ASGIApp(server)


@server.event
async def echo(sid: str, text: str) -> None:
    await server.emit("echo", text, to=sid)


@server.event
async def room(sid: str, text: str) -> None:
    await server.emit("room", text)
