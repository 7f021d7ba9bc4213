"""The documentation that the service serves itself: OpenAPI, Swagger UI, Redoc, problem pages."""

import asyncio
import re
from html import escape
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from app.assets import Content, answer_with, read_asset
from app.operations import describe
from app.problems import PROBLEMS
from triggers.errors import NotFound

_CODE = re.compile("`([^`]+)`")
TAG = "Documentation"
# No other host takes part in a page; Swagger UI and Redoc write styles into it.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HERE = Path(__file__).parent.parent
_SWAGGER = (_HERE / "swagger.html").read_text()
_REDOC = (_HERE / "redoc.html").read_text()
_REDOC_POLICY = f"{_POLICY}; worker-src blob:"  # its search runs in a worker that it makes itself
_PROBLEM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{code}</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 3em auto">
<h1>{title}</h1><p><code>{code}</code>, HTTP status {status}</p>
<h2>Cause</h2><p>{cause}</p><h2>Cure</h2><p>{cure}</p>
<p><a href="/docs">The API</a></p></body></html>
"""


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


@get(
    "/docs/problems/{code:str}",
    opt=describe(tag=TAG, summary="Cause and cure of a problem", media_type="text/html"),
)
async def problem_page(code: FromPath[str]) -> Response[str]:
    """Explain one kind of error: the address is its `type`."""
    problem = PROBLEMS.get(code)
    if problem is None:
        raise NotFound("problem", code)
    texts = {"title": problem.title, "cause": problem.cause, "cure": problem.cure}
    shown = {name: _CODE.sub(r"<code>\1</code>", escape(text)) for name, text in texts.items()}
    return _page(_PROBLEM.format(code=escape(code), status=problem.status, **shown))


@get("/docs/assets/{name:str}")
async def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Return a file that a page needs. No path from outside meets a disk: these have names."""
    content = await asyncio.to_thread(read_asset, name)
    if content is None:
        raise NotFound("asset", name)
    return answer_with(content, request.headers)


def _page(html: str, policy: str = _POLICY) -> Response[str]:
    headers = {"content-security-policy": policy}
    return Response(html, media_type=MediaType.HTML, headers=headers)


ROUTES = (
    root,
    swagger,
    redoc,
    openapi,
    problem_page,
    asset,
)
