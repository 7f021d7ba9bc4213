"""The messages of SQS: what is understood, what is malformed, and which characters go over."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS, TRACEPARENT, make_event
from triggers.messages import (
    HINT_EVENTS_MAX,
    DeadLetter,
    Hint,
    MalformedMessage,
    decode_hint,
    encode_message,
)

TENANT, NEIGHBOUR = "ten_0000000000000001", "ten_0000000000000002"
ONE, OTHER, THIRD = (make_event().event_id for _ in range(3))
HINT = Hint(
    tenant_id=TENANT,
    event_ids=(ONE, OTHER),
    sent_ms=NOW_MS,
    traceparents={ONE: TRACEPARENT},
    others={NEIGHBOUR: (THIRD,)},
)
TEXT = encode_message(HINT)


def test_a_hint_looks_like_this() -> None:
    assert encode_message(Hint(tenant_id=TENANT, event_ids=(ONE,), sent_ms=1)) == (
        f'{{"kind":"hint.1","tenant_id":"{TENANT}",'
        f'"event_ids":["{ONE}"],"sent_ms":1,"traceparents":{{}},"others":{{}}}}'
    )


def test_a_hint_can_be_read_back() -> None:
    assert decode_hint(TEXT) == HINT


def test_a_hint_of_a_newer_sender_with_more_fields_is_understood() -> None:
    assert decode_hint(TEXT[:-1] + ',"priority":"high"}') == HINT


def test_a_hint_names_its_events_with_their_tenants() -> None:
    assert HINT.events == [(TENANT, ONE), (TENANT, OTHER), (NEIGHBOUR, THIRD)]


def test_a_hint_of_an_older_sender_needs_neither_traceparents_nor_others() -> None:
    text = f'{{"kind":"hint.1","tenant_id":"{TENANT}","event_ids":[],"sent_ms":1}}'

    assert decode_hint(text) == Hint(tenant_id=TENANT, event_ids=(), sent_ms=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "hello",
        TEXT[:-1],
        TEXT + "x",
        TEXT.replace("hint.1", "hint.2"),
        TEXT.replace("hint.1", "dead_letter.1"),
        TEXT.replace('"tenant_id"', '"tenant"'),
        TEXT.replace(str(NOW_MS), f'"{NOW_MS}"'),
        TEXT.replace(f'["{ONE}","{OTHER}"]', f'"{ONE}"'),
        TEXT.replace(f'["{ONE}","{OTHER}"]', "[1]"),
        TEXT.replace(ONE, "evt_1"),
        TEXT.replace(OTHER, ONE.lower()),
        TEXT.replace(TENANT, "\\ud800"),
        TEXT.replace(TENANT, "\ud800"),
        TEXT.replace(TENANT, ""),
        TEXT.replace(TENANT, TENANT[:-1]),
        TEXT.replace(TENANT, TENANT + "1"),
        TEXT.replace(TENANT, TENANT[:-1] + "u"),
        TEXT.replace(TENANT, f"{TENANT}#0"),
        TEXT.replace(THIRD, "evt_1"),
        TEXT.replace(f'["{THIRD}"]', f'"{THIRD}"'),
        TEXT.replace(NEIGHBOUR, ""),
        TEXT.replace(NEIGHBOUR, f"{NEIGHBOUR}#0"),
        '{"a":' * 100_000,
    ],
)
def test_f48_what_is_not_understood_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        decode_hint(text)


@given(st.text())
def test_f48_any_text_is_a_hint_or_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        decode_hint(text)


def test_a_hint_names_a_hundred_events_at_most() -> None:
    full = Hint(tenant_id=TENANT, event_ids=(ONE,) * HINT_EVENTS_MAX, sent_ms=NOW_MS)

    assert decode_hint(encode_message(full)) == full
    for more in ({"event_ids": (*full.event_ids, ONE)}, {"others": {NEIGHBOUR: (ONE,)}}):
        with pytest.raises(MalformedMessage, match="101 events"):
            decode_hint(encode_message(msgspec.structs.replace(full, **more)))


def test_a_dead_letter_says_which_delivery_is_exhausted() -> None:
    letter = DeadLetter(
        tenant_id=TENANT,
        event_id=ONE,
        webhook_id="wh_1",
        attempts=12,
        last_error="receiver answered 500",
        failed_ms=NOW_MS,
    )

    text = encode_message(letter)

    assert text.startswith(f'{{"kind":"dead_letter.1","tenant_id":"{TENANT}"')
    assert msgspec.json.decode(text, type=DeadLetter) == letter
