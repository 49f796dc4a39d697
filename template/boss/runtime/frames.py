# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Frames as bytes: what goes to a client, and where one that came ends. RFC 6455 section 5."""

MAX_REASON = 123  # bytes: a control frame's 125, less two for the code
SHORT_TEXT = tuple(bytes((0x81, size)) for size in range(126))
"""What stands before a text of 0 to 125 bytes, by its size."""
_SHORT_BYTES = tuple(bytes((0x82, size)) for size in range(126))
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


def check_message(message: object) -> None:
    """Raise the `TypeError` of `send` unless `message` is text or bytes."""
    if not isinstance(message, (str, bytes)):
        raise TypeError(
            f"a message is str or bytes, not {type(message).__name__}; send_json(value) sends anything JSON can say"
        )


def check_close(code: int, reason: str) -> None:
    """Raise unless code and reason may stand in a close frame."""
    if isinstance(code, bool) or not isinstance(code, int):
        raise TypeError(f"a close code is a number, not {code!r}")
    if not isinstance(reason, str):
        raise TypeError(f"a close reason is text, not {reason!r}")
    if not may_be_sent(code):
        raise ValueError(
            f"close code {code} may not be sent; 1000 to 1014 without 1004 to 1006, or 3000 to 4999 may"
        )
    size = len(reason.encode())
    if size > MAX_REASON:
        raise ValueError(
            f"a close reason is at most {MAX_REASON} bytes of UTF-8, not {size}"
        )


def frame(message: str | bytes) -> bytes:
    """Frame one whole message: a Text frame for `str`, a Binary frame for `bytes`; unmasked, as servers send."""
    if isinstance(message, str):
        head, short, payload = 0x81, SHORT_TEXT, message.encode()
    else:
        head, short, payload = 0x82, _SHORT_BYTES, message
    size = len(payload)
    if size < 126:
        return short[size] + payload
    if size < 65536:
        return bytes((head, 126)) + size.to_bytes(2, "big") + payload
    return bytes((head, 127)) + size.to_bytes(8, "big") + payload


def size_of(message: str | bytes) -> int:
    """The bytes that `message` takes on the wire, without its header.

    Raises:
        UnicodeEncodeError: a string with lone surrogates, which UTF-8 cannot say.
    """
    if isinstance(message, bytes) or message.isascii():
        return len(message)
    return len(message.encode())


def may_be_sent(code: int) -> bool:
    """May `code` stand in a close frame? RFC 6455 section 7.4."""
    return code in _CLOSE_CODES or 3000 <= code <= 4999


def close_frame(code: int, reason: str) -> bytes:
    """The close frame with this code and reason, both of which `check_close` has let through."""
    payload = code.to_bytes(2, "big") + reason.encode()
    return bytes((0x88, len(payload))) + payload


def deflated(size: int) -> int:
    """The bytes that `size` bytes may take when they are compressed: some more, where nothing can be saved. RFC 7692."""
    return size + (size >> 10) + 64  # zlib's stored blocks have a header each


def end_of_frame(
    data: bytes | bytearray, position: int, limit: int, compresses: bool
) -> int:
    """Where the frame that begins at `position` ends.

    A frame of which too little is here to tell ends behind `data`. For one that the parser will refuse the answer is
    negative, so that it is refused at once. RFC 6455 section 5.2.
    """
    size = len(data)
    if size - position < 2:
        return position + 2
    first, second = data[position], data[position + 1]
    opcode = first & 0x0F
    control = opcode >= 8
    if (
        second < 128
        or opcode not in (0, 1, 2, 8, 9, 10)
        or (first & 0x70 and not (compresses and first & 0x70 == 0x40))
        or (control and (second > 253 or first < 128))
    ):
        return -1
    length = second - 128
    start = position + 6
    if length > 125:
        extra = 2 if length == 126 else 8
        start += extra
        if size < start:
            return start
        length = int.from_bytes(data[position + 2 : position + 2 + extra], "big")
    if not control and length > (deflated(limit) if first & 0x40 else limit):
        return -1
    return start + length
