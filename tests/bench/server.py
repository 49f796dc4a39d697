"""One server under test: started on its own core, looked at from outside, stopped."""

import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_LIMIT = 60  # seconds
STOP_LIMIT = 15  # seconds
QUIET = 0.05  # seconds in which a server at rest uses next to no CPU time
QUIET_SHARE = 0.02  # of a core
SETTLE_LIMIT = 20  # seconds


class ServerFailed(Exception):
    """The server did not start; the message ends with what it printed."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int
    started_after: float  # seconds from the start of the process to an open port

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far by all threads of the process."""
        per_process_clock = 2
        return time.clock_gettime((~self.pid << 3) | per_process_clock)

    def memory(self) -> int:
        """Return the proportional set size in KiB: what the process holds in memory."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)
        assert found is not None
        return int(found[1])

    def forget_peak(self) -> int:
        """Begin to watch for the most memory in use; returns what is, in KiB."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.peak()

    def peak(self) -> int:
        """Return the most resident memory since `forget_peak`, in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1])

    def settle(self) -> None:
        """Wait until the server rests: what one round left must not strike the next."""
        deadline = time.monotonic() + SETTLE_LIMIT
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(QUIET)
            used = self.cpu_seconds() - before
            before += used
            if used < QUIET * QUIET_SHARE:
                return


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of what is measured: with compiled modules kept, as usual."""
    own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**own, **more}


def cores() -> tuple[int, int]:
    """Return the core for the servers and the one for the load client."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    *,
    directory: Path,
    environment: Mapping[str, str],
    core: int,
) -> Iterator[Server]:
    """Start a server, wait until its port answers, and stop it with the block."""
    with tempfile.TemporaryFile("w+") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=surroundings(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        os.sched_setaffinity(process.pid, {core})
        try:
            if not answers(process, port):
                log.seek(0)
                raise ServerFailed(log.read()[-2000:].strip())
            server = Server(port, process.pid, time.monotonic() - began)
            server.settle()
            yield server
        finally:
            stop(process)


def answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the port accepts a connection; False when the process ends first."""
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.005)
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end; kill it when it does not."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
