"""served.py: what `bossgen dev` starts, on its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def served(
    folder: Path, program: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Serve a project whose `python -m boss` is this program."""
    (folder / "boss").mkdir()
    (folder / "boss/__init__.py").touch()
    (folder / "boss/__main__.py").write_text(program)
    reading, writing = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-m", "bossgen.served", str(reading)],
            cwd=folder,
            env=os.environ | variables,
            pass_fds=[reading],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(reading)
        os.close(writing)


def test_ctrl_c_while_the_server_is_loaded_shows_no_traceback(tmp_path: Path) -> None:
    pressed = (
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    done = served(tmp_path, pressed)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")


def test_the_project_is_found_where_python_leaves_out_the_current_folder(
    tmp_path: Path,
) -> None:
    done = served(tmp_path, "raise SystemExit(3)\n", PYTHONSAFEPATH="1")
    assert (done.returncode, done.stderr) == (3, "")
