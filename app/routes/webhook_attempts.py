"""The attempts to send to one webhook: what its receiver answered lately."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.context import caller_of
from app.dependencies import Domain
from app.operations import describe
from app.queries import PageQuery, read_query
from app.routes.webhooks import TAG, webhook_of_caller
from app.wire.attempts import attempt_to_wire
from app.wire.webhook_attempts import WebhookAttemptList, position_of_text, position_text
from triggers.api_keys import Scope


@get(
    "/webhooks/{webhook_id:str}/attempts",
    opt=describe(
        tag=TAG,
        summary="List the attempts to send to a webhook",
        description="Newest first: every attempt that failed, and every success after a failure "
        "or a replay. A success at the first try has no entry here as long as it is the last "
        "attempt; it stands in its event's deliveries. A fresh attempt may take a moment to appear.",
        scope=Scope.WEBHOOKS,
        query=PageQuery,
        answer=WebhookAttemptList,
        problems=("invalid_cursor",),
    ),
)
async def list_webhook_attempts(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> WebhookAttemptList:
    """List a page of the attempts that are kept of a webhook."""
    query, cursors = read_query(request, PageQuery), domain.cursors
    webhook, tenant_id = webhook_of_caller(request, webhook_id), caller_of(request).tenant.tenant_id
    listed = f"attempts of {webhook.webhook_id}"
    cursor = None if query.cursor is None else cursors.read(tenant_id, listed, query.cursor)
    page = await domain.attempts.read_of_webhook(
        tenant_id, webhook.webhook_id, after=position_of_text(cursor), limit=query.limit
    )
    position = position_text(page.position)
    following = position and cursors.write(tenant_id, listed, position)
    attempts = [attempt_to_wire(attempt) for attempt in page.attempts]
    return WebhookAttemptList(attempts=attempts, next_cursor=following)


ROUTES = (list_webhook_attempts,)
