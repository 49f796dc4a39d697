"""Everyone may come, nobody is told anything."""

from boss import ServiceHandler


class QuietWebsocket(ServiceHandler[None]):
    dependencies = ()
