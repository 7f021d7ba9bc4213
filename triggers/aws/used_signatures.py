"""Signatures of requests that were accepted, in the `counters` table until nobody takes them."""

from triggers.aws import keys
from triggers.aws.clients import Clients
from triggers.aws.items import Reads
from triggers.aws.statements import Refused, Statement, Statements


class UsedSignatureStore:
    """See the port: the first insert of a signature wins."""

    def __init__(self, clients: Clients, statements: Statements, reads: Reads) -> None:
        self._statements = statements
        self._reads = reads
        table = clients.name(keys.COUNTERS)
        self._text = f"INSERT INTO \"{table}\" VALUE {{'pk': ?, 'token': ?, 'expires': ?}}"

    async def use(self, tenant_id: str, digest: str, token: str, *, expires_s: int) -> bool:
        """Use a signature up. A duplicate of our own token is our own insert, sent again."""
        partition = {"S": keys.used_signature(tenant_id, digest)}
        answer = await self._statements.execute(
            Statement(
                text=self._text,
                parameters=(partition, {"S": token}, {"N": str(expires_s)}),
                item=partition["S"],
                tenant_id=tenant_id,
            )
        )
        if not isinstance(answer, Refused):
            return True
        # Whether a batch gives the item of a statement is not promised everywhere.
        item = answer.item or await self._reads.get(keys.COUNTERS, {"pk": partition})
        return item is not None and item["token"]["S"] == token
