"""The services of a process, their routes and their states; driven by Starlette's TestClient."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from boss import Group, Noreply, Ok, ServiceDown, ServiceHandler, Stop, WebSocket
from boss.runtime.errors import SettingsError
from boss.runtime.node import Node
from boss.runtime.routing import ServiceRouter
from boss.runtime.settings import Service, SessionSettings, SupervisorSettings
from tests.runtime.fakes import make_service
from tests.runtime.local import PATIENCE


class Chat(ServiceHandler[Group]):
    def init(self) -> Ok[Group]:
        return Ok(Group())

    def handle_join(
        self, service_url: str, websocket: WebSocket, state: Group
    ) -> Noreply[Group]:
        state.add(websocket)
        websocket.send(service_url)
        return Noreply(state)

    def handle_incoming(
        self, service_url: str, websocket: WebSocket, message: str | bytes, state: Group
    ) -> Noreply[Group] | Stop[Group]:
        if message == "crash":
            raise ValueError(message)
        if message == "stop":
            return Stop("normal", state)
        state.send(message)
        return Noreply(state)


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOSS_SECRET", "kept")
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)


def application(*services: Service, max_restarts: int = 0) -> FastAPI:
    """What the generated router and app.py are."""
    node = Node(
        app="myapp",
        base_url="",
        session=SessionSettings(),
        supervisor=SupervisorSettings(max_restarts=max_restarts),
        services=services,
    )
    router = ServiceRouter(lifespan=node.lifespan)
    for service in services:
        router.add_api_websocket_route(service.url, node.accept(service.address.name))
    router.add_websocket_route("/websocket/{rest:path}", node.refuse)
    router.add_api_route("/healthz", node.healthz)
    router.add_api_route("/boss/services.json", node.services_json)
    router.add_api_route("/metrics", node.metrics)
    app = FastAPI()
    app.include_router(router)
    return app


@pytest.fixture
def service() -> Service:
    return make_service(Chat)


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(application(service)) as client:
        yield client


def test_a_chat_under_the_test_client(client: TestClient) -> None:
    with (
        client.websocket_connect("/websocket/chat") as ann,
        client.websocket_connect("/websocket/chat", subprotocols=["x", "y"]) as bob,
    ):
        assert bob.accepted_subprotocol == "x"
        assert ann.receive_text() == bob.receive_text() == "/websocket/chat"
        ann.send_text("hi")
        assert ann.receive_text() == bob.receive_text() == "hi"
        bob.send_bytes(b"\x00")
        assert ann.receive_bytes() == bob.receive_bytes() == b"\x00"


def test_denials_under_the_test_client(client: TestClient) -> None:
    for path, headers, status in (
        ("/websocket/nobody", {}, 404),
        ("/websocket/chat/", {}, 404),
        ("/websocket/chat", {"origin": "http://evil.example"}, 403),
    ):
        with (
            pytest.raises(WebSocketDenialResponse) as denial,
            client.websocket_connect(path, headers=headers),
        ):
            pass
        assert denial.value.status_code == status


def test_a_mounted_application_whose_services_are_not_started(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    outer = FastAPI()
    outer.mount("/inner", application(service))
    with (
        TestClient(outer) as client,
        pytest.raises(WebSocketDenialResponse) as denial,
        client.websocket_connect("/inner/websocket/chat"),
    ):
        pass
    assert denial.value.status_code == 503
    assert "The lifespan of a mounted one is not run" in caplog.text
    assert "in `with TestClient(app) as client:` only" in caplog.text


def test_a_router_that_is_included_twice_starts_its_services_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "boss")
    app = application(service)
    (included,) = [r for r in app.routes if hasattr(r, "original_router")]
    app.include_router(included.original_router, prefix="/again")
    with TestClient(app) as client:
        with (
            client.websocket_connect("/websocket/chat") as ann,
            client.websocket_connect("/again/websocket/chat") as bob,
        ):
            assert ann.receive_text() == "/websocket/chat"
            assert bob.receive_text() == "/again/websocket/chat"
            bob.send_text("hi")
            assert ann.receive_text() == "hi"
        assert client.get("/healthz").json()["status"] == "ok"
    assert caplog.text.count("1 service running") == 1


def test_a_test_client_within_another_has_services_of_its_own(
    client: TestClient, service: Service
) -> None:
    with client.websocket_connect("/websocket/chat") as ann:
        ann.receive_text()
        with (
            TestClient(client.app) as inner,
            inner.websocket_connect("/websocket/chat") as bob,
        ):
            bob.receive_text()
            bob.send_text("inner")
            assert bob.receive_text() == "inner"
        ann.send_text("outer")
        assert ann.receive_text() == "outer"
        service.address.broadcast("it leads to the outer one again")


def test_test_clients_side_by_side_have_services_of_their_own(service: Service) -> None:
    """Each on its event loop, in whatever order they are used and ended."""
    app = application(service)
    with ExitStack() as first, TestClient(app) as last:
        client = first.enter_context(TestClient(app))
        with (
            client.websocket_connect("/websocket/chat") as ann,
            last.websocket_connect("/websocket/chat") as bob,
        ):
            assert ann.receive_text() == bob.receive_text() == "/websocket/chat"
            ann.send_text("crash")
            with pytest.raises(WebSocketDisconnect):
                ann.receive_text()
            assert client.get("/healthz").status_code == 503
            assert last.get("/healthz").status_code == 200
            bob.send_text("hi")
            assert bob.receive_text() == "hi"
        first.close()
        with last.websocket_connect("/websocket/chat") as other:
            assert other.receive_text() == "/websocket/chat"
        service.address.broadcast("it leads to the one that is left")
    with pytest.raises(ServiceDown):
        service.address.broadcast("nobody is left")


@pytest.mark.anyio
async def test_services_start_again_after_a_stop_that_was_cancelled() -> None:
    class Clinging(ServiceHandler[None]):
        async def terminate(self, reason: object, state: None) -> None:
            terminating.set()
            await asyncio.Event().wait()

    terminating = asyncio.Event()
    service = make_service(Clinging)
    app = application(service)
    (included,) = [r for r in app.routes if hasattr(r, "original_router")]
    lifespan = included.original_router.lifespan_context

    async def once() -> None:
        async with lifespan(app):
            service.address.broadcast("it runs")

    for _ in range(2):
        terminating.clear()
        running = asyncio.create_task(once())
        async with asyncio.timeout(PATIENCE):
            await terminating.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


def test_a_service_that_gave_up(client: TestClient, service: Service) -> None:
    with client.websocket_connect("/websocket/chat") as ann:
        ann.receive_text()
        ann.send_text("crash")
        with pytest.raises(WebSocketDisconnect) as closed:
            ann.receive_text()
    assert closed.value.code == 1011
    health = client.get("/healthz")
    assert health.status_code == 503
    state = {"state": "failed", "reason": "ValueError"}
    assert health.json() == {"status": "failed", "services": {"chat": state}}
    with pytest.raises(ServiceDown):
        service.address.broadcast("x")
    with (
        pytest.raises(WebSocketDenialResponse) as denial,
        client.websocket_connect("/websocket/chat"),
    ):
        pass
    assert denial.value.status_code == 503


def test_a_service_that_stopped_is_well(client: TestClient) -> None:
    with client.websocket_connect("/websocket/chat") as ann:
        ann.receive_text()
        ann.send_text("stop")
        with pytest.raises(WebSocketDisconnect) as closed:
            ann.receive_text()
    assert closed.value.code == 1001
    health = client.get("/healthz")
    assert health.status_code == 200
    assert health.json()["services"]["chat"] == {"state": "stopped", "reason": "normal"}


def test_an_application_may_be_started_again(service: Service) -> None:
    app = application(service)
    for _ in range(2):
        with TestClient(app) as client:
            with client.websocket_connect("/websocket/chat") as ann:
                assert ann.receive_text() == "/websocket/chat"
            service.address.info("x")
        with pytest.raises(ServiceDown):
            service.address.info("x")


def test_an_application_that_was_not_started(service: Service) -> None:
    client = TestClient(application(service))  # not entered: no lifespan
    assert client.get("/healthz").json()["services"]["chat"]["state"] == "stopped"
    with (
        pytest.raises(WebSocketDenialResponse) as denial,
        client.websocket_connect("/websocket/chat"),
    ):
        pass
    assert denial.value.status_code == 503


def test_services_json(client: TestClient) -> None:
    with client.websocket_connect("/websocket/chat") as ann:
        ann.receive_text()
        answer = client.get("/boss/services.json").json()
    assert answer["app"] == "myapp"
    (row,) = answer["services"]
    assert row["name"] == "chat"
    assert row["url"] == "/websocket/chat"
    assert row["callbacks"] == ["init", "handle_join", "handle_incoming"]
    assert row["limits"]["outbound_limit"] == 1000
    assert (row["state"], row["clients"]) == ("running", 1)


def test_metrics(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOSS_METRICS", "1")
    with (
        TestClient(application(service)) as client,
        client.websocket_connect("/websocket/chat") as ann,
    ):
        ann.receive_text()
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {
        family.name: family for family in text_string_to_metric_families(answer.text)
    }
    assert all(family.documentation for family in families.values())
    assert families["boss_clients"].type == "gauge"
    assert families["boss_messages_out"].type == "counter"
    for name, value in (("boss_clients", 1), ("boss_messages_out", 1)):
        (sample,) = families[name].samples
        assert (sample.labels, sample.value) == ({"service": "chat"}, value)


def test_metrics_and_landing_page_may_be_off(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOSS_LANDING_PAGE", "0")
    with TestClient(application(service)) as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/boss/services.json").status_code == 404


def test_more_than_one_process_is_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/venv/bin/uvicorn", "app:app", "--workers", "2"])
    with (
        pytest.raises(SettingsError, match="one process"),
        TestClient(application(service)),
    ):
        pass


def test_what_is_there_at_start_is_no_matter_for_the_garbage_collector() -> None:
    gc.unfreeze()
    with TestClient(application(make_service(Chat))):
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
