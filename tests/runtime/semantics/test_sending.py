"""What a client sees of what is sent, whoever sends it."""

import json
from collections.abc import Callable

import pytest

from tests.e2e.support import Client, Server
from tests.runtime.semantics.harness import Service, until

Fresh = Callable[[str], Service]


def texts(client: Client, number: int) -> list[str | bytes]:
    return [client.receive() for _ in range(number)]


def test_text_and_bytes_and_json_arrive_as_such_in_order(service: Service) -> None:
    service.on(
        handle_incoming="""
            websocket.send("text ü")
            websocket.send(b"\\x00\\xff")
            websocket.send("")
            websocket.send(b"")
            websocket.send_json({"list": [1, None, True, "ü"]})
        """
    )
    ann = service.join("ann")
    ann.send("x")
    got = texts(ann, 5)
    assert got[:4] == ["text ü", b"\x00\xff", "", b""]
    assert json.loads(got[4]) == {"list": [1, None, True, "ü"]}


@pytest.mark.parametrize("where", ["do", "thread", "background"])
def test_sending_from_anywhere_keeps_the_order(service: Service, where: str) -> None:
    ann = service.join("ann")
    service.do(
        """
        for number in range(100):
            state.clients["ann"].send(f"{number}")
        state.clients["ann"].send_json([100])
        state.clients["ann"].close(4000, "done")
        """,
        where,
    )
    assert texts(ann, 101) == [*(str(n) for n in range(100)), "[100]"]
    assert ann.closed() == (4000, "done")
    assert service.wait("handle_close") == "Normal(reason='shutdown')"


WRONG = {
    "send(42)": "TypeError",
    "send(None)": "TypeError",
    "send(['x'])": "TypeError",
    "send(bytearray(b'x'))": "TypeError",
    "send(memoryview(b'x'))": "TypeError",
    "send_json({1, 2})": "TypeError",
    "send_json(object())": "TypeError",
    "send_json(float('nan'))": "ValueError",
    "send('\\ud800')": "UnicodeEncodeError",
}


@pytest.mark.parametrize("where", ["do", "thread"])
@pytest.mark.parametrize("address", ["state.clients['ann']", "state.group"])
def test_what_cannot_be_sent_is_refused_at_the_sender(
    prompt: Service, where: str, address: str
) -> None:
    prompt.on(handle_join="state.group.add(websocket)")
    ann = prompt.join("ann")
    for call, error in WRONG.items():
        assert str(prompt.do(f"{address}.{call}", where)).startswith(f"{error}: "), call
    prompt.do("state.group.send('fine')")
    assert ann.receive() == "fine"


def test_a_lone_surrogate_in_json_is_escaped(prompt: Service) -> None:
    """Or whoever sends one to a chat of JSON, which may spell it out, would crash the chat."""
    prompt.on(
        handle_join="state.group.add(websocket)",
        handle_incoming="state.group.send_json(['\\ud83d', 'ü']); websocket.send_json('\\ud83d')",
    )
    ann = prompt.join("ann")
    ann.send("x")
    assert json.loads(ann.receive()) == ["\ud83d", "ü"]
    assert json.loads(ann.receive()) == "\ud83d"


def test_sending_to_a_client_that_has_gone_does_nothing(service: Service) -> None:
    service.on(handle_join="state.kept['ann'] = websocket")
    service.join("ann").close()
    service.wait("handle_close")
    for where in ("do", "thread"):
        for call in ("send('x')", "send(b'x')", "send_json(1)", "close()"):
            assert service.do(f"state.kept['ann'].{call}", where) is None
    told = service.do("state.kept['ann'].send(42)")
    assert str(told).startswith("TypeError")


def test_a_plain_set_and_a_loop_work_as_well(service: Service) -> None:
    service.on(
        handle_join="state.kept.setdefault('all', set()).add(websocket)",
        handle_incoming="for member in state.kept['all']: member.send(message)",
    )
    clients = [service.join(f"c{n}") for n in range(5)]
    for number in range(20):
        clients[number % 5].send(f"{number}")
    for client in clients:
        assert sorted(texts(client, 20), key=int) == [str(n) for n in range(20)]


