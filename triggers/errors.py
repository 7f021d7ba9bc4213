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
│   │   └── SignatureInvalid
│   ├── Forbidden
│   ├── NotFound
│   ├── Conflict
│   │   ├── AlreadyAcknowledged
│   │   ├── LimitReached
│   │   ├── NoWebhook
│   │   ├── RecoveryRunning
│   │   ├── ReplayLimitReached
│   │   └── WebhookDisabled
│   ├── PreconditionFailed
│   ├── IdempotencyMismatch
│   └── RateLimited
├── StoreRefused                a fault of ours: the store understood and said no
└── Unavailable                 ours, and passing: try again
    ├── StoreUnavailable
    └── Overloaded

Each class has a stable `code`. Which HTTP status a code gets is decided in `app/problems/table.py`.
"""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct


class FieldError(Struct, frozen=True, kw_only=True):
    """What is wrong with one field of a request, and what to do about it."""

    field: Annotated[
        str,
        Meta(
            description="Its name; `body` for the whole, `metadata.region` or `scopes[0]` for a part",
            examples=["event_type"],
        ),
    ]
    issue: Annotated[
        str, Meta(description="What is wrong with it", examples=["longer than 128 characters"])
    ]
    suggestion: Annotated[
        str,
        Meta(
            description="What to do about it",
            examples=["Shorten it; use dots to group: order.created"],
        ),
    ]


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


class SignatureInvalid(Unauthenticated):
    """The key demands signed requests, and this one is not signed as it should be."""

    code = "signature_invalid"


class Forbidden(RequestRefused):
    """The key is valid and may not do this: it lacks the scope, or may not be used from there."""

    code = "forbidden"


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

    def __init__(self, kind: str, limit: int, cure: str = "delete one first") -> None:
        super().__init__(f"There may be at most {limit} {kind}; {cure}")


class NoWebhook(Conflict):
    """No webhook wants the event, so there is nobody to send it to."""

    code = "no_webhook"

    def __init__(self, event_type: str) -> None:
        super().__init__(f"No webhook wants events of the type {event_type}; create one first")


class RecoveryRunning(Conflict):
    """What failed or was held for a webhook is being redelivered already."""

    code = "recovery_running"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"The job {job_id} is at it already; wait for its end")


class ReplayLimitReached(Conflict):
    """The event has been replayed as often as it may be."""

    code = "replay_limit_reached"

    def __init__(self, limit: int) -> None:
        super().__init__(f"An event may be replayed at most {limit} times; send it as a new one")


class WebhookDisabled(Conflict):
    """The webhook is disabled, so nothing is sent to it."""

    code = "webhook_disabled"

    def __init__(self, webhook_id: str) -> None:
        super().__init__(f"The webhook {webhook_id} is disabled; enable it first")


class PreconditionFailed(RequestRefused):
    """The thing has changed since the caller read it."""

    code = "precondition_failed"

    def __init__(self, present: str) -> None:
        super().__init__(f"It has changed meanwhile: its ETag is {present} now; read it again")


class IdempotencyMismatch(RequestRefused):
    """The idempotency key was used before, for other content."""

    code = "idempotency_mismatch"

    def __init__(self, event_id: str) -> None:
        super().__init__(
            f"The idempotency key was used for other content, the event {event_id}: use a new key"
        )


class RateLimited(RequestRefused):
    """More calls came than are allowed; `retry_after_seconds` says when there may be more."""

    code = "rate_limited"

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


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
