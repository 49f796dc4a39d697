"""Handlers and boss.toml -> Plan: services, URLs, names, in final order."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from .model import Handler, Plan, PlannedService, ProjectConfig, Settings

# What router.py itself calls something; a class that bears such a name is imported as something else.
ROUTER_NAMES: Final = frozenset(
    {
        "Node",
        "Service",
        "ServiceRouter",
        "SessionSettings",
        "SupervisorSettings",
        "WebsocketSettings",
        "base_url",
        "node",
        "replace",
        "router",
        "services",
        "websocket",
    }
)

_RUNS: Final = re.compile(r"([0-9]+)|([^0-9])")


def make_plan(handlers: Iterable[Handler], config: ProjectConfig) -> Plan:
    """Decide what will be generated, whatever the order in which the handlers come."""
    ordered = sorted(handlers, key=lambda handler: handler.service)
    names = _imported_names(ordered)
    overrides = {section.name: section.settings for section in config.services}
    services = tuple(
        PlannedService(
            name=handler.service,
            url=f"{config.base_url}/websocket/{handler.service}",
            handler=handler,
            imported=names[handler.service],
            overrides=overrides.get(handler.service, ()),
            limits=_overridden(config.websocket, overrides.get(handler.service, ())),
        )
        for handler in ordered
    )
    return Plan(
        app=config.app,
        base_url=config.base_url,
        services=services,
        imports=tuple(sorted(services, key=lambda s: natural_order(s.handler.module))),
        session=config.session,
        websocket=config.websocket,
        supervisor=config.supervisor,
    )


def natural_order(module: str) -> tuple[tuple[int, int, int, str], ...]:
    """A key that sorts lower-case module names as isort does: numbers by value, `a2` before `a10`.

    Source: the crate `natord`, with which Ruff sorts imports. A number that begins with 0 counts as decimals.
    """
    key = []
    for number, other in _RUNS.findall(module):
        if not number:
            key.append((ord(other), 0, 0, ""))
        elif number.startswith("0"):
            key.append((ord("0"), 0, 0, number))
        else:
            key.append((ord("0"), 1, len(number), number))
    return tuple(key)


def _imported_names(handlers: Sequence[Handler]) -> dict[str, str]:
    """What router.py calls each class, keyed by service: its own name, unless that would mean two things."""
    classes = Counter(handler.class_name for handler in handlers)
    taken = {*ROUTER_NAMES, *classes}
    names: dict[str, str] = {}
    for handler in handlers:
        name = handler.class_name
        if name in ROUTER_NAMES or classes[name] > 1:
            name = _unique(f"{name}_{handler.service}", taken)
            taken.add(name)
        names[handler.service] = name
    return names


def _unique(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _overridden(settings: Settings, overrides: Settings) -> Settings:
    given = dict(overrides)
    return tuple((key, given.get(key, value)) for key, value in settings)
