"""The documentation that the service serves itself: OpenAPI, Swagger UI, problem pages."""

import re
from html import escape
from importlib.util import find_spec
from pathlib import Path

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from app.operations import describe
from app.problems import PROBLEMS
from triggers.errors import NotFound

_CODE = re.compile("`([^`]+)`")
TAG = "Documentation"
# No other host takes part in a page; Swagger UI writes styles into it.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HERE = Path(__file__).parent.parent
_SWAGGER = (_HERE / "swagger.html").read_text()
_ASSET_HEADERS = {"cache-control": "public, max-age=3600"}
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_PROBLEM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{code}</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 3em auto">
<h1>{title}</h1><p><code>{code}</code>, HTTP status {status}</p>
<h2>Cause</h2><p>{cause}</p><h2>Cure</h2><p>{cure}</p>
<p><a href="/docs">The API</a></p></body></html>
"""


def _read_assets() -> dict[str, bytes]:
    """Read what the page needs; of the package that carries Swagger UI no code is run."""
    package = find_spec("drf_spectacular_sidecar")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package drf-spectacular-sidecar is not installed")
    static = Path(package.submodule_search_locations[0]) / "static/drf_spectacular_sidecar"
    swagger = static / "swagger-ui-dist"
    names = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
    return {
        path.name: path.read_bytes()
        for path in (_HERE / "swagger.js", *map(swagger.joinpath, names))
    }


_ASSETS = _read_assets()


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


@get("/docs/assets/{name:str}")
async def asset(name: FromPath[str]) -> Response[bytes]:
    """Return a file that the page needs. From memory: no path from outside meets a disk."""
    content = _ASSETS.get(name)
    if content is None:
        raise NotFound("asset", name)
    media_type = _MEDIA_TYPES[Path(name).suffix]
    return Response(content, media_type=media_type, headers=_ASSET_HEADERS)


def _page(html: str) -> Response[str]:
    headers = {"content-security-policy": _POLICY}
    return Response(html, media_type=MediaType.HTML, headers=headers)


ROUTES = (
    root,
    swagger,
    openapi,
    problem_page,
    asset,
)
