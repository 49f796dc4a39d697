# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Why a socket closed, and how that is read off what the ASGI server says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Normal:
    """`"timeout"`: idle for too long, or no answer to pings. `"shutdown"`: closed by the service or by server stop.

    Source: Chicago Boss, `{normal, shutdown}` and `{normal, timeout}`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Error:
    """`"closed"`: lost or reset; `"badencoding"`, `"badframe"`, `"toobig"`: what the client sent; `"slow"`: it did not read;
    `"flood"`: it sent too much.

    Source: Chicago Boss, `{error, closed | badencoding | badframe | atom()}`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Remote:
    """The client sent a close frame: with a code and a reason, or `Remote(None, "")` without.

    Source: Chicago Boss, `{remote, Code, Reason}` and `{remote, closed}`.
    """

    code: int | None
    reason: str


CloseReason: TypeAlias = Normal | Error | Remote

_PROTOCOL_ERRORS = {
    1002: Error("badframe"),
    1007: Error("badencoding"),
    1009: Error("toobig"),
}


def from_disconnect(message: Mapping[str, Any]) -> CloseReason:
    """Read the close reason off an ASGI `websocket.disconnect` message.

    uvicorn (websockets-sansio, wsproto) sends no `reason` when the connection ended without a close frame, or by server
    stop (1012); its legacy implementation says 1006 for both lost connections and protocol errors. A client that sends
    1002, 1007 or 1009 itself cannot be told from one that caused it, so these count as errors.

    Source: ASGI, "Disconnect - receive event"; RFC 6455 section 7.4.1.
    """
    code = int(message.get("code") or 1005)  # wsproto's is a member of an enumeration
    reason = message.get("reason")
    if code in _PROTOCOL_ERRORS:
        return _PROTOCOL_ERRORS[code]
    if code == 1006 or (code == 1005 and reason is None):
        return Error("closed")
    if code == 1012 and reason is None:
        return Normal("shutdown")
    return Remote(None if code == 1005 else code, reason or "")
