"""The short way to a service, and when the usual one is taken; asked of real applications, without a network."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocketException
from fastapi.routing import APIWebSocketRoute
from starlette.routing import Match, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket as Connection

from boss.runtime.routing import Entrance, ServiceRouter


class House:
    """A router to some services that accept and write down what they see."""

    def __init__(self, **dependencies: Any) -> None:
        self.seen: list[tuple[str, Scope]] = []
        self.router = ServiceRouter()
        for name in ("chat", "news"):
            self.router.add_api_websocket_route(
                f"/websocket/{name}", self.entrance(name), name=name, **dependencies
            )
        self.router.add_api_websocket_route(
            "/websocket/{rest:path}", self.entrance("refusal")
        )

    def entrance(self, name: str) -> Entrance:
        async def serve(connection: Connection) -> None:
            self.seen.append((name, connection.scope))
            await connection.accept()

        return Entrance(serve)


async def shake_hands(app: FastAPI, path: str, **more: Any) -> list[str]:
    """The types of what the application answers to a handshake."""
    answers: list[str] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        answers.append(message["type"])

    scope = {
        "type": "websocket",
        "path": path,
        "root_path": "",
        "headers": [],
        "query_string": b"",
        "subprotocols": [],
        "extensions": {},
        **more,
    }
    await app(scope, receive, send)
    return answers


def short(scope: Scope) -> bool:
    """Was the short way taken? On the usual one FastAPI keeps a stack of what is to be closed."""
    return "fastapi_inner_astack" not in scope


async def guard(connection: Connection) -> None:
    """Refuse whoever does not know the word."""
    if connection.query_params.get("word") != "sesame":
        raise WebSocketException(1008)


def included(house: House, **options: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(house.router, **options)
    return app


async def test_a_service_without_dependencies_is_reached_directly() -> None:
    house = House()
    app = included(house)
    for name in ("news", "chat"):
        assert await shake_hands(app, f"/websocket/{name}") == ["websocket.accept"]
    assert [name for name, _ in house.seen] == ["news", "chat"]
    assert all(short(scope) for _, scope in house.seen)


async def test_the_scope_is_as_on_the_usual_way() -> None:
    house = House()
    await shake_hands(included(house), "/websocket/chat")
    guarded, word = included(house, dependencies=[Depends(guard)]), b"word=sesame"
    await shake_hands(guarded, "/websocket/chat", query_string=word)
    (_, direct), (_, usual) = house.seen
    assert (short(direct), short(usual)) == (True, False)
    for scope in (direct, usual):
        assert isinstance(scope["route"], APIWebSocketRoute)
        assert scope["route"].path == "/websocket/chat"
        assert scope["route"].name == "chat"
    assert direct["endpoint"] is usual["endpoint"]
    assert direct["path_params"] == usual["path_params"] == {}


def of_the_handler(house: House) -> FastAPI:
    return included(house)


def of_the_inclusion(house: House) -> FastAPI:
    return included(house, dependencies=[Depends(guard)])


def of_the_application(house: House) -> FastAPI:
    app = FastAPI(dependencies=[Depends(guard)])
    app.include_router(house.router)
    return app


def of_a_router_between(house: House) -> FastAPI:
    between = APIRouter(dependencies=[Depends(guard)])
    between.include_router(house.router)
    app = FastAPI()
    app.include_router(between)
    return app


@pytest.mark.parametrize(
    "application",
    [of_the_handler, of_the_inclusion, of_the_application, of_a_router_between],
)
async def test_no_dependency_is_passed_over(application: Any) -> None:
    own = [Depends(guard)] if application is of_the_handler else None
    house = House(dependencies=own)
    app = application(house)
    path, word = "/websocket/chat", b"word=sesame"
    assert await shake_hands(app, path) == ["websocket.close"]
    assert house.seen == []
    assert await shake_hands(app, path, query_string=word) == ["websocket.accept"]
    assert not short(house.seen[0][1])


async def test_included_through_another_router_it_is_reached_directly() -> None:
    house = House()
    between = APIRouter()
    between.include_router(house.router)
    app = FastAPI()
    app.include_router(between)
    assert await shake_hands(app, "/websocket/chat") == ["websocket.accept"]
    assert short(house.seen[0][1])


async def test_with_a_prefix_only_the_whole_path_leads_there() -> None:
    house = House()
    app = included(house, prefix="/api")
    assert await shake_hands(app, "/api/websocket/chat") == ["websocket.accept"]
    assert await shake_hands(app, "/websocket/chat") == ["websocket.close"]
    assert await shake_hands(app, "/api/api/websocket/chat") == ["websocket.close"]
    assert [name for name, _ in house.seen] == ["chat"]


async def test_in_a_mounted_application_only_the_whole_path_leads_there() -> None:
    house = House()
    app = FastAPI()
    app.mount("/inner", included(house))
    assert await shake_hands(app, "/inner/websocket/news") == ["websocket.accept"]
    assert await shake_hands(app, "/websocket/news") == ["websocket.close"]
    (name, scope) = house.seen[0]
    assert (name, short(scope)) == ("news", False)


async def test_a_mounted_application_does_not_see_what_it_is_mounted_at() -> None:
    house = House()
    app = FastAPI()
    app.mount("/websocket", included(house))
    assert await shake_hands(app, "/websocket/chat") == ["websocket.close"]
    path = "/websocket/websocket/chat"
    assert await shake_hands(app, path) == ["websocket.accept"]


async def test_a_request_that_is_no_handshake_finds_nothing() -> None:
    answers = await shake_hands(
        included(House()), "/websocket/chat", type="http", method="GET"
    )
    assert answers == ["http.response.start", "http.response.body"]


async def test_where_fastapi_notes_nothing_it_is_left_to_fastapi() -> None:
    scope = {"type": "websocket", "path": "/websocket/chat"}
    assert House().router.matches(scope) == (Match.NONE, {})


async def test_behind_a_proxy_that_strips_a_path() -> None:
    house = House()
    app = included(house)
    path = "/behind/websocket/chat"
    assert await shake_hands(app, path, root_path="/behind") == ["websocket.accept"]
    assert [name for name, _ in house.seen] == ["chat"]


@pytest.mark.parametrize(
    "path",
    [
        "/websocket/chat/",
        "/websocket/chat\n",
        "/websocket/chat\n\n",
        "/websocket/chat\nroom",
        "/websocket/Chat",
        "/websocket/{rest:path}",
    ],
)
async def test_no_other_path_leads_there(path: str) -> None:
    house = House()
    await shake_hands(included(house), path)
    name, scope = house.seen[0]
    assert name == "refusal"
    assert short(scope) is (path == "/websocket/{rest:path}")


async def test_what_somebody_adds_is_called_as_fastapi_calls_it() -> None:
    house = House()
    seen = []

    @house.router.websocket("/own/{number}")
    async def own(websocket: Connection, number: int, word: str = "none") -> None:
        seen.append((number, word))
        await websocket.accept()

    app = included(house)
    path = "/own/7"
    assert await shake_hands(app, path, query_string=b"word=x") == ["websocket.accept"]
    assert seen == [(7, "x")]


async def test_a_route_of_the_application_that_comes_first_is_first() -> None:
    house = House()
    app = FastAPI()
    own = house.entrance("own")
    app.router.add_api_websocket_route("/websocket/chat", own)
    app.include_router(house.router)
    await shake_hands(app, "/websocket/chat")
    assert [name for name, _ in house.seen] == ["own"]


async def test_of_two_routes_with_one_path_the_first_is_taken() -> None:
    house = House()
    house.router.add_api_websocket_route("/websocket/chat", house.entrance("second"))
    await shake_hands(included(house), "/websocket/chat")
    assert [name for name, _ in house.seen] == ["chat"]


def take_out(routes: list[Any]) -> None:
    routes.pop(0)


def put_another_before(routes: list[Any]) -> None:
    async def own(websocket: Connection) -> None:
        await websocket.close()

    routes.insert(0, APIWebSocketRoute("/websocket/chat", own))


def put_one_of_starlette_before(routes: list[Any]) -> None:
    async def own(websocket: Connection) -> None:
        await websocket.close()

    routes.insert(0, WebSocketRoute("/websocket/chat", own))


def guard_it(routes: list[Any]) -> None:
    routes[0].dependencies.append(Depends(guard))


def exchange_the_endpoint(routes: list[Any]) -> None:
    async def own(websocket: Connection) -> None:
        await websocket.close()

    routes[0].endpoint = own


@pytest.mark.parametrize(
    "change",
    [
        take_out,
        put_another_before,
        put_one_of_starlette_before,
        guard_it,
        exchange_the_endpoint,
    ],
)
async def test_what_somebody_changes_in_the_routes_is_not_passed_over(
    change: Any,
) -> None:
    """`router.routes` is a list that anyone may change before it is included, and FastAPI goes by it."""
    house = House()
    change(house.router.routes)
    await shake_hands(included(house), "/websocket/chat")
    assert "chat" not in [name for name, _ in house.seen]
    await shake_hands(included(house), "/websocket/news")
    assert house.seen[-1][0] == "news"


class Telling:
    """Does as FastAPI does where its telemetry is on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["fastapi.telemetry"] = object()
        await self.app(scope, receive, send)


async def test_telemetry_is_told_of_the_route() -> None:
    house = House()
    app = included(house)
    app.add_middleware(Telling)
    await shake_hands(app, "/websocket/chat")
    name, scope = house.seen[0]
    assert (name, short(scope)) == ("chat", False)


async def test_routes_that_are_taken_over_one_by_one() -> None:
    house = House()
    app = FastAPI()
    app.router.routes.extend(house.router.routes)
    assert await shake_hands(app, "/websocket/chat") == ["websocket.accept"]
    assert [name for name, _ in house.seen] == ["chat"]
