# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The entry that a handler has in the table of the generated router, made without `build`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from .. import services as addresses
from ..runtime.address import ServiceAddress
from ..runtime.configuration import PROJECT
from ..runtime.handler import CALLBACKS, ServiceHandler
from ..runtime.settings import Service, SupervisorSettings, WebsocketSettings

__tracebackhide__ = True  # pytest shows the line of the test instead

Limits = WebsocketSettings | Mapping[type[ServiceHandler[Any]], WebsocketSettings]


def check_settings(
    keyword: str, given: object, kind: type[WebsocketSettings | SupervisorSettings]
) -> None:
    """Say what to write when settings are given as the dict that a table of boss.toml would be.

    Raises:
        TypeError: `given`, the argument named `keyword`, is neither of `kind` nor None.
    """
    if given is None or isinstance(given, kind):
        return
    values = "..."
    if isinstance(given, Mapping) and given.keys() <= {f.name for f in fields(kind)}:
        values = ", ".join(f"{name}={value!r}" for name, value in given.items())
    raise TypeError(
        f"write {keyword}={kind.__name__}({values}), imported from boss.testing,"
        f" instead of {keyword}={given!r}"
    )


def check_handler(handler: object) -> None:
    """Say what a service is tested by.

    Raises:
        TypeError: `handler` is no handler class.
    """
    if not (isinstance(handler, type) and issubclass(handler, ServiceHandler)):
        raise TypeError(
            "a service is tested by its handler class, as in ServiceTest(ChatWebsocket),"
            f" not by {handler!r}"
        )


def limits_of(
    handlers: Sequence[type[ServiceHandler[Any]]], websocket: Limits | None
) -> Mapping[type[ServiceHandler[Any]], WebsocketSettings | None]:
    """The limits of several services: the same for all, or those of some.

    Raises:
        TypeError: one of the handlers is no handler class, or a key of `websocket` none of the handlers.
    """
    for handler in handlers:
        check_handler(handler)
    if not isinstance(websocket, Mapping):
        return dict.fromkeys(handlers, websocket)
    for key in websocket:
        if key not in handlers:
            raise TypeError(
                "write websocket=WebsocketSettings(...) for all services, or"
                " websocket={ChatWebsocket: WebsocketSettings(...)} for some;"
                f" {key!r} is no handler of this test"
            )
    return {handler: websocket.get(handler) for handler in handlers}


def table_entry(
    handler: type[ServiceHandler[Any]], limits: WebsocketSettings, base_url: str
) -> Service:
    """The entry that the table of the generated router would have.

    Raises:
        TypeError: `handler` is no handler class.
    """
    check_handler(handler)
    name = _service_name(_own(handler))
    address = getattr(addresses, name, None)
    beginning = f"/{base_url.strip('/')}".rstrip("/")  # as boss.toml has it
    return Service(
        address=address
        if isinstance(address, ServiceAddress)
        else ServiceAddress(name),
        handler=handler,
        file=f"{_own(handler).__module__.replace('.', '/')}.py",
        url=f"{beginning}/websocket/{name}",
        callbacks=_callbacks(handler, seen=True),
        websocket=limits,
    )


def _own(handler: type[ServiceHandler[Any]]) -> type[ServiceHandler[Any]]:
    """The class that `build` reads: the handler, or what a test has derived it from; see `_in_handler_file`."""
    return next(
        (class_ for class_ in handler.__mro__ if _in_handler_file(class_)), handler
    )


def _in_handler_file(class_: type) -> bool:
    return class_.__module__.endswith("_websocket") and issubclass(
        class_, ServiceHandler
    )


def _callbacks(handler: type[ServiceHandler[Any]], *, seen: bool) -> list[str]:
    """The callbacks that the handler defines: those that `build` sees, or those that it does not.

    It reads one file, so what a base from another module defines is not called in the built project, and not here.
    What a test adds to the handler is called.
    """
    own = _own(handler)
    file = own.__module__ if _in_handler_file(own) else None
    derived = handler.__mro__[: handler.__mro__.index(own)]
    found = []
    for name in CALLBACKS:
        classes = [
            class_
            for class_ in handler.__mro__
            if name in vars(class_) and class_ is not ServiceHandler
        ]
        visible = file is None or any(
            class_ in derived or class_.__module__ == file for class_ in classes
        )
        if classes and visible == seen:
            found.append(name)
    return found


def remark(service: Service) -> str:
    """How the history begins."""
    unseen = _callbacks(service.handler, seen=False)
    if not unseen:
        return f"{service.address.name} starts"
    return (
        f"{service.address.name} starts without {', '.join(unseen)}: bossgen build does"
        " not see callbacks of a base from another module"
    )


def _service_name(handler: type[ServiceHandler[Any]]) -> str:
    """`chat` of `src.websocket.myapp_chat_websocket`; for a class from elsewhere, its own name in lower case."""
    module = handler.__module__.rpartition(".")[2]
    if not module.endswith("_websocket"):
        return handler.__name__.lower()
    stem = module.removesuffix("_websocket")
    try:
        app = str(
            tomllib.loads((PROJECT / "boss.toml").read_text("utf-8")).get("app", "")
        )
    except (OSError, ValueError):
        app = ""
    if app and stem.startswith(f"{app}_"):
        return stem.removeprefix(f"{app}_")
    return stem.partition("_")[2] or stem
