"""Reading while a service is busy: messages wait, pings do not, and the socket is not read for ever."""

import asyncio
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from starlette.websockets import WebSocket as Connection

from boss import CloseReason, Error, Noreply, Normal, Remote, ServiceHandler, WebSocket
from boss.runtime import intake, plain_client, protocol, reading
from boss.runtime.fast_client import FastClient
from boss.runtime.intake import MAX_KEPT, MAX_WAITING
from boss.runtime.loop import LOOK_AT_CLOCK
from boss.runtime.settings import WebsocketSettings
from tests.runtime.local import PATIENCE, LocalService, Peer, frame, serving

pytestmark = pytest.mark.anyio


class Busy(ServiceHandler[None]):
    """Takes its first message when it is told to, and all others at once."""

    heard: list[str]
    closes: list[CloseReason]
    go: asyncio.Event

    async def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        self.heard.append(str(message))
        await self.go.wait()
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: None
    ) -> Noreply[None]:
        self.closes.append(reason)
        return Noreply(state)


@pytest.fixture
def busy() -> type[Busy]:
    names: dict[str, Any] = {"heard": [], "closes": [], "go": asyncio.Event()}
    return type("Busy", (Busy,), names)


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


async def test_a_ping_may_be_larger_than_a_message(busy: type[Busy], way: str) -> None:
    """A limit for messages is none for pings, nor for the reason with which a client closes."""
    busy.go.set()
    limits = WebsocketSettings(max_message_size=10)
    async with serving(busy, way, limits) as service:
        peer, _ = await service.join()
        peer.send(9, b"is anybody there?")
        await peer.until(lambda: (10, b"is anybody there?") in peer.frames)
        peer.send(8, b"\x03\xe8nobody was there")
        await until(lambda: bool(busy.closes))
        assert busy.closes == [Remote(1000, "nobody was there")]


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


async def test_one_message_at_a_time_waits_like_many_at_once(busy: type[Busy]) -> None:
    async with serving(busy, "fast") as service:
        _, connection = await service.join()
        for number in NUMBERS:
            connection.data_received(frame(1, number.encode()))
        assert connection.peer.waiting == MAX_WAITING
        busy.go.set()
        await until(lambda: busy.heard == NUMBERS)


@pytest.mark.parametrize("opcode", [1, 2])
async def test_a_short_message_may_be_too_big(
    busy: type[Busy], way: str, opcode: int
) -> None:
    busy.go.set()
    async with serving(busy, way, WebsocketSettings(max_message_size=10)) as service:
        peer, _ = await service.join()
        peer.send(opcode, b"x" * 10)
        await until(lambda: len(busy.heard) == 1)
        peer.transport.write(frame(opcode, b"x", fin=False) + frame(0, b"x" * 9))
        await until(lambda: len(busy.heard) == 2)
        peer.send(opcode, b"x" * 11)
        await peer.until(lambda: peer.closed_with == 1009)
        await until(lambda: bool(busy.closes))
        assert len(busy.heard) == 2


async def test_the_limit_is_that_of_a_message_however_it_was_compressed(
    busy: type[Busy],
) -> None:
    """One that cannot be compressed takes more on its way. On the plain path it is uvicorn's."""
    busy.go.set()
    limits = WebsocketSettings(max_message_size=1000)
    async with serving(busy, "fast", limits, compression=True) as service:
        peer, connection = await service.join()
        stored = zlib.compressobj(0, wbits=-zlib.MAX_WBITS)
        for size in (1000, 1001):
            payload = stored.compress(bytes(size)) + stored.flush(zlib.Z_SYNC_FLUSH)
            data = frame(0x42, payload.removesuffix(b"\0\0\xff\xff"))
            connection.data_received(data[:500])
            connection.data_received(data[500:])
        await peer.until(lambda: peer.closed_with == 1009)
        await until(lambda: bool(busy.closes))
        assert busy.heard == [str(bytes(1000))]


