"""A group: who is in it, and what each member sees in which order."""

import asyncio
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from boss import Group, Noreply, Ok, Remote, ServiceHandler, WebSocket
from boss.runtime.batch import Batch
from boss.runtime.client import MANY_GROUPS
from boss.runtime.fast_client import FastClient
from boss.runtime.turn import Turn
from boss.runtime.worker import Worker
from tests.runtime.fakes import Bench, FakeClient, bench, make_service
from tests.runtime.local import serving

pytestmark = pytest.mark.anyio


class Silent(ServiceHandler[None]):
    pass


class Direct(FakeClient):
    """A client that a group may write to without asking it, as long as it `reads`."""

    __slots__ = ("reads", "written")

    def __init__(self, worker: Worker, turn: Turn, session_id: str = "s") -> None:
        super().__init__(worker, turn, session_id)
        self.reads = True
        self.written = 0  # times

    @property
    def direct(self) -> Callable[[bytes], None] | None:
        return self.write if self.reads and self.open else None

    def write(self, data: bytes) -> None:
        self.written += 1
        while data:
            size = data[1]
            assert size < 126
            self.inbox.append(data[2 : 2 + size].decode())
            data = data[2 + size :]

    def turns_to(self, reads: bool) -> None:
        self.reads = reads
        self.tell_groups()


def join(b: Bench, name: str, worker: Worker | None = None) -> Direct:
    client = Direct(worker or b.worker, b.turn, name)
    client.worker.join(client)  # type: ignore[attr-defined]
    return client


def members(b: Bench, number: int) -> tuple[Group, list[FakeClient]]:
    clients = [b.join(f"c{n}") for n in range(number)]
    group = Group()
    for client in clients:
        group.add(client)
    return group, clients


async def test_membership() -> None:
    async with bench(Silent) as b:
        group, (ann, bob, cid) = members(b, 3)
        group.add(bob)
        assert list(group) == [ann, bob, cid]
        group.discard(ann)
        group.discard(ann)
        group.add(ann)
        assert list(group) == [bob, cid, ann]
        assert len(group) == 3
        assert ann in group
        assert "ann" not in group
        assert repr(group) == "<group of 3>"


@pytest.mark.parametrize("wrong", ["ann", None, 1])
def test_only_clients_are_members(wrong: Any) -> None:
    group = Group()
    with pytest.raises(TypeError, match="a member is a WebSocket, not"):
        group.add(wrong)
    group.discard(wrong)
    assert len(group) == 0


async def test_groups_that_nobody_keeps_are_forgotten_in_time() -> None:
    async with bench(Silent) as b:
        (ann,) = members(b, 1)[1]
        lasting = Group()
        lasting.add(ann)
        for number in range(1000):
            group = Group()
            group.add(ann)
            group.send(f"{number}")
        await b.settle()
        assert ann.inbox == [f"{number}" for number in range(1000)]
        assert len(ann.groups) <= 2 * MANY_GROUPS
        ann.gone(Remote(1000, ""))
        await b.settle()
        assert len(lasting) == 0


async def test_messages_wait_for_the_end_of_the_turn_and_keep_their_order() -> None:
    async with bench(Silent) as b:
        group, (ann, bob) = members(b, 2)
        group.send("1")
        group.send(b"2")
        group.send_json([3])
        assert ann.inbox == []
        await b.settle()
        assert ann.inbox == bob.inbox == ["1", b"2", "[3]"]


async def test_any_mixture_is_seen_in_the_order_of_sending() -> None:
    """Against a model: lists, to which everything is appended at once."""
    dice = random.Random(7)
    async with bench(Silent) as b:
        directly = [join(b, f"d{n}") for n in range(2)]
        clients = [*directly, b.join("a"), b.join("b")]
        groups = [Group() for _ in range(3)]
        model: dict[FakeClient, list[str]] = {client: [] for client in clients}
        inside: list[dict[FakeClient, None]] = [{} for _ in groups]
        for number in range(3000):
            which = dice.randrange(3)
            group, members_of = groups[which], inside[which]
            client, text = dice.choice(clients), str(number)
            match dice.randrange(8):
                case 0:
                    group.add(client)
                    members_of[client] = None
                case 1:
                    group.discard(client)
                    members_of.pop(client, None)
                case 2 | 3:
                    group.send(text)
                    for member in members_of:
                        model[member].append(text)
                case 4:
                    group.send(text, exclude=client)
                    for member in members_of:
                        if member is not client:
                            model[member].append(text)
                case 5:
                    client.send(text)
                    model[client].append(text)
                case 6 if dice.random() < 0.5:
                    await asyncio.sleep(0)
                case 7:
                    dice.choice(directly).turns_to(dice.random() < 0.7)
            assert [set(group) for group in groups] == [set(m) for m in inside]
        await b.settle()
        for client in clients:
            assert client.inbox == model[client]
        assert all(client.written > 20 for client in directly)