# Groups.


def group_of(service: Service, *names: str) -> list[Client]:
    service.on(handle_join="state.group.add(websocket)")
    return [service.join(name) for name in names]


def test_a_group_reaches_every_member(service: Service) -> None:
    members = group_of(service, "ann", "bob", "cid")
    service.on(
        handle_incoming="""
            state.group.send(message)
            state.group.send(b"bytes")
            state.group.send_json({"to": "all"})
        """
    )
    members[0].send("hello")
    for member in members:
        got = texts(member, 3)
        assert got[:2] == ["hello", b"bytes"]
        assert json.loads(got[2]) == {"to": "all"}


def test_one_member_may_be_excluded(service: Service) -> None:
    ann, bob = group_of(service, "ann", "bob")
    service.on(
        handle_incoming="""
            state.group.send("1 others", exclude=websocket)
            state.group.send("2 all")
            state.group.send_json("3 others", exclude=websocket)
            state.group.send("4 others", websocket)
            state.group.send("5 all", exclude=None)
        """
    )
    ann.send("x")
    assert texts(ann, 2) == ["2 all", "5 all"]
    assert texts(bob, 5) == ["1 others", "2 all", '"3 others"', "4 others", "5 all"]


def test_a_group_knows_its_members_in_order(service: Service) -> None:
    group_of(service, "eve", "ann", "bob")
    service.on(
        handle_incoming="""
            ann = state.clients["ann"]
            for action in (lambda: None, lambda: state.group.discard(ann), lambda: state.group.discard(ann),
                           lambda: state.group.add(ann), lambda: state.group.add(ann)):
                action()
                names = {address: name for name, address in state.clients.items()}
                note(" ".join(names[member] for member in state.group))
                note(len(state.group))
                note(ann in state.group)
        """
    )
    service.join("zoe").send("x")
    service.wait("note", times=15)
    notes = [what for _, _, what in service.calls("note")]
    assert notes == [
        *("eve ann bob zoe", 4, True),
        *("eve bob zoe", 3, False) * 2,
        *("eve bob zoe ann", 4, True) * 2,
    ]


def test_a_group_may_change_while_one_iterates(service: Service) -> None:
    ann, bob = group_of(service, "ann", "bob")
    service.on(
        handle_incoming="""
            for member in state.group:
                state.group.discard(member)
                member.send("out")
            note(len(state.group))
        """
    )
    ann.send("x")
    assert texts(ann, 1) == texts(bob, 1) == ["out"]
    assert service.wait("note") == 0


def test_what_is_sent_to_group_and_member_arrives_in_the_order_of_sending(
    service: Service,
) -> None:
    ann, bob = group_of(service, "ann", "bob")
    service.on(
        handle_incoming="""
            one, two = Group(), Group()
            ann, bob = state.clients["ann"], state.clients["bob"]
            for member in (ann, bob):
                one.add(member)
                two.add(member)
            number = 0
            def turn(receiver, *arguments, **options):
                nonlocal number
                number += 1
                receiver.send(f"{number}", *arguments, **options)
            for _ in range(3):
                turn(one)
                turn(ann)
                turn(two)
                turn(bob)
                turn(one, exclude=ann)
                turn(ann)
                turn(two, exclude=bob)
                turn(one)
                turn(one)
                turn(state.group, exclude=ann)
            two.discard(ann)
            turn(two)
            turn(one)
            two.add(ann)
            turn(two)
            turn(ann)
        """
    )
    ann.send("x")
    expected: dict[str, list[int]] = {"ann": [], "bob": []}
    for base in (0, 10, 20):
        expected["ann"] += [base + n for n in (1, 2, 3, 6, 7, 8, 9)]
        expected["bob"] += [base + n for n in (1, 3, 4, 5, 8, 9, 10)]
    expected["ann"] += [32, 33, 34]
    expected["bob"] += [31, 32, 33]
    assert texts(ann, 24) == [str(n) for n in expected["ann"]]
    assert texts(bob, 24) == [str(n) for n in expected["bob"]]


