"""What goes through SQS: a tagged, versioned union, in which an unknown tag is malformed.

No customer bytes are in a message: SQS takes only the characters of XML 1.0, and a hint needs none.
"""

import msgspec
from msgspec import Struct

from triggers.ids import is_event_id, is_tenant_id

HINT_EVENTS_MAX = 100


class Hint(Struct, frozen=True, kw_only=True, tag_field="kind", tag="hint.1"):
    """Says that these events may be due: of one tenant, and beside them of `others`, by tenant id.

    A sender names one event of each of them. `sent_ms` is when it was sent. `traceparents` go by
    event, if known. Nobody reads them yet: they are for the exporter of traces, which comes later;
    a worker logs the `traceparent` that stands on the event itself.
    """

    tenant_id: str
    event_ids: tuple[str, ...]
    sent_ms: int
    traceparents: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}

    @property
    def events(self) -> list[tuple[str, str]]:
        """All that are named, each as its tenant's id and its own."""
        named = [(self.tenant_id, event_id) for event_id in self.event_ids]
        for tenant_id, event_ids in self.others.items():
            named += [(tenant_id, event_id) for event_id in event_ids]
        return named


class DeadLetter(Struct, frozen=True, kw_only=True, tag_field="kind", tag="dead_letter.1"):
    """Says that a delivery has exhausted its retries.

    For the operators' tools; the truth stays in the table.
    """

    tenant_id: str
    event_id: str
    webhook_id: str
    attempts: int
    last_error: str | None
    failed_ms: int


class MalformedMessage(ValueError):
    """A message that this version does not understand."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Hint | DeadLetter)  # a union, so that the tag must be there


def encode_message(message: Hint | DeadLetter) -> str:
    """Write a message as the text of an SQS body."""
    return _ENCODER.encode(message).decode()


def decode_hint(text: str) -> Hint:
    """Read a hint. Raises MalformedMessage, also for a version that is not known here."""
    try:
        hint = _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise MalformedMessage(str(error)) from error
    if not isinstance(hint, Hint):
        raise MalformedMessage("is no hint")
    if not (is_tenant_id(hint.tenant_id) and all(map(is_tenant_id, hint.others))):
        raise MalformedMessage("names something that is no tenant")
    named = hint.events
    if not all(is_event_id(event_id) for _, event_id in named):
        raise MalformedMessage("names something that is no event id")
    if len(named) > HINT_EVENTS_MAX:
        raise MalformedMessage(f"names {len(named)} events, at most {HINT_EVENTS_MAX} are allowed")
    return hint
