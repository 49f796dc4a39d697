"""Django Channels on the same uvicorn, with its in-memory channel layer.

The layer's capacity is raised from 100: it would drop what the load client waits for.
"""

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="not secret: nothing but a benchmark",
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 100_000},
        }
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path


class Echo(AsyncWebsocketConsumer):
    """Gives each client its own texts back."""

    async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
        await self.send(text_data=text_data)


class Room(AsyncWebsocketConsumer):
    """The chat of the tutorial: everybody is in one group."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("room", self.channel_name)

    async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
        await self.channel_layer.group_send(
            "room", {"type": "chat.message", "text": text_data}
        )

    async def chat_message(self, event: dict[str, str]) -> None:
        await self.send(text_data=event["text"])


app = ProtocolTypeRouter(
    {
        "websocket": URLRouter(
            [path("echo", Echo.as_asgi()), path("room", Room.as_asgi())]
        )
    }
)
