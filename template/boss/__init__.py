# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The names that a handler may import."""

from . import services
from .runtime.errors import MailboxFull, ServiceDown
from .runtime.group import Group
from .runtime.handler import ServiceHandler
from .runtime.reasons import CloseReason, Error, Normal, Remote
from .runtime.results import TIMEOUT, Noreply, Ok, Stop
from .runtime.websocket import WebSocket

__all__ = [
    "TIMEOUT",
    "CloseReason",
    "Error",
    "Group",
    "MailboxFull",
    "Noreply",
    "Normal",
    "Ok",
    "Remote",
    "ServiceDown",
    "ServiceHandler",
    "Stop",
    "WebSocket",
    "services",
]
