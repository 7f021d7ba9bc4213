"""How an event lies in its item, and a large payload beside it.

A payload stands in the item as text, or compressed, as long as the item stays within one write unit
(1 KB); else it goes to the `payloads` table in compressed chunks.
"""

import zlib
from typing import Any

import msgspec
from msgspec import Struct

from triggers.deliveries import Delivery
from triggers.events import Event, EventRecord, EventState, EventStatus
from triggers.ids import due_shard_of
from triggers.ports import Standing
from triggers.replays import Replay

UNIT_BYTES = 1024  # what one write unit pays for
# Names, numbers and keys of an item, and the room for one delivery in it: the test of write units
# measures them.
FIXED_BYTES = 353
SIZE_BYTES = 17  # `payload_bytes` and its number
CHUNK_BYTES = 380_000  # an item holds at most 400 KB with its keys and names

Item = dict[str, Any]

# What is asked for of an item where its payload is not: all that `read_record` looks at, and the
# key of the inbox.
_ATTRIBUTES = (
    *("pk", "sk", "event", "status", "deliveries", "ready", "due", "fence", "claims", "lease"),
    *("delivered", "acknowledged", "replays", "inbox"),
)
WITHOUT_PAYLOAD: Any = {
    "ProjectionExpression": ", ".join(f"#{name}" for name in _ATTRIBUTES),
    "ExpressionAttributeNames": {f"#{name}": name for name in _ATTRIBUTES},
}


class _StoredEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The immutable side of an event but for its id and payload. Add fields with defaults only."""

    type: str
    source: str | None = None
    metadata: dict[str, str] = {}
    correlation_id: str
    traceparent: str | None = None
    key: str | None = None


class PackedPayload(Struct, frozen=True, kw_only=True):
    """A payload as it is stored: by attributes of the item, and chunks of their own if it is large.

    What has to be inflated says its size beside, so that a page can be measured unread.
    """

    attributes: Item
    chunks: tuple[bytes, ...] = ()


_ENCODER = msgspec.json.Encoder()
_EVENT_DECODER = msgspec.json.Decoder(_StoredEvent)
_REPLAYS_DECODER = msgspec.json.Decoder(tuple[Replay, ...])
_DELIVERIES_DECODER = msgspec.json.Decoder(tuple[Delivery, ...])


def encode_event(event: Event) -> str:
    """Write the immutable side of an event, without its payload."""
    stored = _StoredEvent(
        type=event.event_type,
        source=event.source,
        metadata=event.metadata,
        correlation_id=event.correlation_id,
        traceparent=event.traceparent,
        key=event.key_digest,
    )
    return _ENCODER.encode(stored).decode()


def encode_deliveries(deliveries: tuple[Delivery, ...]) -> str:
    """Write the deliveries of an event."""
    return _ENCODER.encode(deliveries).decode()


def encode_replays(replays: tuple[Replay, ...]) -> str:
    """Write the replays of an event."""
    return _ENCODER.encode(replays).decode()


def pack(payload: str, event_bytes: int) -> PackedPayload:
    """Decide where a payload goes, for an event whose other side takes that many bytes."""
    plain = payload.encode()
    room = UNIT_BYTES - FIXED_BYTES - event_bytes
    if len(plain) <= room:
        return PackedPayload(attributes={"payload": {"S": payload}})
    size: Item = {"payload_bytes": {"N": str(len(plain))}}
    packed = zlib.compress(plain, 1)
    if len(packed) <= room - SIZE_BYTES:
        return PackedPayload(attributes={"payload": {"B": packed}, **size})
    chunks = tuple(packed[i : i + CHUNK_BYTES] for i in range(0, len(packed), CHUNK_BYTES))
    return PackedPayload(attributes={"chunks": {"N": str(len(chunks))}, **size}, chunks=chunks)


def new_item(
    partition: str,
    event_id: str,
    *,
    stored: str,
    packed: PackedPayload,
    due_ms: int,
    expires_s: int,
) -> Item:
    """Return the item of a fresh event: pending, nobody's, in the inbox and on the due index."""
    state = EventState()
    item: Item = {
        "pk": {"S": partition},
        "sk": {"S": event_id},
        "event": {"S": stored},
        "status": {"S": state.status.value},
        "ready": {"N": str(state.ready_ms)},
        "fence": {"N": str(state.fence)},
        "claims": {"N": str(state.claims)},
        "lease": {"N": str(state.lease_ms)},
        "inbox": {"S": partition},
        "due_shard": {"S": due_shard_of(event_id)},
        "due": {"N": str(due_ms)},
        "expires": {"N": str(expires_s)},
    }
    return item | packed.attributes


def read_standing(item: Item) -> Standing:
    """Return how the event in an item stands; what a change of it rests on is the item."""
    stored = _EVENT_DECODER.decode(item["event"]["S"])
    return Standing(
        event_type=stored.type,
        traceparent=stored.traceparent,
        state=read_state(item),
        seen=item,
    )


def read_record(item: Item, payload: str) -> EventRecord:
    """Return the event in an item; its payload has been read before, or is left out as `""`."""
    event_id = item["sk"]["S"]
    stored = _EVENT_DECODER.decode(item["event"]["S"])
    event = Event(
        event_id=event_id,
        event_type=stored.type,
        payload=payload,
        source=stored.source,
        metadata=stored.metadata,
        correlation_id=stored.correlation_id,
        traceparent=stored.traceparent,
        key_digest=stored.key,
    )
    return EventRecord(event=event, state=read_state(item))


def chunks_of(item: Item) -> int:
    """Return how many chunks of the `payloads` table hold the payload; 0: it stands in the item."""
    return _number(item, "chunks") or 0


def payload_bytes_of(item: Item) -> int:
    """Return the size of a payload before it is read, in bytes."""
    return _number(item, "payload_bytes") or len(inline_payload(item).encode())


def inline_payload(item: Item) -> str:
    """Return the payload that stands in an item."""
    payload = item["payload"]
    return payload["S"] if "S" in payload else unpack(payload["B"])


def unpack(packed: bytes) -> str:
    """Return the text of a compressed payload."""
    return zlib.decompress(packed).decode()


def lease_of(item: Item) -> int | None:
    """Return when the claim in an item ends, in milliseconds."""
    return _number(item, "lease")


def is_claimed_by(item: Item, owner: str) -> bool:
    """Tell whether the present claim in an item is the one with this token.

    A claim writes a token of its own, acknowledging ends the status, a finish the lease.
    """
    held = item["status"]["S"] == EventStatus.PENDING and lease_of(item) != 0
    return held and item.get("owner") == {"S": owner}


def read_state(item: Item) -> EventState:
    """Return the mutable side of the event in an item."""
    deliveries, replays = item.get("deliveries"), item.get("replays")
    return EventState(
        status=EventStatus(item["status"]["S"]),
        deliveries=_DELIVERIES_DECODER.decode(deliveries["S"]) if deliveries else None,
        ready_ms=int(item["ready"]["N"]),
        due_ms=_number(item, "due"),
        fence=int(item["fence"]["N"]),
        claims=int(item["claims"]["N"]),
        lease_ms=int(item["lease"]["N"]),
        delivered_ms=_number(item, "delivered"),
        acknowledged_ms=_number(item, "acknowledged"),
        replays=_REPLAYS_DECODER.decode(replays["S"]) if replays else (),
    )


def _number(item: Item, name: str) -> int | None:
    value = item.get(name)
    return int(value["N"]) if value else None
