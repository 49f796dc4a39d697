"""What callbacks are called with, in which order, and by whom."""

import re
import time
from collections.abc import Callable

import pytest

from tests.e2e.support import Server
from tests.runtime.semantics.harness import Service

Fresh = Callable[[str], Service]


def test_each_of_the_seven_callbacks_is_called_with_what_happened(
    service: Service,
) -> None:
    ann = service.join("ann")
    ann.send("text")
    ann.send(b"\x00\xff")
    service.wait("handle_incoming", times=2)
    service.broadcast("to all")
    service.info({"any": "thing"})
    service.wait("handle_info")
    ann.close(4001, "because")
    service.wait("handle_close")
    service.on(handle_info='return Stop("normal", state)')
    service.info("stop")
    service.wait("terminate")
    assert service.journal() == [
        ("init", "", 1),
        ("handle_join", "ann", service.url),
        ("handle_incoming", "ann", "text"),
        ("handle_incoming", "ann", repr(b"\x00\xff")),
        ("handle_broadcast", "", "to all"),
        ("handle_info", "", repr({"any": "thing"})),
        ("handle_close", "ann", "Remote(code=4001, reason='because')"),
        ("handle_info", "", "stop"),
        ("terminate", "", "normal"),
    ]


def test_the_state_is_what_the_last_callback_gave_on(service: Service) -> None:
    step = "note(state.kept.get('step', 0)); return Noreply(type(state)(1, kept={'step': %d}))"
    service.on(
        handle_join=step % 1,
        handle_incoming=step % 2,
        handle_broadcast=step % 3,
        handle_info=step % 4,
        handle_close="note(state.kept['step']); return Stop('normal', state)",
        terminate="note(state.kept['step'])",
    )
    ann = service.join("ann")
    ann.send("x")
    service.wait("handle_incoming")
    service.broadcast("x")
    service.info("x")
    service.wait("handle_info")
    ann.close()
    service.wait("terminate")
    assert [what for _, _, what in service.calls("note")] == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize("callback", ["handle_join", "handle_incoming", "handle_info"])
def test_a_state_may_be_anything(service: Service, callback: str) -> None:
    service.on(**{callback: "return Noreply(None)"})
    service.on(handle_broadcast="raise AssertionError('never')")
    with service.connect("ann") as ann:
        service.wait("handle_join", "ann")
        ann.send("x")
        service.info("x")
    assert service.state()["state"] == "running"


def test_a_callback_that_is_not_defined_keeps_the_state_and_the_service(
    server: Server, fresh: Fresh
) -> None:
    """`bare` defines nothing at all, `ears` only handle_incoming."""
    bare = Service(fresh("def").clients, server, "bare")
    ann = bare.connect("ann")
    ann.send("nobody listens")
    assert bare.broadcast("x") is None
    assert bare.info("x") is None
    ann.close()
    ears = Service(bare.clients, server, "ears")
    with ears.connect() as bob:
        assert ears.broadcast("x") is None
        assert bob.ask("hello") == "None hello"
    assert ears.state() == bare.state() == {"state": "running", "reason": None}


def test_a_callback_runs_on_the_event_loop(prompt: Service) -> None:
    loop = prompt.do("return threading.get_ident()")
    prompt.on(
        handle_join="note(threading.get_ident())",
        handle_incoming="note(threading.get_ident())",
        handle_info="note(threading.get_ident())",
    )
    ann = prompt.join("ann")
    ann.send("x")
    prompt.wait("handle_incoming")
    prompt.do(f"services.{prompt.name}.info('x')", where="thread")
    prompt.wait("handle_info")
    assert {what for _, _, what in prompt.calls("note")} == {loop}


def test_the_request_is_there_in_join_incoming_and_close(service: Service) -> None:
    look = """
        note(repr((self.req.url.path, self.req.query_params["name"], self.req.headers["x-more"],
                   self.req.cookies.get("theme"), self.req.client.host, len(self.session_id) > 10)))
    """
    service.on(handle_join=look, handle_incoming=look, handle_close=look)
    ann = service.join("ann", headers={"X-More": "yes", "Cookie": "theme=dark"})
    ann.send("x")
    service.wait("handle_incoming")
    ann.close()
    service.wait("handle_close")
    notes = [what for _, _, what in service.calls("note")]
    assert notes == [repr((service.url, "ann", "yes", "dark", "127.0.0.1", True))] * 3


