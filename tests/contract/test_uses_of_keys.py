"""When keys were used last, and the signatures that must not be used again."""

import asyncio

from tests.contract.outsides import OpenOutside
from tests.factories import NOW_MS, make_key, make_tenant
from triggers.api_keys import KEYS_MAX

TENANT_ID = make_tenant().tenant_id
EXPIRES_S = 2**32  # the emulator deletes what has expired by the true clock


async def test_the_last_use_of_each_key_can_be_read(open_outside: OpenOutside) -> None:
    key_ids = [make_key(TENANT_ID)[0].key_id for _ in range(KEYS_MAX)]
    async with open_outside() as outside:
        uses = outside.resources.key_uses
        assert await uses.read(TENANT_ID, key_ids) == {}
        assert await uses.read(TENANT_ID, ()) == {}

        await uses.record(TENANT_ID, key_ids[0], NOW_MS - 1)
        await uses.record(TENANT_ID, key_ids[0], NOW_MS)
        await uses.record(TENANT_ID, key_ids[-1], NOW_MS + 1)

        expected = {key_ids[0]: NOW_MS, key_ids[-1]: NOW_MS + 1}
        assert await uses.read(TENANT_ID, key_ids) == expected
        assert await uses.read(make_tenant().tenant_id, key_ids) == {}


async def test_a_signature_is_used_once_by_each_tenant(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        signatures = outside.resources.used_signatures

        assert await signatures.use(TENANT_ID, "digest", "first", expires_s=EXPIRES_S)
        assert not await signatures.use(TENANT_ID, "digest", "second", expires_s=EXPIRES_S)
        assert await signatures.use(TENANT_ID, "other", "second", expires_s=EXPIRES_S)
        assert await signatures.use(make_tenant().tenant_id, "digest", "third", expires_s=EXPIRES_S)


async def test_a_use_that_is_sent_again_knows_itself(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        signatures = outside.resources.used_signatures
        for _ in range(2):
            assert await signatures.use(TENANT_ID, "digest", "mine", expires_s=EXPIRES_S)


async def test_of_many_uses_at_once_one_wins(open_outside: OpenOutside) -> None:
    async with open_outside() as outside:
        use = outside.resources.used_signatures.use
        tokens = [f"token {number}" for number in range(30)]

        won = await asyncio.gather(
            *(use(TENANT_ID, "digest", token, expires_s=EXPIRES_S) for token in tokens)
        )

        assert won.count(True) == 1
