"""The opening handshake of the fast path: what is plain is answered, all else goes the stock way."""

from typing import Any

import pytest

from boss.runtime.upgrade import accept_key, answer, subprotocols

PLAIN = {
    b"host": b"example.com",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ==",
    b"sec-websocket-version": b"13",
}


def key(
    *more: tuple[bytes, bytes],
    url: bytes = b"/websocket/chat",
    compression: bool = False,
    **changes: Any,
) -> bytes | None:
    scope = {
        "method": changes.get("method", "GET"),
        "http_version": changes.get("http_version", "1.1"),
        "headers": [*PLAIN.items(), *more],
    }
    return accept_key(scope, url, compression)


def without(name: bytes) -> bytes | None:
    headers = [item for item in PLAIN.items() if item[0] != name]
    return accept_key(
        {"method": "GET", "http_version": "1.1", "headers": headers}, b"/", False
    )


def changed(name: bytes, value: bytes) -> bytes | None:
    headers = list({**PLAIN, name: value}.items())
    return accept_key(
        {"method": "GET", "http_version": "1.1", "headers": headers}, b"/", False
    )


def test_the_example_of_the_rfc() -> None:
    assert key() == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("name", [name for name in PLAIN if name != b"host"])
def test_what_is_missing_is_not_answered(name: bytes) -> None:
    assert without(name) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"upgrade", b"h2c"),
        (b"connection", b"keep-alive"),
        (b"sec-websocket-version", b"8"),
        (b"sec-websocket-key", b"short"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==dGhl"),
    ],
)
def test_what_is_wrong_is_not_answered(name: bytes, value: bytes) -> None:
    assert changed(name, value) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"upgrade", b"WebSocket"),
        (b"connection", b"keep-alive, Upgrade"),
        (b"connection", b"upgrade"),
    ],
)
def test_what_browsers_write_is_answered(name: bytes, value: bytes) -> None:
    assert changed(name, value) is not None


def test_what_is_unusual_is_not_answered() -> None:
    assert key((b"upgrade", b"websocket")) is None
    assert key(method="POST") is None
    assert key(http_version="1.0") is None
    assert key(url=b"http://example.com/") is None
    assert key(url="/ü".encode()) is None


def test_compression_goes_the_stock_way_where_it_is_on() -> None:
    offer = (b"sec-websocket-extensions", b"permessage-deflate")
    assert key(offer) is not None
    assert key(offer, compression=True) is None


def test_subprotocols() -> None:
    headers = [
        (b"sec-websocket-protocol", b"a, b"),
        (b"x", b"y"),
        (b"sec-websocket-protocol", b"c"),
    ]
    assert subprotocols(headers) == ["a", "b", "c"]
    assert subprotocols([]) == []


def test_answer() -> None:
    assert answer(b"key", "chat", [(b"x-a", b"1")]).split(b"\r\n") == [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: key",
        b"x-a: 1",
        b"Sec-WebSocket-Protocol: chat",
        b"",
        b"",
    ]


@pytest.mark.parametrize("header", [(b"x", b"1\r\ny: 2"), (b"x\n", b"1")])
def test_no_header_may_smuggle_another(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="line break"):
        answer(b"key", None, [header])
