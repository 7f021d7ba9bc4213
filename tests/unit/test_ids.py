"""Identifiers: they sort by time, and carry what the service needs to know."""

import secrets
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS, CountingBits
from triggers.ids import (
    ALPHABET,
    DUE_SHARDS,
    RandomBits,
    created_ms_of,
    due_shard_of,
    encode,
    is_event_id,
    is_tenant_id,
    make_correlation_id,
    make_event_id,
    make_key_id,
    make_request_id,
    make_tenant_id,
    make_webhook_id,
    random_text,
    shard_of,
    tenant_of_key,
)

MOMENTS = st.integers(0, 2**48 - 1)
SHARDS = st.sampled_from([1, 8, 32])
BITS = st.integers(0, 2**80 - 1)


def test_numbers_are_written_in_crockford_base_32() -> None:
    assert encode(0, 2) == "00"
    assert encode(31, 2) == "0Z"
    assert encode(32, 2) == "10"
    assert encode(1024 + 1, 2) == "01"
    assert encode(1024 + 1, 3) == "101"
    assert encode(1024 + 1, 1) == "1"
    assert not set(ALPHABET) & set("ILOU")


def test_an_event_id_looks_like_this() -> None:
    assert make_event_id(NOW_MS, 1, CountingBits()) == "evt_01M80VNAEV0000000000000000"


@given(MOMENTS, SHARDS, BITS)
def test_an_event_id_carries_its_time_and_its_shard(moment: int, shards: int, bits: int) -> None:
    event_id = make_event_id(moment, shards, lambda _: bits)

    assert is_event_id(event_id)
    assert created_ms_of(event_id) == moment
    assert shard_of(event_id) == bits % shards
    assert due_shard_of(event_id) in DUE_SHARDS


@given(MOMENTS, MOMENTS, BITS, BITS)
def test_event_ids_sort_by_time(one: int, other: int, bits: int, other_bits: int) -> None:
    first = make_event_id(one, 32, lambda _: bits)
    second = make_event_id(other, 32, lambda _: other_bits)

    assert (first < second) == (one < other) or one == other


def test_events_are_spread_over_all_shards_and_all_due_shards() -> None:
    event_ids = [make_event_id(NOW_MS, 8, secrets.randbits) for _ in range(1_000)]

    assert {shard_of(event_id) for event_id in event_ids} == set(range(8))
    assert {due_shard_of(event_id) for event_id in event_ids} == set(DUE_SHARDS)


def test_where_an_event_is_due_does_not_depend_on_its_shard() -> None:
    event_ids = [make_event_id(NOW_MS, 1, secrets.randbits) for _ in range(1_000)]

    assert {due_shard_of(event_id) for event_id in event_ids} == set(DUE_SHARDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evt_",
        "evt_01M80VNAEV000000000000000",
        "evt_01M80VNAEV00000000000000000",
        "evt_81M80VNAEV0000000000000000",
        "evt_01m80vnaev0000000000000000",
        "evt_01M80VNAEV000000000000000I",
        "evt_01M80VNAEV000000000000000#",
        "evt_01M80VNAEV000000000000000\n",
        "evt_01M80VNAEV0000000000000000\n",
        "wh_01M80VNAEV0000000000000000",
        " evt_01M80VNAEV0000000000000000",
        "evt_٠١M80VNAEV000000000000000٠",
    ],
)
def test_anything_else_is_no_event_id(text: str) -> None:
    assert not is_event_id(text)


def test_a_tenant_id_is_recognised() -> None:
    assert is_tenant_id(make_tenant_id(secrets.randbits))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ten_",
        "ten_000000000000000",
        "ten_00000000000000000",
        "ten_000000000000000u",
        "ten_0000000000000000\n",
        "ten_0000000000000000#0",
        "wh__0000000000000000",
    ],
)
def test_anything_else_is_no_tenant_id(text: str) -> None:
    assert not is_tenant_id(text)


def test_a_key_id_names_its_tenant() -> None:
    tenant_id = make_tenant_id(secrets.randbits)

    assert tenant_of_key(make_key_id(tenant_id, secrets.randbits)) == tenant_id


@pytest.mark.parametrize(
    ("make", "prefix", "characters"),
    [
        (make_tenant_id, "ten_", 16),
        (make_webhook_id, "wh_", 20),
        (make_request_id, "req_", 20),
        (make_correlation_id, "corr_", 20),
    ],
)
def test_other_ids_are_a_prefix_and_random_characters(
    make: Callable[[RandomBits], str], prefix: str, characters: int
) -> None:
    asked: list[int] = []

    def random_bits(count: int) -> int:
        asked.append(count)
        return (1 << count) - 1

    assert make(random_bits) == prefix + "Z" * characters
    assert asked == [8 * characters]


def test_of_random_characters_each_is_as_likely_as_all_others() -> None:
    every_byte = int.from_bytes(bytes(range(256)), "big")

    text = random_text(256, lambda _: every_byte)

    assert {character: text.count(character) for character in text} == dict.fromkeys(ALPHABET, 8)
