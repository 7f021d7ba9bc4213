"""Errors as answers: `application/problem+json` (RFC 9457), for our own faults too.

Which status an error has stands in `table.py`, by its code; a page for each is served at
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
from app.problems.kinds import Problem
from app.problems.table import PROBLEMS
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
