"""The headers of requests and answers, as the OpenAPI document describes them."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from app.operations import Operation
from triggers.api_keys import Scope

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "integer", "minimum": 1}


class Header(Struct, frozen=True):
    """A header: what it says, an example, its form; `required` if it is always there."""

    description: str
    example: Any
    schema: dict[str, Any] = field(default_factory=lambda: _TEXT)
    required: bool = False


# Where any text is let through the form is that of any text, though only some of them count.
REQUEST_HEADERS = {
    "X-Correlation-ID": Header(
        "1–128 visible ASCII characters that come back in the answer, stand with the event, and go "
        "on to receivers; one is made when there is none, or none that is valid.",
        "checkout-1f0c",
    ),
    "traceparent": Header(
        "The trace that the request belongs to (W3C Trace Context).",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    "Idempotency-Key": Header(
        "1–255 visible ASCII characters. The same key with the same content answers with the first "
        "event again; kept at least 24 hours.",
        "order-1-created",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    ),
    "Prefer": Header(
        "`wait=N`: answer when every delivery is settled, or after N seconds, at most 30 "
        "(RFC 7240). Other preferences are ignored.",
        "wait=5",
    ),
    "If-Match": Header(
        "The `ETag` of the state that the change is meant for; without it the change is made "
        "whatever the state.",
        '"3"',
        {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$'},
    ),
    "If-None-Match": Header(
        "The `ETag` of what the client has already: 304 when that is still the present one.",
        'W/"0f3a9c5b7d1e2f4a6b8c"',
    ),
}
ON_EVERY_REQUEST = ("X-Correlation-ID", "traceparent")

_LIMIT = Header("How many calls a second are allowed.", 100, _COUNT)
_REMAINING = Header("How many may be made at once now.", 99, _COUNT)
_RESET = Header("Seconds until as many as the limit may be made at once again.", 1, _COUNT)

ANSWER_HEADERS = {
    "X-Request-ID": Header(
        "The id of this request, to report with a question.",
        "req_7Z0M3S5B7C9KAN72XQV8",
        required=True,
    ),
    "X-Correlation-ID": Header(
        "The request's own, or one that was made for it.",
        "corr_7Z0M3S5B7C9KAN72XQV8",
        required=True,
    ),
    "RateLimit-Limit": _LIMIT,
    "RateLimit-Remaining": _REMAINING,
    "RateLimit-Reset": _RESET,
    "X-RateLimit-Limit": _LIMIT,
    "X-RateLimit-Remaining": _REMAINING,
    "X-RateLimit-Reset": _RESET,
    "Retry-After": Header("Seconds to wait before trying again.", 1, _SECONDS, required=True),
    "WWW-Authenticate": Header("How to authenticate.", "Bearer", required=True),
    "Allow": Header("The methods that the path has.", "GET, HEAD, POST", required=True),
    "Location": Header(
        "Where to read on.",
        "/docs",
        {"type": "string", "format": "uri-reference"},
        required=True,
    ),
    "ETag": Header("The state that is shown, for `If-Match`.", '"3"', required=True),
    "Idempotency-Replayed": Header(
        "`true` when the event had been accepted before, with the same idempotency key.",
        "true",
        {"const": "true"},
    ),
    "Preference-Applied": Header("The preference that was followed.", "wait=5"),
}
_BY_STATUS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# These come before the caller is known, so that nothing is counted.
_UNCOUNTED = frozenset({405, 431})
# What a tenant's key is told where only the operator's will do; his calls are not counted.
_COUNTED_OF_TENANTS = frozenset({403, 429})
_ON_EVERY_ANSWER = ("X-Request-ID", "X-Correlation-ID")
_OF_LIMITS = tuple(name for name in ANSWER_HEADERS if "RateLimit" in name)


def answer_headers(operation: Operation, status: int, *, is_problem: bool) -> dict[str, Any]:
    """Return the headers of one answer of an operation."""
    names = list(_ON_EVERY_ANSWER)
    if _is_counted(operation.scope, status):
        names += _OF_LIMITS
    if is_problem:
        names += _BY_STATUS.get(status, ())
    described = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    own = {} if is_problem else operation.headers
    return described | {
        name: header_object(ANSWER_HEADERS[name]) | {"description": text}
        for name, text in own.items()
    }


def _is_counted(scope: Scope | None, status: int) -> bool:
    if scope is Scope.ADMIN:
        return status in _COUNTED_OF_TENANTS
    return scope is not None and status not in _UNCOUNTED


def header_object(header: Header) -> dict[str, Any]:
    """Return a header as OpenAPI writes it."""
    described = {
        "description": header.description,
        "schema": header.schema,
        "example": header.example,
    }
    return described | ({"required": True} if header.required else {})


def header_parameters(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return references to the headers that a request may have."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def header_components() -> dict[str, dict[str, Any]]:
    """Return what those references lead to."""
    return {
        "headers": {name: header_object(header) for name, header in ANSWER_HEADERS.items()},
        "parameters": {
            name: {"name": name, "in": "header"} | header_object(header)
            for name, header in REQUEST_HEADERS.items()
        },
    }
