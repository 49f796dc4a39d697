"""The table of close reasons, and how a connection ends on the wire."""

import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.support import Server, close_code, frame
from tests.runtime.semantics.harness import Service, until

CLOSE, TEXT, BINARY, CONT, PING = 0x8, 0x1, 0x2, 0x0, 0x9


def close_payload(code: int, reason: str = "") -> bytes:
    return struct.pack("!H", code) + reason.encode()


def big_frame(opcode: int, size: int, *, sent: int | None = None) -> bytes:
    """A masked frame that announces `size` bytes, of which `sent` are there."""
    head = bytes([0x80 | opcode, 0x80 | 127]) + struct.pack("!Q", size) + bytes(4)
    return head + bytes(size if sent is None else sent)


def raw(service: Service, who: str = "raw") -> socket.socket:
    """A socket of a client that the service knows."""
    before = service.count("handle_join", who)
    connection = service.clients.enter_context(
        service.server.raw(f"{service.url}?name={who}")
    )
    service.wait("handle_join", who, times=before + 1)
    return connection


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1000, ""),
        (1000, "bye"),
        (1001, "away"),
        (3000, ""),
        (4001, "because"),
        (4999, "ü" * 60),
    ],
)
def test_a_close_frame_of_the_client_is_remote(
    service: Service, code: int, reason: str
) -> None:
    connection = raw(service)
    connection.sendall(frame(CLOSE, close_payload(code, reason)))
    assert close_code(connection) == code
    assert service.wait("handle_close", "raw") == repr_remote(code, reason)


def repr_remote(code: int | None, reason: str) -> str:
    return f"Remote(code={code!r}, reason={reason!r})"


def test_a_close_frame_without_a_code_is_remote_none(service: Service) -> None:
    connection = raw(service)
    connection.sendall(frame(CLOSE))
    assert service.wait("handle_close") == repr_remote(None, "")
    assert connection.recv(100)[:1] == b"\x88"


def test_1012_from_the_client_is_remote(service: Service) -> None:
    """Server stop uses the same code."""
    connection = raw(service)
    connection.sendall(frame(CLOSE, close_payload(1012)))
    assert service.wait("handle_close") == repr_remote(1012, "")


@pytest.mark.parametrize("code", [1002, 1007, 1009])
def test_the_codes_of_errors_sent_by_the_client(
    prompt: Service, way: str, code: int
) -> None:
    connection = raw(prompt)
    connection.sendall(frame(CLOSE, close_payload(code)))
    names = {1002: "badframe", 1007: "badencoding", 1009: "toobig"}
    expected = (
        repr_remote(code, "") if way == "fast" else f"Error(reason={names[code]!r})"
    )
    assert prompt.wait("handle_close") == expected


@pytest.mark.parametrize("how", ["FIN", "RST", "FIN in a frame", "half-close"])
def test_a_lost_connection_is_error_closed(service: Service, how: str) -> None:
    connection = raw(service)
    match how:
        case "FIN in a frame":
            connection.sendall(frame(TEXT, b"never whole")[:-3])
        case "RST":
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        case "half-close":
            connection.shutdown(socket.SHUT_WR)
    if how != "half-close":
        connection.close()
    assert service.wait("handle_close") == "Error(reason='closed')"
    assert service.count("handle_incoming") == 0


