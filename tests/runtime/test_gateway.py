"""The last steps of a handshake; what a client sees of them is tested by semantics/test_handshake.py."""

import asyncio
from typing import Any

import pytest
from starlette.websockets import WebSocket as Connection

from boss import ServiceHandler
from boss.runtime.gateway import Gateway
from boss.runtime.handshake import Admission, SessionCookie
from boss.runtime.settings import SessionSettings
from tests.runtime.fakes import Bench, bench, scope

pytestmark = pytest.mark.anyio


def gateway(b: Bench, admission: Admission) -> Gateway:
    session = SessionCookie(SessionSettings(), "secret")
    return Gateway(b.supervisor, b.turn, session, admission)


async def receive() -> Any:
    return {"type": "websocket.connect"}


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_whoever_cannot_be_accepted_takes_no_place(
    error: type[BaseException],
) -> None:
    async def send(event: Any) -> None:
        raise error

    async with bench(ServiceHandler) as b:
        admission = Admission(1, 1)
        connection = Connection(scope(address="192.0.2.1"), receive, send)
        with pytest.raises(error):
            await gateway(b, admission).connect("chat", connection)
        assert admission.refusal("192.0.2.1") is None
        assert b.worker.connected == 0


async def test_nobody_is_let_in_while_the_services_stop() -> None:
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    async with bench(ServiceHandler) as b:
        b.supervisor.stopping = True
        extensions = {"websocket.http.response": {}}
        connection = Connection({**scope(), "extensions": extensions}, receive, send)
        await gateway(b, Admission(0, 0)).connect("chat", connection)
        assert events[0]["status"] == 503
        assert b.worker.connected == 0
