"""What the plain path asks of its surroundings; on sockets it is tested by test_model.py and semantics/."""

import asyncio
import gc
import signal
import weakref
from types import FrameType
from typing import Any

import pytest
from starlette.websockets import WebSocket as Connection

from boss import CloseReason, Error, Noreply, Remote, ServiceHandler, WebSocket
from boss.runtime import plain_client
from boss.runtime.intake import MAX_KEPT, MAX_WAITING
from tests.runtime.fakes import Bench, bench, scope
from tests.runtime.local import PATIENCE, LocalService, frame, serving

pytestmark = pytest.mark.anyio

FLOOD = 20_000  # messages


class Uvicorn:
    """Stands for the server that has put its handler in place."""

    def __init__(self) -> None:
        self.should_exit = False

    def handle_exit(self, number: int, frame: FrameType | None) -> None: ...


@pytest.fixture
def uvicorn(monkeypatch: pytest.MonkeyPatch) -> Uvicorn:
    server = Uvicorn()
    handlers: dict[Any, Any] = {signal.SIGTERM: server.handle_exit}
    monkeypatch.setattr(signal, "getsignal", handlers.get)
    monkeypatch.setattr(plain_client, "LOOK", 0.001)
    return server


async def never() -> Any:
    raise AssertionError("nothing is read here")


async def test_a_reader_waits_for_room(uvicorn: Uvicorn) -> None:
    async with bench(ServiceHandler) as b:
        client = plain(b, never)
        client.stop_reading()
        assert client._room is not None
        waiting = asyncio.create_task(client._wait_for_room(client._room))
        done, _ = await asyncio.wait({waiting}, timeout=0.02)
        assert not done
        client.go_on_reading()
        await waiting
        assert client._room is None


async def test_a_reader_goes_on_when_the_server_stops(uvicorn: Uvicorn) -> None:
    async with bench(ServiceHandler) as b:
        client = plain(b, never)
        client.stop_reading()
        assert client._room is not None
        waiting = asyncio.create_task(client._wait_for_room(client._room))
        await asyncio.sleep(0)
        uvicorn.should_exit = True
        async with asyncio.timeout(5):
            await waiting
        assert client._room is None


def plain(b: Bench, receive: Any) -> plain_client.PlainClient:
    """A client that sends what `receive` says, and is sent into the void."""

    async def send(event: Any) -> None: ...

    connection = Connection(scope(), receive, send)
    client = plain_client.PlainClient(b.worker, b.turn, connection, "s")
    b.worker.join(client)
    return client


@pytest.mark.parametrize("messages", [0, 1])
async def test_giving_up_a_connection_hides_no_other_cancellation(
    messages: int,
) -> None:
    async def receive() -> dict[str, Any]:
        asked.append(None)
        if len(asked) > messages:
            await asyncio.Event().wait()
        return {"type": "websocket.receive", "text": "x"}

    for cancelled in (False, True):
        asked: list[None] = []
        async with bench(ServiceHandler) as b:
            client = plain(b, receive)
            running = asyncio.create_task(client.run())
            while len(asked) <= messages:
                await asyncio.sleep(0)
            client._give_up()
            if cancelled:
                running.cancel()
            await asyncio.wait({running})
            assert running.cancelled() is cancelled
            assert not client.open


async def test_what_follows_the_end_of_a_connection_is_not_cancelled() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect", "code": 1005}

    async with bench(ServiceHandler) as b:
        client = plain(b, receive)
        await client.run()
        client._give_up()
        await asyncio.sleep(0)  # where it would be


async def test_an_empty_message_takes_room_as_well() -> None:
    class Busy(ServiceHandler[None]):
        async def handle_incoming(
            self, url: str, websocket: Any, message: Any, state: None
        ) -> Any:
            await go.wait()
            heard.append(message)
            return Noreply(state)

    async def receive() -> dict[str, Any]:
        asked.append(None)
        if len(asked) > FLOOD:
            return {"type": "websocket.disconnect", "code": 1005}
        return {"type": "websocket.receive", "text": ""}

    asked: list[None] = []
    heard: list[str] = []
    go = asyncio.Event()
    async with bench(Busy) as b:
        client = plain(b, receive)
        await b.settle()
        running = asyncio.create_task(client.run())
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(asked) < MAX_WAITING + 2 + MAX_KEPT // 6 + 1
        go.set()
        await running
        async with asyncio.timeout(5):
            while len(heard) < FLOOD:
                await asyncio.sleep(0)
        assert len(asked) == FLOOD + 1


