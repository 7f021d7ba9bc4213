"""The secrets of a webhook: shown to whoever may change it, and rotated."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.bodies import SMALL_BODY_BYTES_MAX, read_optional_body
from app.context import caller_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import IN_FORCE, describe
from app.routes.webhooks import ETAG, TAG, webhook_of_caller
from app.wire.webhook_fields import issue_with_secret
from app.wire.webhook_secrets import RotationIn, SecretsOut, secrets_to_wire
from triggers.api_keys import Scope
from triggers.signatures import make_secret
from triggers.webhooks import Webhook


@get(
    "/webhooks/{webhook_id:str}/secret",
    opt=describe(
        tag=TAG,
        summary="Read the secrets of a webhook",
        description="The present one, and those that were rotated within a day and sign along.",
        scope=Scope.WEBHOOKS,
        answer=SecretsOut,
        headers=ETAG,
    ),
)
async def read_secret(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> Response[SecretsOut]:
    """Show the secrets that sign now."""
    webhook = webhook_of_caller(request, webhook_id)
    return _show(webhook, domain)


@post(
    "/webhooks/{webhook_id:str}/rotate-secret",
    status_code=200,
    opt=describe(
        tag=TAG,
        summary="Rotate the secret of a webhook",
        description=f"{IN_FORCE} The secret that it replaces signs along for 24 hours: every "
        "request then has a signature by each. The body may be left out: then a secret is made.",
        scope=Scope.WEBHOOKS,
        body=RotationIn,
        body_required=False,
        example={"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        answer=SecretsOut,
        headers=ETAG,
        problems=("limit_reached",),
    ),
)
async def rotate_secret(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], webhook_id: FromPath[str]
) -> Response[SecretsOut]:
    """Give a webhook another secret."""
    caller = caller_of(request)
    body = await read_optional_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    checks = {"secret": issue_with_secret}
    sent = decode_json(RotationIn, body, checks) if body else RotationIn()
    secret = sent.secret or make_secret(domain.random_bits)
    webhook = await domain.webhook_changes.rotate_secret(
        caller.tenant.tenant_id, webhook_id, secret, actor=caller.actor
    )
    return _show(webhook, domain)


def _show(webhook: Webhook, domain: Domain) -> Response[SecretsOut]:
    headers = {"cache-control": "no-store", "etag": webhook.tag}
    return Response(secrets_to_wire(webhook, domain.clock()), headers=headers)


ROUTES = (
    read_secret,
    rotate_secret,
)
