"""Jobs in the `events` table: on its due index, claimed and finished as events are.

Beside a job stands an entry for its webhook and kind that names the latest. Whether that one still
runs, the job itself says: so nothing has to be cleared away, and nothing can be left locked.
"""

import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from triggers.aws import keys
from triggers.aws.clients import Clients, calling, error_code
from triggers.aws.items import Item, Reads
from triggers.aws.statements import Refused, Statement, Statements
from triggers.errors import StoreUnavailable
from triggers.ids import due_shard_of
from triggers.jobs import JOB_KEPT_DAYS, Job, JobStatus
from triggers.ports import ClaimedJob, ClaimLost

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import TransactWriteItemTypeDef

STARTS_MAX = 5  # each lost to another start
OWNER_BYTES = 6

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Job)
_CLAIM = (
    'UPDATE "{table}" SET "fence" = "fence" + 1 SET "claims" = "claims" + 1'
    ' SET "lease" = ? SET "owner" = ?'
    ' WHERE "pk" = ? AND "sk" = ? AND "status" = ? AND "ready" <= ? AND "lease" < ?'
    " RETURNING ALL NEW *"
)
_FINISH = (
    'UPDATE "{table}" SET "record" = ? SET "status" = ? SET "ready" = ? SET "expires" = ?'
    ' SET "lease" = 0 SET "claims" = 0{due} WHERE "pk" = ? AND "sk" = ? AND "fence" = ?'
)
_NOT_DUE = ' REMOVE "due" REMOVE "due_shard"'


class JobStore:
    """Jobs by tenant."""

    def __init__(self, clients: Clients, statements: Statements, reads: Reads) -> None:
        self._clients = clients
        self._statements = statements
        self._reads = reads
        self._table = clients.name(keys.EVENTS)

    async def start(self, tenant_id: str, job: Job) -> Job:
        """Start a job, unless one like it runs: then return that."""
        for _ in range(STARTS_MAX):
            latest = await self._read(tenant_id, keys.latest_job(job.webhook_id, job.kind.value))
            latest_id = latest["job_id"]["S"] if latest else None
            before = await self.get(tenant_id, latest_id) if latest_id else None
            runs = before is not None and before.status is JobStatus.RUNNING
            if before is not None and runs and before.enablings == job.enablings:
                return before
            if await self._put(tenant_id, job, latest_id):
                return job
        raise StoreUnavailable("job: too many starts at once")

    async def get(self, tenant_id: str, job_id: str) -> Job | None:
        """Return a job as it stands."""
        item = await self._read(tenant_id, job_id)
        return _DECODER.decode(item["record"]["S"]) if item else None

    async def claim(
        self, tenant_id: str, job_id: str, *, now_ms: int, lease_ms: int
    ) -> ClaimedJob | ClaimLost:
        """Claim a job until `lease_ms` if it runs, is ready and nobody's."""
        owner: Item = {"S": secrets.token_urlsafe(OWNER_BYTES)}
        now, running = {"N": str(now_ms)}, {"S": JobStatus.RUNNING.value}
        key = self._key(tenant_id, job_id)
        answer = await self._statements.execute(
            Statement(
                text=_CLAIM.format(table=self._table),
                parameters=({"N": str(lease_ms)}, owner, *key, running, now, now),
                item=job_id,
                tenant_id=tenant_id,
            )
        )
        # As with events the item decides: what is refused may be our own claim, sent twice.
        item = answer.item or await self._read(tenant_id, job_id)
        if item is None:
            return ClaimLost()
        lease = int(item["lease"]["N"])
        if item.get("owner") != owner or item["status"] != running or not lease:
            return ClaimLost(lease_ms=lease)
        return ClaimedJob(
            job=_DECODER.decode(item["record"]["S"]),
            fence=int(item["fence"]["N"]),
            claims=int(item["claims"]["N"]),
        )

    async def finish(self, tenant_id: str, fence: int, job: Job, *, due_ms: int | None) -> bool:
        """End a claim with how far the job has come. False: fenced off."""
        record: Item = {"S": _ENCODER.encode(job).decode()}
        status, expires = {"S": job.status.value}, {"N": str(_expires_s(job))}
        due: tuple[Item, ...] = () if due_ms is None else ({"N": str(due_ms)},)
        text = _FINISH.format(table=self._table, due=' SET "due" = ?' if due else _NOT_DUE)
        answer = await self._statements.execute(
            Statement(
                text=text,
                parameters=(
                    *(record, status, {"N": str(due_ms or 0)}, expires, *due),
                    *(*self._key(tenant_id, job.job_id), {"N": str(fence)}),
                ),
                item=job.job_id,
                tenant_id=tenant_id,
            )
        )
        return not isinstance(answer, Refused)

    async def _read(self, tenant_id: str, sort: str) -> Item | None:
        pk, sk = self._key(tenant_id, sort)
        return await self._reads.get(keys.EVENTS, {"pk": pk, "sk": sk})

    async def _put(self, tenant_id: str, job: Job, latest_id: str | None) -> bool:
        """Put a job and the entry that names it. False: another was started meanwhile."""
        puts: list[TransactWriteItemTypeDef] = [
            {"Put": {"TableName": self._table, "Item": self._item(tenant_id, job)}},
            self._put_latest(tenant_id, job, latest_id),
        ]
        with calling("TransactWriteItems job"):
            try:
                await self._clients.dynamodb.transact_write_items(TransactItems=puts)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                return False
        return True

    def _put_latest(
        self, tenant_id: str, job: Job, latest_id: str | None
    ) -> "TransactWriteItemTypeDef":
        pk, sk = self._key(tenant_id, keys.latest_job(job.webhook_id, job.kind.value))
        item: Item = {
            "pk": pk,
            "sk": sk,
            "job_id": {"S": job.job_id},
            "expires": {"N": str(_expires_s(job))},
        }
        put: Any = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if latest_id is not None:
            put["ConditionExpression"] = "job_id = :latest"
            put["ExpressionAttributeValues"] = {":latest": {"S": latest_id}}
        return {"Put": put}

    def _item(self, tenant_id: str, job: Job) -> Item:
        pk, sk = self._key(tenant_id, job.job_id)
        zero = {"N": "0"}
        return {
            "pk": pk,
            "sk": sk,
            "record": {"S": _ENCODER.encode(job).decode()},
            "status": {"S": job.status.value},
            "ready": zero,
            "fence": zero,
            "claims": zero,
            "lease": zero,
            "due_shard": {"S": due_shard_of(job.job_id)},
            "due": {"N": str(job.created_ms)},
            "expires": {"N": str(_expires_s(job))},
        }

    def _key(self, tenant_id: str, sort: str) -> tuple[Item, Item]:
        return {"S": keys.jobs_partition(tenant_id)}, {"S": sort}


def _expires_s(job: Job) -> int:
    return job.updated_ms // 1000 + JOB_KEPT_DAYS * 86_400
