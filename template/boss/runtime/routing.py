# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The router that holds the generated routes: FastAPI's own, with a short way to each service.

FastAPI looks for the route of an included router twice, route by route, and then prepares parameters and dependencies:
a quarter of what connecting costs. A service without dependencies needs none of that and is found by its path alone, so
connecting costs the same whether there is one service or two hundred.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket as Connection


class Entrance:
    """What a route leads to that wants nothing of FastAPI but the connection.

    Args:
        serve: serves one handshake, and the connection that follows.
    """

    def __init__(self, serve: Callable[[Connection], Awaitable[None]]) -> None:
        self.serve = serve

    async def __call__(self, connection: Connection) -> None:
        """Serve one handshake, and the connection that follows; for FastAPI."""
        await self.serve(connection)


class _Direct(NamedTuple):
    route: BaseRoute
    entrance: Entrance


class ServiceRouter(APIRouter):
    """See the module. The usual way through the route is taken wherever FastAPI has something of its own to do.

    That is where the handler class, `include_router` or the application has dependencies, where the router is included
    with a prefix or in a mounted application, and where FastAPI's telemetry is on.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # The routes to services without dependencies, keyed by URL path.
        self._direct: dict[str, _Direct] = {}

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Any] | None = None,
    ) -> None:
        """Add a route, as FastAPI does."""
        super().add_api_websocket_route(path, endpoint, name, dependencies=dependencies)
        if isinstance(endpoint, Entrance) and not (dependencies or self.dependencies):
            direct = _Direct(self.routes[-1], endpoint)
            self._direct.setdefault(self.prefix + path, direct)  # the first one wins

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Is there a route for this request? What an application asks a router that it includes."""
        if self._find(scope) is not None:
            return Match.FULL, {}
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that `matches` has found a route for."""
        direct = self._find(scope)
        if direct is None:
            await super().handle(scope, receive, send)
            return
        scope["route"], scope["endpoint"] = direct
        scope.setdefault("path_params", {})
        await direct.entrance.serve(Connection(scope, receive, send))

    def _find(self, scope: Scope) -> _Direct | None:
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
        return self._direct.get(scope["path"])
