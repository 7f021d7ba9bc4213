"""A meter of write units by AWS's rules, for the emulator's own figures of PartiQL writes are made up.

It sits in the fault proxy, and around each call that writes it reads the items before and after. Sources:
"DynamoDB item sizes and formats" and "Write capacity unit consumption for GSIs" in AWS's developer guide.
"""

import asyncio
import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tests.fault_proxy import Answer, Call, Forward
from triggers.aws.tables import TABLES, Index, Table

UNIT_BYTES = 1024
STORED_ITEM_BYTES = 100  # of each item and index entry, billed besides what is in it
_CONTAINER_BYTES = 3  # of a list or a map, besides one for each element
_REFUSED = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
_STATEMENT = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "([^"]+)"')

Item = dict[str, Any]
NameOf = Callable[[Table, Item], str]
"""Gives writes a name, by their table and key."""


def item_bytes(item: Item) -> int:
    """Return the size of an item: the UTF-8 bytes of its names, and its values."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Any) -> int:
    """Return the size of one attribute value in DynamoDB's JSON."""
    [(kind, content)] = value.items()
    return _SIZES[kind](content)


def number_bytes(text: str) -> int:
    """Return the size of a number: one byte, and one for each two significant digits.

    Digits go in pairs from the decimal point on, zeros at both ends do not count, a sign takes a byte.
    """
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    if digits == (0,):
        return 1
    assert isinstance(exponent, int)
    pairs = (len(digits) + exponent % 2 + 1) // 2
    return 1 + pairs + sign


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "N": number_bytes,
    "B": lambda text: len(base64.b64decode(text)),
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
    "NS": lambda numbers: sum(number_bytes(number) for number in numbers),
    "L": lambda elements: _CONTAINER_BYTES + sum(1 + value_bytes(e) for e in elements),
    "M": lambda entries: _CONTAINER_BYTES + len(entries) + item_bytes(entries),
}


@dataclass(frozen=True, kw_only=True)
class Units:
    """What one write costs: in the table, and in its indexes."""

    table: int
    indexes: int = 0

    @property
    def total(self) -> int:
        return self.table + self.indexes


def units_of(table: Table, before: Item | None, after: Item | None) -> Units:
    """Return what a write costs that found one item and left another; None: there is none."""
    return Units(
        table=max(_units(before), _units(after), 1),
        indexes=sum(_index_units(table, index, before, after) for index in table.indexes),
    )


