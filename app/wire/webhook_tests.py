"""The test of a webhook on the wire: what was sent, and what came of it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.webhook_tester import WebhookTest
from app.wire.webhook_fields import Url
from triggers.retries import Verdict, verdict_of
from triggers.webhook_requests import Request, headers_to_send

NOT_SHOWN = "(not shown)"


class SentRequest(Struct, frozen=True, kw_only=True):
    """The request as it was sent."""

    url: Url
    headers: Annotated[
        dict[str, str],
        Meta(
            description="The headers by name; the signature and the values of the webhook's own "
            "headers are not shown",
            examples=[
                {
                    "content-type": "application/json",
                    "webhook-id": "evt_01KAN72XQV8YJ4T6Z0M3S5B7C9",
                    "webhook-timestamp": "1795325340",
                    "webhook-signature": NOT_SHOWN,
                }
            ],
        ),
    ]
    body: Annotated[
        str,
        Meta(
            description="The body, byte for byte as it was signed",
            examples=['{"event_id":"evt_01KAN72XQV8YJ4T6Z0M3S5B7C9","event_type":"webhook.test"}'],
        ),
    ]


class WebhookTestOut(Struct, frozen=True, kw_only=True):
    """How the test of a webhook ended."""

    event_id: Annotated[
        str,
        Meta(
            description="The `webhook-id` of the request; no event is stored under it",
            examples=["evt_01KAN72XQV8YJ4T6Z0M3S5B7C9"],
        ),
    ]
    outcome: Annotated[
        Literal["delivered", "failed"],
        Meta(description="delivered: the receiver answered 2xx in time", examples=["failed"]),
    ]
    status_code: Annotated[
        int | None,
        Meta(description="What the receiver answered; null: it did not", examples=[503]),
    ]
    duration_ms: Annotated[
        int, Meta(description="Milliseconds until the answer or the error", examples=[48])
    ]
    error: Annotated[
        str | None,
        Meta(
            description="What went wrong, in words; null: nothing did",
            examples=["receiver answered 503"],
        ),
    ]
    response_excerpt: Annotated[
        str,
        Meta(
            description="The beginning of the answer's body, at most 4 KB, made printable",
            examples=["down for maintenance"],
        ),
    ]
    request: Annotated[SentRequest, Meta(description="What was sent")]


def outcome_to_wire(test: WebhookTest) -> WebhookTestOut:
    """Show a test, without anything that is secret."""
    outcome = test.outcome
    return WebhookTestOut(
        event_id=test.request.event_id,
        outcome="delivered" if verdict_of(outcome) is Verdict.DELIVERED else "failed",
        status_code=outcome.status_code,
        duration_ms=outcome.duration_ms,
        error=outcome.description,
        response_excerpt=outcome.excerpt,
        request=SentRequest(
            url=test.request.url,
            headers=_without_secrets(test.request),
            body=test.request.body.decode(),
        ),
    )


def _without_secrets(request: Request) -> dict[str, str]:
    secret = {"webhook-signature", *request.headers}
    return {n: NOT_SHOWN if n in secret else v for n, v in headers_to_send(request).items()}
