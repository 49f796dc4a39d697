"""What is looked for beneath the plain path, where it is not there; where it is, the sockets' tests show it."""

import signal
from typing import Any

import pytest

from boss.runtime.stock import own_send, passed_over, told_to_stop


@pytest.mark.parametrize("handler", [None, signal.SIG_DFL, lambda *_: None])
def test_another_server_is_not_asked(
    handler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: handler)
    assert told_to_stop() is False


def test_a_send_that_somebody_wraps_is_not_the_servers_own() -> None:
    async def wrapper(event: Any) -> None: ...

    class Server:
        async def send(self, event: Any) -> None: ...

    assert own_send(wrapper) is None
    assert own_send(Server().send) is None


def test_another_protocol_passes_nothing_over() -> None:
    assert list(passed_over(None)) == []
