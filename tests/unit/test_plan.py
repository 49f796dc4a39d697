"""plan.py: order and names, decided once."""

import random

from bossgen.plan import natural_order
from tests.compiling import compiled, handler


def test_services_are_sorted_by_name_whatever_the_order_of_the_files() -> None:
    names = ["b", "a", "a_b", "ab", "a1", "a10", "a2"]
    for _ in range(5):
        random.shuffle(names)
        plan = compiled({name: handler() for name in names}).plan
        assert [service.name for service in plan.services] == sorted(names)


def test_a_url_has_the_base_url_in_front() -> None:
    [service] = compiled({"foo_bar": handler()}, 'base_url = "chat/"\n').plan.services
    assert service.url == "/chat/websocket/foo_bar"


def test_classes_are_called_what_they_are_called_unless_that_means_two_things() -> None:
    plan = compiled(
        {
            "a": handler("Chat"),
            "b": handler("Chat"),
            "c": handler("Chat_a"),
            "d": handler("Node"),
            "e": handler("Alone"),
        }
    ).plan
    assert [service.imported for service in plan.services] == [
        "Chat_a_",
        "Chat_b",
        "Chat_a",
        "Node_d",
        "Alone",
    ]


def test_limits_are_the_defaults_with_the_overrides_put_in() -> None:
    plan = compiled(
        {"chat": handler()},
        "[websocket]\noutbound_limit = 5\n[service.chat]\nidle_timeout = 2\n",
    ).plan
    [chat] = plan.services
    assert chat.overrides == (("idle_timeout", 2),)
    limits = dict(chat.limits)
    assert (limits["idle_timeout"], limits["outbound_limit"]) == (2, 5)
    assert [key for key, _ in chat.limits] == [key for key, _ in plan.websocket]


def test_numbers_in_names_count_as_numbers() -> None:
    ordered = ["a_", "a0", "a01", "a02", "a1", "a2", "a10", "ab", "b"]
    expected = ["a0", "a01", "a02", "a1", "a2", "a10", "a_", "ab", "b"]
    assert sorted(ordered, key=natural_order) == expected
