"""What follows the end of a life: restart types, intensity over time, and the drain at server stop."""

import asyncio
from typing import Any

import pytest

from boss import Noreply, Normal, Ok, ServiceHandler, Stop
from boss.runtime.errors import ServiceDown, ServiceStartError
from tests.runtime.fakes import Bench, FakeClient, bench, make_service

pytestmark = pytest.mark.anyio


class Fragile(ServiceHandler[int]):
    """Does what an info says."""

    inits = 0
    failing = 0
    log: list[Any] = []  # noqa: RUF012  # made anew for each test

    def init(self) -> Ok[int]:
        type(self).inits += 1
        if self.inits <= self.failing:
            raise ValueError(f"init {self.inits}")
        return Ok(self.inits)

    def handle_info(self, info: Any, state: int) -> Any:
        if info == "crash":
            raise ValueError(info)
        return Stop(info, state)

    def handle_close(self, reason: Any, url: str, websocket: Any, state: int) -> Any:
        self.log.append(reason)
        return Noreply(state)

    def terminate(self, reason: object, state: int) -> None:
        self.log.append(reason)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fragile, "inits", 0)
    monkeypatch.setattr(Fragile, "failing", 0)
    monkeypatch.setattr(Fragile, "log", [])


async def test_an_init_that_never_works_again_leaves_the_loop_to_others() -> None:
    async with bench(Fragile, max_restarts=10**6, period=1) as b:
        Fragile.failing = 10**6
        b.worker.info("crash")
        for turn in range(50):
            await asyncio.sleep(0)
            assert Fragile.inits <= turn + 2


@pytest.mark.parametrize(
    ("restart", "reason", "status", "code"),
    [
        ("transient", "normal", "stopped", 1001),
        ("transient", "shutdown", "stopped", 1001),
        ("transient", "other", "running", None),
        ("transient", "crash", "running", None),
        ("permanent", "normal", "running", None),
        ("permanent", "crash", "running", None),
        ("temporary", "normal", "stopped", 1001),
        ("temporary", "other", "stopped", 1001),
        ("temporary", "crash", "failed", 1011),
    ],
)
async def test_restart_types(
    restart: str, reason: str, status: str, code: int | None
) -> None:
    async with bench(Fragile, restart=restart) as b:
        ann = b.join("ann")
        b.worker.info(reason)
        await b.settle()
        assert b.worker.status == status
        assert ann.closed_with == (code and (code, f"service {status}"))
        assert Fragile.inits == (2 if status == "running" else 1)
        assert len(Fragile.log) == 1, "terminate, and no handle_close"


async def test_intensity_is_counted_over_the_period() -> None:
    async with bench(Fragile, max_restarts=2, period=10) as b:
        for pause in (0, 0, 10.5, 0):
            await b.advance(pause)
            b.worker.info("crash")
            await b.settle()
            assert b.worker.status == "running"
        b.worker.info("crash")
        await b.settle()
        assert b.worker.status == "failed"
        assert b.worker.reason == "ValueError"


async def test_an_init_that_fails_counts_as_well() -> None:
    async with bench(Fragile, max_restarts=5, period=10) as b:
        Fragile.failing = 4
        ann = b.join("ann")
        b.worker.info("crash")
        await b.settle()
        assert b.worker.status == "running"
        assert Fragile.inits == 5
        assert b.worker.counters.crashes == 1 + 3
        assert ann.open
        Fragile.failing = 100
        b.worker.info("other")
        await b.settle()
        assert b.worker.status == "failed"
        assert b.worker.reason == "ValueError"
        assert not ann.open


async def test_on_restart_close_closes_all_and_tells_nobody() -> None:
    async with bench(Fragile, on_restart="close") as b:
        ann, bob = b.join("ann"), b.join("bob")
        await b.settle()
        b.worker.info("other")
        await b.settle()
        assert ann.closed_with == bob.closed_with == (1012, "service restarts")
        assert Fragile.log == ["other"]
        assert not b.worker.clients
        assert b.worker.connected == 0


async def test_stopping_drains_first_and_terminates_then() -> None:
    async with bench(Fragile) as b:
        ann, bob = b.join("ann"), b.join("bob")
        await b.settle()
    assert ann.closed_with == bob.closed_with == (1012, "server stops")
    assert Fragile.log == [Normal("shutdown"), Normal("shutdown"), "shutdown"]


async def test_services_are_stopped_side_by_side() -> None:
    """Each has its seconds, and all of them together no more."""
    barrier = asyncio.Barrier(2)

    class Waiting(ServiceHandler[None]):
        async def handle_close(
            self, reason: Any, url: str, websocket: Any, state: None
        ) -> Any:
            await barrier.wait()
            return Noreply(state)

        async def terminate(self, reason: object, state: None) -> None:
            await barrier.wait()

    b = Bench(make_service(Waiting, "first"), make_service(Waiting, "second"))
    await b.supervisor.start()
    for worker in b.supervisor.workers.values():
        worker.join(FakeClient(worker, b.turn))
    await b.settle()
    async with asyncio.timeout(2):
        await b.supervisor.stop()
    assert barrier.n_waiting == 0


async def test_a_start_that_fails_stops_those_that_had_begun() -> None:
    class Broken(ServiceHandler[None]):
        def init(self) -> Ok[None]:
            raise ValueError("no database")

    services = [make_service(Fragile, "first"), make_service(Broken, "second")]
    b = Bench(*services)
    with pytest.raises(ServiceStartError, match=r"`second`.*no database") as told:
        await b.supervisor.start()
    assert isinstance(told.value.__cause__, ValueError)
    assert Fragile.log == ["shutdown"]
    for service in services:
        with pytest.raises(ServiceDown):
            service.address.info("x")


async def test_an_init_may_speak_to_every_service() -> None:
    heard = []

    class Listener(ServiceHandler[None]):
        def handle_info(self, info: Any, state: None) -> Any:
            heard.append(info)
            return Noreply(state)

    listener = make_service(Listener, "listener")

    class Speaker(ServiceHandler[None]):
        def init(self) -> Ok[None]:
            listener.address.info("hello")
            return Ok(None)

    b = Bench(make_service(Speaker, "speaker"), listener)
    await b.supervisor.start()
    await b.settle()
    assert heard == ["hello"]
    await b.supervisor.stop()


async def test_the_crash_of_one_does_not_touch_another() -> None:
    class Calm(ServiceHandler[list[Any]]):
        def init(self) -> Ok[list[Any]]:
            return Ok([])

        async def handle_info(self, info: Any, state: list[Any]) -> Any:
            await asyncio.sleep(0)
            return Noreply([*state, info])

    b = Bench(
        make_service(Fragile, "fragile"), make_service(Calm, "calm"), max_restarts=2
    )
    await b.supervisor.start()
    calm = b.supervisor.workers["calm"]
    for number in range(5):
        calm.info(number)
        if b.worker.status == "running":
            b.worker.info("crash")
        await b.settle()
    assert b.worker.status == "failed"
    assert calm.state == [0, 1, 2, 3, 4]
    assert calm.life == 1
    await b.supervisor.stop()