class Talking(ServiceHandler[None]):
    """Says what it is told to say, and closes when it is told that."""

    closes: list[CloseReason]

    def handle_incoming(
        self, url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        if message == "close":
            websocket.close(4000)
        else:
            websocket.send(message)
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, url: str, websocket: WebSocket, state: None
    ) -> Noreply[None]:
        self.closes.append(reason)
        return Noreply(state)


@pytest.fixture
def talking() -> type[Talking]:
    return type("Talking", (Talking,), {"closes": []})


@pytest.mark.parametrize("error", [ValueError, RuntimeError, OSError])
async def test_a_client_that_cannot_be_sent_to_any_more_is_closed(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    talking: type[Talking],
    error: type[Exception],
) -> None:
    def around(send: Any) -> Any:
        async def middleware(event: Any) -> None:
            if event.get("text") == "poison":
                raise error("of the middleware")
            await send(event)

        return middleware

    monkeypatch.setattr(plain_client, "LOOK", 0.001)
    async with serving(talking, "plain", around=around) as service:
        peer, _ = await service.join()
        peer.send(1, b"fine")
        await peer.until(lambda: peer.inbox == ["fine"])
        peer.send(1, b"poison")
        await peer.gone()
        assert talking.closes == [Error("closed")]
        assert "of the middleware" in caplog.text


