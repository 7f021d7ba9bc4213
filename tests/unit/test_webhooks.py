"""Which events a webhook wants, and how it retries."""

import pytest

from tests.factories import make_webhook
from triggers.retries import SCHEDULES
from triggers.webhooks import WebhookStatus, wants


@pytest.mark.parametrize(
    ("patterns", "event_type", "wanted"),
    [
        (["*"], "order.created", True),
        (["*"], "order", True),
        (["order.created"], "order.created", True),
        (["order.created"], "order.created.late", False),
        (["order.created"], "order.create", False),
        (["order.created"], "Order.Created", False),
        (["order.created"], "orderXcreated", False),
        (["order.*"], "order.created", True),
        (["order.*"], "order.item.added", True),
        (["order.*"], "order", False),
        (["order.*"], "orders.created", False),
        (["order.*"], "reorder.created", False),
        (["order.item.*"], "order.item.added", True),
        (["order.item.*"], "order.created", False),
        (["a", "order.*"], "order.created", True),
        (["a", "b"], "order.created", False),
        ([], "order.created", False),
    ],
)
def test_a_filter_takes_the_very_name_all_below_it_or_everything(
    patterns: list[str], event_type: str, *, wanted: bool
) -> None:
    assert wants(make_webhook(event_types=tuple(patterns)), event_type) is wanted


def test_a_disabled_webhook_still_wants_its_events() -> None:
    webhook = make_webhook(status=WebhookStatus.DISABLED)

    assert wants(webhook, "order.created")
    assert not webhook.is_enabled


def test_a_webhook_retries_by_a_named_schedule_or_its_own_list() -> None:
    assert make_webhook().schedule == SCHEDULES["standard"]
    assert make_webhook(retry="short").schedule == SCHEDULES["short"]
    assert make_webhook(retry=(1, 60)).schedule == (1, 60)
