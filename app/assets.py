"""The files that the pages of the documentation need.

Of the package that carries Swagger UI and Redoc no code is run. Each file is read when it is first
asked for, and kept: a process whose documentation nobody reads neither waits for them nor holds
them.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from litestar import Response
from litestar.datastructures import Headers
from msgspec import Struct

_HERE = Path(__file__).parent
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_GZIP = re.compile(r"\bgzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
# Redoc would fetch its maker's logo from there.
_OTHER_HOST, _ICON = b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"/docs/assets/favicon-32x32.png"


class Content(Struct, frozen=True, kw_only=True):
    """What is served, plain and compressed. `tag` is a weak one: it stands for both."""

    plain: bytes
    compressed: bytes
    tag: str
    media_type: str


def content_of(plain: bytes, media_type: str) -> Content:
    """Make bytes ready to be served."""
    return Content(
        plain=plain,
        compressed=gzip.compress(plain, mtime=0),
        tag=f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"',
        media_type=media_type,
    )


def read_asset(name: str) -> Content | None:
    """Return a file that a page needs; None: none does. The first time it reads the disk."""
    path = _FILES.get(name)
    return None if path is None else _read(path)


def answer_with(content: Content, sent: Headers, also: Mapping[str, str] = {}) -> Response[bytes]:
    """Answer compressed if the client can read that, with 304 if it has the same already.

    `also` are further headers of the answer.
    """
    headers = {
        # Kept, and asked for again each time: a document that is out of date misleads.
        "cache-control": "public, no-cache",
        "etag": content.tag,
        "vary": "accept-encoding",
        **also,
    }
    if content.tag in sent.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    body = content.plain
    if _GZIP.search(sent.get("accept-encoding", "")):
        body = content.compressed
        headers["content-encoding"] = "gzip"
    return Response(body, media_type=content.media_type, headers=headers)


@cache
def _read(path: Path) -> Content:
    plain = path.read_bytes().replace(_OTHER_HOST, _ICON)
    return content_of(plain, _MEDIA_TYPES[path.suffix])


def _find_files() -> dict[str, Path]:
    """Find the files, so that a process without them does not start."""
    package = find_spec("drf_spectacular_sidecar")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package drf-spectacular-sidecar is not installed")
    static = Path(package.submodule_search_locations[0]) / "static/drf_spectacular_sidecar"
    swagger, redoc = static / "swagger-ui-dist", static / "redoc/bundles"
    files = (
        _HERE / "swagger.js",
        swagger / "swagger-ui.css",
        swagger / "swagger-ui-bundle.js",
        swagger / "favicon-32x32.png",
        _HERE / "redoc.css",
        _HERE / "redoc.js",
        redoc / "redoc.standalone.js",
        _HERE / "problems" / "problems.css",
    )
    for path in files:
        path.stat()
    return {path.name: path for path in files}


_FILES = _find_files()
