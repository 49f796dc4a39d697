"""Plan -> Files: every file of boss/, as text."""

import json
from pathlib import PurePosixPath
from typing import Final

from jinja2 import Environment, StrictUndefined

from .header import BLANK, combined, seal
from .model import Files, Plan, Template, Value

ROUTER: Final = PurePosixPath("boss/router.py")
SERVICES: Final = PurePosixPath("boss/services.py")

_WIDTH: Final = 88  # of a line, as Ruff has it


def render(plan: Plan, template: Template) -> Files:
    """What `build` writes: the runtime as it is, services.py and router.py from the plan."""
    runtime = combined(template.copied.values())
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML
    )
    environment.filters["argument"] = argument
    given = {"plan": plan, "digest": BLANK, "runtime": runtime}
    services = environment.from_string(template.services).render(given)
    router = environment.from_string(template.router).render(given)
    return {**template.copied, SERVICES: seal(services), ROUTER: seal(router)}


def argument(setting: tuple[str, Value], indent: int) -> str:
    """One keyword argument on lines of its own, `idle_timeout=60,`, as `ruff format` would lay it out."""
    key, value = setting
    if not isinstance(value, tuple):
        return f"{key}={_literal(value)},"
    items = [_literal(item) for item in value]
    if not items:
        return f"{key}=(),"
    line = f"{key}=({items[0]},),"
    if len(items) == 1 and indent + len(line) <= _WIDTH:
        return line
    margin = " " * indent
    listed = "".join(f"{margin}    {item},\n" for item in items)
    return f"{key}=(\n{listed}{margin}),"


def _literal(value: Value) -> str:
    """The value as Ruff would write it."""
    if isinstance(value, str):
        # Nothing but ASCII and no double quote gets through config.py into what is compiled in.
        return json.dumps(value)
    return repr(value).replace("e+", "e")
