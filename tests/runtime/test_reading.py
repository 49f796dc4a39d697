"""Reading while a service is busy: messages wait, pings do not, and the socket is not read for ever."""

import asyncio
from collections.abc import Callable

import pytest

from boss import Noreply, ServiceHandler, WebSocket
from boss.runtime.client import MAX_KEPT, MAX_WAITING
from tests.runtime.local import PATIENCE, frame, serving

pytestmark = pytest.mark.anyio


class Busy(ServiceHandler[None]):
    """Takes its first message when it is told to, and all others at once."""

    heard: list[str]
    go: asyncio.Event

    async def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        self.heard.append(str(message))
        await self.go.wait()
        return Noreply(state)


@pytest.fixture
def busy() -> type[Busy]:
    return type("Busy", (Busy,), {"heard": [], "go": asyncio.Event()})


NUMBERS = [str(number) for number in range(3 * MAX_WAITING)]


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


async def test_a_ping_behind_more_messages_than_may_wait_is_answered(
    busy: type[Busy], way: str
) -> None:
    async with serving(busy, way) as service:
        peer, _ = await service.join()
        texts = [frame(1, number.encode()) for number in NUMBERS]
        peer.transport.write(b"".join([*texts, frame(9, b"alive?")]))
        await peer.until(lambda: (10, b"alive?") in peer.frames)
        await until(lambda: busy.heard == ["0"])
        busy.go.set()
        await until(lambda: busy.heard == NUMBERS)


async def test_pings_that_come_later_are_answered_as_long_as_the_socket_is_read(
    busy: type[Busy], way: str
) -> None:
    async with serving(busy, way) as service:
        peer, protocol = await service.join()
        for number in NUMBERS:
            peer.send(1, number.encode())
            await peer.flushed()
        last = frame(1, b"last")
        peer.transport.write(frame(9, b"before") + last[:5])
        await peer.until(lambda: (10, b"before") in peer.frames)
        peer.transport.write(last[5:] + frame(9, b"behind"))
        await peer.until(lambda: (10, b"behind") in peer.frames)
        assert busy.heard == ["0"]
        assert protocol.transport.is_reading()
        busy.go.set()
        await until(lambda: busy.heard == [*NUMBERS, "last"])


async def test_the_socket_is_not_read_when_much_is_kept(
    busy: type[Busy], way: str
) -> None:
    number = MAX_WAITING + 4 * MAX_KEPT // 1000
    async with serving(busy, way) as service:
        peer, protocol = await service.join()
        for _ in range(number):
            peer.send(1, b"x" * 1000)
        mailbox = service.worker.mailbox
        await until(
            lambda: len(mailbox) == MAX_WAITING and not protocol.transport.is_reading()
        )
        busy.go.set()
        await until(lambda: len(busy.heard) == number)
        await until(protocol.transport.is_reading)