@pytest.mark.parametrize("name", ["req", "session_id"])
def test_the_request_is_nowhere_else(service: Service, name: str) -> None:
    look = f"""
        try:
            self.{name}
        except RuntimeError as error:
            note(str(error))
    """
    service.on(
        init=look,
        handle_broadcast=look,
        handle_info=f"{look}\n        return Stop('again', state)",
        terminate=look,
    )
    service.broadcast("x")
    service.info("x")
    service.wait("init", times=2)
    notes = [what for _, _, what in service.calls("note")]
    assert len(notes) == 4
    assert all(f"self.{name}" in what for what in notes)


def test_each_client_has_an_instance_of_its_own_and_so_has_the_service(
    service: Service,
) -> None:
    remember = """
        note(getattr(self, "mark", "new"), who)
        self.mark = who or "own"
    """
    service.on(
        handle_join=remember,
        handle_incoming=remember,
        handle_close=remember,
        handle_broadcast=remember,
        handle_info=remember,
    )
    ann, bob = service.join("ann"), service.join("bob")
    ann.send("x")
    bob.send("x")
    service.wait("handle_incoming", times=2)
    service.broadcast("x")
    service.info("x")
    ann.close()
    service.wait("handle_close")
    service.wait("handle_info")
    marks: dict[str, list[str]] = {}
    for _, who, what in service.calls("note"):
        marks.setdefault(who, []).append(what)
    assert marks == {
        "ann": ["new", "ann", "ann"],
        "bob": ["new", "bob"],
        "": ["new", "own"],
    }


def test_a_websocket_is_hashable_and_equal_to_itself_only_and_has_a_stable_id(
    service: Service,
) -> None:
    service.on(
        handle_join="state.kept[websocket] = websocket.id",
        handle_incoming="""
            note(websocket in state.kept and state.kept[websocket] == websocket.id)
            note(sum(websocket == other for other in state.kept))
            note(len({other.id for other in state.kept}))
            note(type(websocket.id).__name__)
        """,
    )
    ann, _bob = service.join("ann"), service.join("bob")
    ann.send("x")
    service.wait("note", times=4)
    assert [what for _, _, what in service.calls("note")] == [True, 1, 2, "str"]


def test_one_message_at_a_time_even_while_a_callback_awaits(
    awaiting: Service, fresh: Fresh
) -> None:
    awaiting.on(
        handle_incoming="""
            if message == "wait":
                await gate("go")
            note(message)
        """,
    )
    ann, bob = awaiting.join("ann"), awaiting.join("bob")
    ann.send("wait")
    awaiting.wait("handle_incoming", "ann")
    bob.send("after")
    cid = awaiting.connect("cid")
    awaiting.broadcast("after")
    bob.ping().wait(5)  # the server has read what bob sent
    other = fresh("async def")  # another service goes on meanwhile
    other.on(handle_incoming="websocket.send(message)")
    assert other.join("x").ask("free") == "free"
    calls = awaiting.calls("handle_join", "handle_incoming", "handle_broadcast")
    assert calls[2:] == [("handle_incoming", "ann", "wait")]
    awaiting.open("go")
    awaiting.wait("handle_broadcast")
    cid.close()
    seen = [
        entry for entry in awaiting.journal() if entry[0] != "init" and entry[1] != ""
    ]
    assert seen[2:4] == [
        ("handle_incoming", "ann", "wait"),
        ("handle_incoming", "bob", "after"),
    ]
    notes = [entry for entry in awaiting.journal() if entry[0] == "note"]
    assert notes == [("note", "", "wait"), ("note", "", "after")]


def test_messages_of_one_client_arrive_in_order_after_its_join(
    service: Service,
) -> None:
    ann = service.connect("ann")
    for number in range(200):
        ann.send(f"{number}")
    service.wait("handle_incoming", times=200)
    entries = service.calls("handle_join", "handle_incoming")
    assert entries[0][0] == "handle_join"
    assert [what for _, _, what in entries[1:]] == [f"{n}" for n in range(200)]


def test_broadcasts_and_infos_of_one_sender_arrive_in_order(service: Service) -> None:
    code = f"""
        for number in range(50):
            services.{service.name}.broadcast(number)
            services.{service.name}.info(number)
    """
    service.do(code)
    service.do(code, where="thread")
    service.wait("handle_info", times=100)
    calls = service.calls("handle_broadcast", "handle_info")
    assert [what for _, _, what in calls] == [n for n in range(50) for _ in "bi"] * 2


