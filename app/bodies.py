"""Reading the body of a request: plain JSON, of a bounded size, in a bounded time."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Request

from app.body_budget import BodyHold
from app.context import HasScope, RequestContext, body_is_here, context_of, headers_of
from triggers.errors import PayloadTooLarge, UnsupportedMediaType
from triggers.settings import Settings

SMALL_BODY_BYTES_MAX = 64 * 1024  # for everything but events

_JSON = "application/json"


class ClientGone(Exception):
    """The client went away before its body had arrived."""


async def read_body(
    request: Request[Any, Any, Any], settings: Settings, *, bytes_max: int
) -> bytes:
    """Return the whole body.

    Raises UnsupportedMediaType, PayloadTooLarge as soon as there are more bytes than allowed,
    ClientGone, Overloaded. What has not arrived within `body_seconds` ends the request.
    """
    _refuse_other_media_types(request.scope)
    return await receive_body(request, request.receive, settings, bytes_max=bytes_max)


async def read_optional_body(
    request: Request[Any, Any, Any], settings: Settings, *, bytes_max: int
) -> bytes:
    """Return the whole body as `read_body` does; empty when the request has none."""
    scope: Any = request.scope
    if _declared_bytes(scope) == 0 and not headers_of(scope, b"transfer-encoding"):
        return b""
    return await read_body(request, settings, bytes_max=bytes_max)


async def receive_body(
    connection: HasScope, receive: Callable[[], Any], settings: Settings, *, bytes_max: int
) -> bytes:
    """Return the whole body, whatever it is. Raises PayloadTooLarge, ClientGone, Overloaded."""
    if _declared_bytes(connection.scope) > bytes_max:
        raise PayloadTooLarge("body", bytes_max)
    context = context_of(connection)
    if body_is_here(connection.scope):  # as nearly always: to set two timers took 3 % of a request
        return await _receive_all(receive, bytes_max, context.body_hold)
    with _client_at_work(context, settings):
        return await _receive_all(receive, bytes_max, context.body_hold)


async def _receive_all(receive: Callable[[], Any], bytes_max: int, hold: BodyHold | None) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > bytes_max:
            raise PayloadTooLarge("body", bytes_max)
        if hold is not None:
            hold.grow_to(size)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


@contextmanager
def _client_at_work(context: RequestContext, settings: Settings) -> Iterator[None]:
    """Give the client its own time; the deadline for our work begins when it has done its part."""
    deadline, now = context.deadline, asyncio.get_running_loop().time
    context.body_seconds = settings.body_seconds
    if deadline is not None:
        deadline.reschedule(now() + settings.body_seconds)
    yield
    context.body_seconds = None
    if deadline is not None:
        deadline.reschedule(now() + settings.request_seconds)


def _refuse_other_media_types(scope: Any) -> None:
    content_types = headers_of(scope, b"content-type")
    if content_types != [_JSON] and not _is_json(content_types):
        raise UnsupportedMediaType("The Content-Type must be application/json, in UTF-8")
    encodings = headers_of(scope, b"content-encoding")
    if any(encoding.strip().lower() not in ("", "identity") for encoding in encodings):
        raise UnsupportedMediaType("The body must not have a Content-Encoding")


def _is_json(content_types: list[str]) -> bool:
    """Tell whether this is one `application/json`, with no charset but UTF-8."""
    if len(content_types) != 1:
        return False
    kind, *parameters = (part.strip().lower() for part in content_types[0].split(";"))
    charsets = [p.partition("=")[2].strip('" ') for p in parameters if p.startswith("charset")]
    return kind == _JSON and all(charset in ("utf-8", "utf8") for charset in charsets)


def _declared_bytes(scope: Any) -> int:
    """Return the Content-Length; 0 where none makes sense: the bytes are counted anyway."""
    lengths = headers_of(scope, b"content-length")
    digits = lengths[0][:18] if lengths else ""
    return int(digits) if digits.isascii() and digits.isdigit() else 0
