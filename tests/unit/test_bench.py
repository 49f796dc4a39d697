"""The C programs of the benchmarks speak WebSocket as another implementation does."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from tests.bench import client
from tests.bench.client import Load, LoadFailed, Target
from tests.bench.compiled import compiler
from tests.bench.contestants import CONTESTANTS, HERE, serving

pytestmark = pytest.mark.skipif(
    compiler() is None, reason="the load client needs a C compiler"
)


@dataclass
class Peer:
    """An echo, and a room at /room, that remember what they heard."""

    members: list[ServerConnection] = field(default_factory=list)
    origins: set[str | None] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    closed_with: list[int | None] = field(default_factory=list)
    server: Server | None = None

    @property
    def port(self) -> int:
        assert self.server is not None
        return int(self.server.socket.getsockname()[1])

    def serve_one(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.origins.add(connection.request.headers.get("Origin"))
        room = connection.request.path == "/room"
        if room:
            self.members.append(connection)
        with suppress(ConnectionClosed):
            for message in connection:
                assert isinstance(message, str)
                self.sizes.add(len(message))
                for member in list(self.members) if room else [connection]:
                    with suppress(ConnectionClosed):
                        member.send(message)
        self.closed_with.append(connection.close_code)


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    with serve(peer.serve_one, "127.0.0.1", 0, compression=None) as server:
        peer.server = server
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield peer
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("size", [64, 126, 70_000])
def test_echo_sends_whole_masked_texts_of_any_length(peer: Peer, size: int) -> None:
    load = Load("echo", 3, size=size, seconds=0.1, warm_up=0)
    report = client.run(load, peer.port, Target("/echo"))
    assert report.messages == report.deliveries > 0
    assert peer.sizes == {size}


def test_headers_are_sent_only_when_asked_for(peer: Peer) -> None:
    load = Load("echo", 1, seconds=0.01, warm_up=0)
    client.run(load, peer.port, Target("/echo"))
    assert peer.origins == {None}
    load = Load("echo", 1, seconds=0.01, warm_up=0, headers=("Origin: http://a",))
    client.run(load, peer.port, Target("/echo"))
    assert peer.origins == {None, "http://a"}


def test_a_fan_out_counts_what_everybody_hears(peer: Peer) -> None:
    load = Load("fanout", 5, in_flight=2, seconds=0.1, warm_up=0)
    report = client.run(load, peer.port, Target("/room"))
    # Deliveries of at most two messages may be under way when the time is over.
    assert 0 <= report.deliveries - 5 * report.messages <= 2 * 5
    assert report.messages > 0


def test_each_speaker_of_a_chat_waits_for_its_own_words(peer: Peer) -> None:
    load = Load("chat", 4, speakers=2, seconds=0.1, warm_up=0)
    report = client.run(load, peer.port, Target("/room", "<", ">"))
    assert report.messages > 0
    assert peer.sizes == {66}


def test_churn_closes_with_a_code(peer: Peer) -> None:
    report = client.run(
        Load("churn", 2, seconds=0.1, warm_up=0), peer.port, Target("/")
    )
    assert report.messages > 0
    assert peer.closed_with[0] == 1000


def test_a_refused_handshake_is_an_error() -> None:
    def refuse(connection: ServerConnection, _request: object) -> object:
        return connection.respond(404, "nothing here")

    with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(LoadFailed, match="refused: HTTP/1.1 404"):
                client.run(Load("echo", 1), server.socket.getsockname()[1], Target("/"))
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "load",
    [
        Load("echo", 3),
        Load("echo", 3, size=4096),
        Load("fanout", 5, in_flight=2),
        Load("chat", 4, speakers=2),
        Load("churn", 4),
    ],
    ids=lambda load: f"{load.mode}-{load.size}",
)
def test_the_server_in_c_does_what_is_measured(load: Load) -> None:
    in_c = next(one for one in CONTESTANTS if one.name == "C")
    target = in_c.target("echo" if load.mode == "echo" else "room")
    assert target is not None
    load = replace(load, seconds=0.1, warm_up=0)
    with serving(in_c, HERE) as server:
        assert client.run(load, server.port, target).messages > 0
        # Whoever has left is not written to any more.
        assert client.run(load, server.port, target).messages > 0