# Members that are not looked at, but written to.


async def test_a_member_is_written_to_once_a_turn_and_counted() -> None:
    async with bench(Silent) as b:
        ann, bob, cid = join(b, "ann"), join(b, "bob"), b.join("cid")
        group = Group()
        for client in (ann, bob, cid):
            group.add(client)
        group.send("1")
        group.send("2")
        await b.settle()
        assert ann.inbox == bob.inbox == cid.inbox == ["1", "2"]
        assert ann.written == bob.written == 1
        assert b.worker.counters.messages_out == 4  # a FakeClient does not count


class Full(Direct):
    """Reads what fits, and that is one message."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        super().write(data)
        self.turns_to(reads=False)


async def test_who_stops_reading_while_it_is_written_to_gets_nothing_twice() -> None:
    async with bench(Silent) as b:
        ann, bob = Full(b.worker, b.turn), join(b, "bob")
        b.worker.join(ann)
        group = Group()
        group.add(ann)
        group.add(bob)
        group.send("1")
        await b.settle()
        group.send("2")
        await b.settle()
        assert ann.inbox == bob.inbox == ["1", "2"]
        assert (ann.written, bob.written) == (1, 2)
        ann.turns_to(reads=True)
        group.send("3")
        await b.settle()
        assert (ann.written, bob.written) == (2, 3)


async def test_who_has_closed_is_not_written_to() -> None:
    async with bench(Silent) as b:
        ann, bob = join(b, "ann"), join(b, "bob")
        group = Group()
        group.add(ann)
        group.add(bob)
        group.send("lost")
        ann.open = False
        ann.tell_groups()
        await b.settle()
        assert (ann.written, bob.written) == (0, 1)
        ann.open = True


async def test_members_of_several_services_are_counted_where_they_belong() -> None:
    services = Bench(make_service(Silent), make_service(Silent, "other"))
    await services.supervisor.start()
    chat, other = services.supervisor.workers.values()
    ann, bob, cid = (join(services, name, chat) for name in ("ann", "bob", "cid"))
    eve = join(services, "eve", other)
    group = Group()
    for client in (ann, eve, bob):
        group.add(client)
    group.send("1")
    await services.settle()
    assert (ann.written, bob.written, eve.written) == (1, 1, 0)
    assert eve.inbox == ["1"]
    assert chat.counters.messages_out == 2
    group.discard(ann)
    group.discard(bob)
    group.discard(eve)
    group.add(eve)  # the first of an empty group says whose members are written to
    group.add(cid)
    group.send("2")
    await services.settle()
    assert (cid.written, eve.written) == (0, 1)
    assert other.counters.messages_out == 1
    await services.supervisor.stop()


async def test_what_a_member_holds_leaves_before_what_the_group_is_sent() -> None:
    class Holding(Direct):
        __slots__ = ()

        def end_of_turn(self) -> None:
            self.inbox.append("end of turn")

    async with bench(Silent) as b:
        ann = Holding(b.worker, b.turn)
        b.worker.join(ann)
        group = Group()
        group.add(ann)
        b.turn.begin()
        b.turn.dirty.append(ann)
        group.send("1")
        await b.settle()
        assert ann.written == 0
        assert ann.inbox == ["1", "end of turn"]


class Room(ServiceHandler[Group]):
    """Sends to all what one says; who says "close" is closed before."""

    def init(self) -> Ok[Group]:
        return Ok(Group())

    def handle_join(self, url: str, websocket: WebSocket, state: Group) -> Any:
        state.add(websocket)
        return Noreply(state)

    def handle_incoming(
        self, url: str, websocket: WebSocket, message: Any, state: Group
    ) -> Any:
        if message == "close":
            websocket.close(4000)
        state.send(message)
        return Noreply(state)


async def test_a_client_that_does_not_read_is_not_written_to_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    put_batch = FastClient.put_batch

    def watched(self: FastClient, batch: Batch, hold: bool) -> None:
        asked.append(self)
        put_batch(self, batch, hold)

    monkeypatch.setattr(FastClient, "put_batch", watched)
    async with serving(Room, "fast") as room:
        ann, slow = await room.join()
        bob, _ = await room.join()
        slow.pause_writing()
        bob.send(1, b"1")
        await bob.until(lambda: bob.inbox == ["1"])
        assert asked == [slow.peer]
        slow.peer.send("alone")
        assert len(slow.peer.queue) == 2
        slow.resume_writing()
        bob.send(1, b"2")
        await ann.until(lambda: ann.inbox == ["1", "alone", "2"])
        assert asked == [slow.peer], "and then it is written to like any other"


async def test_nothing_is_written_behind_a_close_frame(way: str) -> None:
    async with serving(Room, way) as room:
        ann, _ = await room.join()
        bob, _ = await room.join()
        ann.send(1, b"close")
        await bob.until(lambda: bob.inbox == ["close"])
        await ann.gone()
        assert [opcode for opcode, _ in ann.frames] == [8]
        assert room.worker.counters.messages_to_gone_clients == 1


async def test_a_closed_client_leaves_every_group_before_its_handle_close() -> None:
    sizes = []

    class Watcher(ServiceHandler[None]):
        def handle_close(
            self, reason: Any, url: str, websocket: Any, state: None
        ) -> Any:
            sizes.append((len(group), len(other)))
            group.add(websocket)
            return Noreply(state)

    async with bench(Watcher) as b:
        group, (ann, bob) = members(b, 2)
        other = Group()
        other.add(ann)
        await b.settle()
        ann.gone(Remote(1000, ""))
        await b.settle()
        assert sizes == [(1, 0)]
        assert list(group) == [bob]


async def test_nobody_is_added_whom_no_life_will_tell_to_have_closed() -> None:
    async with bench(Silent) as b:
        group, (ann, _) = members(b, 2)
        await b.settle()
        b.worker.drop_clients(1012, "service restarts")
        assert len(group) == 0
        group.add(ann)
        assert len(group) == 0


async def test_nothing_follows_a_close() -> None:
    async with bench(Silent) as b:
        group, (ann, bob) = members(b, 2)
        await b.settle()
        group.send("before")
        ann.close(4000)
        assert ann.inbox == ["before"], "what was sent before leaves before"
        group.send("after")
        group.discard(ann)
        await b.settle()
        assert ann.inbox == ["before"]
        assert bob.inbox == ["before", "after"]


async def test_what_cannot_be_sent_harms_nobody() -> None:
    async with bench(Silent) as b:
        group, (ann, _) = members(b, 2)
        group.send("1")
        with pytest.raises(UnicodeEncodeError):
            group.send("\ud800")
        for wrong in (1, None, bytearray(b"x")):
            with pytest.raises(TypeError):
                group.send(wrong)  # type: ignore[arg-type]
        group.send("2")
        await b.settle()
        assert ann.inbox == ["1", "2"]


async def test_from_a_thread() -> None:
    async with bench(Silent) as b:
        group, (ann, bob) = members(b, 2)

        def speak() -> None:
            for number in range(50):
                group.send(f"{number}")
                ann.send(f"own {number}")
            group.send("last", exclude=ann)

        await asyncio.to_thread(speak)
        await b.settle()
        both = [text for n in range(50) for text in (f"{n}", f"own {n}")]
        assert ann.inbox == both
        assert bob.inbox == [*(f"{n}" for n in range(50)), "last"]


async def test_members_come_and_go_in_a_thread_in_the_order_of_its_calls() -> None:
    async with bench(Silent) as b:
        group, (ann, bob) = members(b, 2)

        def change() -> None:
            group.discard(ann)
            group.send("1")
            group.add(ann)
            group.discard(bob)
            group.send("2")

        thread = threading.Thread(target=change)
        thread.start()
        thread.join()  # the loop stands still: nothing of it has been done yet
        await b.settle()
        assert (ann.inbox, bob.inbox) == (["2"], ["1"])
        assert list(group) == [ann]
        thread = threading.Thread(target=group.discard, args=(ann,))
        thread.start()
        thread.join()
        group.add(bob)
        assert list(group) == [bob], "what the thread did came first"


async def test_an_empty_group_may_be_sent_to() -> None:
    group = Group()
    group.send("x")
    group.send_json(1)
    assert list(group) == []
    with pytest.raises(TypeError):
        group.send(1)  # type: ignore[arg-type]
