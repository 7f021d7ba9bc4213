"""The keyring: one key of a tenant to write with, and no call for a key that is known."""

import asyncio

import pytest

from tests.fakes import FakeDataKeys
from triggers.data_keys import DataKeyring
from triggers.errors import StoreUnavailable


async def test_a_tenant_has_one_key_to_write_with_and_another_tenant_another() -> None:
    keys = FakeDataKeys()
    keyring = DataKeyring(keys)

    first = await keyring.for_writing("ten_A")

    assert await keyring.for_writing("ten_A") is first
    assert await keyring.for_writing("ten_B") != first
    assert keys.calls["generate"] == 2


async def test_a_key_is_unwrapped_once() -> None:
    keys = FakeDataKeys()
    made = await keys.generate("ten_A")
    keyring = DataKeyring(keys)

    for _ in range(3):
        assert await keyring.unwrapped("ten_A", made.wrapped) == made

    assert keys.calls["unwrap"] == 1


async def test_what_a_process_has_made_it_need_not_unwrap() -> None:
    keys = FakeDataKeys()
    keyring = DataKeyring(keys)

    made = await keyring.for_writing("ten_A")

    assert await keyring.unwrapped("ten_A", made.wrapped) is made
    assert keys.calls["unwrap"] == 0


async def test_a_process_writes_with_the_key_that_it_has_found() -> None:
    keys = FakeDataKeys()
    made = await keys.generate("ten_A")
    keyring = DataKeyring(keys)

    await keyring.unwrapped("ten_A", made.wrapped)

    assert await keyring.for_writing("ten_A") == made
    assert keys.calls["generate"] == 1


async def test_all_who_want_a_key_at_once_share_one_call() -> None:
    keys = FakeDataKeys()
    made = await keys.generate("ten_A")
    keyring = DataKeyring(keys)

    got = await asyncio.gather(*(keyring.unwrapped("ten_A", made.wrapped) for _ in range(9)))

    assert got == [made] * 9
    assert keys.calls["unwrap"] == 1


async def test_who_stops_waiting_takes_the_key_from_nobody() -> None:
    keys = FakeDataKeys()
    made = await keys.generate("ten_A")
    keyring = DataKeyring(keys)
    keys.gate.clear()
    one, other = (asyncio.create_task(keyring.unwrapped("ten_A", made.wrapped)) for _ in range(2))
    await asyncio.sleep(0)

    one.cancel()
    keys.gate.set()

    assert await other == made
    assert keys.calls["unwrap"] == 1
    await keyring.close()


async def test_a_call_that_failed_is_made_again() -> None:
    keys = FakeDataKeys()
    keyring = DataKeyring(keys)
    keys.failing = StoreUnavailable("KMS")
    with pytest.raises(StoreUnavailable):
        await keyring.for_writing("ten_A")
    keys.failing = None

    assert (await keyring.for_writing("ten_A")).plain


async def test_of_many_keys_those_used_lately_are_kept() -> None:
    keys = FakeDataKeys()
    first, second, third = [await keys.generate(f"ten_{n}") for n in range(3)]
    keyring = DataKeyring(keys, kept_max=4)  # two of each tenant

    for number, made in enumerate((first, second, first, third, first)):
        await keyring.unwrapped(f"ten_{(0, 1, 0, 2, 0)[number]}", made.wrapped)
    assert keys.calls["unwrap"] == 3

    await keyring.unwrapped("ten_1", second.wrapped)
    assert keys.calls["unwrap"] == 4
