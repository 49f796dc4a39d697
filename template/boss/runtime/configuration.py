# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""`[server]` of boss.toml, as it is in force: read when the server starts, overridden by the environment."""

import math
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .settings import ServerSettings

PROJECT = Path(__file__).resolve().parents[2]
"""The root of the project: where boss.toml and boss/ are."""

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


def server_settings(
    root: Path, environ: Mapping[str, str]
) -> tuple[ServerSettings, dict[str, str]]:
    """Read the settings in force.

    Returns:
        The settings, and for each key where its value came from: "default", "boss.toml" or "BOSS_PORT".

    Raises:
        SettingsError: a value cannot be used; the message names the place and the remedy.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    section = _section(root / "boss.toml")
    defaults = ServerSettings()
    for field in fields(ServerSettings):
        name, default = field.name, getattr(defaults, field.name)
        variable = f"BOSS_{name.upper()}"
        if variable in environ:
            values[name], origins[name] = (
                _parse(variable, environ[variable], default),
                variable,
            )
        elif name in section:
            values[name], origins[name] = section[name], "boss.toml"
        else:
            values[name], origins[name] = default, "default"
        _check(origins[name], name, values[name], default)
    return ServerSettings(**values), origins


def _section(path: Path) -> dict[str, Any]:
    try:
        # "sig": the byte order mark that some editors write is no part of the text.
        section = tomllib.loads(path.read_text("utf-8-sig")).get("server", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"boss.toml cannot be read: {error}") from error
    if not isinstance(section, dict):
        raise SettingsError("boss.toml: `server` must be a table: [server]")
    unknown = sorted(set(section) - {field.name for field in fields(ServerSettings)})
    if unknown:
        raise SettingsError(f"boss.toml: [server] has no key `{unknown[0]}`")
    return section


def _parse(variable: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise SettingsError(f"{variable} must be true or false, not {text!r}")
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise SettingsError(
                f"{variable} must be a whole number, not {text!r}"
            ) from None
    return text


def _check(origin: str, name: str, value: object, default: object) -> None:
    place = f"boss.toml: [server] {name}" if origin == "boss.toml" else origin
    if type(value) is not type(default):
        raise SettingsError(f"{place} must be a {_WORDS[type(default)]}, not {value!r}")
    bounds, highest = "0 or more", math.inf
    if name == "port":
        bounds, highest = "0 to 65535", 65535
    if isinstance(value, int) and not 0 <= value <= highest:
        raise SettingsError(f"{place} must be {bounds}, not {value!r}")


_WORDS = {bool: "true or false", int: "whole number", str: "string"}


def workers_asked_for(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """How many server processes this command line and environment ask for; 1 when they say nothing.

    Args:
        arguments: `sys.argv` of uvicorn, gunicorn, hypercorn or `fastapi run`.
        environ: WEB_CONCURRENCY is what they take where the command line says nothing, and uvicorn UVICORN_WORKERS.
    """
    program = Path(arguments[0]) if arguments else Path()
    counts = [environ.get("WEB_CONCURRENCY", "")]
    if "uvicorn" in (program.stem, program.parent.name):
        counts = [environ.get("UVICORN_WORKERS", counts[0])]
    servers = {"uvicorn", "gunicorn", "hypercorn", "fastapi"}
    if servers & {program.stem, program.parent.name}:
        for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
            option, _, value = argument.partition("=")
            if option in ("--workers", "-w"):
                counts = [value or following]
            elif option.startswith("-w") and option[2:].isdecimal():  # gunicorn's
                counts = [option[2:]]
    return max((int(count) for count in counts if count.isdecimal()), default=1)


def refuse_workers(
    arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Raise unless one process is to serve: a service lives in one process, and its clients with it.

    Raises:
        SettingsError: more than one worker is asked for.
    """
    workers = workers_asked_for(
        sys.argv if arguments is None else arguments,
        os.environ if environ is None else environ,
    )
    if workers > 1:
        raise SettingsError(
            f"{workers} worker processes are asked for (--workers, WEB_CONCURRENCY), but a service lives in one process:"
            " in two, half of a room would not hear the other half. Serve with one worker; it uses one core well."
        )
