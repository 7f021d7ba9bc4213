"""Changes of tenants, keys and webhooks: within limits, and in force when they return."""

import asyncio

import pytest

from tests.factories import (
    NOW_MS,
    CountingBits,
    FakeClock,
    make_key,
    make_tenant,
    make_view,
    make_webhook,
)
from tests.fakes import FakeControl
from triggers.api_keys import KEYS_MAX, TENANT_SCOPES, Scope, digest_of, is_valid, key_id_of
from triggers.control import CONFLICTS_MAX, ControlPlane
from triggers.control_changes import OPERATOR, SERVICE, AuditEntry
from triggers.control_views import ControlViews
from triggers.errors import LimitReached, NotFound, StoreUnavailable
from triggers.ids import tenant_of_key
from triggers.key_changes import KeyChanges
from triggers.tenant_changes import TenantChanges
from triggers.tenants import SHARDS_BY_TIER, Tenant, Tier
from triggers.webhook_changes import WebhookChanges
from triggers.webhooks import WEBHOOKS_MAX, Webhook, WebhookStatus

AGE_SECONDS = 0.05


def make_plane(store: FakeControl, *, settle_seconds: float = 0) -> ControlPlane:
    return ControlPlane(store, clock=FakeClock(), settle_seconds=settle_seconds)


def tenants_of(store: FakeControl) -> TenantChanges:
    return TenantChanges(make_plane(store), clock=FakeClock(), random_bits=CountingBits())


def keys_of(store: FakeControl, *, settle_seconds: float = 0) -> KeyChanges:
    plane = make_plane(store, settle_seconds=settle_seconds)
    return KeyChanges(plane, clock=FakeClock(), random_bits=CountingBits())


def webhooks_of(store: FakeControl, *, settle_seconds: float = 0) -> WebhookChanges:
    return WebhookChanges(make_plane(store, settle_seconds=settle_seconds), clock=FakeClock())


def store_with(*webhooks: Webhook) -> tuple[FakeControl, Tenant]:
    store, tenant = FakeControl(), make_tenant()
    store.keep(make_view(*webhooks, tenant=tenant))
    return store, tenant


@pytest.mark.parametrize("tier", Tier)
async def test_a_new_tenant_has_a_first_key_with_every_scope_of_a_tenant(tier: Tier) -> None:
    store = FakeControl()

    tenant, key, text = await tenants_of(store).create("Acme", tier, actor=OPERATOR)

    view = store.views[tenant.tenant_id]
    assert view.tenant == tenant
    assert tenant.shards == SHARDS_BY_TIER[tier]
    assert tenant.created_ms == NOW_MS
    assert view.keys == {key.key_id: key}
    assert key.scopes == TENANT_SCOPES
    assert key_id_of(text) == key.key_id
    assert tenant_of_key(key.key_id) == tenant.tenant_id
    assert is_valid(key, text, NOW_MS)


async def test_a_created_key_is_kept_by_its_digest() -> None:
    store, tenant = store_with()

    key, text = await keys_of(store).create(
        tenant.tenant_id, "ci", (Scope.INBOX,), expires_ms=NOW_MS + 1, actor="key"
    )

    assert store.views[tenant.tenant_id].keys == {key.key_id: key}
    assert key.digest == digest_of(text)
    assert (key.name, key.scopes, key.expires_ms) == ("ci", (Scope.INBOX,), NOW_MS + 1)


async def test_a_deleted_key_is_gone() -> None:
    store, tenant = FakeControl(), make_tenant()
    key, _ = make_key(tenant.tenant_id)
    store.keep(make_view(tenant=tenant, keys=(key,)))

    await keys_of(store).delete(tenant.tenant_id, key.key_id, actor="key")

    assert store.views[tenant.tenant_id].keys == {}


