"""The application: the generated router, and a route by which a test speaks to services from outside."""

from fastapi import FastAPI

from boss import services
from boss.router import router

app = FastAPI()
app.include_router(router)


@app.post("/broadcast/{name}/{message}")
async def broadcast(name: str, message: str) -> None:
    getattr(services, name).broadcast(message)
