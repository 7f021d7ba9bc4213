"""What the worker makes of events whose tenant was deleted."""

from tests.factories import make_delivery, make_webhook
from tests.unit.worker.world import World
from triggers.deliveries import DeliveryStatus
from triggers.tenants import TenantView
from worker.rounds import TENANT_DELETED

WEBHOOK = make_webhook()


def delete_tenant(world: World) -> None:
    """Leave of the tenant what a deletion leaves that broke off."""
    view = world.outside.control.views[world.tenant_id]
    world.outside.control.keep(
        TenantView(tenant_id=world.tenant_id, version=view.version + 1, webhooks=view.webhooks)
    )


async def test_pending_deliveries_of_a_deleted_tenant_are_cancelled_and_say_why() -> None:
    world = World(WEBHOOK)
    event = await world.accept(deliveries=(make_delivery(webhook_id=WEBHOOK.webhook_id),))
    delete_tenant(world)

    await world.work(event)

    assert world.sender.requests == []
    delivery = world.delivery(event)
    assert (delivery.status, delivery.last_error) == (DeliveryStatus.CANCELLED, TENANT_DELETED)
    assert world.state(event).due_ms is None


async def test_a_fresh_event_of_a_deleted_tenant_is_sent_to_nobody() -> None:
    world = World(WEBHOOK)
    event = await world.accept()
    delete_tenant(world)

    await world.work(event)

    assert world.sender.requests == []
    assert world.state(event).due_ms is None
