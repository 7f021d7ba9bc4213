"""What is written about deliveries, in memory."""

from tests.fakes.base import Fake
from triggers.attempts import Attempt, AttemptPage, AttemptPosition, position_of
from triggers.messages import DeadLetter


class FakeAttempts(Fake):
    """The kept attempts."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[tuple[str, str, str, int], Attempt] = {}

    async def record(self, tenant_id: str, attempt: Attempt, *, expires_s: int) -> None:
        await self._answer("record")
        self.rows[tenant_id, attempt.event_id, attempt.webhook_id, attempt.number] = attempt

    async def read(self, tenant_id: str, event_id: str) -> list[Attempt]:
        await self._answer("read")
        found = [row for key, row in self.rows.items() if key[:2] == (tenant_id, event_id)]
        return sorted(found, key=lambda attempt: attempt.started_ms, reverse=True)

    async def read_of_webhook(
        self, tenant_id: str, webhook_id: str, *, after: AttemptPosition | None, limit: int
    ) -> AttemptPage:
        await self._answer("read_of_webhook")
        found = sorted(
            (
                row
                for (tenant, _, webhook, _), row in self.rows.items()
                if (tenant, webhook) == (tenant_id, webhook_id)
                and (after is None or position_of(row) < after)
            ),
            key=position_of,
            reverse=True,
        )
        page = tuple(found[:limit])
        return AttemptPage(
            attempts=page, position=position_of(page[-1]) if len(found) > limit else None
        )

    async def delete(self, tenant_id: str, event_id: str) -> None:
        await self._answer("delete")
        self.rows = {key: row for key, row in self.rows.items() if key[:2] != (tenant_id, event_id)}


class FakeDeadLetters(Fake):
    """The dead letters in the order of their sending."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[DeadLetter] = []

    async def send(self, letter: DeadLetter) -> None:
        await self._answer("send")
        self.letters.append(letter)