BAD_FRAMES = {
    "unmasked": frame(TEXT, b"x", mask=False),
    "a reserved bit": bytes([0xC1, 0x81]) + bytes(5),
    "a reserved opcode": frame(0x3, b"x"),
    "a reserved control opcode": frame(0xB, b"x"),
    "a fragmented ping": bytes([0x09, 0x80]) + bytes(4),
    "a ping of 126 bytes": bytes([0x89, 0xFE, 0, 126]) + bytes(130),
    "a continuation of nothing": frame(CONT, b"x"),
    "a text within a fragmented text": bytes([0x01, 0x81])
    + bytes(5)
    + frame(TEXT, b"x"),
    "a close code of 999": frame(CLOSE, close_payload(999)),
    "a close code of 1005": frame(CLOSE, close_payload(1005)),
    "a close code of 2999": frame(CLOSE, close_payload(2999)),
    "a close frame of one byte": frame(CLOSE, b"x"),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_protocol_error_is_error_badframe(prompt: Service, name: str) -> None:
    connection = raw(prompt)
    connection.sendall(BAD_FRAMES[name])
    assert close_code(connection) == 1002
    assert prompt.wait("handle_close") == "Error(reason='badframe')"
    assert prompt.count("handle_incoming") == 0


BAD_TEXTS = {
    "whole": frame(TEXT, b"\xff\xfe"),
    "cut off": frame(TEXT, "ü".encode()[:1]),
    "surrogate": frame(TEXT, b"\xed\xa0\x80"),
    "in a fragment": bytes([0x01, 0x81]) + bytes(4) + b"\xff" + frame(CONT, b"x"),
    "in a long frame": bytes([0x81, 0xFE, 0, 200]) + bytes(4) + b"\xff" * 200,
    "in a close reason": frame(CLOSE, close_payload(1000) + b"\xff"),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_invalid_utf8_is_error_badencoding(prompt: Service, name: str) -> None:
    connection = raw(prompt)
    connection.sendall(BAD_TEXTS[name])
    assert close_code(connection) == 1007
    assert prompt.wait("handle_close") == "Error(reason='badencoding')"
    assert prompt.count("handle_incoming") == 0


def test_what_came_before_a_bad_frame_is_heard(prompt: Service) -> None:
    connection = raw(prompt)
    connection.sendall(frame(TEXT, b"good"))
    prompt.wait("handle_incoming")
    connection.sendall(BAD_FRAMES["a reserved opcode"])
    assert prompt.wait("handle_close") == "Error(reason='badframe')"
    assert prompt.calls("handle_incoming") == [("handle_incoming", "raw", "good")]


def test_a_fragmented_message_arrives_whole_with_pings_answered_in_between(
    service: Service,
) -> None:
    connection = raw(service)
    connection.sendall(bytes([0x01, 0x82]) + bytes(4) + "ü".encode())
    connection.sendall(frame(PING, b"?"))
    assert connection.recv(3) == b"\x8a\x01?"
    connection.sendall(bytes([0x00, 0x81]) + bytes(4) + "ü".encode()[:1])
    connection.sendall(bytes([0x80, 0x81]) + bytes(4) + "ü".encode()[1:])
    assert service.wait("handle_incoming") == "üü"


def test_a_message_may_come_byte_by_byte_or_many_at_once(service: Service) -> None:
    connection = raw(service)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in frame(TEXT, b"slowly"):
        connection.sendall(bytes([byte]))
    assert service.wait("handle_incoming") == "slowly"
    connection.sendall(b"".join(frame(TEXT, b"%d" % n) for n in range(50)))
    service.wait("handle_incoming", times=51)
    heard = [what for _, _, what in service.calls("handle_incoming")]
    assert heard == ["slowly", *(str(n) for n in range(50))]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 1_000_000])
def test_messages_of_any_size_go_both_ways(prompt: Service, size: int) -> None:
    prompt.on(handle_incoming="websocket.send(message)")
    client = prompt.join("ann", max_size=None)
    for message in ("x" * size, bytes(size)):
        assert client.ask(message) == message


@pytest.mark.parametrize(
    "what", ["one frame", "a frame of which only the header comes", "fragments"]
)
def test_a_message_over_the_limit_is_error_toobig(
    server: Server, fresh: Callable[[str], Service], what: str
) -> None:
    small = Service(fresh("def").clients, server, "small")
    before = small.count("handle_close")
    connection = raw(small)
    match what:
        case "one frame":
            connection.sendall(big_frame(TEXT, 1001))
        case "a frame of which only the header comes":
            connection.sendall(big_frame(TEXT, 20 << 20, sent=0))
        case "fragments":
            part = bytes([0x00, 0xFE, 1, 244]) + bytes(504)
            connection.sendall(b"\x01" + part[1:] + part + part)
            connection.sendall(frame(CONT, b"x"))
    assert close_code(connection) == 1009
    assert small.wait("handle_close", times=before + 1) == "Error(reason='toobig')"
    assert small.count("handle_incoming") == 0


