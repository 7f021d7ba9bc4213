"""Notes of when keys are used: seldom, in the background, and never in anybody's way."""

import asyncio

from tests.factories import NOW_MS
from tests.fakes import FakeKeyUses
from triggers.errors import StoreUnavailable
from triggers.key_use_log import INTERVAL_MS, KeyUseLog

TENANT = "ten_1"


async def test_a_use_is_noted_at_once_and_then_once_a_minute() -> None:
    uses = FakeKeyUses()
    log = KeyUseLog(uses)
    for now_ms in (NOW_MS, NOW_MS + 1, NOW_MS + INTERVAL_MS - 1, NOW_MS + INTERVAL_MS):
        log.note(TENANT, "key", now_ms)
    log.note(TENANT, "other", NOW_MS)
    await log.close()
    assert uses.used == {(TENANT, "key"): NOW_MS + INTERVAL_MS, (TENANT, "other"): NOW_MS}
    assert uses.calls["record"] == 3


async def test_a_clock_that_was_set_back_does_not_stop_the_notes() -> None:
    uses = FakeKeyUses()
    log = KeyUseLog(uses)
    log.note(TENANT, "key", NOW_MS)
    await log.close()
    log.note(TENANT, "key", NOW_MS - 3_600_000)
    await log.close()
    assert uses.calls["record"] == 2


async def test_a_store_that_fails_disturbs_nobody_and_is_not_pressed() -> None:
    uses = FakeKeyUses()
    uses.failing = StoreUnavailable("BatchWriteItem")
    log = KeyUseLog(uses)
    log.note(TENANT, "key", NOW_MS)
    await log.close()
    log.note(TENANT, "key", NOW_MS + 1)
    await log.close()
    assert (uses.used, uses.calls["record"]) == ({}, 1)


async def test_no_more_notes_are_in_the_air_than_there_is_room_for() -> None:
    uses = FakeKeyUses()
    uses.gate.clear()
    log = KeyUseLog(uses, in_flight_max=1)
    log.note(TENANT, "key", NOW_MS)
    log.note(TENANT, "later", NOW_MS)
    await asyncio.sleep(0)
    uses.gate.set()
    await log.close()
    assert list(uses.used) == [(TENANT, "key")]
    log.note(TENANT, "later", NOW_MS + 1)
    await log.close()
    assert uses.used[TENANT, "later"] == NOW_MS + 1


async def test_only_so_many_keys_are_remembered_and_none_is_noted_more_often_for_it() -> None:
    uses = FakeKeyUses()
    log = KeyUseLog(uses, keys_max=1)
    for key_id, now_ms in (("a", NOW_MS), ("b", NOW_MS), ("a", NOW_MS + 1)):
        log.note(TENANT, key_id, now_ms)
    await log.close()
    assert list(uses.used) == [(TENANT, "a")]
    log.note(TENANT, "b", NOW_MS + INTERVAL_MS)
    await log.close()
    assert uses.used[TENANT, "b"] == NOW_MS + INTERVAL_MS
    assert len(log._noted) == 1
