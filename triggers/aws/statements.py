"""PartiQL writes in batches: each statement conditional on its own, each with its own answer."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from triggers.aws.batcher import Batcher
from triggers.aws.clients import INVALID, Clients, calling
from triggers.aws.operations import BATCH_EXECUTE_STATEMENT, StatementAnswer
from triggers.aws.retrying import again_when_left_out
from triggers.errors import StoreRefused, StoreUnavailable

STATEMENTS_MAX = 25  # AWS limit of BatchExecuteStatement

_CONDITION_FAILED = "ConditionalCheckFailed"
_DUPLICATE = "DuplicateItem"
# Somebody else's to mend, which takes longer than a caller waits: see `clients.calling`.
_LASTING = frozenset({"AccessDenied", "ResourceNotFound"})


class Statement(Struct, frozen=True, kw_only=True):
    """One PartiQL statement. `item` names the item it writes, of which a batch holds but one.

    Where many wait, tenants take turns.
    """

    text: str
    parameters: tuple[dict[str, Any], ...]
    item: str
    tenant_id: str


class Written(Struct, frozen=True, kw_only=True):
    """The statement was carried out. `item` is there if it was asked for and the store gave it."""

    item: dict[str, Any] | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """The condition did not hold, or the item was there. `item` is how it stands, if known."""

    duplicate: bool = False
    item: dict[str, Any] | None = None


class Statements:
    """The way of all conditional writes of the hot path."""

    def __init__(self, clients: Clients, *, flights_max: int, waiting_max: int) -> None:
        self._clients = clients
        self._batcher: Batcher[Statement, Written | Refused] = Batcher(
            self._flush,
            batch_max=STATEMENTS_MAX,
            flights_max=flights_max,
            waiting_max=waiting_max,
            identity=lambda statement: statement.item,
            tenant=lambda statement: statement.tenant_id,
        )

    @again_when_left_out
    async def execute(self, statement: Statement) -> Written | Refused:
        """Carry out a statement. Raises StoreUnavailable, StoreRefused, Overloaded."""
        return await self._batcher.submit(statement)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._batcher.close()

    async def _flush(self, statements: Sequence[Statement]) -> list[Written | Refused | Exception]:
        requests = [
            {
                "Statement": statement.text,
                "Parameters": statement.parameters,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
            for statement in statements
        ]
        with calling("BatchExecuteStatement"):
            request = {"Statements": requests}
            answer = await self._clients.hot_dynamodb.call(BATCH_EXECUTE_STATEMENT, request)
        responses = answer.get("Responses", [])
        if len(responses) != len(statements):  # an unreadable 200 is no error to botocore
            raise StoreUnavailable("BatchExecuteStatement: incomplete answer")
        return [_read(response) for response in responses]


def _read(response: StatementAnswer) -> Written | Refused | Exception:
    error = response.get("Error")
    if error is None:
        return Written(item=response.get("Item"))
    code = error.get("Code", "Unknown")
    if code in (_CONDITION_FAILED, _DUPLICATE):
        return Refused(duplicate=code == _DUPLICATE, item=error.get("Item"))
    said = f"BatchExecuteStatement: {code}"
    if code == INVALID:
        return StoreRefused(f"{said}: {error.get('Message', '')}")
    return StoreUnavailable(said, passing=code not in _LASTING)
