"""Errors as answers: `application/problem+json` (RFC 9457), for our own faults too.

Which status an error has stands in one table, by its code; a page for each is served at
`/docs/problems/<code>`.
"""

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from app.bodies import ClientGone
from app.context import RequestContext, context_of
from app.methods import allow_of
from app.wire.problems import MEDIA_TYPE, PAGES, ProblemDocument
from triggers.errors import (
    FieldError,
    RateLimited,
    RequestRefused,
    TriggersError,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)

_logger = logging.getLogger(__name__)


class Problem(Struct, frozen=True):
    """A kind of error as the outside knows it: its name, where it comes from, how to cure it."""

    status: int
    title: str
    cause: str
    cure: str


# The one place in which an error gets its HTTP status.
PROBLEMS = {
    "validation_failed": Problem(
        400,
        "The request is not valid",
        "The body is JSON, or the query is well-formed, but one or more fields break a rule.",
        "Correct every field that `errors` names; each entry says what is wrong and what to do.",
    ),
    "malformed_json": Problem(
        400,
        "The body is not valid JSON",
        "The body is empty, cut off, not UTF-8, nested too deeply, or breaks the grammar of JSON.",
        "Send one JSON object, written by a JSON library, in UTF-8 without a byte order mark.",
    ),
    "invalid_cursor": Problem(
        400,
        "The cursor is not valid",
        "The cursor was changed on its way, or was given out for another tenant, list, order or filter.",
        "Send `next_cursor` back as it came, with the same order and filters; or start again without.",
    ),
    "bad_request": Problem(
        400,
        "The HTTP request is malformed",
        "The request breaks a rule of HTTP itself: its request line, a header, or its framing.",
        "Use an HTTP library rather than writing requests by hand.",
    ),
    "unauthenticated": Problem(
        401,
        "A valid key is needed",
        "There is no key in the request, or it is mistyped, revoked, expired, or not the only one.",
        "Send `Authorization: Bearer <key>` or `X-API-Key: <key>` with a key that is in force.",
    ),
    "signature_invalid": Problem(
        401,
        "The request is not signed as it must be",
        "The key demands signed requests, and the signature is missing, wrong, used before, or its "
        "time is more than 5 minutes off.",
        "Sign each request anew, with the present time, over exactly what is sent.",
    ),
    "forbidden": Problem(
        403,
        "The key may not do this",
        "The key is valid, but it lacks the scope that `detail` names, or may not be used from this "
        "address.",
        "Use a key that has the scope, or create one; or call from an address that the key allows.",
    ),
    "not_found": Problem(
        404,
        "There is no such thing",
        "The path or the id does not exist, has expired, or belongs to another tenant.",
        "Check the path against /docs, and the id against what the API gave out.",
    ),
    "method_not_allowed": Problem(
        405,
        "The method is not allowed here",
        "The path exists, but not for this HTTP method.",
        "Use one of the methods in the `Allow` header.",
    ),
    "request_timeout": Problem(
        408,
        "The body did not arrive in time",
        "The connection is slow or broken, or `Content-Length` promises more than was sent.",
        "Send the request again.",
    ),
    "conflict": Problem(
        409,
        "The state does not allow this",
        "The thing exists, but it is in a state in which this cannot be done.",
        "Read it again and decide anew.",
    ),
    "already_acknowledged": Problem(
        409,
        "The event was acknowledged before",
        "An earlier call, perhaps a repeated one, has acknowledged the event.",
        "Nothing is to be done: the event is acknowledged. To have it delivered again, send its "
        "payload as a new event.",
    ),
    "limit_reached": Problem(
        409,
        "The tenant has as many as it may have",
        "There is a limit on how many webhooks and keys a tenant has, and on how many old secrets "
        "of a webhook sign along.",
        "Delete one that is not needed any more; an old secret ends by itself, as `detail` tells.",
    ),
    "no_webhook": Problem(
        409,
        "Nobody wants the event",
        "No webhook of the tenant has a filter that takes the event's type.",
        "Create a webhook that wants it, or name one with `webhook_id`.",
    ),
    "recovery_running": Problem(
        409,
        "A recovery is running",
        "An earlier call is still redelivering what failed or was held for this webhook.",
        "Follow the job that `detail` names, and start another when it has ended.",
    ),
    "replay_limit_reached": Problem(
        409,
        "The event was replayed too often",
        "An event may be replayed at most 10 times.",
        "Send its payload as a new event.",
    ),
    "webhook_disabled": Problem(
        409,
        "The webhook is disabled",
        "It was disabled by a call, by the receiver's 410, or after days of nothing but failures.",
        "Mend the receiver, then enable the webhook.",
    ),
    "precondition_failed": Problem(
        412,
        "It has changed meanwhile",
        "`If-Match` names another state than the present one: somebody else changed it.",
        "Read it again, decide anew, and send the new `ETag` as `If-Match`.",
    ),
    "payload_too_large": Problem(
        413,
        "The body or its payload is too large",
        "The payload, or the whole body around it, has more bytes than the limit.",
        "Send less: keep large data elsewhere and send its address.",
    ),
    "unsupported_media_type": Problem(
        415,
        "The body must be plain JSON",
        "`Content-Type` is not `application/json` in UTF-8, or there is a `Content-Encoding`.",
        "Send `Content-Type: application/json` and do not compress the body.",
    ),
    "idempotency_mismatch": Problem(
        422,
        "The idempotency key was used before",
        "An earlier call with this idempotency key sent other content.",
        "Use a new key for each event, and the same key only to send the same event again.",
    ),
    "rate_limited": Problem(
        429,
        "Too many requests",
        "The tenant or its key has used up what it may do in this time, or too many wrong keys came "
        "from the address.",
        "Wait for the seconds in `Retry-After`; the `RateLimit-…` headers tell how much is left.",
    ),
    "headers_too_large": Problem(
        431,
        "The request's headers are too large",
        "The request line and the headers together are too large, or there are too many headers.",
        "Send fewer and shorter headers.",
    ),
    "internal_error": Problem(
        500,
        "Something went wrong on our side",
        "A fault of the service. It has been logged with the `request_id`.",
        "Try again; if it stays, report the `request_id`.",
    ),
    "unavailable": Problem(
        503,
        "The service cannot answer right now",
        "The service is starting, stopping or overloaded, or its store did not answer in time.",
        "Try again after the seconds in `Retry-After`, then less and less often.",
    ),
}
# What Litestar itself raises, by status.
_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
}


