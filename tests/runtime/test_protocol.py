"""The pure parts of the fast path; on sockets it is tested by test_frames.py, test_model.py and semantics/."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol

from boss.runtime import protocol
from boss.runtime.frames import end_of_frame
from boss.runtime.reading import _between_frames
from tests.e2e.support import frame

LIMIT = 70_000


def end(data: bytes, position: int = 0, *, compresses: bool = False) -> int:
    return end_of_frame(data, position, LIMIT, compresses)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, LIMIT])
def test_a_whole_frame_ends_where_it_ends(size: int) -> None:
    data = Frame(Opcode.BINARY, bytes(size)).serialize(mask=True)
    assert end(data) == len(data)
    assert end(b"before" + data + b"after", 6) == 6 + len(data)


@pytest.mark.parametrize("size", [0, 5, 126, 65536])
def test_a_frame_of_which_a_part_is_here_ends_behind_it(size: int) -> None:
    data = Frame(Opcode.TEXT, b"x" * size).serialize(mask=True)
    for here in {0, 1, 2, 3, 6, 9, len(data) - 1}:
        if here < len(data):
            assert end(data[:here]) > here


@pytest.mark.parametrize(
    "data",
    [
        frame(1, b"x", mask=False),
        frame(3, b"x"),
        frame(11, b"x"),
        b"\xc1\x81" + bytes(5),
        b"\xa1\x81" + bytes(5),
        b"\x09\x80" + bytes(4),
        b"\x88\xfe" + bytes(200),
        b"\x82\xff" + (LIMIT + 1).to_bytes(8, "big") + bytes(4),
        b"\x82\xff" + b"\xff" * 8 + bytes(4),
    ],
)
def test_what_the_parser_will_refuse_is_known_at_once(data: bytes) -> None:
    assert end(data) < 0


def test_a_compressed_frame_is_right_only_where_that_was_negotiated() -> None:
    data = b"\xc1\x81" + bytes(5)
    assert end(data, compresses=True) == len(data)
    assert end(b"\xe1\x81" + bytes(5), compresses=True) < 0


def test_between_frames() -> None:
    parser = Protocol(SERVER)
    assert _between_frames(parser)
    data = frame(1, b"hello")
    for here in range(1, len(data)):
        parser.receive_data(data[here - 1 : here])
        assert not _between_frames(parser)
    parser.receive_data(data[-1:])
    assert _between_frames(parser)


def test_a_client_has_so_long_to_answer_a_close_frame() -> None:
    assert protocol.CLOSE_LIMIT == 10
