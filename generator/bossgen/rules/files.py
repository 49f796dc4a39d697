"""Rules about the files below src/websocket/: their names say which service they define."""

import difflib
import keyword
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from ..diagnostics import Span
from ..model import Source
from .rule import Finding, rule

FOLDER: Final = "src/websocket/"
SUFFIX: Final = "_websocket"
LONGEST: Final = 40  # characters of the name of a service
SERVICE: Final = re.compile(r"[a-z][a-z0-9_]*")


def service_of(path: str, app: str) -> str | None:
    """The service that a file defines, whether its name is legal or not; None when the file is no handler."""
    name = path.removeprefix(FOLDER)
    if "/" in name or not name.endswith(f"{SUFFIX}.py"):
        return None
    stem = name.removesuffix(f"{SUFFIX}.py")
    return stem.removeprefix(f"{app}_")


def _start(source: Source) -> Span:
    return Span(source.path, 1, 1, 1, 1)


@rule("BG201", "file")
def handler_file_name(source: Source, app: str) -> Iterator[Finding]:
    """A handler's file does not bear the name of the application.

    The URL of a service is made from the name of its file: `myapp_chat_websocket.py` in the application `myapp` is the
    service `chat`. A file that ends in `_websocket.py` but does not begin with the application's name would be a
    handler that nobody can reach, so it is an error and not passed over.

    Example, with `app = "myapp"` in boss.toml:

        src/websocket/chat_websocket.py

    Instead:

        src/websocket/myapp_chat_websocket.py
    """
    name = source.path.removeprefix(FOLDER)
    if "/" in name or not name.endswith(f"{SUFFIX}.py") or name.startswith(f"{app}_"):
        if name != f"{app}{SUFFIX}.py":
            return
        yield Finding(
            _start(source),
            f"`{name}` does not say which service it defines",
            f"rename it to `{app}_NAME{SUFFIX}.py`: it then is the service NAME",
        )
        return
    right = _right_name(name.removesuffix(".py"), app, source.text)
    yield Finding(
        _start(source),
        f"`{name}` does not begin with `{app}_`, the name of the application",
        f"rename it to `{right}.py`",
    )


def _right_name(stem: str, app: str, text: str) -> str:
    """The name a file should have.

    A prefix that nearly is the application's is replaced, and one that the class does not bear: `OldWebsocket` in
    `old_chat_websocket.py` may be anything, `ChatWebsocket` tells that `old` was an application. Else it is put before.
    """
    plain = re.sub(r"[^0-9A-Za-z]+", "_", _ascii(stem))
    words = plain.split("_")
    if words[0].lower().startswith(app) and len(words[0]) > len(app):
        return f"{app}_{plain[len(app) :].lower()}"
    length = app.count("_") + 1
    for count in (length, length - 1, length + 1):
        prefix = "_".join(words[:count]).lower()
        rest = words[count:]
        if count > 0 and len(rest) > 1 and _alike(prefix, app):
            return "_".join([app, *rest]).lower()
    service = plain.removesuffix(SUFFIX).lower().strip("_")
    service = _named_by_class(service, text) or service
    return f"{app}_{service or 'NAME'}{SUFFIX}"


_CLASS: Final = re.compile(r"^class\s+(\w+)Web[sS]ocket\b", re.MULTILINE)


def _named_by_class(stem: str, text: str) -> str:
    """The end of `oldapp_news_room` that the one class `NewsRoomWebsocket` of the file bears; "" for none."""
    names = [name.replace("_", "").lower() for name in _CLASS.findall(text)]
    words = stem.split("_")
    ends = ["_".join(words[place:]) for place in range(len(words))]
    found = [end for end in ends if [end.replace("_", "")] == names]
    return found[0] if found else ""


