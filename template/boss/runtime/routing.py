# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The router that holds the generated routes: FastAPI's own, with a short way to each service.

FastAPI looks for the route of an included router twice, route by route, and then prepares parameters and dependencies:
a quarter of what connecting costs. A service without dependencies needs none of that and is found by its path alone, so
connecting costs the same whether there is one service or two hundred.
"""

from collections.abc import Awaitable, Callable
from functools import cached_property

from fastapi import APIRouter
from fastapi.routing import APIWebSocketRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket as Connection


class Entrance:
    """What a route leads to that wants nothing of FastAPI but the connection.

    Args:
        serve: serves one handshake, and the connection that follows.
    """

    def __init__(self, serve: Callable[[Connection], Awaitable[None]]) -> None:
        self._serve = serve

    async def __call__(self, connection: Connection) -> None:
        """Serve one handshake, and the connection that follows."""
        await self._serve(connection)


class ServiceRouter(APIRouter):
    """See the module. The usual way through the route is taken wherever FastAPI has something of its own to do.

    That is where the handler class, `include_router` or the application has dependencies, where the router is included
    with a prefix or in a mounted application, where FastAPI's telemetry is on, and where somebody has changed `routes`.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Is there a route for this request? What an application asks a router that it includes."""
        if self._find(scope) is not None:
            return Match.FULL, {}
        return super().matches(_on_one_line(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that `matches` has found a route for."""
        route = self._find(scope)
        if route is None:
            await super().handle(_on_one_line(scope), receive, send)
            return
        scope["route"], scope["endpoint"] = route, route.endpoint
        scope.setdefault("path_params", {})
        await route.endpoint(Connection(scope, receive, send))

    def _find(self, scope: Scope) -> APIWebSocketRoute | None:
        """The route for this request, when nothing else of FastAPI's lies on the way.

        What FastAPI notes in the scope is promised nowhere: where it is not as expected, the usual way is taken.
        """
        if scope["type"] != "websocket" or scope.get("root_path"):
            return None
        if scope.get("fastapi.telemetry") is not None:
            return None
        included = scope.get("fastapi", {}).get("included_router")
        inclusion = getattr(included, "include_context", None)
        if inclusion is None or inclusion.prefix or inclusion.dependencies:
            return None
        route = self._direct.get(scope["path"])
        return None if route is None or route.dependencies else route

    @cached_property
    def _direct(self) -> dict[str, APIWebSocketRoute]:
        """The routes that lead to services, keyed by URL path; those that FastAPI would find at the first handshake.

        They are the first ones in a generated router: what stands before a route may match first.
        """
        direct: dict[str, APIWebSocketRoute] = {}
        for route in self.routes:
            if not isinstance(route, APIWebSocketRoute):
                break
            if not isinstance(route.endpoint, Entrance):
                break
            direct.setdefault(route.path, route)  # the first one wins
        return direct


def _on_one_line(scope: Scope) -> Scope:
    """The scope, but for line breaks in the path of a WebSocket: patterns of routes match before a last one, and end at any.

    With a tab in their place it names no service, and the route that refuses is found.
    """
    if scope["type"] != "websocket" or "\n" not in scope["path"]:
        return scope
    return {**scope, "path": scope["path"].replace("\n", "\t")}
