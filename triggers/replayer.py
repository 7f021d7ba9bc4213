"""Replay: an old event goes to its webhooks again, on request."""

import asyncio

from msgspec import Struct

from triggers.attempts import first_successes
from triggers.errors import (
    AlreadyAcknowledged,
    NotFound,
    NoWebhook,
    ReplayLimitReached,
    StoreUnavailable,
    WebhookDisabled,
)
from triggers.events import EventState, EventStatus
from triggers.ids import is_event_id
from triggers.ports import Attempts, EventReopening, HintSender, Reopened, Standing
from triggers.reopening import replayed
from triggers.replays import REPLAYS_MAX, Replay
from triggers.tenants import TenantView
from triggers.times import Clock
from triggers.webhooks import wants

TRIES_MAX = 5  # each lost to somebody who changed the event meanwhile


class ReplayOrder(Struct, frozen=True, kw_only=True):
    """What a caller asks for. Without `webhook_id` it goes to all webhooks that want the event now."""

    request_id: str
    webhook_id: str | None = None
    workflow_id: str | None = None
    reason: str | None = None


class Replayer:
    """Opens deliveries of an event again."""

    def __init__(
        self,
        events: EventReopening,
        attempts: Attempts,
        hints: HintSender,
        *,
        clock: Clock,
        grace_seconds: float,
        retention_days: int,
    ) -> None:
        self._events = events
        self._attempts = attempts
        self._hints = hints
        self._clock = clock
        self._grace_ms = int(grace_seconds * 1000)
        self._retention_seconds = retention_days * 86_400

    async def replay(self, view: TenantView, event_id: str, order: ReplayOrder) -> Replay:
        """Replay an event; what is written is kept for the whole retention from now on.

        Raises NotFound, AlreadyAcknowledged, NoWebhook, WebhookDisabled, ReplayLimitReached,
        StoreUnavailable.
        """
        if not is_event_id(event_id):
            raise NotFound("event", event_id)
        for _ in range(TRIES_MAX):
            standing = await self._events.stand(view.tenant_id, event_id)
            if standing is None:
                raise NotFound("event", event_id)
            replays = standing.state.replays
            if replays and replays[-1].request_id == order.request_id:
                return replays[-1]  # ours: the store had done it, its answer was lost
            replay = self._replay(view, event_id, standing, order)
            done = await self._reopen(view, event_id, standing, replay)
            if done is Reopened.DONE:
                self._hints.send(view.tenant_id, event_id, standing.traceparent)
                return replay
            if done is Reopened.GONE:
                raise NotFound("event", event_id)
        raise StoreUnavailable("replay: the event changes all the time")

    def _replay(
        self, view: TenantView, event_id: str, standing: Standing, order: ReplayOrder
    ) -> Replay:
        """Return the replay to make of an event that stands so. Raises what forbids it."""
        if standing.state.status is EventStatus.ACKNOWLEDGED:
            raise AlreadyAcknowledged(event_id)
        replays = standing.state.replays
        if len(replays) >= REPLAYS_MAX:
            raise ReplayLimitReached(REPLAYS_MAX)
        return Replay(
            number=len(replays) + 1,
            webhook_ids=_webhooks_of(view, standing, order.webhook_id),
            created_ms=self._clock(),
            request_id=order.request_id,
            workflow_id=order.workflow_id,
            reason=order.reason,
        )

    async def _reopen(
        self, view: TenantView, event_id: str, standing: Standing, replay: Replay
    ) -> Reopened:
        now_ms = self._clock()
        matched = _wanting(view, standing.event_type)
        after = replayed(standing.state, replay, matched, due_ms=now_ms + self._grace_ms)
        if after is None:
            raise AlreadyAcknowledged(event_id)
        expires_s = now_ms // 1000 + self._retention_seconds
        await self._keep_first_successes(view.tenant_id, event_id, standing.state, expires_s)
        return await self._events.reopen(
            view.tenant_id, event_id, standing, after, expires_s=expires_s
        )

    async def _keep_first_successes(
        self, tenant_id: str, event_id: str, state: EventState, expires_s: int
    ) -> None:
        """Give those a row: they stand in deliveries that are about to be overwritten."""
        attempts = first_successes(event_id, state)
        await asyncio.gather(
            *(self._attempts.record(tenant_id, a, expires_s=expires_s) for a in attempts)
        )


def _webhooks_of(view: TenantView, standing: Standing, webhook_id: str | None) -> tuple[str, ...]:
    """Return the webhooks to replay to. What wants the event and is disabled will be held."""
    if webhook_id is None:
        wanting = _wanting(view, standing.event_type)
        if not wanting:
            raise NoWebhook(standing.event_type)
        return wanting
    webhook = view.webhooks.get(webhook_id)
    if webhook is None:
        raise NotFound("webhook", webhook_id)
    if not webhook.is_enabled:
        raise WebhookDisabled(webhook_id)
    return (webhook_id,)


def _wanting(view: TenantView, event_type: str) -> tuple[str, ...]:
    return tuple(name for name, w in view.webhooks.items() if wants(w, event_type))
