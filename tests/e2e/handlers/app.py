"""The application: the generated router, and routes that speak to services."""

import threading

from fastapi import FastAPI, HTTPException

from boss import ServiceDown, services
from boss.router import router

app = FastAPI()
app.include_router(router)


@app.post("/say/{message}")
async def say(message: str) -> None:
    """Broadcast from an HTTP route."""
    try:
        services.myservice.broadcast(message)
    except ServiceDown as down:
        raise HTTPException(409, "down") from down


@app.post("/info/{message}")
def info(message: str) -> None:
    """Send an info from a thread: FastAPI runs a `def` route in one."""
    services.myservice.info(message)


@app.post("/thread/{message}")
async def thread(message: str) -> None:
    """Broadcast from a thread of the user's own."""
    threading.Thread(target=services.myservice.broadcast, args=(message,)).start()
