"""Sends tests to webhooks: at once, from this process, and only so many at a time.

A test takes the way of a delivery through `triggers.http`, with the same guard on the address, but
it is no delivery: nothing is stored, nothing is tried again.
"""

from msgspec import Struct

from app.places import Places
from triggers.errors import RateLimited, Unavailable
from triggers.events import body_to_send
from triggers.http.sender import LocalShortageError, Sender
from triggers.ids import RandomBits
from triggers.retries import Outcome
from triggers.times import Clock
from triggers.webhook_requests import Request
from triggers.webhook_tests import make_test_event
from triggers.webhooks import Webhook, signing_secrets

TESTS_MAX = 50
TESTS_OF_TENANT_MAX = 5
RETRY_AFTER_SECONDS = 1


class WebhookTest(Struct, frozen=True, kw_only=True):
    """What was sent, and how that ended."""

    request: Request
    outcome: Outcome


class WebhookTester:
    """Sends tests, and counts those in the air by tenant."""

    def __init__(self, sender: Sender, *, clock: Clock, random_bits: RandomBits) -> None:
        self._sender = sender
        self._clock = clock
        self._random_bits = random_bits
        self._places = Places(most=TESTS_MAX, of_tenant_most=TESTS_OF_TENANT_MAX)

    async def test(self, tenant_id: str, webhook: Webhook, correlation_id: str) -> WebhookTest:
        """Send a test now, to a disabled webhook too. It takes as long as the webhook's timeout.

        Raises RateLimited, and Unavailable when this process is short of sockets.
        """
        request = self._request(webhook, correlation_id)
        self._require_place(tenant_id)
        with self._places.take(tenant_id):
            try:
                outcome = await self._sender.send(request)
            except LocalShortageError:
                raise Unavailable("The service is short of sockets; try again") from None
        return WebhookTest(request=request, outcome=outcome)

    def _request(self, webhook: Webhook, correlation_id: str) -> Request:
        now_ms = self._clock()
        event = make_test_event(
            webhook.webhook_id,
            correlation_id=correlation_id,
            now_ms=now_ms,
            random_bits=self._random_bits,
        )
        return Request(
            url=webhook.url,
            secrets=signing_secrets(webhook, now_ms),
            timestamp=now_ms // 1000,
            headers=webhook.headers,
            event_id=event.event_id,
            correlation_id=correlation_id,
            body=body_to_send(event),
            timeout_seconds=webhook.timeout_seconds,
        )

    def _require_place(self, tenant_id: str) -> None:
        if self._places.has_its_share(tenant_id):
            raise RateLimited(
                f"At most {TESTS_OF_TENANT_MAX} tests of a tenant run at once", RETRY_AFTER_SECONDS
            )
        if self._places.is_full:
            raise RateLimited("Too many tests run just now; try again", RETRY_AFTER_SECONDS)
