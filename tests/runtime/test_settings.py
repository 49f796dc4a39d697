"""The defaults of boss.toml: a project that says nothing relies on them."""

from dataclasses import asdict

from boss.runtime.settings import (
    ServerSettings,
    SessionSettings,
    SupervisorSettings,
    WebsocketSettings,
)


def test_defaults() -> None:
    assert asdict(ServerSettings()) == {
        "application": "app:app",
        "host": "127.0.0.1",
        "port": 8001,
        "compression": False,
        "max_connections": 0,
        "max_connections_per_address": 0,
        "landing_page": True,
        "metrics": False,
    }
    assert asdict(SessionSettings()) == {
        "cookie": "_boss_session",
        "max_age": 525600,
        "secure": False,
    }
    assert asdict(WebsocketSettings()) == {
        "idle_timeout": 0,
        "max_message_size": 1048576,
        "max_messages_per_second": 0,
        "outbound_limit": 1000,
        "outbound_bytes": 16777216,
        "slow_consumer": "close",
        "mailbox_limit": 10000,
        "allowed_origins": (),
        "subprotocols": (),
    }
    assert asdict(SupervisorSettings()) == {
        "restart": "transient",
        "max_restarts": 10,
        "period": 10,
        "on_restart": "rejoin",
    }
