# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The opening handshake of the fast path, from the headers that uvicorn's HTTP parser has read already.

Stock uvicorn writes the request out again and lets the websockets library parse it once more. Here only what is plain is
answered: whatever is unusual, wrong, or wants compression goes the stock way and gets the stock answers.
"""

import binascii
import hashlib
from collections.abc import Iterable
from typing import Any

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NEEDED = frozenset(
    {b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"}
)


def accept_key(request: dict[str, Any], url: bytes, compression: bool) -> bytes | None:
    """The `Sec-WebSocket-Accept` for this request; None when it is not a plain one.

    Args:
        request: the ASGI scope of the HTTP request, with `method`, `http_version` and `headers`.
        url: the request target as it was sent.
        compression: would permessage-deflate be negotiated with a client that offers it?

    Source: RFC 6455 sections 4.2.1 and 4.2.2.
    """
    values: dict[bytes, bytes] = {}
    for name, value in request["headers"]:
        if name in _NEEDED:
            if name in values:
                return None
            values[name] = value
        elif compression and name == b"sec-websocket-extensions":
            return None
    if (
        len(values) != len(_NEEDED)
        or request["method"] != "GET"
        or request["http_version"] != "1.1"
        or not url.startswith(b"/")
        or not url.isascii()
        or values[b"sec-websocket-version"] != b"13"
        or values[b"upgrade"].strip().lower() != b"websocket"
        or b"upgrade" not in _tokens(values[b"connection"])
    ):
        return None
    key = values[b"sec-websocket-key"].strip()
    try:
        if len(binascii.a2b_base64(key, strict_mode=True)) != 16:
            return None
    except binascii.Error:
        return None
    digest = hashlib.sha1(key + _GUID, usedforsecurity=False).digest()
    return binascii.b2a_base64(digest, newline=False)


def _tokens(value: bytes) -> list[bytes]:
    return [token.strip() for token in value.lower().split(b",")]


def subprotocols(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """The subprotocols that the client offers, in its order."""
    return [
        token.strip()
        for name, value in headers
        if name == b"sec-websocket-protocol"
        for token in value.decode("latin-1").split(",")
    ]


def answer(
    accept: bytes, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """The 101 response.

    Raises:
        ValueError: a header that cannot be sent, with a line break in it.
    """
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept,
    ]
    lines += [name + b": " + value for name, value in headers]
    if subprotocol:
        lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("latin-1"))
    for line in lines:
        if b"\r" in line or b"\n" in line:
            raise ValueError(f"a header cannot have a line break in it: {line!r}")
    return b"\r\n".join([*lines, b"", b""])