def test_a_broadcast_to_oneself_is_queued_and_not_entered_again(
    service: Service,
) -> None:
    service.on(
        handle_incoming=f"""
            services.{service.name}.broadcast("mine")
            services.{service.name}.info("mine")
            note("end of handle_incoming")
        """,
        handle_broadcast=f"services.{service.name}.info('nested'); note('end of handle_broadcast')",
    )
    service.join("ann").send("x")
    service.wait("handle_info", times=2)
    assert [(name, what) for name, _, what in service.journal()[2:]] == [
        ("handle_incoming", "x"),
        ("note", "end of handle_incoming"),
        ("handle_broadcast", "mine"),
        ("note", "end of handle_broadcast"),
        ("handle_info", "mine"),
        ("handle_info", "nested"),
    ]


def test_a_client_that_goes_while_the_service_is_busy_is_still_joined_heard_and_closed(
    awaiting: Service,
) -> None:
    awaiting.on(handle_info="await gate('go')")
    awaiting.info("busy")
    awaiting.wait("handle_info")
    with awaiting.connect("ann") as ann:
        ann.send("one")
        ann.send("two")
        ann.close(1000, "bye")
    awaiting.open("go")
    awaiting.wait("handle_close")
    awaiting.settle()
    assert [entry for entry in awaiting.journal() if entry[1] == "ann"] == [
        ("handle_join", "ann", awaiting.url),
        ("handle_incoming", "ann", "one"),
        ("handle_incoming", "ann", "two"),
        ("handle_close", "ann", "Remote(code=1000, reason='bye')"),
    ]


def test_every_client_is_joined_and_closed_once(service: Service) -> None:
    names = [f"c{n}" for n in range(20)]
    for name in names:
        client = service.connect(name)
        if int(name[1:]) % 3 == 0:
            client.send("x")
        if int(name[1:]) % 2 == 0:
            client.close()
        else:
            client.socket.close()
    service.wait("handle_close", times=20)
    service.settle()
    for name in names:
        calls = [callback for callback, who, _ in service.journal() if who == name]
        assert calls[0] == "handle_join"
        assert calls[-1] == "handle_close"
        assert calls.count("handle_join") == calls.count("handle_close") == 1


@pytest.mark.parametrize("where", ["do", "thread", "background"])
def test_services_may_be_told_things_from_anywhere(
    service: Service, where: str
) -> None:
    service.on(
        handle_broadcast="for client in state.clients.values(): client.send(message)",
        handle_info="note(type(message).__name__)",
    )
    ann = service.join("ann")
    service.do(f"services.{service.name}.broadcast('news')", where)
    assert ann.receive() == "news"
    service.do(f"services.{service.name}.info(Error('x'))", where)
    service.wait_note("Error")


def test_one_service_tells_another(service: Service, fresh: Fresh) -> None:
    other = fresh("def")
    service.on(handle_incoming=f"services.{other.name}.broadcast(message)")
    other.on(handle_broadcast=f"services.{service.name}.info(message + '!')")
    service.join("ann").send("hello")
    assert service.wait("handle_info") == "hello!"


def test_send_after_reaches_handle_info_once_unless_cancelled(service: Service) -> None:
    service.on(
        handle_join="""
            self.send_after(0.02, "sooner")
            self.send_after(0.06, "later")
            taken_back = self.send_after(0.01, "taken back")
            taken_back.cancel()
            taken_back.cancel()
            state.kept["late"] = self.send_after(0, "at once")
        """,
        handle_info="state.kept['late'].cancel()",
        handle_broadcast="self.send_after(0.01, 'by the service itself')",
    )
    service.join("ann")
    service.wait("handle_info", times=3)
    service.broadcast("x")
    service.wait("handle_info", times=4)
    assert [what for _, _, what in service.calls("handle_info")] == [
        "at once",
        "sooner",
        "later",
        "by the service itself",
    ]


def test_send_after_is_dropped_when_the_life_ends(service: Service) -> None:
    service.on(
        handle_join="if state.life == 1: self.send_after(0.05, 'of the first life')",
        handle_incoming="""
            self.send_after(0, "due at once")
            return Stop("again", state)
        """,
        init="self.send_after(0.1, 'of the second life')",
    )
    ann = service.join("ann")
    ann.send("x")
    service.wait("handle_join", times=2)
    assert service.wait("handle_info") == "of the second life"
    assert service.count("handle_info") == 1