async def test_a_created_webhook_is_there_and_a_deleted_one_is_gone() -> None:
    store, tenant = store_with()
    webhook = make_webhook()
    webhooks = webhooks_of(store)

    await webhooks.create(tenant.tenant_id, webhook, actor="key")
    assert store.views[tenant.tenant_id].webhooks == {webhook.webhook_id: webhook}

    await webhooks.delete(tenant.tenant_id, webhook.webhook_id, actor="key")
    assert store.views[tenant.tenant_id].webhooks == {}


async def test_what_is_not_there_cannot_be_deleted() -> None:
    store, tenant = store_with()
    keys = keys_of(store)
    webhooks = webhooks_of(store)

    with pytest.raises(NotFound, match="There is no key k"):
        await keys.delete(tenant.tenant_id, "k", actor="key")
    with pytest.raises(NotFound, match="There is no webhook wh"):
        await webhooks.delete(tenant.tenant_id, "wh", actor="key")
    assert store.calls["write"] == 0


async def test_a_tenant_has_a_limited_number_of_webhooks() -> None:
    store, tenant = store_with(*(make_webhook() for _ in range(WEBHOOKS_MAX - 1)))
    webhooks = webhooks_of(store)

    await webhooks.create(tenant.tenant_id, make_webhook(), actor="key")
    with pytest.raises(LimitReached, match=f"at most {WEBHOOKS_MAX} webhooks"):
        await webhooks.create(tenant.tenant_id, make_webhook(), actor="key")

    assert len(store.views[tenant.tenant_id].webhooks) == WEBHOOKS_MAX


async def test_a_tenant_has_a_limited_number_of_keys() -> None:
    store, tenant = FakeControl(), make_tenant()
    others = tuple(make_key(tenant.tenant_id)[0] for _ in range(KEYS_MAX - 1))
    store.keep(make_view(tenant=tenant, keys=others))
    keys = keys_of(store)

    await keys.create(tenant.tenant_id, "last", TENANT_SCOPES, actor="key")
    with pytest.raises(LimitReached, match=f"at most {KEYS_MAX} keys"):
        await keys.create(tenant.tenant_id, "too many", TENANT_SCOPES, actor="key")


async def test_limits_hold_for_many_changes_at_once() -> None:
    store, tenant = store_with(*(make_webhook() for _ in range(WEBHOOKS_MAX - 1)))
    webhooks = webhooks_of(store)

    results = await asyncio.gather(
        *(webhooks.create(tenant.tenant_id, make_webhook(), actor="key") for _ in range(4)),
        return_exceptions=True,
    )

    assert sum(result is None for result in results) == 1
    assert len(store.views[tenant.tenant_id].webhooks) == WEBHOOKS_MAX


async def test_a_change_that_met_another_is_made_again_on_the_newer_view() -> None:
    store, tenant = store_with()
    store.conflicts = CONFLICTS_MAX - 1

    await webhooks_of(store).create(tenant.tenant_id, make_webhook(), actor="key")

    assert len(store.views[tenant.tenant_id].webhooks) == 1
    assert store.calls["read_view"] == CONFLICTS_MAX


async def test_a_change_that_always_meets_others_gives_up() -> None:
    store, tenant = store_with()
    store.conflicts = CONFLICTS_MAX

    with pytest.raises(StoreUnavailable, match="too many changes at once"):
        await webhooks_of(store).create(tenant.tenant_id, make_webhook(), actor="key")


