"""Opening deliveries again that had ended, by a replay or a recovery. Pure.

Whoever works on the event meanwhile is fenced off, as by a claim: what it writes is refused.
"""

from collections.abc import Collection

from msgspec.structs import replace

from triggers.deliveries import Delivery, DeliveryStatus, reopened
from triggers.events import AT_ONCE_MS, EventOutcome, EventState, status_after
from triggers.replays import Replay


def replayed(
    state: EventState, replay: Replay, matched: Collection[str], *, due_ms: int
) -> EventState | None:
    """Return an event as it stands after a replay; None: its status does not allow one.

    `matched` are the webhooks that want it: to those goes also an event that no worker has come to
    yet, whatever webhook is replayed. A webhook without a delivery gets one.
    """
    present = state.deliveries
    if present is None:
        present = tuple(Delivery(webhook_id=webhook_id) for webhook_id in matched)
    deliveries = {delivery.webhook_id: delivery for delivery in present}
    for webhook_id in replay.webhook_ids:
        before = deliveries.get(webhook_id) or Delivery(webhook_id=webhook_id)
        deliveries[webhook_id] = reopened(before, replay.number)
    after = _reopened(state, EventOutcome.REPLAYED, tuple(deliveries.values()), due_ms)
    return after and replace(after, replays=(*state.replays, replay))


def recovered(
    state: EventState, webhook_id: str, statuses: Collection[DeliveryStatus], *, due_ms: int
) -> EventState | None:
    """Return an event as it stands when a webhook's delivery with such a status is open again.

    None: the status of the event does not allow it, or there is no such delivery.
    """
    deliveries = tuple(
        reopened(d, d.replay) if d.webhook_id == webhook_id and d.status in statuses else d
        for d in state.deliveries or ()
    )
    if deliveries == (state.deliveries or ()):
        return None
    return _reopened(state, EventOutcome.RECOVERED, deliveries, due_ms)


def _reopened(
    state: EventState, outcome: EventOutcome, deliveries: tuple[Delivery, ...], due_ms: int
) -> EventState | None:
    status = status_after(state.status, outcome)
    if status is None:
        return None
    return replace(
        state,
        status=status,
        deliveries=deliveries,
        ready_ms=AT_ONCE_MS,
        due_ms=min(due_ms, due_ms if state.due_ms is None else state.due_ms),
        fence=state.fence + 1,
        claims=0,
        lease_ms=0,
        delivered_ms=None,
    )
