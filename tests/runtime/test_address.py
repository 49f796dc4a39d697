"""An address is a name: it may be kept and sent to whether its service runs or not."""

import pytest

from boss.runtime.address import ServiceAddress
from boss.runtime.errors import ServiceDown


class Ear:
    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def broadcast(self, message: object) -> None:
        self.heard.append(("broadcast", message))

    def info(self, message: object) -> None:
        self.heard.append(("info", message))


def test_it_leads_to_whoever_is_bound() -> None:
    address, ear = ServiceAddress("chat"), Ear()
    address.bind(ear)
    address.broadcast("news")
    address.info(None)
    assert ear.heard == [("broadcast", "news"), ("info", None)]


def test_nobody_bound_is_service_down() -> None:
    address = ServiceAddress("chat")
    for send in (address.broadcast, address.info):
        with pytest.raises(
            ServiceDown,
            match="`chat` has not been started: .* includes boss.router; a test",
        ):
            send("news")


def test_release_takes_away_only_what_is_bound() -> None:
    address, first, second = ServiceAddress("chat"), Ear(), Ear()
    address.bind(first)
    address.bind(second)
    address.release(first)
    address.info(1)
    assert second.heard == [("info", 1)]
    address.release(second)
    with pytest.raises(ServiceDown, match="`chat` is not running"):
        address.info(2)


def test_it_says_its_name() -> None:
    assert "chat" in repr(ServiceAddress("chat"))
