"""Changes of webhooks: merged, refused when somebody was quicker, and audited by field."""

import pytest
from msgspec.structs import replace

from tests.factories import NOW_MS, FakeClock, make_tenant, make_view, make_webhook
from tests.fakes import FakeControl
from triggers.control import ControlPlane
from triggers.errors import LimitReached, NotFound, PreconditionFailed
from triggers.webhook_changes import DISABLED_BY_A_CALL, WebhookChanges
from triggers.webhooks import (
    OLD_SECRET_SECONDS,
    OLD_SECRETS_MAX,
    OldSecret,
    Webhook,
    WebhookStatus,
)

LATER_MS = NOW_MS + 1_000
DAY_MS = OLD_SECRET_SECONDS * 1000
DISABLED = {
    "status": WebhookStatus.DISABLED,
    "disabled_reason": "receiver answered 410",
    "disabled_ms": NOW_MS,
}


class Changes:
    """Changes of one webhook of one tenant, a second after its creation."""

    def __init__(self, **values: object) -> None:
        self.store, self.tenant_id = FakeControl(), make_tenant().tenant_id
        self.before = make_webhook(**values)
        view = make_view(self.before)
        self.store.keep(replace(view, tenant_id=self.tenant_id))
        self.clock = FakeClock(LATER_MS)
        plane = ControlPlane(self.store, clock=self.clock, settle_seconds=0)
        self.changes = WebhookChanges(plane, clock=self.clock)

    async def update(self, values: dict[str, object], **more: object) -> Webhook:
        return await self.changes.update(
            self.tenant_id,
            self.before.webhook_id,
            values,
            actor="key",
            **more,  # type: ignore[arg-type]
        )

    async def rotate(self, secret: str) -> Webhook:
        webhook_id = self.before.webhook_id
        return await self.changes.rotate_secret(self.tenant_id, webhook_id, secret, actor="key")

    @property
    def kept(self) -> Webhook:
        return self.store.views[self.tenant_id].webhooks[self.before.webhook_id]

    @property
    def audited(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(entry.action, entry.fields) for entry in self.store.audit]


async def test_an_update_changes_what_it_names_and_counts_a_revision() -> None:
    changes = Changes()

    after = await changes.update({"url": "https://example.com/", "headers": {"X-Shop": "1"}})

    assert after == changes.kept
    assert after == replace(
        changes.before,
        url="https://example.com/",
        headers={"X-Shop": "1"},
        revision=2,
        updated_ms=LATER_MS,
    )
    assert changes.audited == [("webhook.updated", ("url", "headers"))]


async def test_an_update_that_changes_nothing_writes_nothing() -> None:
    changes = Changes(description="Orders")

    after = await changes.update({"description": "Orders", "retry": "standard"}, enabled=True)

    assert after == changes.kept == changes.before
    assert changes.store.calls["write"] == 0


async def test_only_what_is_new_is_audited() -> None:
    changes = Changes(description="Orders")

    await changes.update({"description": "Orders", "timeout_seconds": 3})

    assert changes.audited == [("webhook.updated", ("timeout_seconds",))]


@pytest.mark.parametrize("tags", [None, {'"1"'}, {'"7"', '"1"'}])
async def test_an_update_of_the_state_in_mind_is_made(tags: set[str] | None) -> None:
    changes = Changes()

    assert (await changes.update({"description": "x"}, tags=tags)).description == "x"


@pytest.mark.parametrize("tags", [{'"2"'}, {'W/"1"'}, {'""'}, set()])
async def test_a_change_of_another_state_is_refused(tags: set[str]) -> None:
    changes = Changes()

    with pytest.raises(PreconditionFailed, match='its ETag is "1" now'):
        await changes.update({"description": "x"}, tags=tags)
    with pytest.raises(PreconditionFailed):
        await changes.changes.delete(
            changes.tenant_id, changes.before.webhook_id, tags=tags, actor="key"
        )

    assert changes.kept == changes.before


