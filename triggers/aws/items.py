"""Plain reads and writes of items, in batches."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from triggers.aws import keys
from triggers.aws.batcher import Batcher
from triggers.aws.clients import Clients, calling
from triggers.aws.operations import BATCH_GET_ITEM
from triggers.aws.retrying import again_when_left_out
from triggers.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import WriteRequestTypeDef

READS_MAX = 100  # AWS limit of BatchGetItem
WRITES_MAX = 25  # AWS limit of BatchWriteItem
WAITING_MAX = 10_000
FLIGHTS_MAX = 8

Item = dict[str, Any]


class Entry(Struct, frozen=True, kw_only=True):
    """An item, or the key of one, in a table that goes by its plain name. `deletes` what is there."""

    table: str
    item: Item
    deletes: bool = False

    @property
    def identity(self) -> tuple[str, str, str]:
        """What must not be twice in a batch."""
        return (self.table, str(self.item["pk"]), str(self.item.get("sk")))

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return keys.tenant_of(self.table, self.item["pk"]["S"])


class Reads:
    """Strongly consistent reads by key. The limits are of a batch, and of batches in the air."""

    def __init__(
        self, clients: Clients, *, batch_max: int = READS_MAX, flights_max: int = FLIGHTS_MAX
    ) -> None:
        self._clients = clients
        self._batcher: Batcher[Entry, Item | None] = Batcher(
            self._flush,
            batch_max=batch_max,
            flights_max=flights_max,
            waiting_max=WAITING_MAX,
            identity=lambda entry: entry.identity,
            tenant=lambda entry: entry.tenant,
        )

    @again_when_left_out
    async def get(self, table: str, key: Item) -> Item | None:
        """Return an item, or None. Raises StoreUnavailable."""
        return await self._batcher.submit(Entry(table=table, item=key))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._batcher.close()

    async def _flush(self, entries: Sequence[Entry]) -> list[Item | Exception | None]:
        wanted = {
            self._clients.name(table): {"Keys": items, "ConsistentRead": True}
            for table, items in _by_table(entries).items()
        }
        with calling("BatchGetItem"):
            request = {"RequestItems": wanted}
            answer = await self._clients.hot_dynamodb.call(BATCH_GET_ITEM, request)
            found = {e.identity: e.item for e in _entries(self._clients, answer["Responses"])}
            unread = {n: keys["Keys"] for n, keys in answer.get("UnprocessedKeys", {}).items()}
            late = {entry.identity for entry in _entries(self._clients, unread)}
        return [_left_out() if e.identity in late else found.get(e.identity) for e in entries]


class Writes:
    """Unconditional puts and deletes: of what is immutable, or does no harm when done again."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._batcher: Batcher[Entry, None] = Batcher(
            self._flush,
            batch_max=WRITES_MAX,
            flights_max=FLIGHTS_MAX,
            waiting_max=WAITING_MAX,
            identity=lambda entry: entry.identity,
            tenant=lambda entry: entry.tenant,
        )

    @again_when_left_out
    async def put(self, table: str, item: Item) -> None:
        """Put an item. Raises StoreUnavailable."""
        await self._batcher.submit(Entry(table=table, item=item))

    @again_when_left_out
    async def delete(self, table: str, key: Item) -> None:
        """Delete an item, if it is there. Raises StoreUnavailable."""
        await self._batcher.submit(Entry(table=table, item=key, deletes=True))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._batcher.close()

    async def _flush(self, entries: Sequence[Entry]) -> list[Exception | None]:
        wanted: dict[str, list[WriteRequestTypeDef]] = {
            self._clients.name(table): [_write(entry) for entry in entries if entry.table == table]
            for table in {entry.table for entry in entries}
        }
        with calling("BatchWriteItem"):
            answer = await self._clients.dynamodb.batch_write_item(RequestItems=wanted)
            unwritten = {
                name: [_written(request) for request in requests]
                for name, requests in answer["UnprocessedItems"].items()
            }
            late = {entry.identity for entry in _entries(self._clients, unwritten)}
        return [_left_out() if entry.identity in late else None for entry in entries]


def _write(entry: Entry) -> "WriteRequestTypeDef":
    if entry.deletes:
        return {"DeleteRequest": {"Key": entry.item}}
    return {"PutRequest": {"Item": entry.item}}


def _written(request: Any) -> Item:
    """Return the item of a write, or the key of a delete."""
    item: Item = request["DeleteRequest" if "DeleteRequest" in request else "PutRequest"].popitem()[
        1
    ]
    return item


def _by_table(entries: Sequence[Entry]) -> dict[str, list[Item]]:
    tables: dict[str, list[Item]] = {}
    for entry in entries:
        tables.setdefault(entry.table, []).append(entry.item)
    return tables


def _entries(clients: Clients, by_name: Any) -> Iterator[Entry]:
    for name, items in by_name.items():
        for item in items:
            yield Entry(table=clients.plain_name(name), item=item)


def _left_out() -> StoreUnavailable:
    return StoreUnavailable("left out of a batch", passing=True)
