"""handshake.py: who may connect, as plain functions. (On sockets: semantics/test_handshake.py.)"""

import time

import pytest

from boss.runtime.handshake import (
    Admission,
    SessionCookie,
    choose_subprotocol,
    origin_allowed,
)
from boss.runtime.settings import SessionSettings


@pytest.mark.parametrize(
    ("origins", "hosts", "allowed", "expected"),
    [
        ([], ["example.com"], [], True),
        (["https://example.com"], ["example.com"], [], True),
        (["https://example.com"], [], [], False),
        (["https://example.com"], ["example.com", "example.com"], [], False),
        (["https://a.example", "https://a.example"], ["a.example"], [], False),
        (["https://a.example", "https://b.example"], ["c.example"], ["*"], True),
        (["https://a.example"], ["c.example"], ["a.example"], True),
        (["https://a.example:444"], ["c.example"], ["a.example"], False),
        (["http://a.example:81"], ["c.example"], ["b.example", "a.example:81"], True),
        (["http://[::1]:8001"], ["localhost:8001"], [], True),
        (["http://localhost:8001"], ["[::1]:8001"], [], True),
        (["http://127.0.0.1:8001"], ["[::1]:8002"], [], False),
        (["http://[::2]:8001"], ["[::1]:8001"], [], False),
        (["https://example.com."], ["example.com"], [], True),
        (["https://example.com/"], ["example.com"], [], True),
        (["https://example.com:x"], ["example.com"], [], False),
        (["https://example.com:99999"], ["example.com"], [], False),
        (["ftp://example.com"], ["example.com"], [], False),
        (["null"], ["null"], ["null"], False),
        (["null"], ["example.com"], ["*"], True),
        (["capacitor://localhost"], ["example.com"], ["capacitor://localhost"], True),
        (["capacitor://localhost"], ["localhost"], [], False),
        (["https://A.example"], ["b.example"], ["https://a.EXAMPLE"], True),
        (["https://a.example:443"], ["b.example"], ["https://a.example"], True),
        (["https://a.example"], ["b.example"], ["https://c.example"], False),
    ],
)
def test_origin(
    origins: list[str], hosts: list[str], allowed: list[str], expected: bool
) -> None:
    assert origin_allowed(origins, hosts, allowed) is expected


@pytest.mark.parametrize(
    ("offered", "allowed", "chosen"),
    [
        ([], [], None),
        (["a", "b"], [], "a"),
        (["a", "b"], ["b", "a"], "a"),
        (["a", "b"], ["b"], "b"),
        (["a"], ["b"], None),
        (["A"], ["a"], None),
        (["not a token", "b"], [], "b"),
        (["", "b"], [], "b"),
        (["a\r\nx: y"], [], None),
    ],
)
def test_subprotocol(
    offered: list[str], allowed: list[str], chosen: str | None
) -> None:
    assert choose_subprotocol(offered, allowed) == chosen


def cookie_of(header: str) -> str:
    return header.partition(";")[0]


def test_a_session_is_read_back() -> None:
    cookies = SessionCookie(SessionSettings(), "secret")
    session_id, header = cookies.issue()
    assert cookies.read([f"a=b; {cookie_of(header)}; c"]) == session_id
    assert cookies.read(["a=b", cookie_of(header)]) == session_id
    assert SessionCookie(SessionSettings(), "other").read([cookie_of(header)]) is None
    renamed = SessionCookie(SessionSettings(cookie="x"), "secret")
    assert renamed.read([cookie_of(header)]) is None


def test_a_forged_cookie_before_a_good_one_does_no_harm() -> None:
    cookies = SessionCookie(SessionSettings(), "secret")
    session_id, header = cookies.issue()
    assert cookies.read(["_boss_session=forged; " + cookie_of(header)]) == session_id


def test_sessions_are_unlike_each_other() -> None:
    cookies = SessionCookie(SessionSettings(), "secret")
    assert len({cookies.issue()[0] for _ in range(100)}) == 100


def test_an_old_session_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = SessionCookie(SessionSettings(max_age=10), "secret")
    session_id, header = cookies.issue()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 9)
    assert cookies.read([cookie_of(header)]) == session_id
    monkeypatch.setattr(time, "time", lambda: now + 12)
    assert cookies.read([cookie_of(header)]) is None


def test_the_cookie_is_for_servers_only() -> None:
    _, header = SessionCookie(SessionSettings(secure=True), "secret").issue()
    assert header.endswith("; Path=/; Max-Age=525600; HttpOnly; SameSite=Lax; Secure")


def test_admission() -> None:
    admission = Admission(3, 2)
    for address in ("a", "a", "b"):
        assert admission.refusal(address) is None
        admission.enter(address)
    assert admission.refusal("c") == (503, "too many connections")
    admission.leave("b")
    assert admission.refusal("c") is None
    refusal = admission.refusal("a")
    assert refusal is not None
    assert refusal[0] == 429
    admission.leave("a")
    assert admission.refusal("a") is None


def test_admission_without_limits() -> None:
    admission = Admission(0, 0)
    for _ in range(1000):
        assert admission.refusal("a") is None
        admission.enter("a")
