"""The callbacks, read off the base class."""

import inspect

from boss.runtime.group import Group
from boss.runtime.handler import ServiceHandler
from boss.runtime.websocket import WebSocket
from tests.checking import BEHAVIOUR


def test_callbacks_are_those_of_the_contract_in_its_order() -> None:
    assert [(c.name, *c.parameters) for c in BEHAVIOUR.callbacks] == [
        ("init",),
        ("handle_join", "service_url", "websocket", "state"),
        ("handle_close", "reason", "service_url", "websocket", "state"),
        ("handle_incoming", "service_url", "websocket", "message", "state"),
        ("handle_broadcast", "message", "state"),
        ("handle_info", "info", "state"),
        ("terminate", "reason", "state"),
    ]


def test_what_is_read_is_what_python_sees() -> None:
    for callback in BEHAVIOUR.callbacks:
        signature = inspect.signature(getattr(ServiceHandler, callback.name))
        assert list(signature.parameters) == ["self", *callback.parameters]


def test_results() -> None:
    results = {c.name: c.results for c in BEHAVIOUR.callbacks}
    assert results.pop("init") == ("Ok",)
    assert results.pop("terminate") == ()
    assert set(results.values()) == {("Noreply", "Stop")}


def test_who_is_called_for_a_client() -> None:
    assert [c.name for c in BEHAVIOUR.callbacks if c.has_client] == [
        "handle_join",
        "handle_close",
        "handle_incoming",
    ]
    assert BEHAVIOUR.properties == ("req", "session_id")


def test_what_else_a_handler_inherits() -> None:
    assert {"dependencies", "send_after", "req"} <= set(BEHAVIOUR.attributes)


def test_what_can_be_sent_to_is_read_as_python_sees_it() -> None:
    public = {
        name: {one for one in names if not one.startswith("_")}
        for name, names in BEHAVIOUR.addresses.items()
    }
    assert public == {
        "boss.WebSocket": {one for one in dir(WebSocket) if not one.startswith("_")},
        "boss.Group": {one for one in dir(Group) if not one.startswith("_")},
    }
