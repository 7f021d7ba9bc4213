"""The event that a test of a webhook sends: made for it, and never stored. Pure."""

import msgspec

from triggers.events import Event
from triggers.ids import RandomBits, make_event_id

EVENT_TYPE = "webhook.test"
SOURCE = "triggers"

_SAYING = "A test that was asked for by a call to the Triggers API: it can be dropped"


def make_test_event(
    webhook_id: str, *, correlation_id: str, now_ms: int, random_bits: RandomBits
) -> Event:
    """Make an event that says what it is."""
    payload = {"test": True, "webhook_id": webhook_id, "message": _SAYING}
    return Event(
        event_id=make_event_id(now_ms, 1, random_bits),
        event_type=EVENT_TYPE,
        source=SOURCE,
        payload=msgspec.json.encode(payload).decode(),
        correlation_id=correlation_id,
    )