async def test_what_comes_before_the_answer_to_the_handshake_is_heard(
    busy: type[Busy], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()
    accept = Connection.accept

    async def slowly(self: Connection, *arguments: Any) -> None:
        asked.set()
        await answer.wait()
        await accept(self, *arguments)

    monkeypatch.setattr(Connection, "accept", slowly)
    busy.go.set()
    async with serving(busy, way) as service:
        joining = asyncio.create_task(service.join())
        await asked.wait()
        (protocol,) = service.server.connections
        (early,) = service.server.peers
        early.send(1, b"early")
        await until(lambda: not protocol.transport.is_reading())
        answer.set()
        peer, _ = await joining
        peer.send(1, b"later")
        await until(lambda: busy.heard == ["early", "later"])


@pytest.mark.parametrize("compression", [False, True], ids=["", "compression"])
async def test_a_ping_whose_rest_comes_after_the_connection_was_taken_over_is_answered(
    busy: type[Busy], way: str, compression: bool
) -> None:
    accepted, go_on = asyncio.Event(), asyncio.Event()

    def around(send: Any) -> Any:
        async def middleware(event: Any) -> None:
            await send(event)
            if event["type"] == "websocket.accept":
                accepted.set()
                await go_on.wait()

        return middleware

    ping = frame(9, b"alive?")
    async with serving(busy, way, compression=compression, around=around) as service:
        joining = asyncio.create_task(service.join())
        await accepted.wait()
        (early,) = service.server.peers
        early.transport.write(frame(9, b"there?") + ping[:4])
        await early.until(lambda: (10, b"there?") in early.frames)
        go_on.set()
        peer, _ = await joining
        peer.transport.write(ping[4:])
        await peer.until(lambda: (10, b"alive?") in peer.frames)


class Moody(ServiceHandler[None]):
    """Takes some messages at once, and lets others wait for a while."""

    mood: Random
    heard: list[str]
    closes: list[CloseReason]

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None] | Awaitable[Noreply[None]]:
        self.heard.append(str(message))
        return self.slowly(state) if self.mood.random() < 0.3 else Noreply(state)

    async def slowly(self, state: None) -> Noreply[None]:
        for _ in range(self.mood.randrange(30)):
            await asyncio.sleep(0)
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: None
    ) -> Noreply[None]:
        self.closes.append(reason)
        return Noreply(state)


def stream(random: Random, number: int) -> tuple[bytes, list[str], list[bytes]]:
    """So many messages of all sizes, some in fragments, with pings between them; and the texts and pings in it."""
    frames: list[bytes] = []
    pings: list[bytes] = []

    def maybe_ping() -> None:
        if random.random() < 0.2:
            pings.append(str(len(pings)).encode())
            frames.append(frame(9, pings[-1]))

    texts = [f"{n:06}" + "x" * random.choice([0, 5, 130, 3000]) for n in range(number)]
    for text in texts:
        data = text.encode()
        if random.random() < 0.2:
            middle = random.randrange(len(data))
            frames.append(frame(1, data[:middle], fin=False))
            maybe_ping()
            frames.append(frame(0, data[middle:]))
        else:
            frames.append(frame(1, data))
        maybe_ping()
    return b"".join(frames), texts, pings


@pytest.mark.parametrize("compression", [False, True], ids=["", "compression"])
@pytest.mark.parametrize("kept", [500, 3000, MAX_KEPT])
@pytest.mark.parametrize("seed", range(4))
async def test_all_is_heard_in_order_however_it_comes_while_the_service_is_busy(
    monkeypatch: pytest.MonkeyPatch, way: str, seed: int, kept: int, compression: bool
) -> None:
    """And every ping is answered, once, before the connection ends."""
    random = Random(seed)
    monkeypatch.setattr(intake, "MAX_WAITING", 4)
    monkeypatch.setattr(intake, "MAX_KEPT", kept)
    monkeypatch.setattr(reading, "FAIR_SHARE", random.choice([0, 0.01]))
    names: dict[str, Any] = {"heard": [], "closes": [], "mood": random}
    moody: type[Moody] = type("Moody", (Moody,), names)
    ends: dict[bytes, CloseReason] = {
        frame(8, b"\x03\xe8bye"): Remote(1000, "bye"),
        frame(3): Error("badframe"),
    }
    data, texts, pings = stream(random, 100)
    end = random.choice([b"", *ends])
    data += end
    async with serving(moody, way, compression=compression) as service:
        peer, _ = await service.join()
        while data:
            size = random.choice([1, 3, 10, 100, 1000, 20_000])
            peer.transport.write(data[:size])
            data = data[size:]
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
        await until(lambda: len(moody.heard) == len(texts))
        assert moody.heard == texts
        if end:
            await until(lambda: bool(moody.closes))
            assert moody.closes == [ends[end]]
        if end == b"" or moody.closes == [Remote(1000, "bye")]:
            await peer.until(lambda: len(peer.pongs) == len(pings))
            assert peer.pongs == pings


