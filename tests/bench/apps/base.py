"""The base of all ratios: a bare ASGI callable that does nothing but `await send`."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

members: dict[Send, None] = {}


async def echo(receive: Receive, send: Send) -> None:
    """Give each client its own texts back."""
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def room(receive: Receive, send: Send) -> None:
    """Give every text to every member."""
    members[send] = None
    try:
        while (message := await receive())["type"] == "websocket.receive":
            text = {"type": "websocket.send", "text": message["text"]}
            for member in list(members):
                with suppress(OSError):
                    await member(text)
    finally:
        del members[send]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Serve /echo and /room; there is no lifespan to speak of."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    with suppress(OSError):
        await (echo if scope["path"] == "/echo" else room)(receive, send)
