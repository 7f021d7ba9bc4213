"""Events as producers send them."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Raw, Struct

from app import surrogates
from app.context import RequestContext
from app.decoding import Check, decode_json
from app.wire.events import EventType
from triggers.errors import FieldError, MalformedJson, PayloadTooLarge, ValidationFailed
from triggers.events import PRIORITY_KEY, Priority
from triggers.idempotency import KEY_CHARACTERS_MAX, METADATA_KEY
from triggers.intake import EventDraft

# What a body may hold besides its payload: more than the largest source and metadata take, even
# when every character is written as an escape.
ENVELOPE_BYTES_MAX = 256 * 1024

_PRIORITIES = tuple(Priority)  # to go through an enumeration took 3 % of a request

MetadataKey = Annotated[str, Meta(max_length=64)]
MetadataValue = Annotated[str, Meta(max_length=512)]


class EventIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event as a producer sends it."""

    event_type: EventType
    payload: Annotated[
        Raw,
        Meta(
            description="Any JSON value, at most 400 KB; kept and sent on byte for byte",
            examples=[{"order": 1}],
        ),
    ]
    source: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                description="Where the event comes from, 1–128 characters",
                examples=["shop"],
            ),
        ]
        | None
    ) = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue],
        Meta(
            max_length=32,
            description="At most 32 strings; keys up to 64 characters, values up to 512. Two keys mean "
            "something: `idempotency_key`, 1–255 characters, and `priority`: low, normal, high",
            examples=[{"region": "eu"}],
        ),
    ] = {}


def draft_of(
    body: bytes,
    context: RequestContext,
    *,
    payload_bytes_max: int,
    idempotency_key: str | None = None,
) -> EventDraft:
    """Read an event. `idempotency_key` is the one in the header.

    Raises MalformedJson, ValidationFailed, PayloadTooLarge.
    """
    sent, payload = _decode(body)
    if len(payload) > payload_bytes_max:
        raise PayloadTooLarge("payload", payload_bytes_max)
    try:
        text = payload.decode()  # the decoder has checked its grammar, but not its UTF-8
    except UnicodeDecodeError:
        raise MalformedJson("it is not UTF-8") from None
    return EventDraft(
        event_type=sent.event_type,
        payload=text,
        source=sent.source,
        metadata=sent.metadata,
        correlation_id=context.correlation_id,
        traceparent=context.traceparent,
        idempotency_key=_one_key(idempotency_key, sent.metadata.get(METADATA_KEY)),
    )


def _issue_with_priority(metadata: Mapping[str, str]) -> str | None:
    if metadata.get(PRIORITY_KEY, Priority.NORMAL) in _PRIORITIES:
        return None
    return f"is not one of {', '.join(Priority)}"


def _issue_with_key(metadata: Mapping[str, str]) -> str | None:
    key = metadata.get(METADATA_KEY)
    if key is None or 1 <= len(key) <= KEY_CHARACTERS_MAX:
        return None
    return "must not be empty" if not key else f"longer than {KEY_CHARACTERS_MAX} characters"


_CHECKS: dict[str, Check] = {
    f"metadata.{PRIORITY_KEY}": _issue_with_priority,
    f"metadata.{METADATA_KEY}": _issue_with_key,
}


def _one_key(header: str | None, in_metadata: str | None) -> str | None:
    """Return the key of an event. Raises ValidationFailed if it has two."""
    if header is not None and in_metadata not in (None, header):
        error = FieldError(
            field=f"metadata.{METADATA_KEY}",
            issue="is not the one in the header Idempotency-Key",
            suggestion="Send the key in one of the two places",
        )
        raise ValidationFailed([error])
    return header if header is not None else in_metadata


def _decode(body: bytes) -> tuple[EventIn, bytes]:
    try:
        sent = decode_json(EventIn, body, _CHECKS)
    except MalformedJson as error:
        aside = surrogates.set_aside(body)
        if aside is None:
            raise
        return _decode_without_surrogates(*aside, error)
    return sent, bytes(sent.payload)


def _decode_without_surrogates(
    body: bytes, mark: bytes, first_error: MalformedJson
) -> tuple[EventIn, bytes]:
    try:
        sent = decode_json(EventIn, body, _CHECKS)
    except MalformedJson:
        raise first_error from None  # its position is that in the body as it came
    payload = bytes(sent.payload)
    if payload.count(mark) != body.count(mark):
        raise MalformedJson("there is half a surrogate pair outside of the payload")
    return sent, surrogates.put_back(payload, mark)
