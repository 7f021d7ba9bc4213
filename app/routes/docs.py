"""The documentation that the service serves itself: OpenAPI, Swagger UI, problem pages."""

import re
from html import escape
from importlib.util import find_spec
from pathlib import Path

from litestar import MediaType, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.static_files import create_static_files_router

from app.operations import describe
from app.problems import PROBLEMS
from triggers.errors import NotFound

_CODE = re.compile("`([^`]+)`")
TAG = "Documentation"
# No other host takes part in a page; Swagger UI writes styles into it and is started by its script.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)
_SWAGGER = (Path(__file__).parent.parent / "swagger.html").read_text()
_PROBLEM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{code}</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 3em auto">
<h1>{title}</h1><p><code>{code}</code>, HTTP status {status}</p>
<h2>Cause</h2><p>{cause}</p><h2>Cure</h2><p>{cure}</p>
<p><a href="/docs">The API</a></p></body></html>
"""


@get("/", opt=describe(tag=TAG, summary="To the documentation"))
async def root() -> Redirect:
    """Send a person with a browser to the documentation."""
    return Redirect("/docs")


@get("/docs", opt=describe(tag=TAG, summary="This documentation", media_type="text/html"))
async def swagger() -> Response[str]:
    """Show the API in Swagger UI."""
    return _page(_SWAGGER)


@get("/openapi.json", opt=describe(tag=TAG, summary="This document"))
async def openapi(openapi_document: NamedDependency[bytes]) -> Response[bytes]:
    """Return the OpenAPI document."""
    return Response(openapi_document, media_type=MediaType.JSON)


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


def assets() -> Router:
    """Serve Swagger UI's files out of the package that carries them; its Flask code is not run."""
    package = find_spec("flask_swagger_ui")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package flask-swagger-ui is not installed")
    files = Path(package.submodule_search_locations[0]) / "dist"
    return create_static_files_router(path="/docs/assets", directories=[files])


def _page(html: str) -> Response[str]:
    headers = {"content-security-policy": _POLICY}
    return Response(html, media_type=MediaType.HTML, headers=headers)
