# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""`python -m boss`: uvicorn with the settings of boss.toml and the fast WebSocket protocol class."""

import argparse
import copy
import errno
import json
import logging
import os
import socket
import sys

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from websockets.version import version as websockets_version

from boss.runtime.configuration import PROJECT, refuse_workers, server_settings
from boss.runtime.errors import SettingsError
from boss.runtime.settings import ServerSettings

# The versions whose inner workings the fast path leans on.
UVICORN = "0.54."
WEBSOCKETS = "17."
PROTOCOL = "boss.runtime.protocol:WebSocketProtocol"
GRACE = 10  # seconds that connections get at server stop before uvicorn gives them up


def main(arguments: list[str]) -> int:
    """Serve until told to stop. Return the exit code: 1 when something stands in the way."""
    parser = argparse.ArgumentParser("python -m boss", description=__doc__)
    parser.add_argument(
        "--show-settings",
        action="store_true",
        help="print what is in force and where it came from, and exit",
    )
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        settings, origins = server_settings(PROJECT, os.environ)
        if options.show_settings:
            _show(settings, origins)
            return 0
        refuse_workers(["uvicorn", f"--workers={options.workers}"])
        refuse_workers(["python -m boss"])  # by the environment
        listener = _listen(settings.host, settings.port)
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    sys.path.insert(0, str(PROJECT))
    config = uvicorn.Config(
        settings.application,
        host=settings.host,
        port=listener.getsockname()[1],
        ws=_protocol(),
        ws_per_message_deflate=settings.compression,
        workers=1,  # else uvicorn reads WEB_CONCURRENCY, and a word in it is a ValueError
        timeout_graceful_shutdown=GRACE,
        log_config=_logging(),
    )
    server = _Server(config)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # the server has stopped in order, and tells its caller how it was told to
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Says where it listens, as uvicorn does only for sockets that it has bound itself."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            logging.getLogger("uvicorn.error").info(
                "Uvicorn running on http://%s:%d (Press CTRL+C to quit)", shown, port
            )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, UnicodeError) as error:
        # UnicodeError is raised for a label of the host that is empty or too long.
        why, remedy = "this cannot be the name of a host", "Choose"
        if isinstance(error, OSError):
            why = error.strerror or str(error)
            if error.errno == errno.EADDRINUSE:
                remedy = "Stop what uses it, or choose"
        raise SettingsError(
            f"cannot listen on {host} port {port}: {why}. {remedy} another:"
            " [server] host and port in boss.toml, or BOSS_HOST and BOSS_PORT"
        ) from error
    return listener


def _protocol() -> str:
    unfit = [
        f"{name} {wanted}x, this is {version}"
        for name, wanted, version in (
            ("uvicorn", UVICORN, uvicorn.__version__),
            ("websockets", WEBSOCKETS, websockets_version),
        )
        if not version.startswith(wanted)
    ]
    if not unfit:
        return PROTOCOL
    print(
        f"warning: the fast path is written for {' and for '.join(unfit)}:"
        " serving on the plain path, which does the same more slowly",
        file=sys.stderr,
    )
    return "auto"


class _WithoutPolls(logging.Filter):
    """Leaves the looks that an open landing page takes out of the access log: one a second under `bossgen dev`."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        return not any(
            f"/boss/{name}.json HTTP/" in said for name in ("dev", "services")
        )


def _logging() -> dict[str, object]:
    config = copy.deepcopy(LOGGING_CONFIG)
    config["filters"] = {"without polls": {"()": _WithoutPolls}}
    config["handlers"]["access"]["filters"] = ["without polls"]
    config["loggers"]["boss"] = {
        "handlers": ["default"],
        "level": "INFO",
        "propagate": False,
    }
    return config


def _show(settings: ServerSettings, origins: dict[str, str]) -> None:
    """As a section of boss.toml, which has the same words for text, numbers and booleans as JSON."""
    print("[server]")
    for name, origin in origins.items():
        print(f"{name} = {json.dumps(getattr(settings, name))}  # {origin}")
    print("# The other sections of boss.toml are compiled into boss/router.py.")
    secret = (
        "set, not shown"
        if os.environ.get("BOSS_SECRET")
        else "not set: random for each process"
    )
    print(f"# BOSS_SECRET: {secret}")
    known = {f"BOSS_{name.upper()}" for name in origins}
    known |= {"BOSS_SECRET", "BOSS_DEV_STATUS"}  # the latter `bossgen dev` sets
    for variable in sorted(os.environ):
        if variable.startswith("BOSS_") and variable not in known:
            print(f"# {variable}: set, but no setting of boss")


if __name__ == "__main__":
    logging.captureWarnings(True)
    sys.exit(main(sys.argv[1:]))
