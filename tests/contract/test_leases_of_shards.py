"""Leases of due shards, by which workers keep out of each other's way."""

import asyncio

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS

UNTIL_MS = NOW_MS + 10_000
LATER_MS = UNTIL_MS + 10_000


async def test_a_free_shard_can_be_taken(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        leases = outside.resources.shard_leases

        assert await leases.take("00", "me", now_ms=NOW_MS, until_ms=UNTIL_MS) is None


async def test_a_taken_shard_is_anothers_until_the_lease_has_ended(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        leases = outside.resources.shard_leases
        await leases.take("00", "me", now_ms=NOW_MS, until_ms=UNTIL_MS)

        for now_ms in (NOW_MS, UNTIL_MS - 1):
            ends_ms = await leases.take("00", "you", now_ms=now_ms, until_ms=LATER_MS)
            assert ends_ms == UNTIL_MS

        assert await leases.take("00", "you", now_ms=UNTIL_MS + 1, until_ms=LATER_MS) is None


async def test_an_owner_can_extend_its_lease(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        leases = outside.resources.shard_leases
        await leases.take("00", "me", now_ms=NOW_MS, until_ms=UNTIL_MS)

        assert await leases.take("00", "me", now_ms=NOW_MS + 1, until_ms=LATER_MS) is None

        assert await leases.take("00", "you", now_ms=UNTIL_MS + 1, until_ms=0) == LATER_MS


async def test_a_shard_given_back_is_free(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        leases = outside.resources.shard_leases
        await leases.take("00", "me", now_ms=NOW_MS, until_ms=UNTIL_MS)

        await leases.release("00", "me")

        assert await leases.take("00", "you", now_ms=NOW_MS, until_ms=UNTIL_MS) is None


async def test_nobody_gives_back_what_is_anothers(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        leases = outside.resources.shard_leases
        await leases.take("00", "me", now_ms=NOW_MS, until_ms=UNTIL_MS)

        await leases.release("00", "you")
        await leases.release("01", "you")

        assert await leases.take("00", "you", now_ms=NOW_MS, until_ms=LATER_MS) == UNTIL_MS


async def test_shards_are_taken_one_by_one(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        leases = outside.resources.shard_leases
        await leases.take("00", "me", now_ms=NOW_MS, until_ms=UNTIL_MS)

        assert await leases.take("01", "you", now_ms=NOW_MS, until_ms=UNTIL_MS) is None


async def test_of_many_who_want_a_shard_at_once_one_gets_it(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        leases = outside.resources.shard_leases

        answers = await asyncio.gather(
            *(
                leases.take("00", owner, now_ms=NOW_MS, until_ms=UNTIL_MS)
                for owner in ("one", "two", "three")
            )
        )

        assert sorted(answers, key=str) == [UNTIL_MS, UNTIL_MS, None]
