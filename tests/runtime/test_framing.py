"""frames.py: what goes to a client, as bytes. (What comes from one is in test_frames.py.)"""

import pytest
from websockets.frames import Frame, Opcode

from boss.runtime.frames import check_close, check_message, close_frame, frame, size_of


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_frames_are_those_of_the_websockets_library(size: int) -> None:
    text, data = "x" * size, b"\xff" * size
    expected = Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
    assert frame(text) == expected
    assert frame(data) == Frame(Opcode.BINARY, data).serialize(mask=False)


def test_the_length_of_a_text_is_that_of_its_bytes() -> None:
    assert frame("ü" * 63) == b"\x81\x7e\x00\x7e" + "ü".encode() * 63


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4999, "ü")])
def test_close_frames(code: int, reason: str) -> None:
    payload = code.to_bytes(2, "big") + reason.encode()
    expected = Frame(Opcode.CLOSE, payload).serialize(mask=False)
    assert close_frame(code, reason) == expected


def test_what_utf8_cannot_say_cannot_be_framed() -> None:
    with pytest.raises(UnicodeEncodeError):
        frame("\ud800")


@pytest.mark.parametrize(
    ("message", "size"), [("", 0), ("abc", 3), ("ü", 2), ("😀", 4), (b"\xff\xff", 2)]
)
def test_size_of(message: str | bytes, size: int) -> None:
    assert size_of(message) == size


@pytest.mark.parametrize("message", [1, None, [], bytearray(b"x"), memoryview(b"x")])
def test_only_text_and_bytes_are_messages(message: object) -> None:
    with pytest.raises(TypeError, match=type(message).__name__):
        check_message(message)
    check_message("x")
    check_message(b"x")


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    check_close(code, "x" * 123)


@pytest.mark.parametrize(
    "code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536]
)
def test_codes_that_may_not(code: int) -> None:
    with pytest.raises(ValueError, match=str(code)):
        check_close(code, "")


def test_a_reason_has_at_most_123_bytes() -> None:
    check_close(1000, "ü" * 61)
    with pytest.raises(ValueError, match="124"):
        check_close(1000, "ü" * 62)


@pytest.mark.parametrize(
    ("code", "reason"), [("1000", ""), (1000.0, ""), (True, ""), (1000, b""), (1000, 1)]
)
def test_what_is_neither_number_nor_text(code: object, reason: object) -> None:
    with pytest.raises(TypeError):
        check_close(code, reason)  # type: ignore[arg-type]
