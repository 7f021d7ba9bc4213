"""What brings a webhook back: enabling it, and redelivering what failed or was held."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.bodies import SMALL_BODY_BYTES_MAX, read_body
from app.context import caller_of
from app.dependencies import Domain
from app.operations import IN_FORCE, describe
from app.routes.webhooks import ETAG, TAG, show, webhook_of_caller
from app.wire.jobs import JobOut, RecoveryIn, job_to_wire, read_span
from app.wire.webhooks import WebhookOut
from triggers.api_keys import Scope


@post(
    "/webhooks/{webhook_id:str}/enable",
    status_code=200,
    opt=describe(
        tag=TAG,
        summary="Enable a webhook",
        description=f"{IN_FORCE} What was held for it meanwhile is delivered by a job, whose id is "
        "`job_id`. Of a webhook that is enabled already the time of its failures begins anew.",
        scope=Scope.WEBHOOKS,
        answer=WebhookOut,
        shown=("job_id",),
        headers=ETAG,
    ),
)
async def enable_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> Response[WebhookOut]:
    """Enable a webhook and have delivered what was held for it."""
    before, caller = webhook_of_caller(request, webhook_id), caller_of(request)
    tenant_id = caller.tenant.tenant_id
    await domain.failing_webhooks.clear(tenant_id, webhook_id)
    webhook = await domain.webhook_changes.enable(tenant_id, webhook_id, actor=caller.actor)
    job = await domain.recoveries.after_enabling(tenant_id, before, webhook)
    return await show(domain, tenant_id, webhook, job)


@post(
    "/webhooks/{webhook_id:str}/recover",
    status_code=202,
    opt=describe(
        tag=TAG,
        summary="Recover a webhook",
        description="Redelivers what failed or was held for it, of the events that were accepted in "
        "a span of time. A job does so, at a bounded rate; one at a time for each webhook.",
        scope=Scope.WEBHOOKS,
        body=RecoveryIn,
        example={"since": "2026-11-21T00:00:00Z"},
        answer=JobOut,
        headers={"Location": "Where the job can be read"},
        problems=("recovery_running", "webhook_disabled"),
    ),
)
async def recover_webhook(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> Response[JobOut]:
    """Start to redeliver what failed or was held."""
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    since_ms, until_ms = read_span(body, domain.clock())
    webhook = webhook_of_caller(request, webhook_id)
    tenant_id = caller_of(request).tenant.tenant_id
    job = await domain.recoveries.recover(tenant_id, webhook, since_ms=since_ms, until_ms=until_ms)
    return Response(job_to_wire(job), headers={"location": f"/v1/jobs/{job.job_id}"})


ROUTES = (
    enable_webhook,
    recover_webhook,
)