def _ascii(text: str) -> str:
    """The text without its accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _alike(one: str, other: str) -> bool:
    if one.replace("_", "") == other.replace("_", ""):
        return True
    return len(one) > 3 and difflib.SequenceMatcher(None, one, other).ratio() > 0.79


@rule("BG202", "file")
def service_name(source: Source, app: str) -> Iterator[Finding]:
    """The name of a service is not one that can be used.

    A service's name becomes part of a URL and the name of a Python variable, `boss.services.chat`. So it is a
    lower-case Python identifier (`a` to `z`, digits and `_`, a letter first) of at most 40 characters, and no keyword.

    Example:

        src/websocket/myapp_Chat_websocket.py
        src/websocket/myapp_class_websocket.py

    Instead:

        src/websocket/myapp_chat_websocket.py
        src/websocket/myapp_classroom_websocket.py
    """
    name = source.path.removeprefix(FOLDER)
    if "/" in name or not name.endswith(f"{SUFFIX}.py"):
        return
    if not name.startswith(f"{app}_") or name == f"{app}{SUFFIX}.py":
        return
    service = name.removeprefix(f"{app}_").removesuffix(f"{SUFFIX}.py")
    if name == f"{app}_{SUFFIX}.py":
        problem = f"`{name}` leaves the name of the service empty"
    elif keyword.iskeyword(service):
        problem = f"`{service}` is a keyword of Python and cannot name a service"
    elif len(service) > LONGEST:
        problem = f"`{service}` is {len(service)} characters long; the name of a service has at most {LONGEST}"
    elif not SERVICE.fullmatch(service):
        problem = f"`{service}` cannot name a service: {_fault(service)}"
    else:
        return
    yield Finding(_start(source), problem, _rename(service, app))


def _fault(service: str) -> str:
    if not service[0].isascii() or not service[0].isalpha():
        return "it does not begin with a letter from a to z"
    if service.isascii() and re.fullmatch(r"\w+", service):
        return "it has upper-case letters"
    odd = next(
        character for character in service if not re.match(r"[a-zA-Z0-9_]", character)
    )
    return f"`{odd}` is not one of a to z, 0 to 9 and _"


def _rename(service: str, app: str) -> str:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _ascii(service))
    name = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_").lstrip("0123456789_")
    if keyword.iskeyword(service):
        name = f"{service.lower()}_room"
    name = name[:LONGEST].rstrip("_")
    if not SERVICE.fullmatch(name) or keyword.iskeyword(name):
        return f"rename the file to `{app}_NAME{SUFFIX}.py`, where NAME is made of a to z, 0 to 9 and _"
    return f"rename the file to `{app}_{name}{SUFFIX}.py`"


@rule("BG204", "file")
def stray_file(source: Source, app: str) -> Iterator[Finding]:
    """A file in src/websocket/ that is no handler.

    Everything in `src/websocket/` becomes a service, so a file that does not can only be a handler with a mistake in
    its name, which would silently not be served, or code that belongs elsewhere. Only `__init__.py` may lie beside the
    handlers. Sub-folders are not searched for services: a service has one name, not a path. A folder or a named pipe
    that bears the name of a handler is none.

    Example:

        src/websocket/helpers.py
        src/websocket/rooms/myapp_chat_websocket.py

    Instead:

        src/lib/helpers.py                          imported as src.lib.helpers
        src/websocket/myapp_chat_websocket.py
    """
    name = source.path.removeprefix(FOLDER)
    folder, _, base = name.rpartition("/")
    if source.instead:
        yield Finding(
            _start(source),
            f"`{name}` is {source.instead}, not a file",
            f"move it out of {FOLDER}, where what ends in `.py` has to be a file",
        )
        return
    if not folder and (name == "__init__.py" or name.endswith(f"{SUFFIX}.py")):
        return
    if folder and base.endswith(f"{SUFFIX}.py"):
        yield Finding(
            _start(source),
            f"`{name}` lies in a sub-folder, where no services are searched",
            f"move it to `{FOLDER}{base}`",
        )
    elif folder:
        yield Finding(
            _start(source),
            f"`{name}` is no handler",
            f"move it to `src/lib/{name}`; only handlers lie in {FOLDER}",
        )
    elif "ServiceHandler" in source.text:
        right = _right_name(_handler_stem(base.removesuffix(".py")), app, source.text)
        yield Finding(
            _start(source),
            f"`{name}` does not end in `{SUFFIX}.py`, so its handler is not served",
            f"rename it to `{right}.py`",
        )
    else:
        yield Finding(
            _start(source),
            f"`{name}` is no handler",
            f"move it to `src/lib/{name}`; only handlers lie in {FOLDER}",
        )


def _handler_stem(stem: str) -> str:
    """`chat`, `chat_handler` and `chatwebsocket` -> `chat_websocket`."""
    bare = re.sub(r"_?(web_?sockets?|handler|service)$", "", stem, flags=re.IGNORECASE)
    return f"{bare}{SUFFIX}"
