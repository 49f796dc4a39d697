"""`./dev` as a newcomer runs it."""

import os
import signal
import socket
from pathlib import Path

import httpx2
import pytest

from tests.e2e.support import REPOSITORY, Server, environment, run

DEV = REPOSITORY / "dev"


@pytest.mark.timeout(300)
def test_dev_makes_a_demo_and_serves_it(tmp_path: Path) -> None:
    env = environment(BOSS_PORT="0", TMPDIR=str(tmp_path))
    with Server([str(DEV)], tmp_path, env) as server:
        server.wait_for("Press CTRL", timeout=240)
        server.started()
        for command in (
            "bossgen new myapp",
            "bossgen add-service chat",
            "bossgen build",
            "python -m boss",
        ):
            assert f"$ {command}" in server.log.replace("\x1b[1m", "")
        assert "Open http://127.0.0.1:" in server.log
        assert "text/html" in httpx2.get(server.url("/")).headers["content-type"]
        with server.connect("/websocket/chat") as ann:
            assert ann.ask("hello") == "hello"
        os.killpg(server.process.pid, signal.SIGINT)  # as Ctrl-C does
        server.ended()
    assert list(tmp_path.iterdir()) == [], "the demo project is cleared away"


def test_dev_says_when_the_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(DEV, env=environment(BOSS_PORT=port), expect=1)
    assert f"127.0.0.1:{port} is in use" in done.stderr
    assert "BOSS_PORT=" in done.stderr


@pytest.mark.parametrize(
    ("python", "says"),
    [
        ("#!/bin/sh\nexit 1\n", "needs Python 3.11 or newer"),
        (
            "#!/bin/sh\ncase $2 in *ensurepip*) exit 1;; esac\n",
            "apt-get install python3-venv",
        ),
    ],
)
def test_dev_says_what_is_wrong_with_the_python(
    tmp_path: Path, python: str, says: str
) -> None:
    copy = tmp_path / "dev"
    copy.write_text(DEV.read_text())
    copy.chmod(0o755)
    fake = tmp_path / "python"
    fake.write_text(python)
    fake.chmod(0o755)
    done = run(copy, env=environment(PYTHON=str(fake)), expect=1)
    assert says in done.stderr


def test_dev_says_when_there_is_no_python(tmp_path: Path) -> None:
    copy = tmp_path / "dev"
    copy.write_text(DEV.read_text())
    copy.chmod(0o755)
    done = run(copy, env=environment(PYTHON="/nonesuch/python"), expect=1)
    assert "/nonesuch/python" in done.stderr
