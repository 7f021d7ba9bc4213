"""The `idempotency` table: which event a key stands for."""

from botocore.exceptions import ClientError

from triggers.aws import keys
from triggers.aws.clients import CONDITION_FAILED, Clients, calling, error_code
from triggers.aws.items import Item, Reads
from triggers.aws.statements import Statement, Statements, Written
from triggers.errors import StoreUnavailable
from triggers.ports import KeyRecord

TRIES_MAX = 3  # each is lost only to another call, or to TTL, at the very moment

_NAMES = ("pk", "event_id", "fingerprint", "expires")


class IdempotencyStore:
    """The records of idempotency keys."""

    def __init__(self, clients: Clients, statements: Statements, reads: Reads) -> None:
        self._clients = clients
        self._statements = statements
        self._reads = reads
        self._table = clients.name(keys.IDEMPOTENCY)
        attributes = ", ".join(f"'{name}': ?" for name in _NAMES)
        self._insert_text = f'INSERT INTO "{self._table}" VALUE {{{attributes}}}'

    async def reserve(
        self, tenant_id: str, key_digest: str, record: KeyRecord, *, now_s: int
    ) -> KeyRecord:
        """Put a record if there is none that is in force. Returns the one that stands."""
        item = _item(keys.by_idempotency_key(tenant_id, key_digest), record)
        for _ in range(TRIES_MAX):
            if await self._insert(tenant_id, item):
                return record
            found = await self.read(tenant_id, key_digest)
            if found is None:
                continue
            # Ours too, if our own statement was sent again after its answer was lost.
            if found.expires_s > now_s or found.event_id == record.event_id:
                return found
            if await self._overwrite(found, item):
                return record
        raise StoreUnavailable("an idempotency record that comes and goes")

    async def read(self, tenant_id: str, key_digest: str) -> KeyRecord | None:
        """Return a record, whether in force or not: TTL deletes late."""
        key = {"pk": {"S": keys.by_idempotency_key(tenant_id, key_digest)}}
        item = await self._reads.get(keys.IDEMPOTENCY, key)
        return _record(item) if item else None

    async def mark_deleted(self, tenant_id: str, key_digest: str, event_id: str) -> None:
        """Mark that the event of a record was deleted; nothing if the key stands for another."""
        with calling("UpdateItem idempotency"):
            try:
                await self._clients.dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": keys.by_idempotency_key(tenant_id, key_digest)}},
                    UpdateExpression="SET deleted = :yes",
                    ConditionExpression="event_id = :event",
                    ExpressionAttributeValues={":yes": {"BOOL": True}, ":event": {"S": event_id}},
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise

    async def _insert(self, tenant_id: str, item: Item) -> bool:
        answer = await self._statements.execute(
            Statement(
                text=self._insert_text,
                parameters=tuple(item[name] for name in _NAMES),
                item=item["pk"]["S"],
                tenant_id=tenant_id,
            )
        )
        return isinstance(answer, Written)

    async def _overwrite(self, old: KeyRecord, item: Item) -> bool:
        """Put a record in the place of one that is no longer in force."""
        with calling("PutItem idempotency"):
            try:
                await self._clients.dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="event_id = :event",
                    ExpressionAttributeValues={":event": {"S": old.event_id}},
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
                return False
        return True


def _item(partition: str, record: KeyRecord) -> Item:
    return {
        "pk": {"S": partition},
        "event_id": {"S": record.event_id},
        "fingerprint": {"S": record.fingerprint},
        "expires": {"N": str(record.expires_s)},
    }


def _record(item: Item) -> KeyRecord:
    return KeyRecord(
        event_id=item["event_id"]["S"],
        fingerprint=item["fingerprint"]["S"],
        expires_s=int(item["expires"]["N"]),
        deleted="deleted" in item,
    )
