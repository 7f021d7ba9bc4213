"""The documentation that the service serves itself: OpenAPI, Swagger UI, Redoc."""

import asyncio
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from app.assets import Content, answer_with, read_asset
from app.operations import describe
from triggers.errors import NotFound

TAG = "Documentation"
# No other host takes part in a page; Swagger UI and Redoc write styles into it.
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HERE = Path(__file__).parent.parent
_SWAGGER = (_HERE / "swagger.html").read_text()
_REDOC = (_HERE / "redoc.html").read_text()
_REDOC_POLICY = f"{POLICY}; worker-src blob:"  # its search runs in a worker that it makes itself


@get(
    "/",
    status_code=302,
    opt=describe(
        tag=TAG, summary="To the documentation", headers={"Location": "The documentation"}
    ),
)
async def root() -> Redirect:
    """Send a person with a browser to the documentation."""
    return Redirect("/docs")


@get(
    "/docs",
    opt=describe(
        tag=TAG,
        summary="This documentation, with a form to try each call",
        media_type="text/html",
    ),
)
async def swagger() -> Response[str]:
    """Show the API in Swagger UI."""
    return _page(_SWAGGER)


@get(
    "/redoc",
    opt=describe(
        tag=TAG, summary="This documentation, laid out for reading", media_type="text/html"
    ),
)
async def redoc() -> Response[str]:
    """Show the API in Redoc."""
    return _page(_REDOC, _REDOC_POLICY)


@get(
    "/openapi.json",
    opt=describe(
        tag=TAG,
        summary="This document",
        request_headers=("If-None-Match",),
        headers={"ETag": "Its present state; send it as `If-None-Match`"},
        also=(304,),
    ),
)
async def openapi(
    request: Request[Any, Any, Any], openapi_document: NamedDependency[Content]
) -> Response[bytes]:
    """Return the OpenAPI document."""
    return answer_with(openapi_document, request.headers)


@get("/docs/assets/{name:str}")
async def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Return a file that a page needs. No path from outside meets a disk: these have names."""
    content = await asyncio.to_thread(read_asset, name)
    if content is None:
        raise NotFound("asset", name)
    return answer_with(content, request.headers)


def _page(html: str, policy: str = POLICY) -> Response[str]:
    headers = {"content-security-policy": policy}
    return Response(html, media_type=MediaType.HTML, headers=headers)


ROUTES = (
    root,
    swagger,
    redoc,
    openapi,
    asset,
)