async def test_whoever_left_while_nothing_is_read_is_not_taken_for_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That sending fails is the first that is heard of it: the close frame lies behind what waits."""
    monkeypatch.setattr(plain_client, "LOOK", 0.001)
    go = asyncio.Event()
    heard: list[str | bytes] = []
    closes: list[CloseReason] = []

    class Busy(ServiceHandler[None]):
        async def handle_incoming(
            self, url: str, websocket: WebSocket, message: str | bytes, state: None
        ) -> Noreply[None]:
            await go.wait()
            heard.append(message)
            return Noreply(state)

        def handle_close(
            self, reason: CloseReason, url: str, websocket: WebSocket, state: None
        ) -> Noreply[None]:
            closes.append(reason)
            return Noreply(state)

    failed = asyncio.Event()

    def around(send: Any) -> Any:
        async def middleware(event: Any) -> None:
            if event["type"] == "websocket.send":
                failed.set()
                raise OSError("the client has left")
            await send(event)

        return middleware

    async with serving(Busy, "plain", around=around) as service:
        peer, _ = await service.join()
        (client,) = service.worker.clients
        for _ in range(MAX_WAITING + 2):
            peer.send(1, b"x" * MAX_KEPT)
        peer.leaves(1001)
        async with asyncio.timeout(PATIENCE):
            while client._room is None:  # type: ignore[attr-defined]
                await asyncio.sleep(0)
            client.send("x")
            await failed.wait()
            for _ in range(20):
                await asyncio.sleep(plain_client.LOOK)
            assert client.open
            # From here on it is the reader who is to be waited for, however slow this is.
            monkeypatch.setattr(plain_client, "LOOK", PATIENCE)
            go.set()
            while not closes:
                await asyncio.sleep(0)
        assert closes == [Remote(1001, "bye")]
        assert len(heard) == MAX_WAITING + 2
        assert "failed" not in caplog.text


async def test_a_middleware_that_cancels_a_connection_may_close_it(
    monkeypatch: pytest.MonkeyPatch, talking: type[Talking]
) -> None:
    async with serving(talking, "plain") as service:
        gateway = service.server._gateway
        connect = gateway.connect

        async def limited(name: str, connection: Connection) -> None:
            try:
                await connect(name, connection)
            except asyncio.CancelledError:
                await connection.close(4001)

        monkeypatch.setattr(gateway, "connect", limited)
        peer, _ = await service.join()
        (task,) = service.server._state.tasks
        task.cancel()
        await peer.gone()
        assert peer.closed_with == 4001
        assert talking.closes == [Error("closed")]


async def test_nothing_of_a_client_stays_when_we_have_closed(
    talking: type[Talking],
) -> None:
    async with serving(talking, "plain") as service:
        peer, _ = await service.join()
        client = weakref.ref(next(iter(service.worker.clients)))
        peer.send(1, b"close")
        await peer.gone()
        async with asyncio.timeout(PATIENCE):
            while client() is not None:
                await asyncio.sleep(0)
                gc.collect()


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})])
async def test_nothing_of_a_connection_over_tls_stays_when_it_is_over(
    talking: type[Talking],
) -> None:
    """Not even for as long as it would have had to answer: its buffers are large."""
    async with serving(talking, "plain", tls=True) as service:
        peer, protocol = await service.join()
        there = weakref.ref(protocol.transport.get_extra_info("ssl_object"))
        del protocol
        peer.leaves(1001)
        await peer.gone()
        async with asyncio.timeout(plain_client.CLOSE_LIMIT / 4):
            while there() is not None:
                await asyncio.sleep(0)
                gc.collect()


@pytest.mark.parametrize("way", ["plain", "fast"])
@pytest.mark.parametrize("last", [b"", frame(3), frame(8, b"\x0f\xa0"), b"close"])
async def test_a_client_that_ends_over_tls(
    caplog: pytest.LogCaptureFixture, talking: type[Talking], way: str, last: bytes
) -> None:
    """asyncio's transport forgets what it writes to once it is closed twice."""
    async with serving(talking, way, tls=True) as service:
        peer, _ = await service.join()
        peer.send(1, b"x")
        await peer.until(lambda: peer.inbox == ["x"])
        if last == b"close":
            peer.send(1, last)
            await peer.gone()
        elif last:
            peer.transport.write(last + frame(1, b"x") * 3)
            await peer.gone()
        else:
            peer.lose()
        async with asyncio.timeout(PATIENCE):
            while not talking.closes or service.server.connections:
                await asyncio.sleep(0)
    assert caplog.text == ""


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})])
async def test_a_client_that_does_not_answer_the_end_of_tls_is_cut(
    monkeypatch: pytest.MonkeyPatch, talking: type[Talking]
) -> None:
    """uvicorn waits for every connection when it stops, and a loop for that answer for half a minute."""
    monkeypatch.setattr(plain_client, "CLOSE_LIMIT", 0.02)
    async with serving(talking, "plain", tls=True) as service:
        peer, _ = await service.join()
        peer.transport.pause_reading()
        peer.leaves(1001)
        async with asyncio.timeout(PATIENCE):
            while service.server.connections:
                await asyncio.sleep(0)
        assert talking.closes == [Remote(1001, "bye")]


async def test_uvicorn_is_found_beneath_a_middleware_that_wraps_what_is_sent(
    talking: type[Talking],
) -> None:
    """As the one for Starlette's sessions does; what uvicorn passes over is heard all the same."""

    def around(send: Any) -> Any:
        async def middleware(event: Any) -> None:
            await send(event)

        return middleware

    async with serving(talking, "plain", around=around) as service:
        await hears_what_is_passed_over(service, talking)


async def test_uvicorn_is_found_beneath_a_middleware_that_wraps_what_is_received(
    monkeypatch: pytest.MonkeyPatch, talking: type[Talking]
) -> None:
    async with serving(talking, "plain") as service:
        gateway = service.server._gateway
        connect = gateway.connect

        async def wrapped(name: str, connection: Connection) -> None:
            async def receive() -> Any:
                return await connection._receive()

            await connect(name, Connection(connection.scope, receive, connection._send))

        monkeypatch.setattr(gateway, "connect", wrapped)
        await hears_what_is_passed_over(service, talking)


async def hears_what_is_passed_over(
    service: LocalService, talking: type[Talking]
) -> None:
    peer, _ = await service.join()
    peer.transport.write(frame(1, b"heard") + frame(3))
    await peer.gone()
    assert talking.closes == [Error("badframe")]
    assert service.worker.counters.messages_in == 1
