# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Who may connect: origin, subprotocol, session cookie, and how many. Decisions only; gateway.py acts on them."""

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from itsdangerous import BadSignature, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

from .settings import SessionSettings

FAST_PATH = "boss.protocol"
"""The ASGI extension by which protocol.py offers itself: `scope["extensions"]["boss.protocol"]`."""

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def origin_allowed(
    origins: Sequence[str], hosts: Sequence[str], allowed: Iterable[str]
) -> bool:
    """May a page of this origin connect?

    Yes when it has the host and effective port of `Host`, whatever the scheme, since TLS may end at a proxy; or when it
    is listed. localhost, 127.0.0.1 and [::1] are one host. Clients that send no origin are no browsers and are let in.

    Args:
        origins: the values of all `Origin` headers.
        hosts: the values of all `Host` headers.
        allowed: origins such as "https://example.com", or hosts without a scheme, for any; "*" allows all.

    Source: RFC 6455 section 10.2; RFC 6454.
    """
    allowed = tuple(allowed)
    if not origins or "*" in allowed:
        return True
    if len(origins) != 1:
        return False
    origin = _origin(origins[0])
    if origin is None:
        # Of a scheme of its own, as apps with a browser inside have: listed, or refused.
        text = origins[0].strip().lower()
        return text != "null" and text in (entry.strip().lower() for entry in allowed)
    scheme, host, port = origin
    for entry in allowed:
        if "://" in entry:
            if _origin(entry) == origin:
                return True
        elif _host(entry, _DEFAULT_PORTS[scheme]) == (host, port):
            return True
    return len(hosts) == 1 and (host, port) == _host(hosts[0], _DEFAULT_PORTS[scheme])


def _origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, host and effective port of an origin; None for "null" and for what is none."""
    scheme, separator, rest = text.strip().lower().partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        return None
    place = _host(rest.removesuffix("/"), _DEFAULT_PORTS[scheme])
    return None if place is None else (scheme, *place)


def _host(text: str, default_port: int) -> tuple[str, int] | None:
    """Host and port of "example.com", "example.com:8001" or "[::1]:8001"; None for what is none of these."""
    text = text.strip().lower()
    if not text or re.search(r"[\s/?#@\\]", text):
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    host = host.removesuffix(".")
    return (
        "localhost" if host in _LOCAL else host,
        default_port if port is None else port,
    )


def choose_subprotocol(offered: Sequence[str], allowed: Sequence[str]) -> str | None:
    """Choose the one subprotocol that is sent back to a client that offers some.

    Returns:
        The first one offered that `allowed` names, or the first one when `allowed` is empty; None when none is allowed.

    Source: RFC 6455 section 4.2.2; the seed of Chicago Boss, `new WebSocket(url, "some_service_name")`.
    """
    for name in offered:
        if _TOKEN.fullmatch(name) and (not allowed or name in allowed):
            return name
    return None


class _KeyedBlake2(SigningAlgorithm):
    """Signs in one call to a hash that takes a key: a third of what HMAC costs each client. Source: RFC 7693."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hashlib.blake2b(value, key=key, digest_size=32).digest()


class SessionCookie:
    """The signed cookie that carries the session id. Source: Chicago Boss's session id; itsdangerous.

    Args:
        settings: name, age and security of the cookie.
        secret: signs it; whoever knows it can be anybody.
    """

    def __init__(self, settings: SessionSettings, secret: str) -> None:
        self._settings = settings
        # One key for this one use, derived here and not anew for every cookie.
        key = hashlib.sha256(b"boss.session:" + secret.encode()).digest()
        self._signer = TimestampSigner(
            key, key_derivation="none", algorithm=_KeyedBlake2()
        )

    def read(self, headers: Iterable[str]) -> str | None:
        """The session id in these `Cookie` headers; None when there is none, or it was forged, or is too old."""
        for header in headers:
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self._settings.cookie:
                    try:
                        signed = self._signer.unsign(
                            value, max_age=self._settings.max_age
                        )
                    except BadSignature:
                        continue
                    if _is_canonical(value):
                        return signed.decode("ascii")
        return None

    def issue(self) -> tuple[str, str]:
        """A fresh session id, and the value of the `Set-Cookie` header that carries it."""
        session_id = secrets.token_urlsafe(18)
        value = self._signer.sign(session_id).decode("ascii")
        secure = "; Secure" if self._settings.secure else ""
        return session_id, (
            f"{self._settings.cookie}={value}; Path=/; Max-Age={self._settings.max_age}; HttpOnly; SameSite=Lax{secure}"
        )


def _is_canonical(value: str) -> bool:
    """Is the signature spelled as we would? The last of its digits has two bits that decoding ignores."""
    signature = value.rpartition(".")[2].encode()
    return base64_encode(base64_decode(signature)) == signature


class Admission:
    """How many clients are connected, in all and from each address, against two limits; 0 means no limit."""

    def __init__(self, limit: int, limit_per_address: int) -> None:
        self._limit = limit
        self._limit_per_address = limit_per_address
        self._total = 0
        self._by_address: Counter[str] = Counter()

    def refusal(self, address: str) -> tuple[int, str] | None:
        """HTTP status and reason when one more client from `address` is too many, else None."""
        if self._limit and self._total >= self._limit:
            return 503, "too many connections"
        if (
            self._limit_per_address
            and self._by_address[address] >= self._limit_per_address
        ):
            return 429, "too many connections from this address"
        return None

    def enter(self, address: str) -> None:
        """Count a client in."""
        self._total += 1
        if self._limit_per_address:
            self._by_address[address] += 1

    def leave(self, address: str) -> None:
        """Count a client out."""
        self._total -= 1
        if self._limit_per_address:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
