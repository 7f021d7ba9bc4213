"""The directory of tenants and the audit: written with the changes themselves, read in pages."""

import pytest
from msgspec.structs import replace

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_tenant, make_webhook
from triggers.audit import AuditFilter
from triggers.control_changes import AuditEntry, ControlChange, Controlled
from triggers.ports import AuditReads, TenantDirectory
from triggers.tenants import Tenant

TENANT = make_tenant()
TENANT_ID = TENANT.tenant_id
ALL = AuditFilter()


def entry(number: int = 0, **values: object) -> AuditEntry:
    defaults = {"at_ms": NOW_MS + number, "actor": "operator", "action": "test", "subject": "s"}
    return AuditEntry(**(defaults | values))  # type: ignore[arg-type]


def change(
    from_version: int,
    *puts: Controlled,
    deletes: tuple[Controlled, ...] = (),
    audit: AuditEntry | None = None,
) -> ControlChange:
    return ControlChange(
        from_version=from_version, puts=puts, deletes=deletes, audit=audit or entry()
    )


async def all_tenants(directory: TenantDirectory, limit: int) -> list[list[Tenant]]:
    pages, position = [], None
    while True:
        page = await directory.read_tenants(after=position, limit=limit)
        assert len(page.tenants) <= limit
        pages.append(list(page.tenants))
        if (position := page.position) is None:
            return pages


async def all_entries(
    audit: AuditReads, wanted: AuditFilter = ALL, limit: int = 100
) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    position = None
    for _ in range(50):
        page = await audit.read_audit(TENANT_ID, wanted, after=position, limit=limit)
        assert len(page.entries) <= limit
        found += page.entries
        if (position := page.position) is None:
            return found
    raise AssertionError("the audit has no end")


async def test_the_directory_has_every_tenant_the_oldest_first(open_outside: OpenOutside) -> None:
    tenants = [make_tenant(created_ms=NOW_MS + number // 2) for number in range(7)]
    async with open_outside() as outside:
        assert await all_tenants(outside.resources.directory, 3) == [[]]
        for tenant in tenants:
            await outside.resources.control.write(tenant.tenant_id, change(0, tenant))

        pages = await all_tenants(outside.resources.directory, 3)

        listed = [tenant for page in pages for tenant in page]
        assert listed == sorted(tenants, key=lambda t: (t.created_ms, t.tenant_id))
        assert len(pages[0]) == 3


async def test_the_directory_shows_a_tenant_as_it_is_until_it_is_gone(
    open_outside: OpenOutside,
) -> None:
    newer = replace(TENANT, name="newer")
    async with open_outside() as outside:
        control, directory = outside.resources.control, outside.resources.directory
        await control.write(TENANT_ID, change(0, TENANT, make_webhook()))
        await control.write(TENANT_ID, change(1, newer))
        assert await all_tenants(directory, 10) == [[newer]]

        await control.write(TENANT_ID, change(2, deletes=(newer,)))

        assert await all_tenants(directory, 10) == [[]]
        view = await control.read_view(TENANT_ID)
        assert (view.version, view.tenant, len(view.webhooks)) == (3, None, 1)


async def test_a_change_that_was_refused_is_in_no_directory(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        control, directory = outside.resources.control, outside.resources.directory
        await control.write(TENANT_ID, change(0, TENANT))

        assert not await control.write(TENANT_ID, change(0, replace(TENANT, name="late")))
        assert not await control.write(TENANT_ID, change(7, deletes=(TENANT,)))

        assert await all_tenants(directory, 10) == [[TENANT]]


async def test_as_much_as_one_transaction_takes_is_deleted_at_once(
    open_outside: OpenOutside,
) -> None:
    webhooks = [make_webhook() for _ in range(90)]
    async with open_outside() as outside:
        control = outside.resources.control
        await control.write(TENANT_ID, change(0, TENANT))
        await control.write(TENANT_ID, change(1, *webhooks))

        assert await control.write(TENANT_ID, change(2, deletes=tuple(webhooks)))

        assert (await control.read_view(TENANT_ID)).webhooks == {}


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_the_audit_is_read_newest_first_without_gap_or_repeat(
    open_outside: OpenOutside, limit: int
) -> None:
    entries = [entry(number // 3, subject=f"s{number}", fields=("a", "b")) for number in range(9)]
    async with open_outside() as outside:
        for version, each in enumerate(entries):
            assert await outside.resources.control.write(
                TENANT_ID, change(version, make_webhook(), audit=each)
            )

        assert await all_entries(outside.resources.audit, limit=limit) == entries[::-1]


async def test_changes_in_one_millisecond_of_one_thing_are_all_audited(
    open_outside: OpenOutside,
) -> None:
    webhook = make_webhook()
    async with open_outside() as outside:
        for version in range(12):
            assert await outside.resources.control.write(TENANT_ID, change(version, webhook))

        assert len(await all_entries(outside.resources.audit)) == 12


async def test_the_audit_of_a_tenant_is_its_own(open_outside: OpenOutside) -> None:
    others = make_tenant()
    async with open_outside() as outside:
        await outside.resources.control.write(others.tenant_id, change(0, others))

        assert await all_entries(outside.resources.audit) == []


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (AuditFilter(action="even"), [8, 6, 4, 2, 0]),
        (AuditFilter(subject="s7"), [7]),
        (AuditFilter(action="even", subject="s7"), []),
        (AuditFilter(since_ms=NOW_MS + 7), [8, 7]),
        (AuditFilter(until_ms=NOW_MS + 2), [1, 0]),
        (AuditFilter(since_ms=NOW_MS + 3, until_ms=NOW_MS + 5), [4, 3]),
        (AuditFilter(since_ms=NOW_MS + 5, until_ms=NOW_MS + 3), []),
        (AuditFilter(since_ms=NOW_MS + 3, until_ms=NOW_MS + 8, action="even"), [6, 4]),
        (AuditFilter(since_ms=10**15, until_ms=10**16), []),
    ],
)
@pytest.mark.parametrize("limit", [1, 100])
async def test_the_audit_is_filtered(
    open_outside: OpenOutside, wanted: AuditFilter, numbers: list[int], limit: int
) -> None:
    entries = [entry(n, action=("odd", "even")[n % 2 == 0], subject=f"s{n}") for n in range(9)]
    async with open_outside() as outside:
        for version, each in enumerate(entries):
            await outside.resources.control.write(TENANT_ID, change(version, TENANT, audit=each))

        found = await all_entries(outside.resources.audit, wanted, limit)

        assert found == [entries[number] for number in numbers]


async def test_the_tenant_itself_is_no_audit_entry(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        await outside.resources.control.write(TENANT_ID, change(0, TENANT, make_webhook()))

        wanted = AuditFilter(since_ms=0, until_ms=10**14)
        assert len(await all_entries(outside.resources.audit, wanted)) == 1
