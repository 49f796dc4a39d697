"""What strangers send: no crash, no way in, nothing of one client to another, and no memory without bound."""

import base64
import contextlib
import random
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from itsdangerous import TimestampSigner

from tests.runtime.faults import HANDLERS, TOML, Ledgered, Raw, ledgered
from tests.runtime.local import frame
from tests.runtime.project import make_project

SECRET = "kept"  # with which the tests' servers sign
REQUEST = (
    b"GET /websocket/ledger HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: one, two\r\n"
    b"Origin: http://127.0.0.1\r\nCookie: _boss_session=abc.def.ghi\r\n\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
FRAMES = (
    frame(1, b"hello"),
    frame(2, bytes(300)),
    frame(1, b"begun", fin=False),
    frame(0, b"done"),
    frame(9, b"ping"),
    frame(10, b"pong"),
    frame(8, b"\x03\xe8bye"),
)
NASTY = (
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"\xff",
    b":",
    b" " * 9,
    b"\x81\xff",
    b"A" * 9000,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = (HANDLERS / "ledger.py").read_text()
    services = dict.fromkeys(
        ["ledger", "other", "small", "room", "oldest", "newest"], text
    )
    project = make_project(tmp_path_factory.mktemp("fuzz"), services, TOML)
    (project / "app.py").write_text((HANDLERS / "app.py").read_text())
    return project


@pytest.fixture(scope="module")
def server(
    project: Path, way: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledgered]:
    folder = tmp_path_factory.mktemp("server")
    with ledgered(project, folder, way, BOSS_COMPRESSION="true") as server:
        yield server


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The same with a few things wrong."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data = data[:place] + chance.choice(NASTY) + data[place:]
            case 1:
                data = data[:place] + data[place + chance.randint(1, 9) :]
            case 2:
                data = data[:place] + chance.randbytes(2) + data[place + 2 :]
            case 3:
                data = data[:place] + data[max(0, place - 40) :]
    return data


def whatever_comes(client: Raw) -> bytes:
    """All that the server sends; it need not end the connection."""
    client.socket.settimeout(0.02)
    received = b""
    with contextlib.suppress(OSError):
        while data := client.socket.recv(65536):
            received += data
    return received


def unharmed(server: Ledgered, canaries: list[Raw], token: str) -> None:
    """Each canary hears its own token and nothing else, and the log tells of no crash."""
    for number, canary in enumerate(canaries):
        mine = f"{token} of canary {number}"
        assert canary.ask(mine) == mine
    ours = [line for line in server.server.log.splitlines() if "/boss/runtime/" in line]
    assert not ours, server.server.log[-3000:]
    assert server.health()[0] == 200
    assert "crashed" not in server.server.log


def test_mutated_handshakes(server: Ledgered) -> None:
    chance = random.Random(1)
    with server.joined() as ann, server.joined() as bob:
        before = server.memory()
        for number in range(150):
            with Raw(server.server.port) as client:
                with contextlib.suppress(OSError):
                    client.socket.sendall(mutated(REQUEST, chance))
                answer = whatever_comes(client)
                assert answer == b"" or answer.startswith(b"HTTP/1.1 "), answer
            if number % 50 == 0:
                unharmed(server, [ann, bob], f"handshake {number}")
        unharmed(server, [ann, bob], "handshakes")
        assert server.memory() - before < 32 * 1024


def test_mutated_frames(server: Ledgered) -> None:
    chance = random.Random(2)
    with server.joined() as ann, server.joined() as bob:
        before = server.memory()
        for number in range(150):
            with server.joined() as client:
                stream = b"".join(chance.choices(FRAMES, k=chance.randint(1, 6)))
                with contextlib.suppress(OSError):
                    client.socket.sendall(mutated(stream, chance))
                assert b"of canary" not in whatever_comes(client)
            if number % 50 == 0:
                unharmed(server, [ann, bob], f"frame {number}")
        unharmed(server, [ann, bob], "frames")
        assert server.memory() - before < 32 * 1024


@pytest.mark.parametrize("fragments", [1, 8])
def test_a_compressed_bomb(server: Ledgered, way: str, fragments: int) -> None:
    """200 MB of nothing in 200 kB: refused with 1009 before it is unpacked."""
    packer = zlib.compressobj(wbits=-12)
    bomb = packer.compress(bytes(200 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]
    size = -(-len(bomb) // fragments)
    before = server.memory()
    with server.joined() as other, Raw(server.server.port) as client:
        head = client.shake_hands("/websocket/ledger?silent=1", DEFLATE)
        assert b"permessage-deflate" in head
        with contextlib.suppress(OSError):
            for start in range(0, len(bomb), size):
                opcode = 0x40 | 2 if start == 0 else 0
                last = start + size >= len(bomb)
                client.send(opcode, bomb[start : start + size], fin=last)
        assert client.closed() == 1009
        assert other.ask("unharmed") == "unharmed"
    # On the plain path uvicorn unpacks up to its own --ws-max-size, 16 MiB, first.
    assert server.memory() - before < (16 if way == "fast" else 64) * 1024


@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("size", [1000, 1001])
def test_what_compression_does_not_make_shorter(
    server: Ledgered, size: int, fragments: int
) -> None:
    """The limit is on the message, and not on the longer frame in which it comes."""
    message = random.Random(size).randbytes(size)
    packer = zlib.compressobj(wbits=-12)
    packed = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]
    assert len(packed) > len(message)
    with Raw(server.server.port) as client:
        client.shake_hands("/websocket/small?silent=1", DEFLATE)
        piece = -(-len(packed) // fragments)
        for start in range(0, len(packed), piece):
            opcode = 0x40 | 2 if start == 0 else 0
            last = start + piece >= len(packed)
            client.send(opcode, packed[start : start + piece], fin=last)
        if size == 1000:
            opcode, answer = client.receive()
            unpacked = zlib.decompressobj(wbits=-15)
            assert unpacked.decompress(answer + b"\0\0\xff\xff") == message
        else:
            assert client.closed() == 1009


@pytest.mark.parametrize(
    "message",
    [
        frame(2, bytes(1001)),
        frame(1, "é".encode() * 501),
        frame(2, bytes(600), fin=False) + frame(0, bytes(600)),
    ],
)
def test_too_big(server: Ledgered, message: bytes) -> None:
    with server.joined("small") as client, server.joined("small") as other:
        client.socket.sendall(message)
        assert client.closed() == 1009
        server.wait_close(client.id, "Error(reason='toobig')")
        assert other.ask("x" * 1000) == "x" * 1000


@pytest.mark.parametrize(
    "target",
    [
        "/websocket/ledger/",
        "/websocket//ledger",
        "/websocket/ledger%2f",
        "/websocket/ledger%00",
        "/websocket/Ledger",
        "/websocket/../websocket/ledger/.",
        "/websocket/other/../ledger",
        "/websocket/other%2f..%2fledger",
        "/websocket/ledger;a=b",
        "/websocket/",
        "/websocket/__init__",
        "//websocket/ledger",
    ],
)
def test_no_other_path_leads_in(server: Ledgered, target: str) -> None:
    with Raw(server.server.port) as client:
        client.request(target)
        status = client.answer()[:12]
        assert status in (b"HTTP/1.1 404", b"HTTP/1.1 403", b"HTTP/1.1 400"), target


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil.example#127.0.0.1:{port}",
        "http://127.0.0.1:{port}@evil.example",
        "http://evil.example/127.0.0.1:{port}",
        "http://127.0.0.1:{port}\r\nOrigin: http://evil.example",
        "file://127.0.0.1:{port}",
        "http://127.0.0.1:1{port}",
        "http://[::1",
        "http://\xff:{port}",
        "",
    ],
)
def test_no_other_origin_leads_in(server: Ledgered, origin: str) -> None:
    with Raw(server.server.port) as client:
        told = origin.format(port=server.server.port)
        client.request("/websocket/ledger", f"Origin: {told}\r\n")
        assert client.answer()[:12] in (b"HTTP/1.1 403", b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "offer",
    [
        "a\tb, good",
        '"quoted", good',
        "é, good",
        ", , good",
        "a b, good",
        "Set-Cookie: x=1, good",
    ],
)
def test_only_a_token_comes_back_as_subprotocol(
    server: Ledgered, way: str, offer: str
) -> None:
    """On the plain path uvicorn may refuse the whole request."""
    with Raw(server.server.port) as client:
        client.request("/websocket/ledger", f"Sec-WebSocket-Protocol: {offer}\r\n")
        head = client.answer().lower()
    if not (way == "plain" and head.startswith(b"http/1.1 400")):
        assert head.startswith(b"http/1.1 101")
        lines = [line for line in head.split(b"\r\n") if b"-protocol:" in line]
        assert lines == [b"sec-websocket-protocol: good"]


def cookies() -> dict[str, str]:
    """Session cookies that are not ours, or not any more."""
    own = TimestampSigner(SECRET, salt="boss.session").sign("victim").decode()
    return {
        "another key": TimestampSigner("other", salt="boss.session").sign("x").decode(),
        "another salt": TimestampSigner(SECRET, salt="other").sign("x").decode(),
        "no signature": "victim",
        "another session": own.replace("victim", "admin"),
        "cut": own[:-3],
        "empty": "",
        "no text": "\xff\xfe.\xff.\xff",
        "long": "a" * 5000,
        "random": base64.b64encode(secrets.token_bytes(60)).decode(),
    }


@pytest.mark.parametrize("name", cookies())
def test_a_foreign_cookie_is_replaced(server: Ledgered, name: str) -> None:
    with Raw(server.server.port) as client:
        cookie = f"Cookie: _boss_session={cookies()[name]}\r\n"
        head = client.shake_hands("/websocket/ledger", cookie).lower()
        assert head.count(b"set-cookie: _boss_session=") == 1
        assert b"victim" not in head
        assert b"admin" not in head


@pytest.mark.parametrize("inject", ["%0d%0aX-Injected:%20yes", "\rX-Injected: yes"])
def test_no_header_is_injected(server: Ledgered, inject: str) -> None:
    for target in (f"/websocket/ledger?{inject}", f"/websocket/{inject}"):
        with Raw(server.server.port) as client:
            client.request(target)
            assert b"x-injected" not in client.answer().lower()
