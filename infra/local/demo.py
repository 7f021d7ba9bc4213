"""The demo tenant: made over the HTTP API, as a customer would."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from infra.local.endpoints import Endpoints
from infra.local.errors import LocalRunError
from infra.local.loopback import call


class Demo(Struct, frozen=True, kw_only=True):
    """A tenant that can send, and the webhook that gets what it sends."""

    key: str
    webhook_id: str


class TenantMade(Struct):
    """What we need of a new tenant."""

    key: str


class WebhookMade(Struct):
    """What we need of a new webhook."""

    webhook_id: str


Made = TypeVar("Made", TenantMade, WebhookMade)


async def make_demo(endpoints: Endpoints) -> Demo:
    """Make the tenant with its key, and one webhook to the example receiver.

    Raises LocalRunError when the API refuses, OSError when it does not answer.
    """
    tenant = await _create(
        f"{endpoints.api}/v1/tenants",
        endpoints.operator_key,
        {"name": "demo", "tier": "free"},
        TenantMade,
    )
    webhook = await _create(
        f"{endpoints.api}/v1/webhooks",
        tenant.key,
        {
            "url": f"{endpoints.hook}/hook",
            "event_types": ["*"],
            "secret": endpoints.webhook_secret,
        },
        WebhookMade,
    )
    return Demo(key=tenant.key, webhook_id=webhook.webhook_id)


async def _create(url: str, key: str, content: dict[str, object], made: type[Made]) -> Made:
    status, answer = await call("POST", url, key=key, content=content)
    if status != 201:
        raise LocalRunError(f"POST {url} answered {status}: {answer}")
    try:
        return msgspec.convert(answer, made)
    except msgspec.ValidationError as error:
        raise LocalRunError(f"POST {url} answered otherwise than it should: {error}") from None