class ProblemAnswer(Struct, frozen=True):
    """An error ready to be sent."""

    status: int
    headers: dict[str, str]
    body: bytes


_ENCODER = msgspec.json.Encoder()


def code_of(error: Exception) -> str:
    """Return the code of any exception; what is not known is `internal_error`."""
    if isinstance(error, TriggersError):
        return error.code
    if isinstance(error, HTTPException):
        return _CODES.get(error.status_code, "internal_error")
    return "internal_error"


class Told(Struct, frozen=True, kw_only=True):
    """What the outside is told of an error."""

    code: str
    detail: str
    errors: list[FieldError] = []

    @property
    def problem(self) -> Problem:
        """The kind of error."""
        return PROBLEMS[self.code]


def answer_to(error: Exception, context: RequestContext) -> ProblemAnswer:
    """Return the answer to an error."""
    told = told_of(error, context)
    body = document_for(told.code, told.detail, context, told.errors)
    return ProblemAnswer(told.problem.status, _headers(error, told.code), body)


def told_of(error: Exception, context: RequestContext) -> Told:
    """Return what is told of an error. What nobody foresaw is logged, and told to nobody else."""
    code = code_of(error)
    context.problem = f"{code}: {error}" if isinstance(error, Unavailable) else code
    if code == "internal_error":
        _logger.error(
            "unforeseen error",
            exc_info=error,
            extra={"fields": {"request_id": context.request_id}},
        )
    if isinstance(error, RequestRefused | Unavailable):
        detail = error.detail
    else:
        detail = PROBLEMS[code].cause
    errors = error.errors if isinstance(error, ValidationFailed) else []
    return Told(code=code, detail=detail, errors=errors)


def document_for(
    code: str, detail: str, context: RequestContext, errors: list[FieldError] | None = None
) -> bytes:
    """Return the body of a problem."""
    problem = PROBLEMS[code]
    return _ENCODER.encode(
        ProblemDocument(
            type=PAGES + code,
            title=problem.title,
            status=problem.status,
            code=code,
            detail=detail,
            request_id=context.request_id,
            correlation_id=context.correlation_id,
            errors=errors or [],
        )
    )


def to_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an error of a route: Litestar's exception handler for all of them."""
    if isinstance(error, ClientGone):
        raise error  # out to the edge: there is nobody to answer
    answer = answer_to(error, context_of(request))
    return Response(
        answer.body, status_code=answer.status, headers=answer.headers, media_type=MEDIA_TYPE
    )


def _headers(error: Exception, code: str) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    if isinstance(error, Unavailable | RateLimited):
        return {"retry-after": str(error.retry_after_seconds)}
    if isinstance(error, HTTPException) and code == "method_not_allowed":
        allowed = (error.headers or {}).get("allow", "")
        return {"allow": allow_of(set(allowed.split(", ")))}
    return {}
