"""How events are shown to people."""

from collections.abc import Sequence

import msgspec

from triggers.cli.output import Column, Output, Row
from triggers.cli.printable import NOTHING

PAYLOAD_CHARACTERS_MAX = 2_000


def last_answer(delivery: Row) -> str:
    """Say what the receiver did last."""
    return str(delivery["last_error"] or delivery["last_status_code"] or NOTHING)


EVENT: tuple[Column, ...] = (
    ("Event", "event_id"),
    ("Type", "event_type"),
    ("Status", "status"),
    ("Source", "source"),
    ("Metadata", "metadata"),
    ("Accepted", "created_at"),
    ("Delivered", "delivered_at"),
    ("Acknowledged", "acknowledged_at"),
    ("Attempts", "delivery_attempts"),
    ("Next attempt", "next_attempt_at"),
    ("Correlation", "correlation_id"),
)
EVENTS: tuple[Column, ...] = (
    ("EVENT", "event_id"),
    ("TYPE", "event_type"),
    ("STATUS", "status"),
    ("ACCEPTED", "created_at"),
    ("ATTEMPTS", "delivery_attempts"),
    ("NEXT ATTEMPT", "next_attempt_at"),
)
DELIVERIES: tuple[Column, ...] = (
    ("WEBHOOK", "webhook_id"),
    ("STATUS", "status"),
    ("ATTEMPTS", "attempts"),
    ("LAST ANSWER", last_answer),
    ("NEXT ATTEMPT", "next_attempt_at"),
    ("DELIVERED", "delivered_at"),
)
EVENT_ATTEMPTS: tuple[Column, ...] = (
    ("BEGAN", "started_at"),
    ("WEBHOOK", "webhook_id"),
    ("ATTEMPT", "number"),
    ("OUTCOME", "outcome"),
    ("ANSWER", lambda attempt: attempt["error"] or attempt["status_code"]),
    ("MS", "duration_ms"),
    ("EXCERPT", "response_excerpt"),
)
REPLAYS: tuple[Column, ...] = (
    ("REPLAY", "number"),
    ("ASKED FOR", "created_at"),
    ("WEBHOOKS", "webhook_ids"),
    ("REASON", "reason"),
    ("WORKFLOW", "workflow_id"),
)


def show_event(out: Output, document: bytes) -> None:
    """Print an event, its payload if it is there, its deliveries and its replays."""
    out.one(document, EVENT)
    if out.as_json:
        return
    event = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    if "payload" in event:
        out.heading("Payload")
        out.line(_shortened(bytes(event["payload"]).decode(errors="replace")))
    _show_parts(out, event, ("Deliveries", DELIVERIES), ("Replays", REPLAYS))


def show_end(out: Output, document: bytes) -> None:
    """Print where an event stands that was followed: its deliveries; for scripts, all of it."""
    if out.as_json:
        out.raw(document)
        return
    event = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    _show_parts(out, event, ("Deliveries", DELIVERIES))


def _show_parts(
    out: Output, event: dict[str, msgspec.Raw], *parts: tuple[str, Sequence[Column]]
) -> None:
    for heading, columns in parts:
        part = event.get(heading.lower(), msgspec.Raw(b"[]"))
        if items := msgspec.json.decode(part, type=list[msgspec.Raw]):
            out.heading(heading)
            out.table(map(bytes, items), columns, empty="")


def _shortened(payload: str) -> str:
    if len(payload) <= PAYLOAD_CHARACTERS_MAX:
        return payload
    return f"{payload[:PAYLOAD_CHARACTERS_MAX]}… ({len(payload)} characters; --json shows all)"
