"""The routes of the API, made once for many tests: to make them takes longer than most tests do.

Only what never changes is kept: Litestar's tables of the routes, and the OpenAPI document. What a
test has of its own, the settings, the resources and the life of the process, is made by `create_app`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from app.assets import content_of
from app.edge import Edge
from app.main import _versioned, create_app
from app.openapi.document import document_of
from app.short_way import Api
from triggers.settings import Settings

_versioned_once = cache(_versioned)
_content_once = cache(content_of)


class KeptRoutes:
    """A Litestar with its document, for one test after another."""

    def __init__(self) -> None:
        self._litestar: Api | None = None
        self._document = b""
        self._dependencies: dict[str, Provide] = {}
        self._lifespan: Any = None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Have `create_app` take them while the context is open."""
        with (
            patch("app.main._versioned", _versioned_once),
            patch("app.main.Api", self._fitted),
            patch("app.main.document_of", self._document_of),
            patch("app.main.content_of", _content_once),
        ):
            yield

    def _fitted(
        self,
        route_handlers: Any,
        *,
        dependencies: dict[str, Provide],
        lifespan: Any,
        **same_for_all: Any,
    ) -> Api:
        """Return the Litestar as if it were new, with these dependencies and this lifespan."""
        self._dependencies, (self._lifespan,) = dependencies, lifespan
        if self._litestar is None:
            self._litestar = Api(
                route_handlers,
                dependencies={name: self._provide(name) for name in dependencies},
                lifespan=[self._open],
                **same_for_all,
            )
        self._litestar.state = State()
        return self._litestar

    def _provide(self, name: str) -> Provide:
        def provide() -> Any:
            return self._dependencies[name].dependency()

        return Provide(provide, sync_to_thread=False)

    def _open(self, litestar: Litestar) -> AbstractAsyncContextManager[None]:
        opened: AbstractAsyncContextManager[None] = self._lifespan(litestar)
        return opened

    def _document_of(self, routes: Any) -> bytes:
        self._document = self._document or document_of(routes)
        return self._document


_free: list[KeptRoutes] = []


@asynccontextmanager
async def app_on_kept_routes(settings: Settings, **outside: Any) -> AsyncIterator[Edge]:
    """Yield what `create_app` makes, on routes that no other has while the context is open.

    After a failure they are not used again: nobody knows what it left in them.
    """
    routes = _free.pop() if _free else KeptRoutes()
    with routes.in_use():
        app = create_app(settings, **outside)
    yield app
    _free.append(routes)
