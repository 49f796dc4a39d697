"""What the fast path makes of what comes out of a socket, however it is cut, and whatever is wrong with it."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boss import CloseReason, Error, Noreply, Normal, Remote, ServiceHandler, WebSocket
from boss.runtime import reading
from boss.runtime.loop import LOOK_AT_CLOCK
from boss.runtime.settings import WebsocketSettings
from tests.runtime.local import LocalService, Peer, frame, serving

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Echo(ServiceHandler[None]):
    """Sends back what it is sent; "close" closes."""

    closes: ClassVar[list[CloseReason]] = []

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: None
    ) -> Noreply[None]:
        if message == "close":
            websocket.close(4000, "as told")
        else:
            websocket.send(message)
        return Noreply(state)

    def handle_close(
        self, reason: CloseReason, service_url: str, websocket: WebSocket, state: None
    ) -> Noreply[None]:
        self.closes.append(reason)
        return Noreply(state)


async def fed(
    service: LocalService, chunks: Sequence[bytes], *, silent: bool = False
) -> tuple[Peer, list[tuple[int, bytes]]]:
    """Let the server's side of a new connection be given these chunks; what comes back.

    Who is `silent` says nothing else, not even in answer to a close frame.
    """
    Echo.closes.clear()
    peer, protocol = await service.join()
    peer.silent = silent
    for chunk in chunks:
        if chunk and not protocol.transport.is_closing():
            protocol.data_received(chunk)
    await peer.flushed()  # the server has read all
    await peer.flushed()  # and what it held until its turn was over is here
    return peer, peer.frames


def apart(
    answers: Sequence[tuple[int, bytes]],
) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """Messages and pongs: a pong may overtake messages, which are held until the turn is over."""
    return (
        [answer for answer in answers if answer[0] != PONG],
        [answer for answer in answers if answer[0] == PONG],
    )


def fragments(opcode: int, *parts: bytes) -> list[bytes]:
    """The frames of a message that is sent in parts."""
    last = len(parts) - 1
    return [
        frame(0 if index else opcode, part, fin=index == last)
        for index, part in enumerate(parts)
    ]


CONVERSATION = [
    frame(TEXT, "hé".encode()),
    frame(PING, b"one"),
    frame(BINARY, bytes(range(200))),
    *fragments(TEXT, b"frag", "mé".encode()[:2], "é".encode()[1:] + b"nts"),
    frame(PONG, b"unasked"),
    frame(TEXT, b""),
    frame(0 | TEXT, b"begun, ", fin=False),
    frame(PING, b"between"),
    frame(0, b"done"),
    frame(TEXT, b"x" * 125),
    frame(TEXT, b"y" * 126),
    frame(BINARY, b"z" * 65536),
    frame(PING),
]
ANSWERS = [
    (TEXT, "hé".encode()),
    (PONG, b"one"),
    (BINARY, bytes(range(200))),
    (TEXT, "fragménts".encode()),
    (TEXT, b""),
    (PONG, b"between"),
    (TEXT, b"begun, done"),
    (TEXT, b"x" * 125),
    (TEXT, b"y" * 126),
    (BINARY, b"z" * 65536),
    (PONG, b""),
]


async def test_cut_anywhere() -> None:
    whole = b"".join(CONVERSATION)
    cuts = [*range(1, 100), *range(280, 600), *range(len(whole) - 8, len(whole))]
    async with serving(Echo, "fast") as service:
        for cut in cuts:
            _, answers = await fed(service, [whole[:cut], whole[cut:]])
            assert apart(answers) == apart(ANSWERS), cut


async def test_byte_by_byte() -> None:
    whole = b"".join(CONVERSATION)
    async with serving(Echo, "fast") as service:
        _peer, answers = await fed(
            service, [whole[n : n + 1] for n in range(len(whole))]
        )
        assert apart(answers) == apart(ANSWERS)


payloads = st.one_of(
    st.binary(max_size=130),
    st.sampled_from([125, 126, 127, 128, 65535, 65536]).map(lambda size: b"p" * size),
)


async def test_what_looks_like_a_message_within_another_is_none() -> None:
    """Even if it is all that comes at once."""
    head = frame(BINARY, bytes(11))[:6]
    inner = frame(TEXT, b"inner")
    payload = bytes(byte ^ head[2 + i % 4] for i, byte in enumerate(inner))
    async with serving(Echo, "fast") as service:
        _, answers = await fed(service, [head, inner])
        assert answers == [(BINARY, payload)]
        begun = frame(TEXT, b"begun", fin=False)
        peer, _ = await fed(service, [begun, inner])
        assert peer.closed_with == 1002
        assert Echo.closes == [Error("badframe")]


@pytest.mark.parametrize("cut", [1, 5, 8])
async def test_a_message_is_heard_as_soon_as_its_end_is_here(cut: int) -> None:
    whole = frame(TEXT, b"hello")
    async with serving(Echo, "fast") as service:
        peer, protocol = await service.join()
        protocol.data_received(whole[:cut])
        protocol.data_received(whole[cut:])
        await peer.until(lambda: peer.inbox == ["hello"])


# Hypothesis also tries the words of the program, "close" among them, which is none to be echoed.
texts = st.text(max_size=70).filter(lambda text: text != "close").map(str.encode)
messages = st.one_of(
    st.tuples(st.just(TEXT), texts), st.tuples(st.just(BINARY), payloads)
)


@st.composite
def conversations(draw: Any) -> tuple[list[bytes], list[tuple[int, bytes]]]:
    """Chunks that a client may send, and what an echo answers."""
    stream, answers = bytearray(), []
    for opcode, payload in draw(st.lists(messages, max_size=8)):
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
        bounds = [0, *cuts, len(payload)]
        parts = [payload[a:b] for a, b in pairwise(bounds)]
        for part in fragments(opcode, *parts):
            stream += part
            if draw(st.integers(0, 3)) == 0:
                ping = draw(st.binary(max_size=125))
                stream += frame(PING, ping)
                answers.append((PONG, ping))
        answers.append((opcode, payload))
    bounds = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    bounds = [0, *bounds, len(stream)]
    return [bytes(stream[a:b]) for a, b in pairwise(bounds)], answers


@settings(max_examples=150, derandomize=True, database=None, deadline=None)
@given(conversations())
def test_any_conversation_cut_anyhow(
    conversation: tuple[list[bytes], list[tuple[int, bytes]]],
) -> None:
    async def converse() -> None:
        async with serving(Echo, "fast") as service:
            _, answers = await fed(service, conversation[0])
            assert apart(answers) == apart(conversation[1])

    asyncio.run(converse())


BAD = {
    "invalid UTF-8": (frame(TEXT, b"\xc3\x28"), 1007, Error("badencoding")),
    "invalid UTF-8 in fragments": (
        b"".join(fragments(TEXT, b"\xc3", b"\x28")),
        1007,
        Error("badencoding"),
    ),
    "unmasked": (b"\x81\x02hi", 1002, Error("badframe")),
    "reserved opcode": (frame(3, b"hi"), 1002, Error("badframe")),
    "reserved control opcode": (frame(11, b"hi"), 1002, Error("badframe")),
    "reserved bit": (frame(0x40 | TEXT, b"hi"), 1002, Error("badframe")),
    "fragmented ping": (frame(PING, b"hi", fin=False), 1002, Error("badframe")),
    "long ping": (frame(PING, b"p" * 126), 1002, Error("badframe")),
    "long close": (frame(CLOSE, b"\x03\xe8" + b"r" * 124), 1002, Error("badframe")),
    "stray continuation": (frame(0, b"hi"), 1002, Error("badframe")),
    "text within fragments": (
        frame(TEXT, b"begun", fin=False) + frame(TEXT, b"hi"),
        1002,
        Error("badframe"),
    ),
    "close of one byte": (frame(CLOSE, b"\x03"), 1002, Error("badframe")),
    "close code 999": (frame(CLOSE, b"\x03\xe7"), 1002, Error("badframe")),
    "close code 1005": (frame(CLOSE, b"\x03\xed"), 1002, Error("badframe")),
    "close code 1006": (frame(CLOSE, b"\x03\xee"), 1002, Error("badframe")),
    "close code 5000": (frame(CLOSE, b"\x13\x88"), 1002, Error("badframe")),
    "close reason no UTF-8": (
        frame(CLOSE, b"\x03\xe8\xc3\x28"),
        1007,
        Error("badencoding"),
    ),
    "too big": (frame(BINARY, b"b" * 2001), 1009, Error("toobig")),
    "too big, announced": (
        b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0",
        1009,
        Error("toobig"),
    ),
    "too big in fragments": (
        b"".join(fragments(BINARY, b"b" * 1500, b"b" * 1500)),
        1009,
        Error("toobig"),
    ),
    "length with the highest bit": (
        b"\x82\xff" + b"\xff" * 8 + b"\0\0\0\0",
        1009,
        Error("toobig"),
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_came_before_a_bad_frame_is_kept(name: str) -> None:
    bad, code, reason = BAD[name]
    good = frame(TEXT, b"kept") + frame(BINARY, b"this, too")
    limits = WebsocketSettings(max_message_size=2000)
    async with serving(Echo, "fast", limits) as service:
        for chunks in ([good + bad], [good, bad], [good + bad[:1], bad[1:]]):
            peer, answers = await fed(service, [*chunks, frame(TEXT, b"not heard")])
            assert answers == [
                (TEXT, b"kept"),
                (BINARY, b"this, too"),
                answers[-1],
            ]
            assert answers[-1][0] == CLOSE
            assert peer.closed_with == code
            assert Echo.closes == [reason]
            await peer.gone()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Remote(None, "")),
        (b"\x03\xe8", Remote(1000, "")),
        (b"\x03\xe8bye", Remote(1000, "bye")),
        (b"\x0f\xa0" + "é".encode() * 61, Remote(4000, "é" * 61)),
        (b"\x03\xea", Remote(1002, "")),
        (b"\x03\xef", Remote(1007, "")),
        (b"\x03\xf1too much", Remote(1009, "too much")),
        (b"\x03\xf4", Remote(1012, "")),
    ],
)
async def test_close_of_the_client(payload: bytes, reason: CloseReason) -> None:
    async with serving(Echo, "fast") as service:
        stream = frame(TEXT, b"last") + frame(CLOSE, payload)
        for chunks in ([stream], [stream[:-1], stream[-1:]], [stream, stream]):
            peer, answers = await fed(service, chunks)
            await peer.gone()
            assert answers == [(TEXT, b"last"), (CLOSE, payload)]
            assert Echo.closes == [reason]


BEHIND = frame(TEXT, b"not heard"), frame(PING), frame(BINARY, b"b" * 70000)


@pytest.mark.parametrize("cut", [0, 1, 3, 8, 20, 100])
async def test_what_comes_behind_a_close_of_the_service_is_read_to_its_end(
    cut: int,
) -> None:
    """Else the client's own close frame is missed, and the connection hangs."""
    async with serving(Echo, "fast") as service:
        rest = b"".join(BEHIND)
        chunks = [frame(TEXT, b"close") + rest[:cut], rest[cut:], frame(CLOSE)]
        began = asyncio.get_running_loop().time()
        peer, answers = await fed(service, chunks, silent=True)
        await peer.gone()
        assert asyncio.get_running_loop().time() - began < 2
        assert apart(answers)[0] == [(CLOSE, b"\x0f\xa0as told")]
        assert Echo.closes == [Normal("shutdown")]


