"""A round: what one claim makes of one event. Matching and planning, without any I/O."""

import logging
from typing import Any

from triggers import telemetry
from triggers.attempts import Attempt
from triggers.deliveries import Delivery, DeliveryStatus, is_due, postponed, settled
from triggers.events import Event, EventRecord, EventState
from triggers.tenants import TenantView
from triggers.webhooks import Webhook, wants
from worker.lanes import Lanes

TENANT_DELETED = "the tenant was deleted"
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
        return [
            delivery
            for delivery in self._deliveries.values()
            if delivery.status in statuses and delivery.status != self._before(delivery).status
        ]

    def to_save(self) -> tuple[Delivery, ...]:
        """Return the deliveries as they may be written before the round ends.

        What failed or is held stays as it was: with the end go its marker, its dead letter and the
        disabling of its webhook, and a worker that takes over must still come to them.
        """
        ended = self.newly(DeliveryStatus.FAILED, DeliveryStatus.HELD)
        return tuple(self._before(d) if d in ended else d for d in self._deliveries.values())

    def log(
        self, logger: logging.Logger, message: str, *, level: int = logging.WARNING, **fields: Any
    ) -> None:
        """Log something about this round, with the ids that tell which."""
        telemetry.log(
            logger,
            message,
            level=level,
            tenant_id=self.tenant_id,
            event_id=self.event.event_id,
            correlation_id=self.event.correlation_id,
            claims=self.state.claims,
            fence=self.state.fence,
            **fields,
        )

    def _before(self, delivery: Delivery) -> Delivery:
        before = {d.webhook_id: d for d in self.state.deliveries or ()}
        return before.get(delivery.webhook_id) or Delivery(webhook_id=delivery.webhook_id)

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
                reason = WEBHOOK_DELETED if self.view.tenant else TENANT_DELETED
                self.replace(settled(delivery, DeliveryStatus.CANCELLED, reason))
            elif not webhook.is_enabled:
                self.replace(settled(delivery, DeliveryStatus.HELD, WEBHOOK_DISABLED))
            elif (until_ms := lanes.enter(self.tenant_id, webhook.webhook_id, now_ms)) is not None:
                telemetry.postponements.add(1)
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
