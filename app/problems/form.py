"""Problems of a request's form: it is refused before anything is looked up."""

from app.problems.kinds import Example, Problem
from triggers.errors import FieldError

OF_FORM = {
    "validation_failed": Problem(
        400,
        "The request is not valid",
        "The body is JSON, or the query is well-formed, but one or more fields break a rule.",
        "Correct every field that `errors` names; each entry says what is wrong and what to do.",
        Example(
            path="/v1/events",
            body='{"event_type": "order created", "payload": {"order": 1}, "sorce": "shop"}',
            detail="event_type: has characters, or an order of them, that are not allowed "
            "(and 1 more)",
            errors=(
                FieldError(
                    field="event_type",
                    issue="has characters, or an order of them, that are not allowed",
                    suggestion="1–128 of A–Z a–z 0–9 . _ -, no leading dot; use dots to group: "
                    "order.created",
                ),
                FieldError(field="sorce", issue="is not known", suggestion="Did you mean source?"),
            ),
        ),
    ),
    "malformed_json": Problem(
        400,
        "The body is not valid JSON",
        "The body is empty, cut off, not UTF-8, nested too deeply, or breaks the grammar of JSON.",
        "Send one JSON object, written by a JSON library, in UTF-8 without a byte order mark.",
        Example(
            path="/v1/events",
            body='{"event_type": "order.created", "payload": {"order": 1}',
            detail="The body is not valid JSON: Input data was truncated",
        ),
    ),
    "invalid_cursor": Problem(
        400,
        "The cursor is not valid",
        "The cursor was changed on its way, or was given out for another tenant, list, order or filter.",
        "Send `next_cursor` back as it came, with the same order and filters; or start again without.",
        Example(
            path="/v1/events?cursor=AbJk3uX0kPZ7m1Yt4Qw",
            detail="The cursor was not given out for this list; start again without one",
        ),
    ),
    "bad_request": Problem(
        400,
        "The HTTP request is malformed",
        "The request breaks a rule of HTTP itself: its request line, a header, or its framing.",
        "Use an HTTP library rather than writing requests by hand.",
        Example(
            path="/v1/events",
            headers=("Host: two words",),
            detail="A request of HTTP/1.1 has exactly one `Host` header: a name or address, and a "
            "port",
        ),
    ),
    "request_timeout": Problem(
        408,
        "The body did not arrive in time",
        "The connection is slow or broken, or `Content-Length` promises more than was sent.",
        "Send the request again.",
        Example(
            path="/v1/events",
            headers=("Content-Length: 1000",),
            body='{"event_type": "order.created", "payload": {"order": 1}}',
            given="`Content-Length` promises more than is sent.",
            detail="The body did not arrive within 15 seconds",
        ),
        is_retryable=True,
    ),
    "payload_too_large": Problem(
        413,
        "The body or its payload is too large",
        "The payload, or the whole body around it, has more bytes than the limit.",
        "Send less: keep large data elsewhere and send its address.",
        Example(
            path="/v1/events",
            body="@large.json",
            given="`large.json` holds an event with a payload of 500,000 bytes.",
            detail="The payload is larger than 409,600 bytes",
        ),
    ),
    "unsupported_media_type": Problem(
        415,
        "The body must be plain JSON",
        "`Content-Type` is not `application/json` in UTF-8, or there is a `Content-Encoding`.",
        "Send `Content-Type: application/json` and do not compress the body.",
        Example(
            path="/v1/events",
            headers=("Content-Type: text/plain",),
            body='{"event_type": "order.created", "payload": {"order": 1}}',
            detail="The Content-Type must be application/json, in UTF-8",
        ),
    ),
    "headers_too_large": Problem(
        431,
        "The request's headers are too large",
        "The request line and the headers together are too large, or there are too many headers.",
        "Send fewer and shorter headers.",
        Example(
            path="/v1/events",
            headers=("@headers.txt",),
            given="`headers.txt` holds a header of 40,000 bytes.",
        ),
    ),
}
