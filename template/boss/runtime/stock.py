# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What lies beneath the plain path where the server is stock uvicorn: its own `send`, and its protocol object.

uvicorn promises none of this, so everything is looked for and nothing is relied upon: where it is not found, the plain
path does what any ASGI server allows.
"""

import signal
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.types import Send

CONT, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10  # opcodes: RFC 6455, section 5.2


def own_send(send: Any) -> Send | None:
    """The server's own `send` beneath Starlette's handling of exceptions, which only passes it on.

    None when anything else wraps it, or the server is another than uvicorn: then a `send` must be awaited in a task of
    its own, since a middleware may hold a time limit, a cancel scope or context variables around it.
    """
    while type(send) is FunctionType:
        if send.__code__ is not _PASSES_ON or send.__closure__ is None:
            return None
        send = send.__closure__[_SEND].cell_contents
    own: Send = send
    return None if own_protocol(send) is None else own


def own_protocol(method: Any) -> Any:
    """uvicorn's protocol object, by its method `send` or `receive`; None where that is wrapped, or of another server."""
    protocol = getattr(method, "__self__", None)
    server = type(protocol).__module__
    return protocol if server.startswith("uvicorn.protocols.websockets.") else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function, and of all that are defined within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


# The code of the function that Starlette wraps around a `send`, and the number of the cell that holds this.
_PASSES_ON, _SEND = next(
    (
        (code, code.co_freevars.index("send"))
        for code in _codes(wrap_app_handling_exceptions.__code__)
        if code.co_name == "sender" and "send" in code.co_freevars
    ),
    (None, 0),
)


def passed_over(protocol: Any) -> Iterator[str | bytes]:
    """The whole messages that came in one segment with a frame that is wrong: uvicorn tells of that only.

    Raises:
        UnicodeDecodeError: one of them is no text, though it says so.
    """
    parts = list(getattr(protocol, "frames", ()))  # of a message that began before
    text = getattr(protocol, "curr_msg_data_type", "") == "text"
    conn = getattr(protocol, "conn", None)
    for frame in getattr(conn, "events_received", tuple)():
        if frame.opcode == CLOSE:
            return
        if frame.opcode in (PING, PONG):
            continue
        if frame.opcode != CONT:
            parts, text = [], frame.opcode == TEXT
        parts.append(frame.data)
        if frame.fin:
            message = b"".join(parts)
            parts = []
            yield message.decode() if text else message


def told_to_stop() -> bool:
    """Has uvicorn been told to stop?

    It tells the lifespan only when every connection has ended, so whoever keeps one open has to look by himself.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", False) is True
