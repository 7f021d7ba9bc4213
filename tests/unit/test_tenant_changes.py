"""Changes of tenants: what a tier brings along, shards that grow under way, and the end of a tenant."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

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
from triggers.api_keys import TENANT_SCOPES
from triggers.control import ControlPlane
from triggers.control_changes import OPERATOR, ControlChange
from triggers.control_views import ControlViews
from triggers.errors import NotFound, StoreUnavailable, ValidationFailed
from triggers.key_changes import KeyChanges
from triggers.rate_limits import RateLimit
from triggers.tenant_changes import TenantChanges
from triggers.tenants import SHARDS_BY_TIER, Tenant, Tier, limit_of

LIMIT = RateLimit(per_second=5, burst=10)


class Journal(FakeControl):
    """Control data that remembers every tenant as it was written, and may break off at a write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[Tenant] = []
        self.deleted: list[int] = []
        self.writes_left = 100

    async def write(self, tenant_id: str, change: ControlChange) -> bool:
        self.writes_left -= 1
        if self.writes_left < 0:
            raise StoreUnavailable("test")
        self.written += [put for put in change.puts if isinstance(put, Tenant)]
        self.deleted.append(len(change.deletes))
        return await super().write(tenant_id, change)


def changes_on(store: FakeControl, settle_seconds: float = 0) -> TenantChanges:
    clock = FakeClock()
    clock.advance(1)
    plane = ControlPlane(store, clock=clock, settle_seconds=settle_seconds)
    return TenantChanges(plane, clock=clock, random_bits=CountingBits())


def store_with(tenant: Tenant, *, webhooks: int = 0, keys: int = 0) -> Journal:
    store = Journal()
    made = tuple(make_key(tenant.tenant_id)[0] for _ in range(keys))
    store.keep(make_view(*(make_webhook() for _ in range(webhooks)), tenant=tenant, keys=made))
    return store


async def update(store: FakeControl, tenant: Tenant, **values: Any) -> Tenant:
    return await changes_on(store).update(tenant.tenant_id, values, actor=OPERATOR)


async def test_what_is_not_named_stays_as_it_is() -> None:
    tenant = make_tenant()
    store = store_with(tenant)

    updated = await update(store, tenant, name="newer")

    assert updated == replace(tenant, name="newer", read_shards=1, updated_ms=NOW_MS + 1000)
    assert store.views[tenant.tenant_id].tenant == updated
    assert [(entry.action, entry.fields) for entry in store.audit] == [
        ("tenant.updated", ("name",))
    ]


async def test_a_change_to_what_is_so_already_writes_nothing() -> None:
    tenant = make_tenant(tier=Tier.PRO, shards=8)
    store = store_with(tenant)

    assert await update(store, tenant, name=tenant.name, tier=Tier.PRO) == tenant
    assert store.written == []


async def test_shards_are_read_everywhere_before_they_are_written_to() -> None:
    tenant = make_tenant()
    store = store_with(tenant)

    updated = await update(store, tenant, tier=Tier.ENTERPRISE)

    assert [(t.shards, t.shards_to_read) for t in store.written] == [(1, 32), (32, 32)]
    assert (updated.tier, updated.shards) == (Tier.ENTERPRISE, 32)
    assert [entry.action for entry in store.audit] == ["tenant.updated", "tenant.grown"]


async def test_each_step_of_the_growth_is_in_force_before_the_next() -> None:
    tenant = make_tenant()
    store = store_with(tenant)
    loop = asyncio.get_running_loop()
    started = loop.time()

    await changes_on(store, settle_seconds=0.03).update(
        tenant.tenant_id, {"tier": Tier.PRO}, actor=OPERATOR
    )

    assert loop.time() - started >= 0.06 * 0.99


async def test_no_shard_is_written_to_that_another_growth_has_added_just_now() -> None:
    tenant = make_tenant()
    store = store_with(tenant)
    changes = changes_on(store, settle_seconds=0.03)
    to_pro = asyncio.create_task(
        changes.update(tenant.tenant_id, {"tier": Tier.PRO}, actor=OPERATOR)
    )
    await asyncio.sleep(0.015)  # half of the time that the first takes to settle

    await changes.update(tenant.tenant_id, {"tier": Tier.ENTERPRISE}, actor=OPERATOR)

    await to_pro
    steps = [(t.shards, t.shards_to_read) for t in store.written]
    assert steps == [(1, 8), (1, 32), (8, 32), (32, 32)]


async def test_shards_never_shrink() -> None:
    tenant = make_tenant(tier=Tier.ENTERPRISE, shards=32)
    store = store_with(tenant)

    updated = await update(store, tenant, tier=Tier.FREE)

    assert (updated.tier, updated.shards, updated.shards_to_read) == (Tier.FREE, 32, 32)


