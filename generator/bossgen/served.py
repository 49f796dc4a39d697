"""What `bossgen dev` starts: `python -m boss`, and the end of it when `bossgen dev` is gone. Imports nothing of ours.

A process that is killed cannot end its children. So `bossgen dev` holds one end of a pipe for as long as it lives, and
the server waits at the other, in a thread of its own.
"""

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

PATIENCE: Final = 20  # seconds: the server drains its connections, and services end


def main(pipe: int) -> None:
    """Serve the project in the current folder for as long as somebody holds the other end of `pipe`."""
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    del sys.argv[1:]
    sys.path.insert(0, os.getcwd())  # which PYTHONSAFEPATH leaves out
    try:
        runpy.run_module("boss", run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        # Ctrl-C reaches all processes of a terminal. Once it runs, the server ends in order; until then there is nothing
        # to say of it.
        sys.exit(128 + signal.SIGINT)


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)  # nothing is ever written: it returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