def test_send_after_refuses_what_is_no_time(service: Service) -> None:
    service.on(
        handle_incoming="""
            for seconds in (-1, float("nan"), float("inf"), "1", None, True):
                try:
                    self.send_after(seconds, "never")
                except (TypeError, ValueError) as error:
                    note(type(error).__name__)
        """
    )
    service.join("ann").send("x")
    service.wait("note", times=6)
    names = [what for _, _, what in service.calls("note")]
    assert names == ["ValueError"] * 3 + ["TypeError"] * 3


TIMEOUT_AFTER = "return Noreply(state, timeout=0.05)"


def test_a_timeout_is_told_once(service: Service) -> None:
    service.on(handle_incoming=TIMEOUT_AFTER)
    started = time.monotonic()
    service.join("ann").send("x")
    assert service.wait("handle_info") == "TIMEOUT"
    assert time.monotonic() - started >= 0.05
    service.on(handle_info="note(message is TIMEOUT); self.send_after(0.15, 'end')")
    service.info("x")
    service.wait("handle_info", times=3)
    assert [what for _, _, what in service.calls("handle_info")] == [
        "TIMEOUT",
        "x",
        "end",
    ]


@pytest.mark.parametrize(
    "event", ["join", "close", "incoming", "broadcast", "info", "send_after"]
)
def test_any_message_cancels_a_timeout(prompt: Service, event: str) -> None:
    prompt.on(
        handle_incoming="""
            if message == "start":
                self.send_after(0.3, "end")
                return Noreply(state, timeout=0.15)
            if message == "send_after":
                self.send_after(0.02, "cancels")
                self.send_after(0.3, "end")
                return Noreply(state, timeout=0.15)
        """
    )
    ann, bob = prompt.join("ann"), prompt.join("bob")
    ann.send("send_after" if event == "send_after" else "start")
    prompt.wait("handle_incoming")
    match event:
        case "join":
            prompt.join("cid")
        case "close":
            bob.close()
        case "incoming":
            bob.send("x")
        case "broadcast":
            prompt.broadcast("x")
        case "info":
            prompt.info("x")
    infos = [prompt.wait("handle_info")]
    while infos[-1] != "end":
        infos.append(prompt.wait("handle_info", times=len(infos) + 1))
    assert "TIMEOUT" not in infos


def test_a_timeout_of_zero_comes_at_once_when_nothing_waits(service: Service) -> None:
    service.on(handle_incoming="return Noreply(state, timeout=0)")
    ann = service.join("ann")
    ann.send("x")
    assert service.wait("handle_info") == "TIMEOUT"
    ann.send("y")
    service.wait("handle_info", times=2)
    assert [entry[0] for entry in service.journal()[2:]] == [
        "handle_incoming",
        "handle_info",
    ] * 2


def test_a_timeout_of_zero_does_not_come_when_something_waits(
    service: Service,
) -> None:
    service.on(
        handle_incoming=f"""
            services.{service.name}.broadcast("waits")
            return Noreply(state, timeout=0)
        """
    )
    service.join("ann").send("x")
    service.wait("handle_broadcast")
    service.settle()
    assert service.calls("handle_info") == [("handle_info", "", "settle")]


def test_init_may_ask_for_a_timeout(service: Service) -> None:
    service.on(
        init="return Ok(state, timeout=0.03)",
        handle_broadcast="return Stop('again', state)",
    )
    service.broadcast("x")
    assert service.wait("handle_info") == "TIMEOUT"
    assert service.count("init") == 2


def test_a_timeout_may_be_asked_for_again_and_again(service: Service) -> None:
    service.on(
        handle_info="if message is TIMEOUT and len(state.kept) < 5: state.kept[len(state.kept)] = 1; return Noreply(state, timeout=0.01)",
    )
    service.on(handle_broadcast="return Noreply(state, timeout=0.01)")
    service.broadcast("begin")
    service.wait("handle_info", times=6)
    assert {what for _, _, what in service.calls("handle_info")} == {"TIMEOUT"}


@pytest.mark.parametrize("seconds", ["-1", "float('nan')", "'1'", "True"])
def test_an_impossible_timeout_is_a_crash(prompt: Service, seconds: str) -> None:
    prompt.on(handle_broadcast=f"return Noreply(state, timeout={seconds})")
    prompt.broadcast("x")
    assert re.match("(Value|Type)Error", prompt.wait("terminate"))
    prompt.wait("init", times=2)
