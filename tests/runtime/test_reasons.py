"""How close reasons are read off what an ASGI server says; the messages are those that each server sends (uvicorn 0.54)."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from enum import IntEnum
from typing import Any

import pytest

from boss import CloseReason, Error, Normal, Remote
from boss.runtime.reasons import from_disconnect

SANSIO: list[tuple[Mapping[str, Any], CloseReason]] = [
    ({"code": 1000, "reason": ""}, Remote(1000, "")),
    ({"code": 1000, "reason": "bye"}, Remote(1000, "bye")),
    ({"code": 4001, "reason": "because"}, Remote(4001, "because")),
    ({"code": 1005, "reason": ""}, Remote(None, "")),
    ({"code": 1005}, Error("closed")),  # lost, or no answer to pings
    ({"code": 1006}, Error("closed")),  # gone before the accept
    ({"code": 1007, "reason": ""}, Error("badencoding")),
    ({"code": 1007, "reason": "invalid start byte"}, Error("badencoding")),
    ({"code": 1009, "reason": "frame with 2000 bytes exceeds"}, Error("toobig")),
    ({"code": 1002, "reason": "incorrect masking"}, Error("badframe")),
    ({"code": 1012}, Normal("shutdown")),
    ({"code": 1012, "reason": ""}, Remote(1012, "")),
]
WSPROTO: list[tuple[Mapping[str, Any], CloseReason]] = [
    ({"code": 4001, "reason": "because"}, Remote(4001, "because")),
    ({"code": 1005, "reason": ""}, Remote(None, "")),
    ({"code": 1005}, Error("closed")),
    ({"code": 1007, "reason": "'utf-8' codec can't decode"}, Error("badencoding")),
    ({"code": 1009, "reason": "Message exceeds"}, Error("toobig")),
    ({"code": 1002, "reason": "Received RSV"}, Error("badframe")),
    ({"code": 1012}, Normal("shutdown")),
]
LEGACY: list[tuple[Mapping[str, Any], CloseReason]] = [
    ({"code": 1000, "reason": "bye"}, Remote(1000, "bye")),
    ({"code": 1005, "reason": ""}, Remote(None, "")),
    ({"code": 1006, "reason": ""}, Error("closed")),
    ({"code": 1012}, Normal("shutdown")),
]
TEST_CLIENT: list[tuple[Mapping[str, Any], CloseReason]] = [
    ({"code": 1000, "reason": ""}, Remote(1000, "")),
    ({"code": 1000, "reason": None}, Remote(1000, "")),
    ({}, Error("closed")),
]


class CloseReasonOfWsproto(IntEnum):
    GOING_AWAY = 1001


@pytest.mark.parametrize(("message", "reason"), SANSIO)
def test_websockets_sansio(message: Mapping[str, Any], reason: CloseReason) -> None:
    assert from_disconnect({"type": "websocket.disconnect", **message}) == reason


@pytest.mark.parametrize(("message", "reason"), WSPROTO)
def test_wsproto(message: Mapping[str, Any], reason: CloseReason) -> None:
    assert from_disconnect({"type": "websocket.disconnect", **message}) == reason


def test_the_code_of_wsproto_is_a_number_like_any_other() -> None:
    told = from_disconnect({"code": CloseReasonOfWsproto.GOING_AWAY, "reason": ""})
    assert repr(told) == "Remote(code=1001, reason='')"


@pytest.mark.parametrize(("message", "reason"), LEGACY)
def test_websockets_legacy(message: Mapping[str, Any], reason: CloseReason) -> None:
    assert from_disconnect({"type": "websocket.disconnect", **message}) == reason


@pytest.mark.parametrize(("message", "reason"), TEST_CLIENT)
def test_starlettes_test_client(
    message: Mapping[str, Any], reason: CloseReason
) -> None:
    assert from_disconnect({"type": "websocket.disconnect", **message}) == reason


def test_reasons_are_frozen_equal_hashable_and_can_be_matched_on() -> None:
    reason: CloseReason = Remote(4000, "x")
    with pytest.raises(FrozenInstanceError):
        reason.reason = "y"  # type: ignore[misc]
    assert {Error("x"), Error("x"), Normal("x")} == {Error("x"), Normal("x")}
    match reason:
        case Remote(code, text):
            assert (code, text) == (4000, "x")
