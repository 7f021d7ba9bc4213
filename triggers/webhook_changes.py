"""Changes of a tenant's webhooks. Each is in force everywhere when its call returns."""

from collections.abc import Callable, Collection
from typing import Any

from triggers.control import ControlPlane, Decision
from triggers.errors import LimitReached, NotFound, PreconditionFailed
from triggers.tenants import TenantView
from triggers.times import Clock, rfc3339
from triggers.webhooks import (
    OLD_SECRET_SECONDS,
    OLD_SECRETS_MAX,
    WEBHOOKS_MAX,
    OldSecret,
    Webhook,
    changed,
    disabled_values,
    enabled_values,
    old_secrets_at,
)

DISABLED_BY_A_CALL = "disabled by a call"

# What the audit calls the fields of a webhook; those that go along with another have no name.
_AUDITED = {"status": "enabled", "disabled_reason": "", "disabled_ms": "", "old_secrets": ""}

Values = dict[str, Any]
"""Values of a webhook by field."""


class WebhookChanges:
    """Creates, updates, enables, disables and deletes webhooks.

    `tags` are the states that a caller has in mind; in another one nothing is changed.
    """

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

    async def update(
        self,
        tenant_id: str,
        webhook_id: str,
        values: Values,
        *,
        enabled: bool | None = None,
        tags: Collection[str] | None = None,
        actor: str,
    ) -> Webhook:
        """Give a webhook other values, enable or disable it. Raises NotFound, PreconditionFailed."""

        def wanted(webhook: Webhook) -> Values:
            if enabled is None or enabled is webhook.is_enabled:
                return values
            return values | (
                enabled_values() if enabled else disabled_values(DISABLED_BY_A_CALL, self._clock())
            )

        action = "webhook.updated"
        return await self._replace(tenant_id, webhook_id, action, wanted, tags=tags, actor=actor)

    async def enable(self, tenant_id: str, webhook_id: str, *, actor: str) -> Webhook:
        """Enable a webhook. Raises NotFound."""

        def wanted(_: Webhook) -> Values:
            return enabled_values()

        return await self._replace(tenant_id, webhook_id, "webhook.enabled", wanted, actor=actor)

    async def rotate_secret(
        self, tenant_id: str, webhook_id: str, secret: str, *, actor: str
    ) -> Webhook:
        """Give a webhook another secret; the present one signs along for a day.

        Raises NotFound, and LimitReached when too many sign along already.
        """

        def wanted(webhook: Webhook) -> Values:
            return _rotated_values(webhook, secret, self._clock())

        action = "webhook.secret_rotated"
        return await self._replace(tenant_id, webhook_id, action, wanted, actor=actor)

    async def delete(
        self,
        tenant_id: str,
        webhook_id: str,
        *,
        tags: Collection[str] | None = None,
        actor: str,
    ) -> None:
        """Delete a webhook. Raises NotFound, PreconditionFailed."""

        def remove(view: TenantView) -> Decision:
            return Decision(deletes=(_found(view, webhook_id, tags),))

        await self._plane.change(tenant_id, actor, "webhook.deleted", remove)

    async def disable(self, tenant_id: str, webhook_id: str, reason: str, *, actor: str) -> None:
        """Disable a webhook unless it is gone or disabled already. Does not wait to be in force."""

        def disable(view: TenantView) -> Decision:
            webhook = view.webhooks.get(webhook_id)
            if webhook is None or not webhook.is_enabled:
                return Decision()
            return self._with(webhook, disabled_values(reason, self._clock()))[1]

        await self._plane.write(tenant_id, actor, "webhook.disabled", disable)

    async def _replace(
        self,
        tenant_id: str,
        webhook_id: str,
        action: str,
        wanted: Callable[[Webhook], Values],
        *,
        tags: Collection[str] | None = None,
        actor: str,
    ) -> Webhook:
        """Give a webhook the values that are wanted of it as it is; returns it as it is then.

        When it has them all, nothing is written. It is waited for all the same: another call may
        have written them just now.
        """
        came_to: list[Webhook] = []

        def replace(view: TenantView) -> Decision:
            before = _found(view, webhook_id, tags)
            after, decision = self._with(before, wanted(before))
            came_to.append(after)
            return decision

        await self._plane.change(tenant_id, actor, action, replace)
        return came_to[-1]

    def _with(self, webhook: Webhook, values: Values) -> tuple[Webhook, Decision]:
        """Return a webhook with these values, and the decision to write it if any is new."""
        new = {name: v for name, v in values.items() if getattr(webhook, name) != v}
        if not new:
            return webhook, Decision()
        after = changed(webhook, self._clock(), **new)
        fields = tuple(filter(None, (_AUDITED.get(name, name) for name in new)))
        return after, Decision(puts=(after,), fields=fields)


def _found(view: TenantView, webhook_id: str, tags: Collection[str] | None) -> Webhook:
    webhook = view.webhooks.get(webhook_id)
    if webhook is None:
        raise NotFound("webhook", webhook_id)
    if tags is not None and webhook.tag not in tags:
        raise PreconditionFailed(webhook.tag)
    return webhook


def _rotated_values(webhook: Webhook, secret: str, now_ms: int) -> Values:
    if secret == webhook.secret:
        return {}
    old_secrets = [old for old in old_secrets_at(webhook, now_ms) if old.secret != secret]
    if len(old_secrets) >= OLD_SECRETS_MAX:
        ends = rfc3339(min(old.until_ms for old in old_secrets))
        raise LimitReached("old secrets that sign along", OLD_SECRETS_MAX, f"one ends at {ends}")
    until_ms = now_ms + OLD_SECRET_SECONDS * 1000
    replaced = OldSecret(secret=webhook.secret, until_ms=until_ms)
    return {"secret": secret, "old_secrets": (replaced, *old_secrets)}