async def test_every_change_leaves_an_audit_entry() -> None:
    store = FakeControl()
    tenants = tenants_of(store)
    keys = keys_of(store)
    webhooks = webhooks_of(store)

    tenant, first, _ = await tenants.create("Acme", Tier.FREE, actor=OPERATOR)
    key, _ = await keys.create(tenant.tenant_id, "ci", (Scope.INBOX,), actor=first.key_id)
    webhook = make_webhook()
    await webhooks.create(tenant.tenant_id, webhook, actor=first.key_id)
    await webhooks.disable(tenant.tenant_id, webhook.webhook_id, "gone", actor=SERVICE)
    await webhooks.delete(tenant.tenant_id, webhook.webhook_id, actor=first.key_id)
    await keys.delete(tenant.tenant_id, key.key_id, actor=first.key_id)

    assert store.audit == [
        AuditEntry(at_ms=NOW_MS, actor=actor, action=action, subject=subject, fields=fields)
        for actor, action, subject, fields in [
            (OPERATOR, "tenant.created", tenant.tenant_id, ()),
            (first.key_id, "key.created", key.key_id, ()),
            (first.key_id, "webhook.created", webhook.webhook_id, ()),
            (SERVICE, "webhook.disabled", webhook.webhook_id, ("enabled",)),
            (first.key_id, "webhook.deleted", webhook.webhook_id, ()),
            (first.key_id, "key.deleted", key.key_id, ()),
        ]
    ]


async def test_a_disabled_webhook_says_since_when_and_why() -> None:
    webhook = make_webhook()
    store, tenant = store_with(webhook)

    await webhooks_of(store).disable(
        tenant.tenant_id, webhook.webhook_id, "answered 410", actor=SERVICE
    )

    disabled = store.views[tenant.tenant_id].webhooks[webhook.webhook_id]
    assert disabled.status is WebhookStatus.DISABLED
    assert (disabled.disabled_reason, disabled.disabled_ms) == ("answered 410", NOW_MS)
    assert disabled.secret == webhook.secret


async def test_disabling_again_or_what_is_gone_changes_nothing() -> None:
    webhook = make_webhook(status=WebhookStatus.DISABLED, disabled_reason="first", disabled_ms=1)
    store, tenant = store_with(webhook)
    webhooks = webhooks_of(store)

    await webhooks.disable(tenant.tenant_id, webhook.webhook_id, "second", actor=SERVICE)
    await webhooks.disable(tenant.tenant_id, "wh_gone", "second", actor=SERVICE)

    assert store.calls["write"] == 0
    assert store.views[tenant.tenant_id].webhooks[webhook.webhook_id] == webhook


async def test_a_change_is_in_force_everywhere_when_it_returns() -> None:
    store, tenant = store_with()
    views = ControlViews(store, age_max_seconds=AGE_SECONDS)
    webhook = make_webhook()

    async def others_keep_looking(changed: asyncio.Event) -> None:
        while not changed.is_set():
            await views.view(tenant.tenant_id)
            await asyncio.sleep(0)

    changed = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(others_keep_looking(changed))
        await webhooks_of(store, settle_seconds=AGE_SECONDS + 0.01).create(
            tenant.tenant_id, webhook, actor="key"
        )
        changed.set()

    assert webhook.webhook_id in (await views.view(tenant.tenant_id)).webhooks
    await views.close()


async def test_a_change_waits_until_it_has_settled() -> None:
    store, tenant = store_with()
    loop = asyncio.get_running_loop()
    started = loop.time()

    await webhooks_of(store, settle_seconds=AGE_SECONDS).create(
        tenant.tenant_id, make_webhook(), actor="key"
    )

    assert loop.time() - started >= AGE_SECONDS * 0.99


async def test_a_refused_change_does_not_wait_and_neither_does_disabling() -> None:
    webhook = make_webhook()
    store, tenant = store_with(webhook)
    webhooks = webhooks_of(store, settle_seconds=3600)
    keys = keys_of(store, settle_seconds=3600)

    async with asyncio.timeout(60):
        with pytest.raises(NotFound):
            await keys.delete(tenant.tenant_id, "k", actor="key")
        await webhooks.disable(tenant.tenant_id, webhook.webhook_id, "gone", actor=SERVICE)


async def test_a_change_without_its_store_is_unavailable() -> None:
    store, tenant = store_with()
    store.failing_calls["write"] = StoreUnavailable("TransactWriteItems")

    with pytest.raises(StoreUnavailable):
        await webhooks_of(store).create(tenant.tenant_id, make_webhook(), actor="key")