def test_a_client_that_has_closed_leaves_every_group_just_before_its_handle_close(
    service: Service,
) -> None:
    service.on(
        handle_join="""
            state.kept.setdefault("other", Group()).add(websocket)
            state.group.add(websocket)
        """,
        handle_close="""
            note(len(state.group) * 10 + len(state.kept["other"]))
            note(websocket in state.group)
            state.group.add(websocket)
            note(len(state.group))
            state.group.send("somebody left")
        """,
    )
    ann, bob = service.join("ann"), service.join("bob")
    ann.close()
    assert bob.receive() == "somebody left"
    assert [what for _, _, what in service.calls("note")] == [11, False, 1]


def test_a_group_of_a_life_is_empty_when_the_next_begins(service: Service) -> None:
    service.on(
        handle_join="""
            state.group.add(websocket)
            note(len(state.group))
        """,
        handle_info="return Stop('again', state)",
    )
    ann, bob = service.join("ann"), service.join("bob")
    service.info("x")
    service.wait("handle_join", "bob", times=2)
    assert [what for _, _, what in service.calls("note")] == [1, 2, 1, 2]
    service.on(handle_info="state.group.send('once')")
    service.info("x")
    service.on(handle_info="state.group.send('twice')")
    service.info("x")
    assert texts(ann, 2) == texts(bob, 2) == ["once", "twice"]


def test_after_a_close_nothing_more_is_written_whatever_the_group_does(
    service: Service,
) -> None:
    """A data frame behind a close frame would be a protocol error."""
    ann, bob = group_of(service, "ann", "bob")
    service.on(
        handle_incoming="""
            state.group.send("before")
            websocket.close(4000)
            state.group.send("after")
            state.group.discard(websocket)
            state.group.send("after that")
        """
    )
    raw = service.clients.enter_context(service.server.raw(f"{service.url}?name=raw"))
    service.wait("handle_join", "raw")
    raw.sendall(b"\x81\x81\x00\x00\x00\x00x")
    received = b""
    while len(received) < 12:
        received += raw.recv(100)
    raw.sendall(b"\x88\x80\x00\x00\x00\x00")
    while chunk := raw.recv(100):
        received += chunk
    assert received == b"\x81\x06before\x88\x02\x0f\xa0"
    assert texts(ann, 3) == texts(bob, 3) == ["before", "after", "after that"]


def test_a_group_may_be_sent_to_from_a_thread(service: Service) -> None:
    ann, bob = group_of(service, "ann", "bob")
    service.do(
        """
        state.group.send("1")
        state.clients["ann"].send("2")
        state.group.send("3", exclude=state.clients["bob"])
        state.group.send_json(4)
        """,
        "thread",
    )
    assert texts(ann, 4) == ["1", "2", "3", "4"]
    assert texts(bob, 2) == ["1", "4"]


def test_what_a_thread_has_sent_comes_before_what_the_loop_sends_then(
    service: Service,
) -> None:
    """Whoever waits for a thread knows that it has sent."""
    ann, bob = group_of(service, "ann", "bob")
    service.on(
        handle_incoming="""
            def wait_for(*calls):
                def speak():
                    for call, *arguments in calls:
                        call(*arguments)
                thread = threading.Thread(target=speak)
                thread.start()
                thread.join()

            wait_for((websocket.send, "1"), (state.group.send, "2"))
            websocket.send("3")
            wait_for((state.group.send, "4"), (websocket.send, "5"))
            state.group.send("6")
            wait_for((websocket.send, "7"), (websocket.send_json, 8))
            websocket.send(b"9")
            wait_for((websocket.send, "10"), (state.group.send, "11"))
            websocket.close(4000, "done")
        """
    )
    ann.send("x")
    got = [f"{n}" if n != 9 else b"9" for n in range(1, 12)]
    assert texts(ann, 11) == got
    assert ann.closed() == (4000, "done")
    assert texts(bob, 4) == ["2", "4", "6", "11"]


def test_an_empty_group_may_be_sent_to(prompt: Service) -> None:
    for where in ("do", "thread"):
        assert prompt.do("Group().send('x'); state.group.send_json(1)", where) is None
    assert prompt.do("return (len(Group()), list(Group()), None in Group())") == [
        0,
        [],
        False,
    ]


