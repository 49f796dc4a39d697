"""One turn of the event loop: what is held until it ends, and who is judged after it."""

import asyncio
from typing import Any

import pytest

from boss.runtime.turn import MANY, Turn

pytestmark = pytest.mark.anyio


class Log:
    """Stands for a client or a group, and says what is asked of it."""

    members = 2

    def __init__(self, name: str, log: list[Any], turn: Turn) -> None:
        self.name, self.log, self.turn = name, log, turn

    def end_of_turn(self) -> None:
        self.log.append((self.name, self.turn.number))

    def judge(self) -> None:
        self.log.append(("judged", self.name))

    def settle(self, member: object) -> None: ...

    def hand_over(self, *, hold: bool) -> None:
        self.turn.group = None
        self.log.append((self.name, self.turn.number))

    def __len__(self) -> int:
        return self.members


async def test_a_turn_ends_once_with_the_group_before_the_members() -> None:
    turn, log = Turn(asyncio.get_running_loop()), list[Any]()
    turn.begin()
    turn.begin()
    turn.dirty.append(Log("member", log, turn))
    turn.group = Log("group", log, turn)
    assert turn.open
    await asyncio.sleep(0)
    # All of it still belongs to the turn in which it was sent: a burst is one.
    assert log == [("group", 0), ("member", 0)]
    assert (turn.number, turn.open, turn.group, turn.dirty) == (1, False, None, [])
    await asyncio.sleep(0)
    assert turn.number == 1


async def test_what_was_framed_last_is_not_kept() -> None:
    turn = Turn(asyncio.get_running_loop())
    turn.begin()
    turn.message, turn.frame = "x", b"\x81\x01x"
    await asyncio.sleep(0)
    assert (turn.message, turn.frame) == (None, b"")


async def test_threads_that_ask_and_ask_do_not_keep_the_loop_for_ever() -> None:
    turn, made = Turn(asyncio.get_running_loop()), list[int]()

    def ask(number: int) -> None:
        made.append(number)
        if number < 10:
            turn.ask(ask, number + 1)

    turn.ask(ask, 0)
    for count in range(3):
        assert len(made) == count
        await asyncio.sleep(0)


async def test_what_a_thread_has_asked_for_may_send_in_turn() -> None:
    """So it catches up, too, and nothing is left for whoever has called it."""
    turn, made = Turn(asyncio.get_running_loop()), list[str]()
    turn.ask(turn.do, made.append, "first, behind all that came before")
    turn.ask(made.append, "second")
    turn.catch_up()
    assert made == ["second", "first, behind all that came before"]


async def test_the_turn_of_a_large_group_ends_after_one_more_look_at_the_sockets() -> (
    None
):
    turn, log = Turn(asyncio.get_running_loop()), list[Any]()
    for number in range(2):
        turn.begin()
        turn.group = group = Log("group", log, turn)
        group.members = MANY
        await asyncio.sleep(0)
        assert (turn.open, turn.group) == (True, group), "not yet"
        turn.begin()  # another message is sent
        await asyncio.sleep(0)
        assert log[number:] == [("group", number)]
        assert (turn.open, turn.group) == (False, None)
        await asyncio.sleep(0)
    assert turn.number == 2


async def test_suspects_are_judged_once_when_the_loop_has_polled_its_sockets() -> None:
    turn, log = Turn(asyncio.get_running_loop()), list[Any]()
    suspect = Log("ann", log, turn)
    turn.suspect(suspect)
    turn.suspect(suspect)
    await asyncio.sleep(0)
    assert log == [], "not in the same turn"
    await asyncio.sleep(0)
    assert log == [("judged", "ann")]
    turn.suspect(suspect)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == [("judged", "ann")] * 2
