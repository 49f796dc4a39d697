"""Lives in the project under test as app.py: lets the tests look at the journal and act from outside of handlers."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import BackgroundTasks, Body, FastAPI, WebSocket

from boss.router import router
from src.lib.script import JOURNAL, SCRIPTS, define, world

app = FastAPI()
app.include_router(router)

Code = Annotated[str, Body(embed=True)]


@app.get("/journal/{service}")
async def journal(service: str) -> list[dict[str, Any]]:
    return JOURNAL[service]


@app.post("/on/{service}/{callback}")
async def on(service: str, callback: str, code: Code) -> None:
    SCRIPTS[service, callback] = define(service, code, awaits=service[0] == "a")


def answer(service: str, run: Any) -> dict[str, Any]:
    """What `run` returned, or the name of what it raised."""
    try:
        return {"result": run(None, world(service)["STATES"].get(service), *[None] * 4)}
    except Exception as error:  # noqa: BLE001  # shown to the test
        return {"raised": type(error).__name__, "text": str(error)}


@app.post("/do/{service}")
async def do(service: str, code: Code) -> dict[str, Any]:
    """Run on the event loop."""
    return answer(service, define(service, code, awaits=False))


@app.post("/thread/{service}")
def thread(service: str, code: Code) -> dict[str, Any]:
    """Run in a thread, as FastAPI runs a `def` route."""
    return answer(service, define(service, code, awaits=False))


@app.post("/background/{service}")
async def background(service: str, code: Code, tasks: BackgroundTasks) -> None:
    """Run after the response."""
    tasks.add_task(answer, service, define(service, code, awaits=False))


@app.websocket("/own")
async def own(websocket: WebSocket) -> None:
    """A WebSocket of the application's own: no service takes it over."""
    async with AsyncExitStack():
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(f"own {text}")
            await asyncio.sleep(0)
