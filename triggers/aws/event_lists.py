"""Lists of events: a page of all of them, a page of the inbox.

Filters are applied to what is read, so a page costs as much as it reads, which is bounded: it may
be short, or empty, though there is more behind its position.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from triggers.aws import event_records as records
from triggers.aws import keys
from triggers.aws.clients import calling
from triggers.aws.event_reads import EventReader
from triggers.aws.event_records import Item
from triggers.errors import StoreUnavailable
from triggers.event_queries import EventQuery
from triggers.events import EventRecord
from triggers.id_ranges import IdRange
from triggers.ports import EventPage
from triggers.shard_merge import ShardMerge

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import QueryInputTypeDef

READ_MAX = 1_000  # entries for one page, over all shards
ROUNDS_MAX = 10  # of reading, one after another
SPARE = 8  # read of each shard on top of its share, which is never just that
RUN_MAX = 100  # entries that are looked at together
PAGE_PAYLOAD_BYTES_MAX = 1024 * 1024

Entries = list[tuple[str, Item | None]]
Fetch = Callable[[str, IdRange, int], Awaitable[tuple[Entries, bool]]]
"""Reads some of a partition within a range; also tells whether nothing of the range is behind."""
Complete = Callable[[Entries], Awaitable[Entries]]
"""Adds the items to entries that an index proposed; None for what is not in the list."""


class EventLists(EventReader):
    """The lists of the event store. The base table decides, an index only proposes."""

    async def read_events(self, tenant_id: str, query: EventQuery) -> EventPage:
        """Return a page of all events. Sees every earlier write."""

        async def fetch(partition: str, within: IdRange, size: int) -> tuple[Entries, bool]:
            request = _range("pk", partition, within, size)
            request |= {"ConsistentRead": True, "ScanIndexForward": not query.newest_first}
            if not query.with_payload:
                request |= records.WITHOUT_PAYLOAD
            return await self._query(request)

        async def complete(entries: Entries) -> Entries:
            return entries

        return await self._read_page(tenant_id, query, fetch, complete)

    async def read_inbox(self, tenant_id: str, query: EventQuery) -> EventPage:
        """Return a page of the inbox, each entry checked against the table."""

        async def fetch(partition: str, within: IdRange, size: int) -> tuple[Entries, bool]:
            request = _range("inbox", partition, within, size)
            request |= {
                "IndexName": keys.INBOX_INDEX,
                "ScanIndexForward": not query.newest_first,
            }
            proposed, ended = await self._query(request)
            return [(event_id, None) for event_id, _ in proposed], ended

        async def complete(entries: Entries) -> Entries:
            items = await asyncio.gather(*(self._read_item(tenant_id, e) for e, _ in entries))
            kept = (item if item and "inbox" in item else None for item in items)
            return [(event_id, item) for (event_id, _), item in zip(entries, kept, strict=True)]

        return await self._read_page(tenant_id, query, fetch, complete)

    async def _query(self, request: "QueryInputTypeDef") -> tuple[Entries, bool]:
        with calling("Query events"):
            answer = await self._clients.dynamodb.query(**request | {"TableName": self._table})
            entries: Entries = [(item["sk"]["S"], item) for item in answer["Items"]]
        return entries, "LastEvaluatedKey" not in answer

    async def _read_page(
        self, tenant_id: str, query: EventQuery, fetch: Fetch, complete: Complete
    ) -> EventPage:
        reading = _Reading(tenant_id, query, fetch)
        page = _Page(query)
        while await reading.read_on():
            await _look_through(reading.merge, page, complete)
            if page.is_full:
                break
        ended = reading.merge.is_ended and not page.has_left_some
        if page.position is None and not ended:
            raise StoreUnavailable("Query events: empty pages")
        return EventPage(
            records=await self._records(tenant_id, query, page),
            position=None if ended else page.position,
        )

    async def _records(
        self, tenant_id: str, query: EventQuery, page: "_Page"
    ) -> tuple[EventRecord, ...]:
        if not query.with_payload:
            return tuple(record for _, record in page.shown)
        found = await asyncio.gather(
            *(self._read_record(tenant_id, item) for item, _ in page.shown)
        )
        return tuple(record for record in found if record is not None)


class _Reading:
    """The reading of the shards for one page, in rounds: each fills up what has run low."""

    def __init__(self, tenant_id: str, query: EventQuery, fetch: Fetch) -> None:
        self.merge: ShardMerge[Item | None] = ShardMerge(
            query.shards, newest_first=query.newest_first
        )
        self._query = query
        self._fetch = fetch
        self._partitions = [
            keys.events_partition(tenant_id, shard) for shard in range(query.shards)
        ]
        self._within = [query.within] * query.shards
        self._size = query.limit // query.shards + SPARE
        self._rounds_left = ROUNDS_MAX
        self._left = READ_MAX

    async def read_on(self) -> bool:
        """Read a round; False: there is nothing more, or no more is read for this page."""
        low = self.merge.low(max(self._size // 2, 1))
        size = min(self._size, self._left // max(len(low), 1))
        if self.merge.is_ended or not self._rounds_left or not size:
            return False
        self._rounds_left -= 1
        self._left -= size * len(low)
        self._size *= 2
        await asyncio.gather(*(self._read_shard(shard, size) for shard in low))
        return True

    async def _read_shard(self, shard: int, size: int) -> None:
        within = self._within[shard]
        entries: Entries = []
        ended = within.is_empty
        if not ended:
            entries, ended = await self._fetch(self._partitions[shard], within, size)
        if entries:
            last = entries[-1][0]
            newest_first = self._query.newest_first
            self._within[shard] = within.below(last) if newest_first else within.above(last)
        self.merge.feed(shard, entries, ended=ended)


class _Page:
    """What a page shows, and as far as what it has looked at: its position."""

    def __init__(self, query: EventQuery) -> None:
        self.shown: list[tuple[Item, EventRecord]] = []
        self.position: str | None = None
        self.has_left_some = False
        self.limit = query.limit
        self._query = query
        self._payload_bytes = 0

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more goes onto the page."""
        return self.has_left_some or len(self.shown) == self.limit

    def look_at(self, entries: Sequence[tuple[str, Item | None]]) -> None:
        """Show what is wanted of these, as far as the page reaches."""
        for event_id, item in entries:
            self.has_left_some = self.is_full or not self._fits(item)
            if self.has_left_some:
                return
            self.position = event_id

    def _fits(self, item: Item | None) -> bool:
        """Show an item if it is wanted; False: it is, and its payload is too large for the rest."""
        if item is None:
            return True
        record = records.read_record(item, "")
        if not self._query.filter.takes(record):
            return True
        if self._query.with_payload:
            self._payload_bytes += records.payload_bytes_of(item)
            if self._payload_bytes > PAGE_PAYLOAD_BYTES_MAX and self.shown:
                return False
        self.shown.append((item, record))
        return True


async def _look_through(merge: ShardMerge[Item | None], page: _Page, complete: Complete) -> None:
    """Look at what is known to come next, until the page is full."""
    run = page.limit
    while entries := merge.take(run):
        page.look_at(await complete(entries))
        if page.is_full:
            return
        run = RUN_MAX


def _range(key: str, partition: str, within: IdRange, size: int) -> "QueryInputTypeDef":
    return {
        "TableName": "",
        "KeyConditionExpression": f"{key} = :partition AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":partition": {"S": partition},
            ":first": {"S": within.first},
            ":last": {"S": within.last},
        },
        "Limit": size,
    }
