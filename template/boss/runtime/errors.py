# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What a sender is told when a message cannot be taken, and a starter when a service cannot start."""


class MailboxFull(Exception):
    """`mailbox_limit` broadcasts and infos wait for the service already; this one was not queued."""


class ServiceDown(Exception):
    """The service is not running: it stopped, gave up after crashes, or was not started yet; nothing was queued."""


class ServiceStartError(Exception):
    """A service could not be started; the message names it and its file. The start of the application fails."""


class SettingsError(Exception):
    """A setting read at start (boss.toml, `BOSS_...`) cannot be used; the message says which, and what to write."""
