"""A service behind a FastAPI dependency."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, HTTPException, Query

from boss import Noreply, ServiceHandler, WebSocket, services


def check(
    token: Annotated[str, Query()] = "", tell: Annotated[bool, Query()] = False
) -> Iterator[None]:
    """Lets in who knows the word; what follows `yield` runs when the connection ends."""
    if token != "sesame":
        raise HTTPException(401, headers={"www-authenticate": "Bearer"})
    yield
    if tell:
        services.myservice.broadcast("dependency over")


class GuardedWebsocket(ServiceHandler[None]):
    """Says hello."""

    dependencies = (Depends(check),)

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: None
    ) -> Noreply[None]:
        websocket.send("welcome")
        return Noreply(state)
