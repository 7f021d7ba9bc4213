"""The buckets of rate limits: shared by compare-and-set, also by many at once."""

import asyncio

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS
from triggers.rate_limits import Bucket, RateLimit, take
from triggers.shares import Share

LIMIT = RateLimit(per_second=100, burst=200, per_day=1_000, per_month=10_000)


def taken(calls: int, bucket: Bucket | None = None) -> Bucket:
    after = take(bucket or Bucket(), calls, NOW_MS, LIMIT)
    assert isinstance(after, Bucket)
    return after


async def test_a_bucket_is_written_if_its_version_is_still_that_one(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        buckets = outside.resources.buckets
        first = taken(10)
        second = taken(10, first)

        assert await buckets.write("ten_1", None, first, before_version=0) is None
        assert await buckets.write("ten_1", None, second, before_version=1) is None

        for stale in (0, 1, 3):
            assert await buckets.write("ten_1", None, first, before_version=stale) == second


async def test_a_bucket_that_was_deleted_meanwhile_is_as_good_as_new(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        buckets = outside.resources.buckets
        assert await buckets.write("ten_1", None, taken(10), before_version=7) == Bucket()
        assert await buckets.write("ten_1", None, taken(10), before_version=0) is None


async def test_tenants_and_keys_have_a_bucket_each(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        buckets = outside.resources.buckets
        for tenant_id in ("ten_1", "ten_2"):
            for key_id in (None, f"{tenant_id}_key1", f"{tenant_id}_key2"):
                written = await buckets.write(tenant_id, key_id, taken(10), before_version=0)
                assert written is None


async def test_of_many_who_write_a_bucket_at_once_one_wins_and_the_others_get_what_it_wrote(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        buckets = outside.resources.buckets

        answers = await asyncio.gather(
            *(buckets.write("ten_1", None, taken(calls), before_version=0) for calls in range(1, 9))
        )

        assert answers.count(None) == 1
        winner = taken(answers.index(None) + 1)
        assert [answer for answer in answers if answer is not None] == [winner] * 7


async def test_many_processes_at_once_lease_no_more_than_there_is(
    open_outside: OpenOutside,
) -> None:
    async with open_outside() as outside:
        shares = [Share(outside.resources.buckets, "ten_1") for _ in range(5)]

        async def use_up(share: Share) -> int:
            let_in = 0
            while await share.take(1, NOW_MS, LIMIT) is None:
                let_in += 1
                if share.lease is not None:
                    await share.lease
            return let_in

        let_in = await asyncio.gather(*(use_up(share) for share in shares))

        assert sum(let_in) + sum(share.in_hand for share in shares) == 200
        assert 200 <= sum(let_in) <= 200 + 5 * LIMIT.block
