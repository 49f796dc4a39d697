"""When an outbound queue is too long, and what is dropped."""

from typing import Any

import pytest

from boss import CloseReason, Error, Noreply, Normal, ServiceHandler, WebSocket
from boss.runtime.outbound import OutboundQueue, SlowConsumer
from tests.runtime.fakes import bench

ROOM = 10**9


def filled(*turns: int, size: int = 1) -> OutboundQueue[int]:
    """A queue with one message, numbered from 0, for each of these turns."""
    queue: OutboundQueue[int] = OutboundQueue()
    for number, turn in enumerate(turns):
        queue.push(number, size, turn)
    return queue


def rest(queue: OutboundQueue[int]) -> list[int]:
    return [queue.pop() for _ in range(len(queue))]


def test_first_in_first_out() -> None:
    assert rest(filled(1, 2, 2, 3)) == [0, 1, 2, 3]


def test_a_burst_in_one_turn_does_not_count() -> None:
    queue = filled(*[1] * 100)
    assert not queue.too_long(10, ROOM)
    assert not queue.too_long(ROOM, 10)
    assert not queue.push(100, 1, 1)
    assert queue.push(101, 1, 2), "the next turn counts"


def test_what_comes_while_something_waits_counts() -> None:
    queue = filled(1, *range(2, 12))
    assert not queue.too_long(10, ROOM)
    assert not queue.too_long(ROOM, 10)
    queue.push(11, 1, 12)
    assert queue.too_long(10, ROOM)
    assert queue.too_long(ROOM, 10)


def test_when_the_burst_has_left_the_rest_still_counts() -> None:
    queue = filled(1, 1, 1, *range(2, 13))
    assert queue.too_long(10, ROOM)
    for _ in range(4):
        queue.pop()
    for limits in ((10, ROOM), (ROOM, 10)):
        assert not queue.too_long(*limits)
    for limits in ((9, ROOM), (ROOM, 9)):
        assert queue.too_long(*limits)


def test_an_empty_queue_begins_anew() -> None:
    queue = filled(1, 2, 3)
    rest(queue)
    for number in range(50):
        queue.push(number, 1, 9)
    assert not queue.too_long(10, ROOM)


@pytest.mark.parametrize(
    ("policy", "kept"),
    [("drop_oldest", [10, 11, 12, 13, 14]), ("drop_newest", [0, 1, 2, 3, 4, 5])],
)
def test_trim(policy: SlowConsumer, kept: list[int]) -> None:
    queue = filled(*range(15))  # the first one is a burst of its own
    assert queue.trim(policy, 5, ROOM) == 15 - len(kept)
    assert not queue.too_long(5, ROOM)
    assert rest(queue) == kept


@pytest.mark.parametrize(
    ("policy", "kept"),
    [("drop_oldest", [11, 12, 13, 14]), ("drop_newest", [0, 1, 2, 3, 4])],
)
def test_trim_by_bytes(policy: SlowConsumer, kept: list[int]) -> None:
    queue = filled(*range(15), size=100)
    assert queue.trim(policy, ROOM, 400) == 15 - len(kept)
    assert not queue.too_long(ROOM, 400)
    queue.push(15, 1, 99)
    assert queue.too_long(ROOM, 400)
    assert rest(queue) == [*kept, 15]


@pytest.mark.parametrize(
    ("policy", "kept"), [("drop_oldest", [5, 6]), ("drop_newest", [0, 1, 2, 3, 4, 5])]
)
def test_a_burst_is_what_came_first(policy: SlowConsumer, kept: list[int]) -> None:
    queue = filled(1, 1, 1, 1, 2, 3, 4)
    queue.trim(policy, 2, ROOM)
    assert rest(queue) == kept


def test_drop_newest_keeps_what_came_first_however_often_it_drops() -> None:
    queue: OutboundQueue[int] = OutboundQueue()
    for number in range(100):
        queue.push(number, 1, number)
        if queue.too_long(5, ROOM):
            assert queue.trim("drop_newest", 5, ROOM) == 1
    assert rest(queue) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_one_message_larger_than_the_limit_does_not_hang(policy: SlowConsumer) -> None:
    queue = filled(1, size=1000)
    queue.push(1, 1000, 2)
    assert queue.trim(policy, ROOM, 10) >= 1
    assert not queue.too_long(ROOM, 10)


def test_clear() -> None:
    queue = filled(1, 1, 2)
    assert queue.clear() == 3
    assert len(queue) == 0
    assert not queue.too_long(0, 0)
    queue.push(0, 1, 3)
    queue.push(1, 1, 4)
    assert queue.too_long(0, ROOM)
    assert queue.too_long(ROOM, 0)


# What becomes of the client.


class Told(ServiceHandler[None]):
    closes: list[CloseReason]

    def handle_close(
        self, reason: CloseReason, url: str, websocket: WebSocket, state: None
    ) -> Noreply[None]:
        self.closes.append(reason)
        return Noreply(state)


@pytest.fixture
def told() -> type[Told]:
    return type("Told", (Told,), {"closes": []})


def limits(policy: SlowConsumer) -> dict[str, Any]:
    return {"outbound_limit": 5, "slow_consumer": policy}


async def test_who_is_too_slow_is_closed_and_what_waited_is_dropped(
    told: type[Told],
) -> None:
    async with bench(told, limits("close")) as b:
        ann = b.join()
        ann.queue = filled(*range(15))
        ann.judge()
        await b.settle()
        assert ann.closed_with == (1008, "too slow")
        assert len(ann.queue) == 0
        assert told.closes == [Error("slow")]
        counters = b.worker.counters
        assert (counters.slow_consumers, counters.messages_dropped) == (1, 15)


@pytest.mark.parametrize(("policy", "kept"), [("drop_oldest", 5), ("drop_newest", 6)])
async def test_who_is_too_slow_stays_where_messages_are_dropped(
    told: type[Told], policy: SlowConsumer, kept: int
) -> None:
    async with bench(told, limits(policy)) as b:
        ann = b.join()
        ann.queue = filled(*range(15))
        ann.judge()
        assert ann.open
        assert len(ann.queue) == kept
        counters = b.worker.counters
        assert (counters.slow_consumers, counters.messages_dropped) == (1, 15 - kept)


@pytest.mark.parametrize("policy", ["close", "drop_oldest", "drop_newest"])
async def test_who_has_read_or_was_closed_meanwhile_is_not_judged(
    told: type[Told], policy: SlowConsumer
) -> None:
    async with bench(told, limits(policy)) as b:
        ann, bob = b.join(), b.join()
        ann.queue, bob.queue = filled(*range(6)), filled(*range(15))
        bob.close()
        for client, waiting in ((ann, 6), (bob, 15)):
            client.judge()
            assert len(client.queue or ()) == waiting
        assert ann.open
        await b.settle()
        assert told.closes == [Normal("shutdown")]
        counters = b.worker.counters
        assert (counters.slow_consumers, counters.messages_dropped) == (0, 0)
