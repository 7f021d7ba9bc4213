"""The records of idempotency keys, and what is accepted by them."""

import asyncio
import secrets

from msgspec.structs import replace

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_draft, make_event, make_tenant
from triggers.event_queries import EventQuery
from triggers.idempotency import Accepted, IdempotentIntake, digest_of_key
from triggers.intake import Intake
from triggers.ports import KeyRecord
from triggers.resources import Resources

TENANT, OTHER = "ten_0000000000000001", "ten_0000000000000002"
NOW_S = NOW_MS // 1000
DIGEST = digest_of_key("key")


def make_record(*, expires_s: int = NOW_S + 86_400, fingerprint: str = "f") -> KeyRecord:
    return KeyRecord(event_id=make_event().event_id, fingerprint=fingerprint, expires_s=expires_s)


async def test_of_many_records_at_once_one_stands(open_outside: OpenOutside) -> None:
    wanted = [make_record() for _ in range(40)]
    async with open_outside() as outside:
        records = outside.resources.idempotency

        found = await asyncio.gather(
            *(records.reserve(TENANT, DIGEST, record, now_s=NOW_S) for record in wanted)
        )

        [standing] = set(found)
        assert standing in wanted
        assert await records.read(TENANT, DIGEST) == standing


async def test_a_record_is_its_tenants_and_its_keys_alone(open_outside: OpenOutside) -> None:
    first, second, third = make_record(), make_record(), make_record()
    async with open_outside() as outside:
        records = outside.resources.idempotency
        assert await records.read(TENANT, DIGEST) is None

        assert await records.reserve(TENANT, DIGEST, first, now_s=NOW_S) == first
        assert await records.reserve(OTHER, DIGEST, second, now_s=NOW_S) == second
        assert await records.reserve(TENANT, digest_of_key("2"), third, now_s=NOW_S) == third


async def test_a_record_whose_time_is_over_gives_way(open_outside: OpenOutside) -> None:
    old, new = make_record(expires_s=NOW_S), make_record(fingerprint="g")
    async with open_outside() as outside:
        records = outside.resources.idempotency
        await records.reserve(TENANT, DIGEST, old, now_s=NOW_S - 1)
        await records.mark_deleted(TENANT, DIGEST, old.event_id)
        marked = replace(old, deleted=True)
        assert await records.reserve(TENANT, DIGEST, new, now_s=NOW_S - 1) == marked

        found = await asyncio.gather(
            *(records.reserve(TENANT, DIGEST, r, now_s=NOW_S) for r in (new, make_record()))
        )

        assert found[0] == found[1]
        assert await records.read(TENANT, DIGEST) == found[0]
        assert not found[0].deleted


async def test_a_mark_is_for_the_event_of_the_record_alone(open_outside: OpenOutside) -> None:
    record = make_record()
    async with open_outside() as outside:
        records = outside.resources.idempotency
        await records.mark_deleted(TENANT, DIGEST, record.event_id)
        assert await records.read(TENANT, DIGEST) is None
        await records.reserve(TENANT, DIGEST, record, now_s=NOW_S)

        await records.mark_deleted(TENANT, DIGEST, make_event().event_id)
        assert await records.read(TENANT, DIGEST) == record

        await records.mark_deleted(TENANT, DIGEST, record.event_id)
        await records.mark_deleted(TENANT, DIGEST, record.event_id)
        assert await records.read(TENANT, DIGEST) == replace(record, deleted=True)


def make_intake(resources: Resources) -> IdempotentIntake:
    intake = Intake(
        resources.events,
        resources.hints,
        clock=lambda: NOW_MS,
        random_bits=secrets.randbits,
        grace_seconds=10,
        retention_days=30,
    )
    return IdempotentIntake(
        intake, resources.events, resources.idempotency, clock=lambda: NOW_MS, hours=24
    )


async def test_B47_a_hundred_calls_at_once_with_one_key_make_one_event(
    open_outside: OpenOutside,
) -> None:
    tenant = make_tenant(tenant_id=TENANT, shards=8)
    draft = make_draft(idempotency_key="key", payload='"' + secrets.token_hex(2_000) + '"')
    async with open_outside() as outside:
        intake = make_intake(outside.resources)

        answers: list[Accepted] = await asyncio.gather(
            *(intake.accept(tenant, draft) for _ in range(100))
        )

        [event_id] = {answer.event.event_id for answer in answers}
        assert [answer.replayed for answer in answers].count(False) == 1
        page = await outside.resources.events.read_inbox(TENANT, EventQuery(shards=8, limit=10))
        [record] = page.records
        assert record.event.event_id == event_id
        assert record.event.payload == draft.payload
        assert record.event.key_digest == DIGEST
