"""Problems of ours: the request is good, and is not served all the same."""

from app.problems.kinds import Example, Problem

_EVENT = '{"event_type": "order.created", "payload": {"order": 1}}'

OF_FAULTS = {
    "internal_error": Problem(
        500,
        "Something went wrong on our side",
        "A fault of the service. It has been logged with the `request_id`.",
        "Try again, with an event's same idempotency key; if it stays, report the `request_id`.",
        Example(
            path="/v1/events",
            body=_EVENT,
            given="The service has a fault.",
        ),
        is_retryable=True,
    ),
    "unavailable": Problem(
        503,
        "The service cannot answer right now",
        "The service is starting, stopping or overloaded, or its store did not answer in time.",
        "Try again after the seconds in `Retry-After`, then less and less often; send an event with "
        "the same idempotency key, for it may have been stored.",
        Example(
            path="/v1/events",
            body=_EVENT,
            given="The store is out of reach.",
            detail="The store did not answer in time; try again",
        ),
        is_retryable=True,
    ),
}
