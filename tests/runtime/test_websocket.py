"""The address of a client."""

import asyncio
import json
import math
import threading

import pytest

from boss import Remote, ServiceHandler
from boss.runtime.websocket import encode_json
from tests.runtime.fakes import FakeClient, bench
from tests.runtime.local import serving

pytestmark = pytest.mark.anyio


class Silent(ServiceHandler[None]):
    pass


async def test_identity() -> None:
    async with bench(Silent) as b:
        ann, bob = b.join(), b.join()
        assert ann != bob
        assert len({ann, bob, ann}) == 2
        assert ann.id != bob.id
        assert ann.id in repr(ann)


async def test_the_request_is_that_of_the_handshake() -> None:
    async with bench(Silent) as b:
        request = b.join().request
        assert request.url.path == "/websocket/chat"
        assert request.query_params["room"] == "blue"
        assert request.headers["host"] == "example.com"
        assert request.client is not None
        assert request.client.host == "192.0.2.1"


async def test_sending_after_the_end_is_counted() -> None:
    async with bench(Silent) as b:
        ann = b.join()
        await b.settle()
        ann.gone(Remote(1000, ""))
        ann.send("x")
        ann.send_json(1)
        ann.close()
        await asyncio.to_thread(ann.send, "from a thread")
        await b.settle()
        assert ann.inbox == []
        assert ann.closed_with is None
        assert b.worker.counters.messages_to_gone_clients == 3


def test_sending_when_the_loop_has_ended_is_counted() -> None:
    async def life() -> FakeClient:
        async with bench(Silent) as b:
            return b.join()

    ann = asyncio.run(life())
    thread = threading.Thread(target=ann.send, args=("late",))
    thread.start()
    thread.join()
    assert ann.worker.counters.messages_to_gone_clients == 1


async def test_a_thread_leaves_the_sending_to_the_loop(way: str) -> None:
    async with serving(Silent, way) as service:
        peer, _ = await service.join()
        (client,) = service.worker.clients
        thread = threading.Thread(target=client.send, args=("x",))
        thread.start()
        thread.join()
        assert service.worker.counters.messages_out == 0, "the loop stands still"
        await peer.until(lambda: peer.inbox == ["x"])


async def test_a_lone_surrogate_is_refused_in_the_thread_that_sends_it() -> None:
    async with bench(Silent) as b:
        ann = b.join()
        with pytest.raises(UnicodeEncodeError):
            await asyncio.to_thread(ann.send, "\ud800")


async def test_close_is_the_first_one() -> None:
    async with bench(Silent) as b:
        ann = b.join()
        ann.close(4000, "first")
        ann.close(4001, "second")
        assert ann.closed_with == (4000, "first")


async def test_what_a_close_frame_cannot_say_closes_nothing() -> None:
    async with bench(Silent) as b:
        ann = b.join()
        for code, reason in ((1005, ""), (1000, "x" * 124)):
            with pytest.raises(ValueError, match="close"):
                ann.close(code, reason)
        assert ann.open


@pytest.mark.parametrize(
    "value", [None, "ü😀", [1, 2.5, {"a": None}], "\ud83d", {"\ud83d": ["ü"]}]
)
def test_json(value: object) -> None:
    text = encode_json(value)
    assert json.loads(text) == value
    text.encode()


def test_json_is_compact_and_as_it_is() -> None:
    assert encode_json({"ä": [1, 2]}) == '{"ä":[1,2]}'


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object(), b"x"])
def test_what_is_not_json(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_json(value)