async def test_the_state_is_judged_anew_when_another_change_came_between() -> None:
    changes = Changes()
    write = changes.store.write

    async def write_late(tenant_id: str, change: object) -> bool:
        changes.store.write = write  # type: ignore[method-assign]
        await changes.update({"description": "quicker"})
        return await write(tenant_id, change)  # type: ignore[arg-type]

    changes.store.write = write_late  # type: ignore[method-assign]
    with pytest.raises(PreconditionFailed):
        await changes.update({"description": "slower"}, tags={'"1"'})

    assert changes.kept.description == "quicker"


async def test_a_webhook_is_disabled_by_a_call_and_enabled_again() -> None:
    changes = Changes()

    disabled = await changes.update({}, enabled=False)
    assert (disabled.status, disabled.disabled_reason, disabled.disabled_ms) == (
        WebhookStatus.DISABLED,
        DISABLED_BY_A_CALL,
        LATER_MS,
    )

    enabled = await changes.update({"description": "x"}, enabled=True)
    assert enabled == replace(
        changes.before, description="x", revision=3, updated_ms=LATER_MS, enablings=1
    )
    assert changes.audited == [
        ("webhook.updated", ("enabled",)),
        ("webhook.updated", ("description", "enabled")),
    ]


async def test_what_is_disabled_for_a_reason_keeps_it_when_disabled_again() -> None:
    changes = Changes(**DISABLED)

    assert await changes.update({}, enabled=False) == changes.before
    assert (await changes.update({"description": "x"})).disabled_reason == "receiver answered 410"


async def test_enabling_clears_why_and_since_when() -> None:
    changes = Changes(**DISABLED)

    enabled = await changes.changes.enable(
        changes.tenant_id, changes.before.webhook_id, actor="key"
    )

    assert enabled == changes.kept
    assert enabled.is_enabled
    assert (enabled.disabled_reason, enabled.disabled_ms) == (None, None)
    assert changes.audited == [("webhook.enabled", ("enabled",))]


async def test_a_rotated_secret_signs_along_for_a_day() -> None:
    changes = Changes(secret="whsec_1")

    after = await changes.rotate("whsec_2")

    assert after.secret == "whsec_2"
    assert after.old_secrets == (OldSecret(secret="whsec_1", until_ms=LATER_MS + DAY_MS),)
    assert changes.audited == [("webhook.secret_rotated", ("secret",))]


async def test_expired_secrets_are_dropped_by_the_next_rotation() -> None:
    changes = Changes(secret="whsec_1")
    await changes.rotate("whsec_2")
    changes.clock.advance(OLD_SECRET_SECONDS)

    after = await changes.rotate("whsec_3")

    assert [old.secret for old in after.old_secrets] == ["whsec_2"]


async def test_a_secret_that_comes_back_is_no_old_one_any_more() -> None:
    changes = Changes(secret="whsec_1")
    await changes.rotate("whsec_2")

    after = await changes.rotate("whsec_1")
    again = await changes.rotate("whsec_1")

    assert after == again == changes.kept
    assert (after.secret, [old.secret for old in after.old_secrets]) == ("whsec_1", ["whsec_2"])


async def test_no_more_than_five_old_secrets_sign_along_and_none_is_cut_short() -> None:
    changes = Changes(secret="whsec_0")
    for number in range(1, OLD_SECRETS_MAX + 1):
        await changes.rotate(f"whsec_{number}")

    with pytest.raises(LimitReached, match=r"at most 5 old secrets .* one ends at 2026-11-23T"):
        await changes.rotate("whsec_6")

    assert len(changes.kept.old_secrets) == OLD_SECRETS_MAX
    changes.clock.advance(OLD_SECRET_SECONDS)
    assert (await changes.rotate("whsec_6")).secret == "whsec_6"


async def test_a_webhook_that_is_not_there_cannot_be_changed() -> None:
    changes = Changes()
    tenant_id, made = changes.tenant_id, changes.changes

    with pytest.raises(NotFound):
        await made.update(tenant_id, "wh_gone", {"url": "x"}, tags={'"1"'}, actor="key")
    with pytest.raises(NotFound):
        await made.enable(tenant_id, "wh_gone", actor="key")
    with pytest.raises(NotFound):
        await made.rotate_secret(tenant_id, "wh_gone", "whsec_2", actor="key")
