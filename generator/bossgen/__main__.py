"""The command `bossgen`, and `python -m bossgen`."""

import signal


def run() -> None:
    """Load the commands and run the one that is asked for; Ctrl-C shows no traceback, not even while they are loaded."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # and not ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli import app

    signal.signal(signal.SIGINT, before)
    app(prog_name="bossgen")


if __name__ == "__main__":
    run()
