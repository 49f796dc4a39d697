"""The mailbox: first in, first out; bounded for broadcasts and infos only."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from boss import MailboxFull
from boss.runtime.mailbox import Kind, Mailbox


def test_first_in_first_out() -> None:
    mailbox = Mailbox("chat", 10)
    mailbox.put(Kind.JOIN, "ann", None)
    mailbox.post(Kind.BROADCAST, 1)
    mailbox.put(Kind.INCOMING, "ann", "x")
    assert len(mailbox) == 3
    kinds = [mailbox.take().kind for _ in range(3)]
    assert kinds == [Kind.JOIN, Kind.BROADCAST, Kind.INCOMING]
    assert len(mailbox) == 0


def test_broadcasts_and_infos_are_bounded_together_and_the_rest_is_not() -> None:
    mailbox = Mailbox("chat", 2)
    for _ in range(5):
        mailbox.put(Kind.INCOMING, "ann", "x")
    mailbox.post(Kind.BROADCAST, 1)
    mailbox.post(Kind.INFO, 2)
    for kind in (Kind.BROADCAST, Kind.INFO):
        with pytest.raises(MailboxFull, match="2 .*`chat`"):
            mailbox.post(kind, 3)
    assert len(mailbox) == 7, "what is refused is not queued"
    for _ in range(6):
        mailbox.take()
    mailbox.post(Kind.INFO, 4)
    with pytest.raises(MailboxFull):
        mailbox.post(Kind.INFO, 5)


def test_clearing_makes_room() -> None:
    mailbox = Mailbox("chat", 1)
    mailbox.post(Kind.INFO, 1)
    mailbox.put(Kind.JOIN, "ann", None)
    assert [message.kind for message in mailbox.clear()] == [Kind.INFO, Kind.JOIN]
    mailbox.post(Kind.INFO, 2)


def test_the_bound_holds_for_many_threads() -> None:
    mailbox = Mailbox("chat", 500)

    def post(_: int) -> int:
        try:
            for _ in range(100):
                mailbox.post(Kind.INFO, None)
        except MailboxFull:
            return 1
        return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(post, range(8))) >= 3
    assert len(mailbox) == 500
