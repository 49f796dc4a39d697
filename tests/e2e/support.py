"""Processes and clients for the end-to-end tests: the installed command, a real server, raw sockets."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 20.0  # seconds until a test gives up waiting for something that must come

# The two ways to serve a project: with the stock protocol class, with ours.
WAYS = {
    "plain": ("uvicorn", "app:app", "--port", "0"),
    "fast": ("boss",),
}


def make_venv(path: Path, *requirements: str) -> Path:
    """A new virtual environment with the requirements installed; returns its Python.

    Where ./dev has kept its wheels nothing is asked of the network.
    """
    run(sys.executable, "-m", "venv", "--without-pip", path)
    python = path / "bin" / "python"
    wheels = Path(sys.prefix) / "wheels"
    offline = ["--no-index", "--find-links", wheels] if wheels.is_dir() else []
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-qq"]
    run(*pip, *offline, "-c", REPOSITORY / "constraints.txt", *requirements)
    return python


def environment(**extra: str) -> dict[str, str]:
    """This process's variables without those that would reach into what is tested."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("BOSS", "PYTHON", "UVICORN", "WEB_CONCURRENCY"))
    }
    return kept | {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"} | extra


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    expect: int = 0,
) -> subprocess.CompletedProcess[str]:
    """Run to the end; fails with everything that was printed when the exit code is another."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=dict(env) if env is not None else environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == expect, (
        f"{command} exited with {done.returncode}, not {expect}\n"
        f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
    )
    return done


@dataclass(frozen=True)
class Bossgen:
    """The `bossgen` that the wheel installed."""

    executable: Path

    def __call__(
        self, *arguments: str | Path, cwd: Path, expect: int = 0
    ) -> subprocess.CompletedProcess[str]:
        done = run(self.executable, *arguments, cwd=cwd, expect=expect)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done


class Client(ClientConnection):
    """A real WebSocket client that waits for what it expects, and no longer."""

    told: dict[str, Any]  # what a probe says at join: url, path, query, session, id

    def receive(self) -> str | bytes:
        return self.recv(PATIENCE)

    def ask(self, message: str | bytes) -> str | bytes:
        """Send, and receive once."""
        self.send(message)
        return self.receive()

    def until(self, beginning: str) -> str:
        """The next text that begins so; others on the way are dropped."""
        while True:
            message = self.receive()
            if isinstance(message, str) and message.startswith(beginning):
                return message

    def closed(self) -> tuple[int | None, str]:
        """Wait for the server's close frame; code and reason, `(None, "")` without one."""
        try:
            while True:
                self.receive()
        except ConnectionClosed as over:
            return (over.rcvd.code, over.rcvd.reason) if over.rcvd else (None, "")


class Server:
    """A served project: its address, its log, and how it ended."""

    def __init__(self, command: list[str], cwd: Path, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._over = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    @property
    def log(self) -> str:
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until the log matches; fails when the server ends or is silent for too long."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = re.search(pattern, "".join(self._lines))
                if found:
                    return found
                left = deadline - time.monotonic()
                assert left > 0 and not self._over, (
                    f"{pattern!r} never came; the log:\n{''.join(self._lines)}"
                )
                self._changed.wait(left)

    def started(self) -> Server:
        self.port = int(self.wait_for(r"running on http://[^\s:]+:(\d+)")[1])
        self.wait_for("Application startup complete")
        return self

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def connect(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Client:
        """A client; a refused handshake raises `websockets.exceptions.InvalidStatus`."""
        client = connect(
            self.url(path, "ws"),
            additional_headers=headers,
            create_connection=Client,
            open_timeout=PATIENCE,
            close_timeout=PATIENCE,
            ping_interval=None,
            proxy=None,
            **options,
        )
        assert isinstance(client, Client)
        return client

    @contextmanager
    def joined(
        self, path: str = "/websocket/myservice", **options: Any
    ) -> Iterator[Client]:
        """A client of a probe (handlers/probe.py) that has been told of its own join."""
        with self.connect(path, **options) as client:
            client.told = json.loads(client.receive())
            yield client

    def raw(self, path: str) -> socket.socket:
        """A socket on which the handshake has been made, for frames no client library sends."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        key = base64.b64encode(b"sixteen bytes ..").decode()
        raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            byte = raw.recv(1)
            assert byte, answer
            answer += byte
        assert answer.startswith(b"HTTP/1.1 101"), answer
        return raw

    def ended(self) -> int:
        """Wait for the end, and for the last line of the log; returns the exit code."""
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the process, and what it started, if it is still there."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.ended()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def serving(
    python: Path,
    project: Path,
    way: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A started server, on a port of the system's choice; killed at the end if still alive."""
    with starting(python, project, way, *arguments, env=env) as server:
        yield server.started()


@contextmanager
def starting(
    python: Path,
    project: Path,
    way: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """The same for a server that may not come up; the caller waits for what it expects."""
    variables = environment(BOSS_PORT="0", BOSS_SECRET="kept") | dict(env or {})
    command = [str(python), "-m", *WAYS[way], *arguments]
    with Server(command, project, variables) as server:
        yield server


def frame(opcode: int, payload: bytes = b"", *, mask: bool = True) -> bytes:
    """One final frame as a client sends it; payloads of up to 125 bytes (RFC 6455, 5.2)."""
    head = bytes([0x80 | opcode, (0x80 if mask else 0) | len(payload)])
    return head + (b"\0\0\0\0" if mask else b"") + payload


def close_code(raw: socket.socket) -> int | None:
    """Read to the end of the connection; the code of the close frame, None without one."""
    received = b""
    while chunk := raw.recv(4096):
        received += chunk
        while len(received) >= 2:
            length = received[1] & 0x7F
            start = {126: 4, 127: 10}.get(length, 2)
            if length > 125:
                length = int.from_bytes(received[2:start])
            if len(received) < start + length:
                break
            if received[0] & 0x0F == 8:
                return int.from_bytes(received[start : start + 2])
            received = received[start + length :]
    return None