# How a connection ends whose messages wait.


SOME = [f"{number:02}" for number in range(MAX_WAITING + 1 + 30)]


async def some_wait(service: LocalService) -> tuple[Peer, Any]:
    """A client whose first message is being taken, 64 more wait, and the last 30 of `SOME` are kept."""
    peer, protocol = await service.join()
    for number in SOME:
        peer.send(1, number.encode())
    await peer.flushed()
    return peer, protocol


async def test_what_was_read_is_heard_before_the_service_has_closed(
    busy: type[Busy], way: str
) -> None:
    async with serving(busy, way) as service:
        peer, _ = await some_wait(service)
        (client,) = service.worker.clients
        client.close(4000)
        await peer.until(lambda: peer.closed_with == 4000)
        busy.go.set()
        await until(lambda: bool(busy.closes))
        assert busy.heard == SOME
        assert busy.closes == [Normal("shutdown")]


async def test_what_was_read_is_heard_before_a_message_that_is_too_big(
    busy: type[Busy], way: str
) -> None:
    limits = WebsocketSettings(max_message_size=1000)
    async with serving(busy, way, limits) as service:
        peer, _ = await some_wait(service)
        peer.send(2, bytes(1001))
        busy.go.set()
        await until(lambda: bool(busy.closes))
        assert busy.heard == SOME
        assert busy.closes == [Error("toobig")]
        await peer.until(lambda: peer.closed_with == 1009)


async def test_a_client_that_closes_need_not_wait_for_the_service(
    busy: type[Busy], way: str
) -> None:
    async with serving(busy, way) as service:
        peer, _ = await some_wait(service)
        peer.leaves(1000)
        await peer.gone()
        assert peer.frames[-1][0] == 8
        assert busy.heard == SOME[:1]
        busy.go.set()
        await until(lambda: bool(busy.closes))
        assert busy.heard == SOME
        assert busy.closes == [Remote(1000, "bye")]


async def test_a_client_that_is_dropped_has_left_once(
    busy: type[Busy], way: str
) -> None:
    """Though it has sent more than it may, in what is kept."""
    limits = WebsocketSettings(max_messages_per_second=len(SOME) - 10)
    async with serving(busy, way, limits) as service:
        await some_wait(service)
        worker = service.worker
        worker.drop_clients(1012, "service restarts")
        assert worker.connected == 0
        busy.go.set()
        await until(lambda: not worker.at_work)
        assert busy.heard == SOME[:1]
        assert busy.closes == []


async def test_no_ping_is_seen_in_a_message_that_is_kept(
    busy: type[Busy], way: str
) -> None:
    async with serving(busy, way) as service:
        peer, _ = await some_wait(service)
        pings = b"\x89\x80\0\0\0\0" * 100
        mask = frame(2, bytes(4))[-4:]
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(pings))
        peer.send(2, payload)
        peer.send(9, b"alive?")
        await peer.until(lambda: (10, b"alive?") in peer.frames)
        assert [opcode for opcode, _ in peer.frames] == [10]
        busy.go.set()
        expected = [*SOME, str(payload)]
        await until(lambda: busy.heard == expected)


async def test_all_is_heard_of_a_client_that_is_lost_when_the_service_has_caught_up(
    busy: type[Busy],
) -> None:
    async with serving(busy, "fast") as service:
        _, protocol = await some_wait(service)
        for _ in range(10):
            protocol.data_received(b"".join(frame(1, n.encode()) for n in SOME[:10]))
        client = protocol.peer
        busy.go.set()
        await until(lambda: client.waiting < MAX_WAITING)
        client.gone(Error("closed"))
        await until(lambda: bool(busy.closes))
        assert busy.heard == [*SOME, *SOME[:10] * 10]
        protocol.transport.abort()