# Bounds.


@pytest.mark.parametrize("kind", ["broadcast", "info"])
def test_a_full_mailbox_raises_at_the_sender(
    server: Server, fresh: Fresh, kind: str
) -> None:
    """The service `abox` has room for 5."""
    abox = Service(fresh("async def").clients, server, "abox")
    seen = abox.count(f"handle_{kind}")
    abox.on(handle_incoming="await gate(message)")
    ann = abox.join("ann")
    ann.send(kind)
    abox.wait("handle_incoming", times=abox.count("handle_incoming") or 1)
    until(lambda: ("handle_incoming", "ann", kind) in abox.journal(), abox.journal)
    for where in ("do", "thread"):
        told = abox.do(
            f"""
            for number in range(6):
                services.abox.{kind}(number)
            """,
            where,
        )
        assert told.startswith("MailboxFull: ")
        assert "abox" in told
    for _ in range(70):
        ann.send("never refused")  # a client's messages are not counted
    abox.on(handle_incoming="")
    abox.open(kind)
    abox.wait("handle_incoming", times=abox.count("handle_incoming"))
    until(lambda: abox.count(f"handle_{kind}") == seen + 5, abox.journal)
    assert abox.do(f"services.abox.{kind}('room again')") is None
    until(lambda: abox.count(f"handle_{kind}") == seen + 6, abox.journal)


def test_a_burst_within_one_callback_is_not_slowness(service: Service) -> None:
    """Fifty times outbound_limit, to somebody who reads."""
    service.on(
        handle_join="state.group.add(websocket)",
        handle_incoming="""
            for number in range(25_000):
                websocket.send(f"{number}")
            for number in range(25_000):
                state.group.send(f"{number}")
        """,
    )
    ann = service.join("ann", max_queue=None)
    ann.send("x")
    assert texts(ann, 50_000) == [str(n) for n in range(25_000)] * 2
    assert ann.ask("x") == "0"


def test_a_flood_of_one_client_is_heard_whole(awaiting: Service) -> None:
    """Far more than may wait: the socket is not read meanwhile, and nothing is lost."""
    awaiting.on(handle_incoming="if message == '0': await gate('go')")
    ann = awaiting.join("ann")
    other = awaiting.join("bob")
    for number in range(1000):
        ann.send(f"{number}")
    awaiting.wait("handle_incoming")
    other.send("patient")
    other.ping().wait(10)
    awaiting.open("go")
    awaiting.wait("handle_incoming", times=1001)
    heard = [what for _, who, what in awaiting.calls("handle_incoming") if who == "ann"]
    assert heard == [str(n) for n in range(1000)]


def test_pings_are_answered_while_messages_wait_for_the_service(
    awaiting: Service,
) -> None:
    awaiting.on(handle_incoming="await gate('go')")
    ann = awaiting.join("ann")
    for _ in range(40):
        ann.send("x")
    awaiting.wait("handle_incoming")
    assert ann.ping().wait(5)
    awaiting.open("go")
    awaiting.wait("handle_incoming", times=40)


@pytest.mark.parametrize(
    "how", ["state.group.send('bye')", "for one in state.group: one.send('bye')"]
)
@pytest.mark.parametrize(
    "end", ["return Stop('normal', state)", "return Stop('oops', state)", "1 / 0"]
)
def test_what_terminate_sends_arrives(service: Service, how: str, end: str) -> None:
    service.on(
        handle_join="state.group.add(websocket)", terminate=how, handle_broadcast=end
    )
    ann = service.join("ann")
    service.broadcast("x")
    assert ann.receive() == "bye"


@pytest.mark.parametrize("how", ["state.group.send('last')", "websocket.send('last')"])
def test_what_a_callback_sends_before_it_crashes_arrives(
    service: Service, how: str
) -> None:
    service.on(
        handle_join="state.group.add(websocket)", handle_incoming=f"{how}\n1 / 0"
    )
    ann = service.join("ann")
    ann.send("x")
    assert ann.receive() == "last"
    assert ann.closed()[0] == 1011
