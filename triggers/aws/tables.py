"""The tables and queues, described once: for the development set-up, the tests and Terraform."""

from msgspec import Struct

from triggers.aws import keys


class Index(Struct, frozen=True, kw_only=True):
    """A global secondary index; its keys as (name, type) of DynamoDB."""

    name: str
    partition: tuple[str, str]
    sort: tuple[str, str]
    projection: str = "KEYS_ONLY"


class Table(Struct, frozen=True, kw_only=True):
    """A table: on demand, TTL on `expires`, with point-in-time recovery."""

    name: str
    sort: tuple[str, str] | None = ("sk", "S")
    indexes: tuple[Index, ...] = ()


class Queue(Struct, frozen=True, kw_only=True):
    """A queue. `dead_letter_queue` gets what was received `receives_max` times."""

    name: str
    visibility_seconds: int = 300
    retention_days: int = 14
    dead_letter_queue: str | None = None
    receives_max: int = 5


TABLES = (
    Table(
        name=keys.EVENTS,
        indexes=(
            Index(name=keys.INBOX_INDEX, partition=("inbox", "S"), sort=("sk", "S")),
            Index(name=keys.DUE_INDEX, partition=("due_shard", "S"), sort=("due", "N")),
        ),
    ),
    Table(name=keys.PAYLOADS, sort=("sk", "N")),
    Table(
        name=keys.ATTEMPTS,
        indexes=(
            Index(
                name=keys.WEBHOOK_INDEX,
                partition=("webhook", "S"),
                sort=("at", "N"),
                projection="ALL",
            ),
        ),
    ),
    Table(name=keys.BACKLOG),
    Table(name=keys.CONTROL),
    Table(name=keys.IDEMPOTENCY, sort=None),
    Table(name=keys.COUNTERS, sort=None),
)

QUEUES = (
    Queue(name=keys.DELIVERIES_DEAD_LETTER_QUEUE),
    Queue(
        name=keys.DELIVERIES_QUEUE,
        retention_days=7,
        dead_letter_queue=keys.DELIVERIES_DEAD_LETTER_QUEUE,
    ),
    Queue(name=keys.DEAD_LETTERS_QUEUE),
)
