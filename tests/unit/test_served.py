"""served.py: what `bossgen dev` starts, on its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def test_ctrl_c_while_the_server_is_loaded_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "boss").mkdir()
    (tmp_path / "boss/__init__.py").touch()
    (tmp_path / "boss/__main__.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bossgen.served", str(reading)],
            cwd=tmp_path,
            pass_fds=[reading],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")
