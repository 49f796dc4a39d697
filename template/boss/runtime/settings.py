# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The settings of boss.toml: every section, key, type and default is declared here and nowhere else.

`bossgen build` reads this file to check boss.toml, and compiles everything but `[server]` into the generated router.
`[server]` is read when the server starts, and a value of it may be overridden by `BOSS_<KEY>` in the environment.
Numbers must not be negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .address import ServiceAddress
from .handler import ServiceHandler


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`[server]`: how `python -m boss` and `bossgen dev` serve."""

    application: str = "app:app"
    host: str = "127.0.0.1"
    port: int = 8001
    # permessage-deflate: costs a third of the fan-out and 30 KiB a client.
    compression: bool = False
    max_connections: int = 0  # 0 = no limit
    max_connections_per_address: int = 0  # 0 = no limit
    landing_page: bool = True  # the list of services and the console on it
    metrics: bool = False  # {base_url}/metrics for Prometheus


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """`[session]`: the signed cookie that carries the session id."""

    cookie: str = "_boss_session"
    max_age: int = 525600  # seconds: six days, as in Chicago Boss
    secure: bool = False  # True: sent over HTTPS only


@dataclass(frozen=True, slots=True)
class WebsocketSettings:
    """`[websocket]`, the defaults of every service; `[service.NAME]` overrides any of them."""

    idle_timeout: float = 0  # seconds without a message from the client; 0 = never
    max_message_size: int = 1048576  # bytes
    max_messages_per_second: int = 0  # from one client; 0 = no limit
    outbound_limit: int = 1000  # messages waiting for one client,
    outbound_bytes: int = 16777216  # and their bytes
    slow_consumer: Literal["close", "drop_oldest", "drop_newest"] = "close"
    mailbox_limit: int = 10000  # broadcasts and infos waiting for one service
    allowed_origins: tuple[str, ...] = ()  # beside the same origin; "*" allows all
    # Empty: the first one the client offers is accepted.
    subprotocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SupervisorSettings:
    """`[supervisor]`: what follows the end of a life of a service. Source: OTP supervisor."""

    restart: Literal["permanent", "transient", "temporary"] = "transient"
    max_restarts: int = 10  # in `period`; one more and the service is down
    period: float = 10  # seconds
    on_restart: Literal["rejoin", "close"] = "rejoin"


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of the table in the generated router: a service as it was compiled."""

    address: ServiceAddress
    handler: type[ServiceHandler[Any]]
    file: str  # "src/websocket/myapp_chat_websocket.py"
    url: str  # "/websocket/chat", base_url included
    callbacks: Sequence[str]  # ["init", "handle_join"]: the ones the handler defines
    websocket: WebsocketSettings
