"""The errors of the domain.

TriggersError
├── RequestRefused              the caller can mend it
│   ├── ValidationFailed
│   ├── MalformedJson
│   ├── InvalidCursor
│   ├── PayloadTooLarge
│   ├── UnsupportedMediaType
│   ├── RequestTimeout
│   ├── Unauthenticated
│   ├── Forbidden
│   ├── NotFound
│   └── Conflict
│       ├── AlreadyAcknowledged
│       └── LimitReached
├── StoreRefused                a fault of ours: the store understood and said no
└── Unavailable                 ours, and passing: try again
    ├── StoreUnavailable
    └── Overloaded

Each class has a stable `code`. Which HTTP status a code gets is decided in `app/problems.py`.
"""

from typing import ClassVar

from msgspec import Struct


class FieldError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with one field of a request, and what to do about it."""

    field: str
    issue: str
    suggestion: str | None = None


class TriggersError(Exception):
    """The root of all errors of the domain."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class RequestRefused(TriggersError):
    """The request cannot be served as it is."""


class ValidationFailed(RequestRefused):
    """One or more fields are not valid; all of them are listed."""

    code = "validation_failed"

    def __init__(self, errors: list[FieldError]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.field}: {first.issue}{more}")
        self.errors = errors


class MalformedJson(RequestRefused):
    """The body is not JSON."""

    code = "malformed_json"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The body is not valid JSON: {reason}")


class InvalidCursor(RequestRefused):
    """The cursor is not one that this service gave out for this list."""

    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor was not given out for this list; start again without one")


class PayloadTooLarge(RequestRefused):
    """The payload, or the body around it, is larger than the limit."""

    code = "payload_too_large"

    def __init__(self, what: str, bytes_max: int) -> None:
        super().__init__(f"The {what} is larger than {bytes_max:,} bytes")


class UnsupportedMediaType(RequestRefused):
    """The body is not sent as plain JSON."""

    code = "unsupported_media_type"


class RequestTimeout(RequestRefused):
    """The body did not arrive in time."""

    code = "request_timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The body did not arrive within {seconds:g} seconds")


class Unauthenticated(RequestRefused):
    """There is no valid key in the request. The text is the same for all but a missing key."""

    code = "unauthenticated"


class Forbidden(RequestRefused):
    """The key is valid and may not do this."""

    code = "forbidden"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The key lacks the scope {scope}")


class NotFound(RequestRefused):
    """The thing does not exist, or belongs to another tenant."""

    code = "not_found"

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"There is no {kind} {identifier[:64]}")


class Conflict(RequestRefused):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class AlreadyAcknowledged(Conflict):
    """The event was acknowledged before."""

    code = "already_acknowledged"

    def __init__(self, event_id: str) -> None:
        super().__init__(f"The event {event_id} was acknowledged before")


class LimitReached(Conflict):
    """A tenant has as many of a kind as it may have."""

    code = "limit_reached"

    def __init__(self, kind: str, limit: int) -> None:
        super().__init__(f"There may be at most {limit} {kind}; delete one first")


class StoreRefused(TriggersError):
    """DynamoDB or SQS does not accept what we sent, and never will."""


class Unavailable(TriggersError):
    """Something that we depend on does not answer now."""

    code = "unavailable"
    retry_after_seconds: int = 1


class StoreUnavailable(Unavailable):
    """DynamoDB or SQS failed, throttled or did not answer in time.

    `operation` is for the log. `passing` tells that one item of a call was refused for the moment,
    so that trying again at once makes sense; a call that failed whole has been tried again already.
    """

    def __init__(self, operation: str, *, passing: bool = False) -> None:
        super().__init__("The store did not answer in time; try again")
        self.operation = operation
        self.passing = passing

    def __str__(self) -> str:
        return f"store unavailable: {self.operation}"


class Overloaded(Unavailable):
    """More is waiting than can be served in time, so this is shed."""

    def __init__(self) -> None:
        super().__init__("The service is overloaded; try again")
