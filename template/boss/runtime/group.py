# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""A set of clients that is sent to at once.

How it is fast: `send` only notes the message; when the turn of the event loop ends, all messages of the turn are framed
and joined once, and every member gets them in one write. At most one group of a loop has messages noted at a time, and
whoever sends to one member meanwhile, or to another group, first has these handed over: so every client sees what it
was sent in the order in which it was sent. In a large room most of the time goes by while memory is fetched, so a
member that only has to be written to is not looked at: its `write` is at hand.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast
from weakref import ReferenceType, ref

from .batch import Batch
from .client import Client, Membership
from .counters import Counters
from .frames import check_message, frame
from .turn import Turn
from .websocket import WebSocket, encode_json


class Group:
    """The members of a room: a set of clients that the runtime knows, in the order in which they were added.

    A client that has closed leaves every group just before its `handle_close`. Adding one that has left already does
    nothing. When a service crashes, the groups in its state are gone with that; those that live elsewhere, in the state
    of another service for one, keep the clients that are still connected.
    """

    __slots__ = (
        "__weakref__",
        "_apart",
        "_counters",
        "_direct",
        "_members",
        "_noted",
        "_self",
        "_turn",
    )

    def __init__(self) -> None:
        # For the members to keep.
        self._self: ReferenceType[Membership] = ref(self)
        self._members: dict[Client, None] = {}
        # How the members of one service are written to, that of `_counters`, less those that have to be asked.
        self._direct: dict[Client, Callable[[bytes], None]] = {}
        self._counters = Counters()
        self._turn: Turn | None = None  # None until the first member
        self._noted = Batch()  # sent in this turn, not yet handed over
        # Members for whom the noted messages are others than for the rest: excluded from some, or given some already.
        self._apart: dict[Client, Batch] = {}

    def add(self, websocket: WebSocket) -> None:
        """Add a client; it gets what is sent from now on. From another thread this happens soon, in order.

        Raises:
            TypeError: `websocket` is none.
        """
        client = cast(Client, websocket)
        try:
            turn = client.turn
        except AttributeError:
            raise TypeError(f"a member is a WebSocket, not {websocket!r}") from None
        self._turn = turn
        turn.do(self._add, client)

    def discard(self, websocket: WebSocket) -> None:
        """Remove a client, if it is a member; it still gets what was sent before. From another thread: soon, in order."""
        if self._turn is not None:
            self._turn.do(self._discard, cast(Client, websocket))

    def send(self, message: str | bytes, exclude: WebSocket | None = None) -> None:
        """Send to every member, except `exclude`; like `WebSocket.send` for each, but framed once and joined.

        Raises:
            TypeError, UnicodeEncodeError: as there.
        """
        check_message(message)
        data = frame(message)
        turn = self._turn
        if turn is not None:
            turn.do(self._send, turn, message, data, exclude)

    def _add(self, client: Client) -> None:
        if client in self._members or client.told:
            return
        if self._noted.messages:
            self.hand_over(hold=True)
        if not self._members:
            self._counters = client.worker.counters
        self._members[client] = None
        self.look_at(client)
        client.enter_group(self._self)

    def _discard(self, client: Client) -> None:
        if client in self._members:
            self.settle(client)
            self.forget(client)
            client.groups.remove(self._self)

    def _send(
        self, turn: Turn, message: str | bytes, data: bytes, exclude: WebSocket | None
    ) -> None:
        if turn.group is not self:
            if turn.group is not None:
                turn.group.hand_over(hold=True)
            turn.group = self
            turn.begin()
        left_out = cast(Client | None, exclude)
        if (
            left_out is not None
            and left_out in self._members
            and left_out not in self._apart
        ):
            self._apart[left_out] = self._noted.copy()
        self._noted.add(message, data)
        for member, noted in self._apart.items():
            if member is not left_out:
                noted.add(message, data)

    def send_json(self, value: Any, exclude: WebSocket | None = None) -> None:
        """Send `value` as JSON to every member, except `exclude`; encoded once.

        Raises:
            TypeError, ValueError: `value` is not JSON.
        """
        self.send(encode_json(value), exclude)

    def __contains__(self, websocket: object) -> bool:
        return websocket in self._members

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[WebSocket]:
        return iter(tuple(self._members))

    def __repr__(self) -> str:
        return f"<group of {len(self._members)}>"

    # For the runtime.

    def forget(self, client: Client) -> None:
        """Remove a member that has closed; nothing more reaches it."""
        self._members.pop(client, None)
        self._direct.pop(client, None)

    def look_at(self, client: Client) -> None:
        """Note how a member is written to from now on."""
        write = client.direct
        if write is None or client.worker.counters is not self._counters:
            self._direct.pop(client, None)
        else:
            self._direct[client] = write

    def settle(self, member: Any) -> None:
        """Hand over to `member`, if it is one, what was sent to the group in this turn so far."""
        if self._noted.messages and member in self._members:
            noted = self._apart.get(member, self._noted)
            self._apart[member] = Batch()
            if noted.messages:
                noted.seal()
                member.put_batch(noted, hold=True)

    def hand_over(self, *, hold: bool) -> None:
        """Write to every member what was sent in this turn so far; `hold` it until the turn ends if that is asked."""
        turn = self._turn
        assert turn is not None
        turn.group = None
        batch, self._noted = self._noted, Batch()
        batch.seal()
        if not self._apart:
            if hold or turn.dirty or not self._direct:
                for client in self._members:
                    client.put_batch(batch, hold)
            else:
                self._write(batch)
            return
        apart, self._apart = self._apart, {}
        for own in apart.values():
            own.seal()
        for client in self._members:
            own = apart.get(client, batch)
            if own.messages:
                client.put_batch(own, hold)

    def _write(self, batch: Batch) -> None:
        asked: list[Client] = []
        if len(self._direct) < len(self._members):
            asked = [client for client in self._members if client not in self._direct]
        writes, joined = list(self._direct.values()), batch.joined
        self._counters.messages_out += batch.number * len(writes)
        for write in writes:
            write(joined)
        for client in asked:
            client.put_batch(batch, hold=False)
