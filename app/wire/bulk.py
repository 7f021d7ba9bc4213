"""Bulk calls on the wire: many events in one request, each with its own outcome."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from app import surrogates
from app.decoding import decode_json
from app.problems.answers import Told
from app.wire.drafts import EventIn
from app.wire.problems import PAGES, Code, Detail, FieldErrors, PageAddress, Title
from triggers.errors import MalformedJson
from triggers.idempotency import Accepted

ITEMS_MAX = 100

_EVENTS = Meta(min_length=1, max_length=ITEMS_MAX, description="1–100 events")


class EventBatchIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events as a producer sends them."""

    events: Annotated[list[EventIn], _EVENTS]


class EventIdsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are meant."""

    event_ids: Annotated[
        list[str],
        Meta(
            min_length=1,
            max_length=ITEMS_MAX,
            description="1–100 ids of events",
            examples=[["evt_01KAN72XQV8YJ4T6Z0M3S5B7C9"]],
        ),
    ]


class ItemError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with one item, as a call for it alone would be told."""

    type: PageAddress
    code: Code
    title: Title
    detail: Detail
    errors: FieldErrors = []


class ItemOut(Struct, frozen=True, kw_only=True):
    """What became of one item."""

    index: Annotated[int, Meta(ge=0, description="Its place in the request, from 0", examples=[0])]
    status: Annotated[
        int, Meta(ge=200, le=599, description="As of a call for it alone", examples=[202])
    ]
    event_id: Annotated[
        str | UnsetType,
        Meta(
            description="The event, in the way in which the request named it if it did; absent if "
            "none was accepted",
            examples=["evt_01KAN72XQV8YJ4T6Z0M3S5B7C9"],
        ),
    ] = UNSET
    idempotency_replayed: Annotated[
        bool | UnsetType,
        Meta(
            description="True when the event had been accepted before, with the same idempotency "
            "key; else absent",
            examples=[True],
        ),
    ] = UNSET
    error: Annotated[
        ItemError | UnsetType, Meta(description="What is wrong; absent if nothing is")
    ] = UNSET


class BulkOut(Struct, frozen=True, kw_only=True):
    """What became of each item of a bulk call."""

    succeeded: Annotated[int, Meta(ge=0, description="How many items succeeded", examples=[1])]
    failed: Annotated[int, Meta(ge=0, description="How many items failed", examples=[0])]
    items: Annotated[list[ItemOut], Meta(description="In the order of the request")]


def raw_events_of(body: bytes) -> list[bytes]:
    """Return the events of a body, each as it came, none judged yet.

    Raises MalformedJson, ValidationFailed.
    """
    try:
        return [bytes(event) for event in decode_json(_EventBatch, body).events]
    except MalformedJson as error:
        aside = surrogates.set_aside(body)
        if aside is None:
            raise
        return _raw_without_surrogates(*aside, error)


def bulk_to_wire(items: list[ItemOut]) -> BulkOut:
    """Show what became of the items."""
    failed = sum(item.error is not UNSET for item in items)
    return BulkOut(succeeded=len(items) - failed, failed=failed, items=items)


def accepted_item(index: int, accepted: Accepted) -> ItemOut:
    """Show an item that was accepted, now or before."""
    return ItemOut(
        index=index,
        status=202,
        event_id=accepted.event.event_id,
        idempotency_replayed=accepted.replayed or UNSET,
    )


def failed_item(index: int, told: Told, event_id: str | UnsetType = UNSET) -> ItemOut:
    """Show an item that failed."""
    error = ItemError(
        type=PAGES + told.code,
        code=told.code,
        title=told.problem.title,
        detail=told.detail,
        errors=told.errors,
    )
    return ItemOut(index=index, status=told.problem.status, event_id=event_id, error=error)


class _EventBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same as `EventBatchIn`, with the events as they came."""

    events: Annotated[list[Raw], _EVENTS]


def _raw_without_surrogates(body: bytes, mark: bytes, first_error: MalformedJson) -> list[bytes]:
    try:
        events = [bytes(event) for event in decode_json(_EventBatch, body).events]
    except MalformedJson:
        raise first_error from None  # its position is that in the body as it came
    if sum(event.count(mark) for event in events) != body.count(mark):
        raise MalformedJson("there is half a surrogate pair outside of the events")
    return [surrogates.put_back(event, mark) for event in events]
