"""A round: what one claim makes of one event. Matching and planning, without any I/O."""

from triggers.attempts import Attempt
from triggers.deliveries import Delivery, DeliveryStatus, is_due, postponed, settled
from triggers.events import Event, EventRecord, EventState
from triggers.tenants import TenantView
from triggers.webhooks import Webhook, wants
from worker.lanes import Lanes

WEBHOOK_DELETED = "the webhook was deleted"
WEBHOOK_DISABLED = "the webhook is disabled"


class Round:
    """The deliveries of a claimed event as they stand, and the attempts made under this claim."""

    def __init__(
        self, tenant_id: str, record: EventRecord, view: TenantView, lease_end_ms: int
    ) -> None:
        self.tenant_id = tenant_id
        self.event: Event = record.event
        self.state: EventState = record.state
        self.view = view
        self.lease_end_ms = lease_end_ms
        self.attempts: list[Attempt] = []
        self._deliveries = {d.webhook_id: d for d in match(record, view)}

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """All deliveries of the event as they stand now."""
        return tuple(self._deliveries.values())

    def delivery(self, webhook_id: str) -> Delivery:
        """Return one delivery as it stands now."""
        return self._deliveries[webhook_id]

    def replace(self, *deliveries: Delivery) -> None:
        """Put deliveries in the place of what they were."""
        for delivery in deliveries:
            self._deliveries[delivery.webhook_id] = delivery

    def newly(self, *statuses: DeliveryStatus) -> list[Delivery]:
        """Return the deliveries that came to one of these statuses in this round."""
        before = {d.webhook_id: d.status for d in self.state.deliveries or ()}
        return [
            delivery
            for delivery in self._deliveries.values()
            if delivery.status in statuses and before.get(delivery.webhook_id) != delivery.status
        ]

    def plan(self, lanes: Lanes, now_ms: int) -> list[Webhook]:
        """Return the webhooks to send to now, each with its slot taken.

        Due deliveries that get no attempt are cancelled, held or postponed instead.
        """
        sends = []
        for delivery in self.deliveries:
            if not is_due(delivery, now_ms):
                continue
            webhook = self.view.webhooks.get(delivery.webhook_id)
            if webhook is None:
                self.replace(settled(delivery, DeliveryStatus.CANCELLED, WEBHOOK_DELETED))
            elif not webhook.is_enabled:
                self.replace(settled(delivery, DeliveryStatus.HELD, WEBHOOK_DISABLED))
            elif (until_ms := lanes.enter(webhook.webhook_id, now_ms)) is not None:
                self.replace(postponed(delivery, until_ms))
            else:
                sends.append(webhook)
        return sends


def match(record: EventRecord, view: TenantView) -> tuple[Delivery, ...]:
    """Return an event's deliveries; on the first claim one for each webhook that wants the event."""
    if record.state.deliveries is not None:
        return record.state.deliveries
    return tuple(
        Delivery(webhook_id=webhook.webhook_id)
        for webhook in view.webhooks.values()
        if wants(webhook, record.event.event_type)
    )
