"""How an event lies in its item, and what room is left in the first kilobyte."""

import json

import pytest

from tests.factories import NOW_MS, TRACEPARENT, make_delivery, make_event
from tests.write_units import UNIT_BYTES, item_bytes
from triggers.aws import event_records as records
from triggers.aws.event_records import Item
from triggers.deliveries import DeliveryStatus

PARTITION = "ten_0000000000000001#31"
OWNER = "AbCd-_12"
HELD = {"lease": {"N": str(NOW_MS)}, "owner": {"S": OWNER}}


def stored(payload: str) -> Item:
    """Return the item of a fresh event with that payload."""
    event = make_event(payload=payload, shards=32, traceparent=TRACEPARENT)
    text = records.encode_event(event)
    packed = records.pack(payload, len(text.encode()))
    return records.new_item(
        PARTITION, event.event_id, stored=text, packed=packed, due_ms=NOW_MS, expires_s=2**31
    )


def test_the_first_kilobyte_has_room_for_a_claim_and_a_delivery_that_failed() -> None:
    items = (stored("9" * characters) for characters in range(UNIT_BYTES, 0, -1))
    largest = next(item for item in items if "S" in item["payload"])
    delivery = make_delivery(
        status=DeliveryStatus.PENDING,
        attempts=11,
        next_attempt_ms=NOW_MS,
        last_status_code=503,
        last_error="receiver answered 503",
        duration_ms=15_000,
    )
    text = {"S": records.encode_deliveries((delivery,))}
    full = largest | HELD | {"deliveries": text, "ready": {"N": str(NOW_MS)}}

    assert UNIT_BYTES - 200 < item_bytes(full) <= UNIT_BYTES


@pytest.mark.parametrize("letters", [40, 400, 4_000, 40_000, 150_000])
def test_the_size_of_a_payload_is_known_in_bytes(letters: int) -> None:
    payload = json.dumps("\u00e9" * letters, ensure_ascii=False)

    assert records.payload_bytes_of(stored(payload)) == 2 * letters + 2


def test_what_is_compressed_is_not_inflated_to_know_its_size() -> None:
    item = stored(json.dumps("x" * 4_000))
    assert "B" in item["payload"]

    assert records.payload_bytes_of(item | {"payload": {"B": b"broken"}}) == 4_002


def test_a_compressed_payload_of_an_older_writer_is_measured_all_the_same() -> None:
    item = stored(json.dumps("\u00e9" * 4_000, ensure_ascii=False))
    del item["payload_bytes"]

    assert records.payload_bytes_of(item) == 8_002


def test_a_claim_is_known_by_its_token_while_it_holds() -> None:
    item = stored("1")

    assert records.is_claimed_by(item | HELD, OWNER)
    assert not records.is_claimed_by(item, OWNER)
    assert not records.is_claimed_by(item | HELD, "another-")
    assert not records.is_claimed_by(item | HELD | {"lease": {"N": "0"}}, OWNER)
    assert not records.is_claimed_by(item | HELD | {"status": {"S": "acknowledged"}}, OWNER)