def test_a_client_that_sends_far_too_much_is_told_so(prompt: Service) -> None:
    """The close frame does not get lost by a reset while most of the message is still on its way."""
    connection = raw(prompt)
    connection.sendall(big_frame(TEXT, 8 << 20))
    assert close_code(connection) == 1009
    assert prompt.wait("handle_close") == "Error(reason='toobig')"


def test_a_message_of_just_the_limit_is_heard(
    server: Server, fresh: Callable[[str], Service]
) -> None:
    """`just` allows 1000 bytes."""
    just = Service(fresh("def").clients, server, "just")
    connection = raw(just)
    connection.sendall(big_frame(BINARY, 1000))
    assert just.wait("handle_incoming") == repr(bytes(1000))
    connection.sendall(bytes([0x81, 0xFE, 0x03, 0xE8]) + bytes(4) + "ü".encode() * 500)
    assert just.wait("handle_incoming", times=2) == "ü" * 500
    part = bytes([0x00, 0xFE, 1, 244]) + bytes(504)
    connection.sendall(b"\x02" + part[1:] + b"\x80" + part[1:])
    assert just.wait("handle_incoming", times=3) == repr(bytes(1000))


# The service closes.


def test_the_service_closes_with_code_and_reason_after_what_it_sent(
    service: Service,
) -> None:
    service.on(
        handle_incoming="""
            websocket.send("one")
            websocket.send("two")
            websocket.close(4000, "enough")
            websocket.send("never seen")
            websocket.close(4001, "never seen")
        """
    )
    ann = service.join("ann")
    assert ann.ask("x") == "one"
    assert ann.receive() == "two"
    assert ann.closed() == (4000, "enough")
    assert service.wait("handle_close", "ann") == "Normal(reason='shutdown')"
    service.settle()
    assert service.count("handle_close") == 1


@pytest.mark.parametrize(
    "code", ["", "1000", "1001", "1003", "1007", "1014", "3000", "4999"]
)
def test_codes_that_a_service_may_close_with(prompt: Service, code: str) -> None:
    prompt.on(handle_incoming=f"websocket.close({code})")
    ann = prompt.join("ann")
    ann.send("x")
    assert ann.closed() == (int(code or 1000), "")


IMPOSSIBLE = {
    "999": "ValueError",
    "1004": "ValueError",
    "1005": "ValueError",
    "1006": "ValueError",
    "1015": "ValueError",
    "2999": "ValueError",
    "5000": "ValueError",
    "-1": "ValueError",
    "'1000'": "TypeError",
    "1000.0": "TypeError",
    "1000, 'x' * 124": "ValueError",
    "1000, 'ü' * 62": "ValueError",
    "1000, '\\ud800'": "ValueError",
    "1000, b'bytes'": "TypeError",
    "1000, None": "TypeError",
}


@pytest.mark.parametrize("where", ["do", "thread"])
def test_what_a_close_frame_cannot_say_is_refused_where_it_is_said(
    prompt: Service, where: str
) -> None:
    ann = prompt.join("ann")
    prompt.on(handle_incoming="websocket.send(message)")
    for arguments, error in IMPOSSIBLE.items():
        told = prompt.do(
            f"try: state.clients['ann'].close({arguments})\n"
            f"except {error}: return 'refused'",
            where,
        )
        assert told == "refused", arguments
    assert ann.ask("still here") == "still here"


def test_a_client_that_was_closed_in_its_join_is_closed(service: Service) -> None:
    service.on(handle_join="websocket.send('no'); websocket.close(4003, 'not you')")
    ann = service.connect("ann")
    assert ann.receive() == "no"
    assert ann.closed() == (4003, "not you")
    assert service.wait("handle_close", "ann") == "Normal(reason='shutdown')"


