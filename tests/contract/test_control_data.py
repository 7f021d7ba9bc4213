"""Tenants, keys and webhooks under one version, changed in transactions."""

import asyncio
import itertools

from msgspec.structs import replace

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_key, make_tenant, make_webhook
from triggers.api_keys import Scope
from triggers.control import ControlPlane, Decision
from triggers.control_changes import AuditEntry, ControlChange, Controlled
from triggers.ids import TENANT_GROUPS, group_of
from triggers.tenants import Tenant, TenantView, Tier
from triggers.webhooks import WebhookStatus

TENANT = make_tenant(name="Café “Ünïcode” 😀", tier=Tier.ENTERPRISE, shards=32)
TENANT_ID = TENANT.tenant_id


def change(
    from_version: int,
    *puts: Controlled,
    deletes: tuple[Controlled, ...] = (),
    subject: str = "subject",
) -> ControlChange:
    audit = AuditEntry(at_ms=NOW_MS, actor="operator", action="test", subject=subject)
    return ControlChange(from_version=from_version, audit=audit, puts=puts, deletes=deletes)


async def test_a_tenant_that_is_not_there_has_version_0_and_nothing(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        control = outside.resources.control

        assert await control.read_version(TENANT_ID) == 0
        assert await control.read_view(TENANT_ID) == TenantView(tenant_id=TENANT_ID, version=0)


async def test_what_was_written_can_be_read_back(open_outside: OpenOutside) -> None:
    key, _ = make_key(TENANT_ID, scopes=(Scope.INBOX,), expires_ms=NOW_MS + 1)
    webhook = make_webhook(
        url="https://example.com/é?a=b",
        event_types=("order.*", "a"),
        retry=(1, 60),
        timeout_seconds=30,
        status=WebhookStatus.DISABLED,
        disabled_reason="answered 410",
        disabled_ms=NOW_MS,
    )
    async with open_outside() as outside:
        control = outside.resources.control

        assert await control.write(TENANT_ID, change(0, TENANT, key, webhook))

        assert await control.read_version(TENANT_ID) == 1
        assert await control.read_view(TENANT_ID) == TenantView(
            tenant_id=TENANT_ID,
            version=1,
            tenant=TENANT,
            keys={key.key_id: key},
            webhooks={webhook.webhook_id: webhook},
        )


async def test_every_change_raises_the_version_and_touches_what_it_names_alone(
    open_outside: OpenOutside,
) -> None:
    kept, gone, changed = make_webhook(), make_webhook(), make_webhook()
    newer = replace(changed, url="http://127.0.0.1:9000/newer", retry="short")
    async with open_outside() as outside:
        control = outside.resources.control
        await control.write(TENANT_ID, change(0, TENANT, kept, gone, changed))

        assert await control.write(TENANT_ID, change(1, newer, deletes=(gone,)))

        view = await control.read_view(TENANT_ID)
        assert view.version == await control.read_version(TENANT_ID) == 2
        assert view.tenant == TENANT
        assert view.webhooks == {kept.webhook_id: kept, newer.webhook_id: newer}


async def test_a_change_from_an_older_version_is_refused_whole(open_outside: OpenOutside) -> None:
    first, late = make_webhook(), make_webhook()
    async with open_outside() as outside:
        control = outside.resources.control
        await control.write(TENANT_ID, change(0, TENANT, first))
        before = await control.read_view(TENANT_ID)

        assert not await control.write(TENANT_ID, change(0, late, deletes=(first,)))
        assert not await control.write(TENANT_ID, change(7, late, deletes=(first,)))

        assert await control.read_view(TENANT_ID) == before


async def test_of_many_changes_at_once_from_one_version_one_wins(
    open_outside: OpenOutside,
) -> None:
    webhooks = [make_webhook() for _ in range(4)]
    async with open_outside() as outside:
        control = outside.resources.control
        await control.write(TENANT_ID, change(0, TENANT))

        won = await asyncio.gather(
            *(control.write(TENANT_ID, change(1, w, subject=w.webhook_id)) for w in webhooks)
        )

        assert sorted(won) == [False, False, False, True]
        view = await control.read_view(TENANT_ID)
        assert view.version == 2
        assert list(view.webhooks.values()) == [webhooks[won.index(True)]]


async def test_tenants_have_versions_of_their_own(open_outside: OpenOutside) -> None:
    others = make_tenant()
    async with open_outside() as outside:
        control = outside.resources.control
        await control.write(TENANT_ID, change(0, TENANT))
        await control.write(others.tenant_id, change(0, others))
        await control.write(others.tenant_id, change(1, make_webhook()))

        assert await control.read_version(TENANT_ID) == 1
        assert await control.read_version(others.tenant_id) == 2
        assert (await control.read_view(TENANT_ID)).webhooks == {}


async def test_each_change_raises_the_version_of_the_group_and_a_refused_one_does_not(
    open_outside: OpenOutside,
) -> None:
    group = group_of(TENANT_ID)
    async with open_outside() as outside:
        control = outside.resources.control
        assert await control.read_group_version(group) == 0

        await control.write(TENANT_ID, change(0, TENANT))
        assert not await control.write(TENANT_ID, change(0, make_webhook()))
        await control.write(TENANT_ID, change(1, make_webhook()))

        assert await control.read_group_version(group) == 2
        assert await control.read_group_version((group + 1) % TENANT_GROUPS) == 0


async def test_tenants_of_a_group_change_at_the_same_time(open_outside: OpenOutside) -> None:
    of_group = (
        tenant
        for tenant in iter(make_tenant, None)
        if group_of(tenant.tenant_id) == group_of(TENANT_ID)
    )
    tenants = list(itertools.islice(of_group, 8))
    async with open_outside() as outside:
        control = outside.resources.control
        plane = ControlPlane(control, clock=lambda: NOW_MS, settle_seconds=0)

        async def make(tenant: Tenant) -> None:
            decision = Decision(puts=(tenant,))
            await plane.write(tenant.tenant_id, "operator", "test", lambda _: decision)

        await asyncio.gather(*(make(tenant) for tenant in tenants))

        assert await control.read_group_version(group_of(TENANT_ID)) == len(tenants)
        versions = [await control.read_version(tenant.tenant_id) for tenant in tenants]
        assert versions == [1] * len(tenants)


async def test_a_tenant_with_all_that_it_may_have_is_read_whole(open_outside: OpenOutside) -> None:
    keys = [make_key(TENANT_ID, name="k" * 128)[0] for _ in range(100)]
    webhooks = [
        make_webhook(
            url="https://example.com/" + "x" * 2_000,
            event_types=tuple(f"{number:03d}{'t' * 125}" for number in range(150)),
        )
        for _ in range(50)
    ]
    everything: list[Controlled] = [*keys, *webhooks]
    async with open_outside() as outside:
        control = outside.resources.control
        await control.write(TENANT_ID, change(0, TENANT))
        for version, controlled in enumerate(everything, start=1):
            assert await control.write(TENANT_ID, change(version, controlled))

        view = await control.read_view(TENANT_ID)

        assert view.keys == {key.key_id: key for key in keys}
        assert view.webhooks == {webhook.webhook_id: webhook for webhook in webhooks}