async def test_all_is_heard_of_a_client_that_is_lost_while_others_have_their_turn(
    busy: type[Busy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FAIR_SHARE", 0)
    busy.go.set()
    async with serving(busy, "fast") as service:
        _, protocol = await service.join()
        texts = SOME[: 3 * LOOK_AT_CLOCK]
        protocol.data_received(b"".join(frame(1, text.encode()) for text in texts))
        assert protocol._partial
        protocol.peer.gone(Error("closed"))
        await until(lambda: bool(busy.closes))
        assert busy.heard == texts
        protocol.transport.abort()


async def test_a_pong_is_looked_for_once_more_for_each_ping(
    busy: type[Busy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the ping before was given up since no pong is read."""
    monkeypatch.setattr(protocol, "LAST_LOOK", 60)  # the test looks itself
    async with serving(busy, "fast") as service:
        peer, connection = await service.join()
        connection.ping_interval = connection.ping_timeout = 20
        connection.send_keepalive_ping()
        connection.keepalive_timeout()
        for _ in SOME:
            peer.send(1, b"x" * (MAX_KEPT // 16))
        await until(lambda: not connection.transport.is_reading())
        connection.keepalive_timeout()
        busy.go.set()
        await until(
            lambda: len(busy.heard) == len(SOME) and connection.transport.is_reading()
        )
        connection.send_keepalive_ping()
        connection.keepalive_timeout()
        assert connection.peer.open
        connection.keepalive_timeout()
        await until(lambda: bool(busy.closes))
        assert busy.closes == [Normal("timeout")]


async def test_whoever_fails_around_a_connection_ends_it(
    busy: type[Busy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A middleware, or a dependency: whatever still runs while the connection is open."""
    fail = asyncio.Event()

    async def wait_closed(_: FastClient) -> None:
        await fail.wait()
        raise ValueError("of the application")

    monkeypatch.setattr(FastClient, "wait_closed", wait_closed)
    async with serving(busy, "fast") as service:
        peer, _ = await service.join()
        fail.set()
        await peer.gone()
        assert peer.closed_with == 1011
        await until(lambda: bool(busy.closes))
        assert busy.closes == [Normal("shutdown")]


# What uvicorn passes over: it came in one segment with a frame that is wrong.


WRONG = frame(3)


@pytest.mark.parametrize(
    ("stream", "heard", "reason"),
    [
        (frame(1, b"one") + frame(2, b"2"), ["one", "b'2'"], Error("badframe")),
        (frame(9) + frame(1, b"one") + frame(10), ["one"], Error("badframe")),
        (frame(1, b"one") + frame(1, b"x" * 1001), ["one"], Error("toobig")),
        (frame(1, b"\xff") + frame(1, b"one"), [], Error("badencoding")),
        (
            frame(1, b"o", fin=False) + frame(9) + frame(0, b"ne"),
            ["one"],
            Error("badframe"),
        ),
        (frame(2, b"2", fin=False), [], Error("badframe")),
        (frame(1, b"x" * 600, fin=False) + frame(0, b"x" * 600), [], Error("toobig")),
    ],
)
async def test_what_is_passed_over_is_heard(
    busy: type[Busy], stream: bytes, heard: list[str], reason: CloseReason
) -> None:
    busy.go.set()
    limits = WebsocketSettings(max_message_size=1000)
    async with serving(busy, "plain", limits) as service:
        peer, _ = await service.join()
        peer.transport.write(stream + WRONG)
        await until(lambda: bool(busy.closes))
        assert busy.heard == heard
        assert busy.closes == [reason]
        await peer.gone()


async def test_fragments_before_what_is_passed_over_are_part_of_it(
    busy: type[Busy],
) -> None:
    busy.go.set()
    async with serving(busy, "plain") as service:
        peer, _ = await service.join()
        peer.transport.write(frame(1, b"on", fin=False))
        await peer.flushed()
        peer.transport.write(frame(0, b"e") + WRONG)
        await until(lambda: bool(busy.closes))
        assert busy.heard == ["one"]
        assert busy.closes == [Error("badframe")]


class Twice(Busy):
    """Answers each message twice, so that the second answer is held until the turn ends."""

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        self.heard.append(str(message))
        websocket.send("once")
        websocket.send("again")
        return Noreply(state)


@pytest.mark.parametrize("compression", [False, True])
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (WRONG, Error("badframe")),
        (frame(1, b"\xff"), Error("badencoding")),
        (frame(1, b"x" * 1001), Error("toobig")),
        (frame(8, b"\x03\xe8"), Remote(1000, "")),
    ],
    ids=["badframe", "badencoding", "toobig", "close"],
)
async def test_what_was_answered_before_the_last_frame_leaves_before_the_connection_ends(
    way: str, compression: bool, wrong: bytes, reason: CloseReason
) -> None:
    names: dict[str, Any] = {"heard": [], "closes": []}
    handler: type[Twice] = type("Twice", (Twice,), names)
    limits = WebsocketSettings(max_message_size=1000)
    async with serving(handler, way, limits, compression=compression) as service:
        peer, _ = await service.join()
        peer.transport.write(frame(1, b"x") + wrong)
        await until(lambda: bool(handler.closes))
        assert handler.closes == [reason]
        await peer.gone()
        assert handler.heard == ["x"]
        if way == "fast":  # uvicorn says so before it hands over what came before
            assert [opcode for opcode, _ in peer.frames] == [1, 1, 8]


async def test_what_was_read_is_answered_before_the_service_has_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "FAIR_SHARE", 0)
    handler: type[Twice] = type("Twice", (Twice,), {"heard": [], "closes": []})
    number = 3 * LOOK_AT_CLOCK
    async with serving(handler, "fast") as service:
        peer, connection = await service.join()
        connection.data_received(frame(1, b"x") * number)
        assert connection._partial, "others have their turn"
        connection.peer.close(4000)
        await peer.gone()
        assert peer.inbox == ["once", "again"] * number
        assert peer.closed_with == 4000


@pytest.mark.parametrize("last", [b"", frame(8, b"\x03\xe8")], ids=["", "and closes"])
async def test_whoever_floods_a_service_leaves_the_loop_to_others(
    monkeypatch: pytest.MonkeyPatch, way: str, last: bytes
) -> None:
    monkeypatch.setattr(reading if way == "fast" else plain_client, "FAIR_SHARE", 0)
    turns = 0
    heard: list[int] = []  # in which turn of the loop

    class Counting(ServiceHandler[None]):
        def handle_incoming(
            self, url: str, websocket: WebSocket, message: str | bytes, state: None
        ) -> Noreply[None]:
            heard.append(turns)
            return Noreply(state)

    async with serving(Counting, way) as service:
        peer, _ = await service.join()
        peer.transport.write(frame(1, b"") * 5000 + last)
        async with asyncio.timeout(PATIENCE):
            while len(heard) < 5000:
                await asyncio.sleep(0)
                turns += 1
        assert max(Counter(heard).values()) <= 2 * LOOK_AT_CLOCK


async def test_of_a_flood_no_more_is_read_than_can_be_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "FAIR_SHARE", 0)
    heard = most = 0

    class Counting(ServiceHandler[None]):
        def handle_incoming(
            self, url: str, websocket: WebSocket, message: str | bytes, state: None
        ) -> Noreply[None]:
            nonlocal heard
            heard += 1
            return Noreply(state)

    async with serving(Counting, "fast") as service:
        peer, connection = await service.join()
        peer.transport.write(frame(1, b"x" * 1000) * 4000)
        async with asyncio.timeout(PATIENCE):
            while heard < 4000:
                await asyncio.sleep(0)
                most = max(most, len(connection._partial or b""))
        assert MAX_KEPT < most < 1 << 20


async def test_at_server_stop_nobody_waits_long_for_an_answer_to_a_close_frame(
    busy: type[Busy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The services are drained when the connections have ended, and not before."""
    monkeypatch.setattr(protocol, "STOP_LIMIT", 0.001)
    monkeypatch.setattr(protocol, "CLOSE_LIMIT", 60)
    async with serving(busy, "fast") as service:
        peer, connection = await service.join()
        peer.silent = True
        connection.shutdown()
        await peer.gone()
        assert peer.closed_with == 1012
        await until(lambda: bool(busy.closes))
        assert busy.closes == [Normal("shutdown")]