def test_a_close_frame_of_the_client_behind_its_last_message_is_not_lost(
    service: Service,
) -> None:
    """The service closes on the message; the client's close frame came in the same piece."""
    service.on(handle_incoming="websocket.close(4000)")
    connection = raw(service)
    connection.settimeout(5)  # half of what the server would wait for a close frame
    connection.sendall(frame(TEXT, b"x") + frame(CLOSE, close_payload(1000)))
    received = b""
    while chunk := connection.recv(100):
        received += chunk
    assert received[:1] == b"\x88"
    assert len(received) < 8, "one close frame and no more"


def test_a_client_in_the_middle_of_a_message_is_closed_in_peace(
    service: Service,
) -> None:
    connection = raw(service)
    connection.settimeout(5)
    message = big_frame(BINARY, 100_000)
    connection.sendall(frame(TEXT, b"hello") + message[:50_000])
    service.wait("handle_incoming")
    service.do("state.clients['raw'].close(4000)")
    assert connection.recv(4) == b"\x88\x02" + struct.pack("!H", 4000)
    connection.sendall(message[50_000:])
    connection.sendall(frame(CLOSE, close_payload(4000)))
    assert connection.recv(100) == b""
    assert service.count("handle_incoming") == 1


def test_idle_clients_are_closed(
    server: Server, fresh: Callable[[str], Service]
) -> None:
    """`idle` has an idle_timeout of 0.3 seconds."""
    idle = Service(fresh("def").clients, server, "idle")
    ann, bob = idle.join("ann"), idle.join("bob")
    idle.on(
        handle_incoming="self.send_after(0.1, websocket)",
        handle_info="message.send('go on')",
    )
    for _ in range(5):  # half a second
        assert bob.ask("x") == "go on"
    assert ann.closed()[0] == 1000
    assert idle.wait("handle_close", "ann") == "Normal(reason='timeout')"
    assert idle.count("handle_close", "bob") == 0
    assert bob.closed()[0] == 1000
    assert idle.wait("handle_close", "bob") == "Normal(reason='timeout')"


def test_a_client_that_speaks_while_the_loop_is_blocked_is_not_idle(
    server: Server, fresh: Callable[[str], Service], tmp_path: Path
) -> None:
    """`idle` has an idle_timeout of 0.3 seconds; uvloop looks at its timers before it reads."""
    other, begun = fresh("def"), tmp_path / "begun"
    idle = Service(other.clients, server, "idle")
    idle.on(handle_incoming="websocket.send(message)", handle_info="")
    other.on(
        handle_incoming=f"import time; open({str(begun)!r}, 'w').close(); time.sleep(0.6)"
    )
    bob, cid = other.join("bob"), idle.join("cid")
    assert cid.ask("one") == "one"
    bob.send("block")
    until(begun.exists, lambda: "the loop is not blocked")
    assert cid.ask("two") == "two"
    assert cid.closed()[0] == 1000, "when it says no more"


@pytest.mark.parametrize(
    "bad",
    [
        b"\x83\x80" + bytes(4),
        b"\x81\xff" + (20 << 20).to_bytes(8, "big") + bytes(4),
    ],
)
def test_messages_in_one_segment_with_a_frame_that_is_wrong_are_heard(
    service: Service, bad: bytes
) -> None:
    connection = raw(service)
    good = frame(TEXT, b"good") + frame(BINARY, b"\xff") + frame(TEXT, "gü".encode())
    connection.sendall(good + bad)
    service.wait("handle_close")
    heard = [what for _, _, what in service.calls("handle_incoming")]
    assert heard == ["good", str(b"\xff"), "gü"]


def test_what_was_read_is_heard_though_the_client_is_lost(awaiting: Service) -> None:
    awaiting.on(handle_incoming="await gate('go')")
    connection = raw(awaiting)
    connection.sendall(frame(TEXT, b"x") * 300 + frame(PING, b"read"))
    assert connection.recv(100) == frame(0xA, b"read", mask=False)
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()
    awaiting.open("go")
    assert awaiting.wait("handle_close", "raw") == "Error(reason='closed')"
    assert awaiting.count("handle_incoming") == 300
