"""Doing many things in one request: each by itself, with an outcome of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.answers import JsonAnswer
from app.context import RequestContext
from app.problems.answers import told_of
from app.wire.bulk import ItemOut, accepted_item, bulk_to_wire, failed_item
from triggers.idempotency import Accepted

AT_ONCE_MAX = 16  # of a request, where each item takes calls of its own to the store
PARTLY = 207

Change = Callable[[str], Awaitable[None]]


async def accept_each(
    events: Sequence[bytes], accept: Callable[[bytes], Awaitable[Accepted]], context: RequestContext
) -> list[ItemOut]:
    """Accept each of these events, all at once: the store takes them in batches."""

    async def accept_one(index: int, event: bytes) -> ItemOut:
        try:
            return accepted_item(index, await accept(event))
        except Exception as error:  # noqa: BLE001 it is the outcome of this item alone
            return failed_item(index, told_of(error, context))

    return await asyncio.gather(*(accept_one(*numbered) for numbered in enumerate(events)))


async def change_each(
    event_ids: Sequence[str], change: Change, context: RequestContext
) -> list[ItemOut]:
    """Change each of these events; one that is named twice, one time after the other."""
    indexes: dict[str, list[int]] = {}
    for index, event_id in enumerate(event_ids):
        indexes.setdefault(event_id, []).append(index)
    slots = asyncio.Semaphore(AT_ONCE_MAX)

    async def change_one(event_id: str) -> list[ItemOut]:
        async with slots:
            return [await _change(i, event_id, change, context) for i in indexes[event_id]]

    outcomes = await asyncio.gather(*(change_one(event_id) for event_id in indexes))
    return sorted((item for items in outcomes for item in items), key=lambda item: item.index)


def answer_with(items: list[ItemOut], *, status: int) -> JsonAnswer:
    """Answer with this status if all items succeeded, else with 207."""
    answer = bulk_to_wire(items)
    return JsonAnswer(answer, status=PARTLY if answer.failed else status, headers={})


async def _change(index: int, event_id: str, change: Change, context: RequestContext) -> ItemOut:
    try:
        await change(event_id)
    except Exception as error:  # noqa: BLE001 it is the outcome of this item alone
        return failed_item(index, told_of(error, context), event_id)
    return ItemOut(index=index, status=204, event_id=event_id)
