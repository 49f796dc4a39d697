"""The command `bossgen`, and `python -m bossgen`."""

import signal


def run() -> None:
    """Load the commands and run the one that is asked for; Ctrl-C shows no traceback, not even before or after it."""
    before = signal.getsignal(signal.SIGINT)
    ignored = before is not signal.default_int_handler
    quiet = before if ignored else signal.SIG_DFL
    signal.signal(signal.SIGINT, quiet)
    from .cli import app

    signal.signal(signal.SIGINT, before)
    try:
        app(prog_name="bossgen")
    finally:  # while Python cleans up it could only report what Ctrl-C raises
        signal.signal(signal.SIGINT, quiet)


if __name__ == "__main__":
    run()
