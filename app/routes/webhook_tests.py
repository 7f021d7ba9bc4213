"""The test of a webhook: one request now, and its outcome as the answer."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.context import caller_of, context_of, extend_deadline
from app.dependencies import Domain
from app.operations import describe
from app.routes.webhooks import TAG, webhook_of_caller
from app.wire.webhook_tests import WebhookTestOut, outcome_to_wire
from triggers.api_keys import Scope


@post(
    "/webhooks/{webhook_id:str}/test",
    status_code=200,
    opt=describe(
        tag=TAG,
        summary="Test a webhook",
        description="Sends an event of the type `webhook.test` now, signed and with the webhook's "
        "headers as every other, also when the webhook is disabled or its filter does not want "
        "it, and answers with the outcome: 200 here also when the receiver failed. Nothing is "
        "stored, and nothing tried again. It takes up to the webhook's timeout. At most 5 tests "
        "of a tenant run at once.",
        scope=Scope.WEBHOOKS,
        answer=WebhookTestOut,
    ),
)
async def test_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> WebhookTestOut:
    """Send a test to a webhook and wait for its outcome."""
    caller, context = caller_of(request), context_of(request)
    webhook = webhook_of_caller(request, webhook_id)
    extend_deadline(context, webhook.timeout_seconds)
    test = await domain.webhook_tester.test(
        caller.tenant.tenant_id, webhook, context.correlation_id
    )
    return outcome_to_wire(test)


ROUTES = (test_webhook,)
