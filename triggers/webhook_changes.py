"""Changes of a tenant's webhooks. Each is in force everywhere when its call returns."""

from triggers.control import ControlPlane, Decision
from triggers.errors import LimitReached, NotFound
from triggers.tenants import TenantView
from triggers.times import Clock
from triggers.webhooks import WEBHOOKS_MAX, Webhook, WebhookStatus, changed


class WebhookChanges:
    """Creates, disables and deletes webhooks."""

    def __init__(self, plane: ControlPlane, *, clock: Clock) -> None:
        self._plane = plane
        self._clock = clock

    async def create(self, tenant_id: str, webhook: Webhook, *, actor: str) -> None:
        """Create a webhook. Raises LimitReached."""

        def add(view: TenantView) -> Decision:
            if len(view.webhooks) >= WEBHOOKS_MAX:
                raise LimitReached("webhooks", WEBHOOKS_MAX)
            return Decision(puts=(webhook,))

        await self._plane.change(tenant_id, actor, "webhook.created", add)

    async def delete(self, tenant_id: str, webhook_id: str, *, actor: str) -> None:
        """Delete a webhook. Raises NotFound."""

        def remove(view: TenantView) -> Decision:
            if webhook_id not in view.webhooks:
                raise NotFound("webhook", webhook_id)
            return Decision(deletes=(view.webhooks[webhook_id],))

        await self._plane.change(tenant_id, actor, "webhook.deleted", remove)

    async def disable(self, tenant_id: str, webhook_id: str, reason: str, *, actor: str) -> None:
        """Disable a webhook unless it is gone or disabled already. Does not wait to be in force."""

        def disable(view: TenantView) -> Decision:
            webhook = view.webhooks.get(webhook_id)
            if webhook is None or not webhook.is_enabled:
                return Decision()
            disabled = changed(
                webhook,
                self._clock(),
                status=WebhookStatus.DISABLED,
                disabled_reason=reason,
                disabled_ms=self._clock(),
            )
            return Decision(puts=(disabled,))

        await self._plane.write(tenant_id, actor, "webhook.disabled", disable)
