"""Changes of tenants, keys and webhooks. Each is in force everywhere when its call returns.

The rare side waits so that the hot side need not: no process uses a view of a tenant for longer
than `control_age_max_seconds`, so a change answers only after that time and a margin have passed.
"""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from triggers.api_keys import (
    KEYS_MAX,
    TENANT_SCOPES,
    ApiKey,
    Scope,
    digest_of,
    make_key_text,
)
from triggers.control_changes import AuditEntry, ControlChange, Controlled, subject_of
from triggers.errors import LimitReached, NotFound, StoreUnavailable
from triggers.ids import RandomBits, make_key_id, make_tenant_id
from triggers.ports import ControlWrites
from triggers.tenants import SHARDS_BY_TIER, Tenant, TenantView, Tier
from triggers.times import Clock
from triggers.webhooks import WEBHOOKS_MAX, Webhook, WebhookStatus

CONFLICTS_MAX = 8

_Writes = tuple[tuple[Controlled, ...], tuple[Controlled, ...]]  # what to put, what to delete
_Decide = Callable[[TenantView], _Writes]


class ControlPlane:
    """Makes changes, each a transaction on the version of its tenant."""

    def __init__(
        self, store: ControlWrites, *, clock: Clock, random_bits: RandomBits, settle_seconds: float
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_bits = random_bits
        self._settle_seconds = settle_seconds

    async def create_tenant(
        self, name: str, tier: Tier, *, actor: str
    ) -> tuple[Tenant, ApiKey, str]:
        """Create a tenant with its first key; returns both and the key's text."""
        now = self._clock()
        tenant = Tenant(
            tenant_id=make_tenant_id(self._random_bits),
            name=name,
            tier=tier,
            shards=SHARDS_BY_TIER[tier],
            created_ms=now,
        )
        key, text = self._new_key(tenant.tenant_id, "first key", TENANT_SCOPES)
        # Nobody can hold a view of a tenant that was not there: there is nothing to wait for.
        await self._write(tenant.tenant_id, actor, "tenant.created", lambda _: ((tenant, key), ()))
        return tenant, key, text

    async def create_key(
        self,
        tenant_id: str,
        name: str,
        scopes: tuple[Scope, ...],
        *,
        expires_ms: int | None = None,
        actor: str,
    ) -> tuple[ApiKey, str]:
        """Create a key; returns it and its text, which is nowhere else. Raises LimitReached."""
        key, text = self._new_key(tenant_id, name, scopes, expires_ms)

        def add(view: TenantView) -> _Writes:
            if len(view.keys) >= KEYS_MAX:
                raise LimitReached("keys", KEYS_MAX)
            return (key,), ()

        await self._change(tenant_id, actor, "key.created", add)
        return key, text

    async def delete_key(self, tenant_id: str, key_id: str, *, actor: str) -> None:
        """Revoke a key. Raises NotFound."""

        def remove(view: TenantView) -> _Writes:
            if key_id not in view.keys:
                raise NotFound("key", key_id)
            return (), (view.keys[key_id],)

        await self._change(tenant_id, actor, "key.deleted", remove)

    async def create_webhook(self, tenant_id: str, webhook: Webhook, *, actor: str) -> None:
        """Create a webhook. Raises LimitReached."""

        def add(view: TenantView) -> _Writes:
            if len(view.webhooks) >= WEBHOOKS_MAX:
                raise LimitReached("webhooks", WEBHOOKS_MAX)
            return (webhook,), ()

        await self._change(tenant_id, actor, "webhook.created", add)

    async def delete_webhook(self, tenant_id: str, webhook_id: str, *, actor: str) -> None:
        """Delete a webhook. Raises NotFound."""

        def remove(view: TenantView) -> _Writes:
            if webhook_id not in view.webhooks:
                raise NotFound("webhook", webhook_id)
            return (), (view.webhooks[webhook_id],)

        await self._change(tenant_id, actor, "webhook.deleted", remove)

    async def disable_webhook(
        self, tenant_id: str, webhook_id: str, reason: str, *, actor: str
    ) -> None:
        """Disable a webhook unless it is gone or disabled already. Does not wait to be in force."""

        def disable(view: TenantView) -> _Writes:
            webhook = view.webhooks.get(webhook_id)
            if webhook is None or not webhook.is_enabled:
                return (), ()
            disabled = replace(
                webhook,
                status=WebhookStatus.DISABLED,
                disabled_reason=reason,
                disabled_ms=self._clock(),
            )
            return (disabled,), ()

        await self._write(tenant_id, actor, "webhook.disabled", disable)

    def _new_key(
        self,
        tenant_id: str,
        name: str,
        scopes: tuple[Scope, ...],
        expires_ms: int | None = None,
    ) -> tuple[ApiKey, str]:
        key_id = make_key_id(tenant_id, self._random_bits)
        text = make_key_text(key_id, self._random_bits)
        key = ApiKey(
            key_id=key_id,
            name=name,
            digest=digest_of(text),
            scopes=scopes,
            created_ms=self._clock(),
            expires_ms=expires_ms,
        )
        return key, text

    async def _change(self, tenant_id: str, actor: str, action: str, decide: _Decide) -> None:
        await self._write(tenant_id, actor, action, decide)
        await asyncio.sleep(self._settle_seconds)

    async def _write(self, tenant_id: str, actor: str, action: str, decide: _Decide) -> None:
        """Decide on the newest view and write; again when another change came between."""
        for _ in range(CONFLICTS_MAX):
            view = await self._store.read_view(tenant_id)
            puts, deletes = decide(view)
            if not puts and not deletes:
                return
            change = ControlChange(
                from_version=view.version,
                puts=puts,
                deletes=deletes,
                audit=AuditEntry(
                    at_ms=self._clock(),
                    actor=actor,
                    action=action,
                    subject=subject_of((*puts, *deletes)[0]),
                ),
            )
            if await self._store.write(tenant_id, change):
                return
        raise StoreUnavailable(f"{action}: too many changes at once")
