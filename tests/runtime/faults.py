"""Servers whose services write a ledger, the ways in which clients misbehave, and a look at the server from outside."""

import base64
import contextlib
import json
import os
import re
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.e2e.support import PATIENCE, Server
from tests.runtime.local import frame
from tests.runtime.project import served

HANDLERS = Path(__file__).parent / "handlers"
TOML = """
[service.small]
max_message_size = 1000

[service.room]
outbound_bytes = 1048576

[service.oldest]
outbound_bytes = 1048576
slow_consumer = "drop_oldest"

[service.newest]
outbound_bytes = 1048576
slow_consumer = "drop_newest"
"""
SERVICES = ["ledger", "other", "small", "room", "oldest", "newest"]


def until(condition: Callable[[], Any], what: object = "", limit: float = 0) -> Any:
    """Ask again and again until the answer is true; fail after a while."""
    deadline = time.monotonic() + (limit or PATIENCE)
    while not (answer := condition()):
        told = what() if callable(what) else what
        assert time.monotonic() < deadline, f"never came: {told}"
        time.sleep(0.01)
    return answer


@dataclass
class Entry:
    """A line of the ledger."""

    service: str
    callback: str
    who: str  # id of the client
    what: str


class Ledgered:
    """A running server whose services write a ledger."""

    def __init__(self, server: Server, ledger: Path, faults: Path) -> None:
        self.server = server
        self.ledger_file = ledger
        self.faults_file = faults

    def ledger(self, callback: str = "", service: str = "") -> list[Entry]:
        """The lines so far, of one callback and one service."""
        lines = self.ledger_file.read_text().splitlines()
        entries = [Entry(*line.split(" ", 3)) for line in lines]
        return [
            entry
            for entry in entries
            if callback in ("", entry.callback) and service in ("", entry.service)
        ]

    def reasons(self, who: str) -> list[str]:
        """With which reasons `handle_close` was called for this client."""
        return [entry.what for entry in self.ledger("handle_close") if entry.who == who]

    def wait_close(self, who: str, reason: str) -> None:
        """Wait until the service has been told of this client's end, once, for this reason."""
        until(lambda: self.reasons(who), lambda: f"handle_close of {who}")
        assert self.reasons(who) == [reason]

    def let_go_wrong(self, *faults: str) -> None:
        """From now on these things go wrong; without any, nothing does."""
        self.faults_file.write_text(" ".join(faults))

    def raw(self, service: str = "ledger", query: str = "") -> "Raw":
        """A client on a bare socket, let in."""
        raw = Raw(self.server.port)
        raw.shake_hands(f"/websocket/{service}{query}")
        return raw

    def joined(self, service: str = "ledger") -> "Raw":
        """The same, after its join; knows its id."""
        raw = self.raw(service)
        opcode, payload = raw.receive()
        assert opcode == 1
        raw.id = payload.decode().removeprefix("welcome ")
        return raw

    def broadcast(self, service: str, message: str) -> None:
        """Broadcast from an HTTP route."""
        url = self.server.url(f"/broadcast/{service}/{message.replace(' ', '%20')}")
        with urlopen(Request(url, b""), timeout=PATIENCE) as answer:
            assert answer.status == 200

    def health(self) -> tuple[int, dict[str, str]]:
        """Status of /healthz, and the state of each service."""
        try:
            with urlopen(self.server.url("/healthz"), timeout=PATIENCE) as answer:
                status, body = answer.status, answer.read()
        except HTTPError as error:
            with error:
                status, body = error.code, error.read()
        services = json.loads(body)["services"]
        return status, {name: services[name]["state"] for name in services}

    def clients(self, service: str) -> int:
        """How many clients are connected."""
        url = self.server.url("/boss/services.json")
        with urlopen(url, timeout=PATIENCE) as answer:
            services = json.loads(answer.read())["services"]
        (found,) = [s for s in services if s["name"] == service]
        return int(found["clients"])

    def descriptors(self) -> int:
        """How many file descriptors the server has open."""
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def memory(self) -> int:
        """The most memory that the server has used so far, in KiB."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])


@contextmanager
def ledgered(
    project: Path, folder: Path, way: str, *arguments: str, **variables: str
) -> Iterator[Ledgered]:
    """Serve the project with a ledger in `folder`."""
    ledger, faults = folder / f"ledger-{way}", folder / f"faults-{way}"
    ledger.touch()
    faults.write_text("")
    files = {"LEDGER": str(ledger), "FAULTS": str(faults)}
    with served(project, way, *arguments, **files, **variables) as server:
        yield Ledgered(server, ledger, faults)


class Raw:
    """A client on a bare socket."""

    id = ""  # told at its join

    def __init__(self, port: int, *, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", port))
        self._received = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def request(self, target: str, headers: str = "") -> None:
        """Send a handshake request."""
        key = base64.b64encode(os.urandom(16)).decode()
        port = self.socket.getpeername()[1]
        self.socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode("latin-1")
        )

    def answer(self) -> bytes:
        """Read the head of the response; empty when the connection ended before."""
        while b"\r\n\r\n" not in self._received:
            if not self.more():
                return b""
        head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        self._received = bytearray(rest)
        return head

    def shake_hands(self, target: str, headers: str = "") -> bytes:
        """Do the opening handshake; returns the head of the response."""
        self.request(target, headers)
        head = self.answer()
        assert head.startswith(b"HTTP/1.1 101"), head
        return head

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        """Send one frame."""
        self.socket.sendall(frame(opcode, payload, fin=fin))

    def say(self, text: str) -> None:
        """Send a text."""
        self.send(1, text.encode())

    def ask(self, text: str) -> str:
        """Send a text, and receive one."""
        self.say(text)
        opcode, payload = self.receive()
        assert opcode == 1, (opcode, payload)
        return payload.decode()

    def receive(self) -> tuple[int, bytes]:
        """The next frame, opcode and payload; pings of the server are passed over. (0, b"") when the connection is over."""
        while (found := self.next_frame()) is None or found[0] == 9:
            if found is None and not self.more():
                return 0, b""
        return found

    def closed(self) -> int | None:
        """Read to the end; the code of the server's close frame, None without one."""
        code = None
        while (found := self.receive()) != (0, b""):
            if found[0] == 8 and code is None:
                code = int.from_bytes(found[1][:2], "big")
                with contextlib.suppress(OSError):
                    self.send(8, found[1][:2])
        return code

    def reset(self) -> None:
        """End the connection with a RST."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()

    def readable(self, seconds: float) -> bool:
        """Is there something to receive, or will there be within so many seconds?"""
        return bool(self._received or select.select([self.socket], [], [], seconds)[0])

    def more(self) -> bool:
        """Wait for more; False when the connection is over."""
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError:
            return False
        self._received += data
        return bool(data)

    def next_frame(self) -> tuple[int, bytes] | None:
        """The next whole frame that is here."""
        data = self._received
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return None
        found = data[0] & 15, bytes(data[start : start + size])
        del data[: start + size]
        return found
