"""What every path knows though no route names it: OPTIONS, and HEAD wherever there is GET."""

from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Send


def allow_of(methods: set[str] | frozenset[str]) -> str:
    """Return the `Allow` header of a path with these methods."""
    head = {"HEAD"} if "GET" in methods else set()
    return ", ".join(sorted(methods | head))


class Options(ASGIMiddleware):
    """Answers OPTIONS, with or without a key: it tells no more than the documentation does.

    Litestar's own answer would stand behind the key, and names the methods of one handler alone.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Any, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer, or pass the request on."""
        if scope["method"] != "OPTIONS":
            await next_app(scope, receive, send)
            return
        routes = (
            r for r in scope["litestar_app"].routes if r.path_format == scope["path_template"]
        )
        allow = allow_of({method for route in routes for method in route.methods})
        headers = [(b"allow", allow.encode())]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
