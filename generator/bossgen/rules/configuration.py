"""What can be wrong in boss.toml. These mistakes are found by config.py; here they are explained."""

from .rule import rule


@rule("BG101", "elsewhere")
def config_syntax() -> None:
    """boss.toml is not TOML.

    Nothing can be built from a configuration that cannot be read. What TOML misses, and where, is shown. Texts stand in
    quotes, `true` and `false` are written small, and each key stands once.

    Example:

        app = myapp

    Instead:

        app = "myapp"
    """


@rule("BG102", "elsewhere")
def config_unknown_key() -> None:
    """boss.toml has a key or a section that means nothing.

    A setting with a letter wrong would silently be the default. All keys are listed in the README, each with its
    default. Keys of `[websocket]` may be overridden for one service in `[service.NAME]`.

    Example:

        [websocket]
        idle_timout = 60

    Instead:

        [websocket]
        idle_timeout = 60
    """


@rule("BG103", "elsewhere")
def config_value() -> None:
    """A value in boss.toml has the wrong type, or cannot be.

    Times are numbers of seconds, sizes are numbers of bytes, and neither is negative. A key that takes one of a few
    words takes no other.

    Example:

        [server]
        port = "8001"

        [supervisor]
        restart = "always"

    Instead:

        [server]
        port = 8001

        [supervisor]
        restart = "permanent"
    """


@rule("BG104", "elsewhere")
def config_unknown_service() -> None:
    """boss.toml has a section for a service that does not exist.

    `[service.NAME]` overrides `[websocket]` for the service whose handler is `src/websocket/<app>_NAME_websocket.py`.
    Without such a file the section would be settings for nobody.

    Example, with the handler src/websocket/myapp_chat_websocket.py:

        [service.chta]
        idle_timeout = 60

    Instead:

        [service.chat]
        idle_timeout = 60
    """
