"""Which events a webhook wants, and how it retries."""

import pytest

from tests.factories import NOW_MS, make_webhook
from triggers.retries import SCHEDULES
from triggers.webhooks import OldSecret, WebhookStatus, changed, signing_secrets, wants


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


def test_a_rotated_secret_signs_along_until_its_time_is_over() -> None:
    old = OldSecret(secret="whsec_old", until_ms=NOW_MS)
    webhook = make_webhook(old_secrets=(old,))

    assert signing_secrets(webhook, NOW_MS - 1) == (webhook.secret, "whsec_old")
    assert signing_secrets(webhook, NOW_MS) == (webhook.secret,)
    assert signing_secrets(make_webhook(secret="whsec_x"), NOW_MS) == ("whsec_x",)


def test_every_change_has_a_tag_of_its_own() -> None:
    webhook = make_webhook()
    after = changed(webhook, NOW_MS + 1, url="https://example.com/")

    assert (webhook.tag, after.tag) == ('"1"', '"2"')
    assert after.updated_ms == NOW_MS + 1