@pytest.mark.parametrize("share", [0, 60])
async def test_a_message_behind_a_close_of_the_service_is_nobodys(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Also when it comes alone, or others would have had their turn just then."""
    monkeypatch.setattr(reading, "FAIR_SHARE", share)
    chunk = frame(TEXT, b"x") * (LOOK_AT_CLOCK - 1) + frame(TEXT, b"close")
    async with serving(Echo, "fast") as service:
        Echo.closes.clear()
        peer, protocol = await service.join()
        peer.silent = True
        protocol.data_received(chunk)
        await peer.until(lambda: peer.closed_with == 4000 and bool(Echo.closes))
        for behind in (BEHIND[0], *fragments(TEXT, b"not ", b"heard")):
            protocol.data_received(behind)
        peer.send(CLOSE, b"")
        await peer.gone()
        assert Echo.closes == [Normal("shutdown")]
        counters = service.worker.counters
        assert (counters.callbacks, counters.crashes) == (LOOK_AT_CLOCK + 1, 0)


async def test_close_of_both_at_once() -> None:
    async with serving(Echo, "fast") as service:
        chunks = [frame(TEXT, b"close") + frame(CLOSE, b"\x03\xe8")]
        peer, answers = await fed(service, chunks, silent=True)
        await peer.gone()
        assert apart(answers)[0] == [(CLOSE, b"\x0f\xa0as told")]
        assert Echo.closes == [Normal("shutdown")]