async def test_a_growth_that_broke_off_is_ended_by_the_same_call() -> None:
    tenant = make_tenant()
    store = store_with(tenant)
    store.writes_left = 1
    with pytest.raises(StoreUnavailable):
        await update(store, tenant, tier=Tier.PRO)
    half = store.views[tenant.tenant_id].tenant
    assert half is not None
    assert (half.shards, half.shards_to_read) == (1, 8)

    store.writes_left = 1
    assert (await update(store, tenant, tier=Tier.PRO)).shards == 8


@pytest.mark.parametrize("tier", [Tier.FREE, Tier.PRO])
async def test_a_limit_of_its_own_is_for_an_enterprise_tenant_alone(tier: Tier) -> None:
    tenant = make_tenant(tier=tier, shards=SHARDS_BY_TIER[tier])
    store = store_with(tenant)

    with pytest.raises(ValidationFailed, match="rate_limit"):
        await update(store, tenant, rate_limit=LIMIT)
    with pytest.raises(ValidationFailed, match="rate_limit"):
        await changes_on(store).create("Acme", tier, rate_limit=LIMIT, actor=OPERATOR)
    assert store.written == []
    updated = await update(store, tenant, tier=Tier.ENTERPRISE, rate_limit=LIMIT)
    assert limit_of(updated) == LIMIT


async def test_a_smaller_tier_ends_a_limit_of_its_own() -> None:
    tenant = make_tenant(tier=Tier.ENTERPRISE, shards=32, rate_limit=LIMIT)

    assert (await update(store_with(tenant), tenant, tier=Tier.PRO)).rate_limit is None
    assert (await update(store_with(tenant), tenant, rate_limit=None)).rate_limit is None


async def test_a_tenant_goes_first_and_all_that_it_had_after_it() -> None:
    tenant = make_tenant()
    store = store_with(tenant, webhooks=50, keys=100)

    await changes_on(store).delete(tenant.tenant_id, actor=OPERATOR)

    view = store.views[tenant.tenant_id]
    assert (view.tenant, view.keys, view.webhooks) == (None, {}, {})
    assert store.deleted == [1, 90, 60]
    assert {(e.actor, e.subject) for e in store.audit} == {(OPERATOR, tenant.tenant_id)}
    assert store.audit[0].action == "tenant.deleted"


async def test_what_is_not_there_any_more_cannot_be_changed_or_deleted() -> None:
    tenant = make_tenant()
    store = store_with(tenant, webhooks=1)
    changes = changes_on(store)
    await changes.delete(tenant.tenant_id, actor=OPERATOR)

    with pytest.raises(NotFound):
        await changes.delete(tenant.tenant_id, actor=OPERATOR)
    with pytest.raises(NotFound):
        await changes.update(tenant.tenant_id, {"name": "a"}, actor=OPERATOR)


@pytest.mark.parametrize("writes", [1, 2])
async def test_a_deletion_that_broke_off_is_ended_by_the_same_call(writes: int) -> None:
    tenant = make_tenant()
    store = store_with(tenant, webhooks=50, keys=100)
    store.writes_left = writes
    with pytest.raises(StoreUnavailable):
        await changes_on(store).delete(tenant.tenant_id, actor=OPERATOR)

    store.writes_left = 10
    await changes_on(store).delete(tenant.tenant_id, actor=OPERATOR)

    view = store.views[tenant.tenant_id]
    assert (view.tenant, view.keys, view.webhooks) == (None, {}, {})


async def test_what_a_deleted_tenant_has_left_counts_for_nobody() -> None:
    tenant = make_tenant()
    store = store_with(tenant, webhooks=3, keys=2)
    store.writes_left = 1
    with pytest.raises(StoreUnavailable):
        await changes_on(store).delete(tenant.tenant_id, actor=OPERATOR)
    views = ControlViews(store, age_max_seconds=1)

    view = await views.view(tenant.tenant_id)

    assert len(store.views[tenant.tenant_id].webhooks) == 3
    assert (view.tenant, view.keys, view.webhooks) == (None, {}, {})


async def test_nothing_is_added_to_a_tenant_that_was_deleted_meanwhile() -> None:
    tenant = make_tenant()
    store = store_with(tenant)
    await changes_on(store).delete(tenant.tenant_id, actor=OPERATOR)
    plane = ControlPlane(store, clock=FakeClock(), settle_seconds=0)
    keys = KeyChanges(plane, clock=FakeClock(), random_bits=CountingBits())

    with pytest.raises(NotFound, match="no tenant"):
        await keys.create(tenant.tenant_id, "late", TENANT_SCOPES, actor=OPERATOR)
    assert store.views[tenant.tenant_id].keys == {}