def _units(item: Item | None) -> int:
    return -(-item_bytes(item) // UNIT_BYTES) if item else 0


def _index_units(table: Table, index: Index, before: Item | None, after: Item | None) -> int:
    """An entry that comes or goes is a write, one whose key changes is two, one that stays as it is none."""
    old, new = _entry(table, index, before), _entry(table, index, after)
    if old is None or new is None:
        return _units(old) + _units(new)
    if old == new:
        return 0
    if any(old[name] != new[name] for name, _ in (index.partition, index.sort)):
        return _units(old) + _units(new)
    return max(_units(old), _units(new))


def _entry(table: Table, index: Index, item: Item | None) -> Item | None:
    """Return what an index holds of an item; None when the item lacks its keys."""
    names = {index.partition[0], index.sort[0]}
    if item is None or not names <= item.keys():
        return None
    if index.projection == "ALL":
        return item
    return {name: value for name, value in item.items() if name in names | set(_key_names(table))}


def stored_bytes(table: Table, item: Item | None) -> int:
    """Return what an item takes of storage in the table and its indexes, as AWS bills it."""
    kept = [item, *(_entry(table, index, item) for index in table.indexes)]
    return sum(item_bytes(entry) + STORED_ITEM_BYTES for entry in kept if entry is not None)


def plain_name(table: Table, _key: Item) -> str:
    """Return the name under which a write is counted."""
    return table.name


@dataclass(frozen=True, kw_only=True)
class _Write:
    """One item that a call is about to write. `times` is 2 in a transaction."""

    table: Table
    name: str
    key: Item
    times: int = 1


class WriteMeter:
    """Counts the write units of all calls that pass, by plain table name. It is a fault that harms nothing.

    `name_of` may give writes another name, by their table and key. `stored_bytes` is by how much the
    tables have grown, by plain name, as AWS bills storage.
    """

    def __init__(self, name_prefix: str, name_of: NameOf = plain_name) -> None:
        self.units: Counter[str] = Counter()
        self.stored_bytes: Counter[str] = Counter()
        self.largest_item_bytes = 0
        self._name_of = name_of
        self._tables = {name_prefix + table.name: table for table in TABLES}
        self._turn = asyncio.Lock()

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Measure a call: one at a time, so that nothing changes between the reads but by the call."""
        writes = list(self._writes(call))
        if not writes:
            return await forward(call)
        async with self._turn:
            before = [await _read(call, forward, write) for write in writes]
            answer = await forward(call)
            after = [await _read(call, forward, write) for write in writes]
        assert answer is not None, "the meter must be the innermost"
        refused = list(_refused(answer, len(writes)))
        for write, old, new, why in zip(writes, before, after, refused, strict=True):
            if why is None or why in _REFUSED:  # a condition that does not hold is paid for
                units = units_of(write.table, old, new)
                self.units[self._name_of(write.table, write.key)] += units.total * write.times
            grown = stored_bytes(write.table, new) - stored_bytes(write.table, old)
            self.stored_bytes[write.table.name] += grown
            self.largest_item_bytes = max(self.largest_item_bytes, item_bytes(new or {}))
        return answer

    def _writes(self, call: Call) -> Iterator[_Write]:
        content = call.content if call.service == "DynamoDB" else {}
        match call.operation:
            case "PutItem" | "UpdateItem" | "DeleteItem":
                yield self._write(content)
            case "BatchWriteItem":
                for name, requests in content["RequestItems"].items():
                    for request in requests:
                        [write] = request.values()
                        yield self._write(write | {"TableName": name})
            case "TransactWriteItems":
                for entry in content["TransactItems"]:
                    [write] = entry.values()
                    yield replace(self._write(write), times=2)
            case "BatchExecuteStatement":
                for statement in content["Statements"]:
                    if found := _STATEMENT.match(statement["Statement"]):
                        yield self._write({"TableName": found[1], "Key": _key_in(statement)})

    def _write(self, write: dict[str, Any]) -> _Write:
        name, item = write["TableName"], write.get("Item") or write["Key"]
        table = self._tables[name]
        return _Write(table=table, name=name, key={n: item[n] for n in _key_names(table)})


def _key_names(table: Table) -> list[str]:
    return ["pk", *([table.sort[0]] if table.sort else [])]


def _key_in(statement: Any) -> Item:
    """Find the key among a statement's parameters: by how many `?` stand before its names."""
    text, key = statement["Statement"], {}
    for name in ("pk", "sk"):
        if found := re.search(rf"""["']{name}["'](?: =|:) \?""", text):
            key[name] = statement["Parameters"][text.count("?", 0, found.start())]
    return key


async def _read(call: Call, forward: Forward, write: _Write) -> Item | None:
    headers = call.headers | {"X-Amz-Target": "DynamoDB_20120810.GetItem"}
    content = {"TableName": write.name, "Key": write.key, "ConsistentRead": True}
    read = replace(call, operation="GetItem", headers=headers).with_content(content)
    answer = await forward(read)
    assert answer is not None
    assert answer.status == 200, answer.body
    item: Item | None = answer.content.get("Item")
    return item


def _refused(answer: Answer, writes: int) -> Iterator[str | None]:
    """Yield for each write why it was not carried out; None: it was."""
    if answer.status != 200:
        why = str(answer.content.get("__type", "")).rpartition("#")[2].removesuffix("Exception")
        yield from [why] * writes
    elif "Responses" in answer.content:
        for response in answer.content["Responses"]:
            yield response.get("Error", {}).get("Code")
    else:
        yield from [None] * writes
