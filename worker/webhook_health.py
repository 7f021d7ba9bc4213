"""Notices webhooks that know nothing but failures, and disables them after some days of it.

What an attempt leaves here is a note in memory; the loop sees to the store, at most once a minute
for each webhook, but for the first success after failures, which is told at once.
"""

import asyncio
import logging
from collections import OrderedDict

from triggers import telemetry
from triggers.control_changes import SERVICE
from triggers.deliveries import Delivery, DeliveryStatus
from triggers.errors import TriggersError
from triggers.ports import FailingWebhooks
from triggers.times import Clock, rfc3339
from triggers.webhook_changes import WebhookChanges
from worker.health import Pulse

TURN_SECONDS = 1.0
NOTE_MS = 60_000  # how often the store is asked about a webhook
WEBHOOKS_MAX = 20_000
NOTES_MAX = 100  # in one turn, so that an outage of many receivers is no flood of writes

_logger = logging.getLogger(__name__)
_Name = tuple[str, str]  # tenant, webhook


class WebhookHealth:
    """Keeps notes of attempts, and a loop that acts on them."""

    def __init__(
        self,
        failing: FailingWebhooks,
        changes: WebhookChanges,
        *,
        clock: Clock,
        pulse: Pulse,
        disable_after_days: float,
    ) -> None:
        self._failing = failing
        self._changes = changes
        self._clock = clock
        self._pulse = pulse
        self._patience_ms = int(disable_after_days * 86_400_000)
        self._seen: OrderedDict[_Name, tuple[bool, int]] = OrderedDict()  # went well, told when
        self._notes: OrderedDict[_Name, bool] = OrderedDict()

    def note(self, tenant_id: str, attempted: Delivery, now_ms: int) -> None:
        """Note how an attempt went. No more than a look into a dictionary, nearly always."""
        name = (tenant_id, attempted.webhook_id)
        went_well = attempted.status is DeliveryStatus.DELIVERED
        before = self._seen.get(name)
        if before is not None and now_ms - before[1] < NOTE_MS and before[0] >= went_well:
            return
        if len(self._notes) >= WEBHOOKS_MAX:
            return  # a later attempt is noted
        self._seen[name] = (went_well, now_ms)
        self._notes[name] = went_well
        if len(self._seen) > WEBHOOKS_MAX:
            self._seen.popitem(last=False)

    async def run(self) -> None:
        """Act on the notes, for ever."""
        while True:
            self._pulse.beat()
            await self.turn()
            await asyncio.sleep(TURN_SECONDS)

    async def turn(self) -> None:
        """Act on the oldest notes; what the store does not take now is noted by a later attempt."""
        notes = [self._notes.popitem(last=False) for _ in range(min(NOTES_MAX, len(self._notes)))]
        await asyncio.gather(*(self._tell(name, went_well) for name, went_well in notes))

    async def _tell(self, name: _Name, went_well: bool) -> None:  # noqa: FBT001 half of a note
        try:
            await (self._succeeded(name) if went_well else self._failed(name))
        except TriggersError as error:
            self._seen.pop(name, None)
            telemetry.log(
                _logger,
                "health not noted",
                level=logging.WARNING,
                tenant_id=name[0],
                webhook_id=name[1],
                reason=str(error),
            )

    async def _succeeded(self, name: _Name) -> None:
        tenant_id, webhook_id = name
        if await self._failing.since(tenant_id, [webhook_id]):
            await self._failing.clear(tenant_id, webhook_id)

    async def _failed(self, name: _Name) -> None:
        tenant_id, webhook_id = name
        now_ms = self._clock()
        since_ms = await self._failing.note(tenant_id, webhook_id, now_ms)
        if now_ms - since_ms >= self._patience_ms:
            reason = f"nothing but failures since {rfc3339(since_ms)}"
            await self._changes.disable(tenant_id, webhook_id, reason, actor=SERVICE)
