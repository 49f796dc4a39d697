# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The address of one client: what a handler holds, keeps in its state and sends to."""

import json
from abc import ABC, abstractmethod
from typing import Any


class WebSocket(ABC):
    """An address, not a connection: hashable, compared by identity, valid after the client has gone.

    All its methods may be called from sync or async code and from any thread; they return at once and never block the
    service. What the client sees is in the order of the calls.

    Source: Chicago Boss, where the address was a process: `WebSocket ! {text, Data}`.
    """

    __slots__ = ("__weakref__", "id")

    id: str
    """Stable for as long as the client is connected, and unique: good for logs and for keys."""

    @abstractmethod
    def send(self, message: str | bytes) -> None:
        """Queue one message for the client and return at once.

        When the client does not read, its outbound queue is bounded by `outbound_limit` and `outbound_bytes`, and
        `slow_consumer` decides what happens beyond. Sending to a client that has gone is a counted no-op.

        Args:
            message: `str` becomes a Text frame, `bytes` a Binary frame.

        Raises:
            TypeError: `message` is neither; raised here, at the sender, not in the client's task.
            UnicodeEncodeError: UTF-8 cannot say it, because of a lone surrogate; likewise.

        Source: Chicago Boss, `WebSocket ! {text, Data}`; RFC 6455 section 5.6.
        """

    def send_json(self, value: Any) -> None:
        """Send `value` as JSON in a Text frame, compact, with non-ASCII characters as they are.

        Raises:
            TypeError, ValueError: `value` is not JSON: raised here, at the sender.
        """
        self.send(encode_json(value))

    @abstractmethod
    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection after what was sent so far; `handle_close` follows with `Normal("shutdown")`.

        Closing a client that has gone does nothing.

        Args:
            code: 1000-1014 without 1004, 1005 and 1006, or 3000-4999.
            reason: at most 123 bytes of UTF-8.

        Raises:
            TypeError, ValueError: `code` or `reason` may not stand in a close frame.

        Source: RFC 6455 sections 5.5.1 and 7.4.
        """

    def __repr__(self) -> str:
        return f"<websocket {self.id}>"


def encode_json(value: Any) -> str:
    """Write `value` as compact JSON; NaN and infinities, which JSON lacks, are a `ValueError`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate: JSON can spell it, UTF-8 cannot
            text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text
