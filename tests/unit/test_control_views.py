"""A process's memory of what changes slowly: young enough to act on, or not used."""

import asyncio
import gc
import itertools

import pytest
from msgspec.structs import replace

from tests.factories import FakeClock, make_tenant, make_view, make_webhook
from tests.fakes import FakeControl
from triggers.control_views import VISIBLE_SECONDS, WHOLE_SECONDS, ControlViews
from triggers.errors import StoreUnavailable
from triggers.ids import group_of
from triggers.tenants import TenantView

AGE_SECONDS = 1.0


class Memory:
    """A store with one tenant in it, and the views that a process has of it."""

    def __init__(self, *, tenants_max: int = 10, age_seconds: float = AGE_SECONDS) -> None:
        self.clock = FakeClock()
        self.store = FakeControl()
        self.views = ControlViews(
            self.store,
            age_max_seconds=age_seconds,
            tenants_max=tenants_max,
            monotonic=self.clock.monotonic,
        )
        self.kept = make_view()
        self.store.keep(self.kept)

    @property
    def tenant_id(self) -> str:
        return self.kept.tenant_id

    async def view(self) -> TenantView:
        return await self.views.view(self.tenant_id)

    def neighbour(self, *, same_group: bool = True) -> TenantView:
        """Have another tenant, of the same group or of another."""
        views = (make_view(tenant=make_tenant()) for _ in itertools.count())
        group = group_of(self.tenant_id)
        view = next(v for v in views if (group_of(v.tenant_id) == group) is same_group)
        self.store.keep(view)
        return view

    async def settle(self, *others: TenantView) -> None:
        """Have the group vouch for the tenant, and for others, from now on."""
        for seconds in (0, VISIBLE_SECONDS):
            self.clock.advance(seconds)
            for view in (self.kept, *others):
                await self.views.view(view.tenant_id)
        self.store.calls.clear()

    async def know_group(self) -> None:
        """Have the group's version read, so that the next load reads the view alone."""
        await self.views.view(self.neighbour().tenant_id)
        self.store.calls.clear()

    def change(self) -> TenantView:
        """Give the tenant one more webhook, as another process would."""
        webhook = make_webhook()
        self.kept = replace(
            self.kept,
            version=self.kept.version + 1,
            webhooks={**self.kept.webhooks, webhook.webhook_id: webhook},
        )
        self.store.keep(self.kept)
        return self.kept


async def until_called(store: FakeControl, call: str) -> None:
    while not store.calls[call]:
        await asyncio.sleep(0)


async def test_a_view_is_loaded_once_and_then_remembered() -> None:
    memory = Memory()

    assert await memory.view() == memory.kept
    assert await memory.view() == memory.kept

    assert memory.store.calls == {"read_view": 1, "read_group_version": 1}


async def test_a_view_past_its_age_is_checked_before_it_is_used() -> None:
    memory = Memory()
    await memory.view()
    changed = memory.change()
    memory.clock.advance(AGE_SECONDS)

    assert await memory.view() == changed


async def test_a_view_whose_group_has_not_changed_costs_the_version_of_the_group_alone() -> None:
    memory = Memory()
    await memory.settle()
    memory.clock.advance(AGE_SECONDS)

    await memory.view()

    assert memory.store.calls == {"read_group_version": 1}


async def test_one_read_tells_that_all_views_of_a_group_are_young() -> None:
    memory = Memory()
    neighbours = [memory.neighbour() for _ in range(5)]
    everybody = [memory.kept, *neighbours]
    await memory.settle(*neighbours)
    memory.clock.advance(AGE_SECONDS)

    assert [await memory.views.view(view.tenant_id) for view in everybody] == everybody

    assert memory.store.calls == {"read_group_version": 1}


async def test_groups_are_read_each_by_itself() -> None:
    memory = Memory()
    stranger = memory.neighbour(same_group=False)
    await memory.settle(stranger)
    memory.clock.advance(AGE_SECONDS)
    memory.change()

    assert await memory.views.view(stranger.tenant_id) == stranger
    assert memory.store.calls == {"read_group_version": 1}
    assert await memory.view() == memory.kept


async def test_groups_in_use_are_read_together() -> None:
    """So that they go in one call, and are next due together."""
    memory = Memory()
    used, unused = (memory.neighbour(same_group=False) for _ in range(2))
    while group_of(unused.tenant_id) == group_of(used.tenant_id):
        unused = memory.neighbour(same_group=False)
    await memory.settle(unused, used)
    memory.clock.advance(AGE_SECONDS * 0.4)
    await memory.views.view(used.tenant_id)
    memory.clock.advance(AGE_SECONDS * 0.2)

    await memory.view()
    await memory.views.close()
    assert memory.store.calls == {"read_group_version": 2}

    memory.clock.advance(AGE_SECONDS * 0.6)  # and nobody has asked for the other
    await memory.view()
    await memory.views.close()
    assert memory.store.calls == {"read_group_version": 3}


async def test_a_group_that_was_read_lately_is_not_read_along() -> None:
    memory = Memory()
    other = memory.neighbour(same_group=False)
    await memory.settle()
    memory.clock.advance(AGE_SECONDS * 0.4)
    await memory.views.view(other.tenant_id)
    memory.clock.advance(AGE_SECONDS * 0.2)
    await memory.views.view(other.tenant_id)
    memory.store.calls.clear()

    await memory.view()
    await memory.views.close()

    assert memory.store.calls == {"read_group_version": 1}


async def test_a_view_whose_group_has_changed_is_checked_by_its_own_version() -> None:
    memory = Memory()
    neighbour = memory.neighbour()
    await memory.settle(neighbour)
    changed = memory.change()
    memory.clock.advance(AGE_SECONDS)

    assert await memory.views.view(neighbour.tenant_id) == neighbour
    assert memory.store.calls == {"read_group_version": 1, "read_version": 1}
    assert await memory.view() == changed
    assert memory.store.calls == {"read_group_version": 1, "read_version": 2, "read_view": 1}


async def test_after_a_change_in_its_group_a_view_is_as_young_as_the_read_before_and_no_more() -> (
    None
):
    """Who reads the group's version for a neighbour has not looked at this tenant."""
    memory = Memory()
    neighbour = memory.neighbour()
    await memory.settle(neighbour)
    old = memory.kept
    memory.change()
    memory.clock.advance(AGE_SECONDS * 0.9)
    await memory.views.view(neighbour.tenant_id)
    await memory.views.close()
    memory.store.gate.clear()

    assert await memory.view() == old
    memory.clock.advance(AGE_SECONDS * 0.1)
    waiting = asyncio.create_task(memory.view())
    await asyncio.sleep(0)
    assert not waiting.done()

    memory.store.gate.set()
    assert await waiting == memory.kept
    await memory.views.close()


async def test_a_change_in_its_group_does_not_make_a_view_older_than_it_is() -> None:
    memory = Memory()
    neighbour = memory.neighbour()
    await memory.settle()
    old = memory.kept
    for seconds in (0.6, 0.6):
        memory.clock.advance(AGE_SECONDS * seconds)
        await memory.views.view(memory.tenant_id)
        await memory.views.close()
    memory.store.keep(neighbour)
    memory.clock.advance(AGE_SECONDS * 0.6)
    await memory.views.view(neighbour.tenant_id)  # reads the group's version, which has moved
    memory.store.gate.clear()

    assert await memory.view() == old
    memory.store.gate.set()
    await memory.views.close()


async def test_a_change_that_a_load_has_missed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group's version is from before the view, whoever reads it meanwhile."""
    memory = Memory()
    neighbour = memory.neighbour()
    await memory.settle(neighbour)
    memory.clock.advance(WHOLE_SECONDS + AGE_SECONDS)
    read_view = memory.store.read_view

    async def read_slowly(tenant_id: str) -> TenantView:
        view = await read_view(tenant_id)
        if tenant_id == memory.tenant_id and view == memory.kept:
            memory.change()
            memory.clock.advance(AGE_SECONDS * 0.6)
            await memory.views.view(neighbour.tenant_id)
        return view

    monkeypatch.setattr(memory.store, "read_view", read_slowly)
    old = await memory.view()
    monkeypatch.undo()
    memory.clock.advance(VISIBLE_SECONDS)

    assert await memory.view() == memory.kept != old
    await memory.views.close()


async def test_a_change_that_is_visible_in_its_group_first_is_noticed() -> None:
    """Who finds the group's version moved and the tenant's not yet must look at that again."""
    memory = Memory()
    await memory.settle()
    memory.store.group_versions[group_of(memory.tenant_id)] += 1
    memory.clock.advance(AGE_SECONDS)
    old = await memory.view()

    changed = memory.change()
    memory.store.group_versions[group_of(memory.tenant_id)] -= 1  # it was this change
    memory.clock.advance(AGE_SECONDS)

    assert await memory.view() == changed != old


async def test_a_change_whose_version_is_visible_first_is_noticed() -> None:
    """A view may have been read with the new version, and records from before."""
    memory = Memory()
    await memory.settle()
    old = memory.kept
    changed = memory.change()
    memory.store.views[memory.tenant_id] = replace(old, version=changed.version)
    memory.clock.advance(AGE_SECONDS)
    assert (await memory.view()).webhooks == old.webhooks

    memory.store.views[memory.tenant_id] = changed
    memory.clock.advance(AGE_SECONDS)

    assert await memory.view() == changed


async def test_what_raised_no_version_is_noticed_within_a_minute() -> None:
    memory = Memory()
    await memory.settle()
    webhook = make_webhook()
    unseen = replace(memory.kept, webhooks={webhook.webhook_id: webhook})
    memory.store.views[memory.tenant_id] = unseen
    for _ in range(round(WHOLE_SECONDS / AGE_SECONDS) - 1):
        memory.clock.advance(AGE_SECONDS)
        assert await memory.view() == memory.kept

    memory.clock.advance(2 * AGE_SECONDS)

    assert await memory.view() == unseen


async def test_a_check_by_the_version_alone_does_not_put_off_the_reading_whole() -> None:
    memory = Memory()
    neighbour = memory.neighbour()
    await memory.settle()
    memory.clock.advance(WHOLE_SECONDS - 2 * VISIBLE_SECONDS)
    memory.store.keep(neighbour)  # a change in the group
    for _ in range(2):
        await memory.view()
        memory.clock.advance(VISIBLE_SECONDS)
    assert set(memory.store.calls) == {"read_group_version", "read_version"}

    memory.clock.advance(AGE_SECONDS)
    await memory.view()

    assert memory.store.calls["read_view"] == 1


async def test_a_read_that_got_stuck_holds_nobody_up_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = Memory(age_seconds=0.02)
    await memory.settle()
    read, reads = memory.store.read_group_version, itertools.count()

    async def get_stuck_first(group: int) -> int:
        if next(reads) == 0:
            await asyncio.Event().wait()
        return await read(group)

    monkeypatch.setattr(memory.store, "read_group_version", get_stuck_first)
    memory.clock.advance(0.03)

    async with asyncio.timeout(5):
        assert await memory.view() == memory.kept


async def test_a_view_past_half_its_age_is_used_and_checked_in_the_background() -> None:
    memory = Memory()
    old = await memory.view()
    changed = memory.change()
    memory.clock.advance(AGE_SECONDS * 0.6)

    assert await memory.view() == old
    await memory.views.close()
    assert await memory.view() == changed


async def test_a_view_before_half_its_age_is_not_checked() -> None:
    memory = Memory()
    await memory.view()
    memory.clock.advance(AGE_SECONDS * 0.4)

    await memory.view()
    await memory.views.close()

    assert memory.store.calls == {"read_view": 1, "read_group_version": 1}


async def test_a_check_in_the_background_makes_a_view_young_again() -> None:
    memory = Memory()
    for _ in range(10):
        await memory.view()
        memory.clock.advance(AGE_SECONDS * 0.6)
        await memory.view()
        await memory.views.close()

    memory.store.gate.clear()

    assert await memory.view() == memory.kept
    memory.store.gate.set()
    await memory.views.close()


async def test_all_who_ask_meanwhile_share_one_load() -> None:
    memory = Memory()

    found = await asyncio.gather(*(memory.view() for _ in range(20)))

    assert found == [memory.kept] * 20
    assert memory.store.calls == {"read_view": 1, "read_group_version": 1}


async def test_who_gives_up_waiting_takes_nobody_else_along() -> None:
    memory = Memory()
    await memory.know_group()
    memory.store.gate.clear()
    impatient = asyncio.create_task(memory.view())
    patient = asyncio.create_task(memory.view())
    await until_called(memory.store, "read_view")

    impatient.cancel()
    memory.store.gate.set()

    assert await patient == memory.kept
    assert memory.store.calls == {"read_view": 1}


async def test_age_counts_from_before_the_version_was_read() -> None:
    memory = Memory()
    await memory.know_group()
    memory.store.gate.clear()
    waiting = asyncio.create_task(memory.view())
    await until_called(memory.store, "read_view")

    memory.clock.advance(AGE_SECONDS)
    memory.store.gate.set()

    with pytest.raises(StoreUnavailable, match="too old"):
        await waiting


async def test_a_view_that_cannot_be_checked_is_used_until_its_age_and_no_longer() -> None:
    memory = Memory()
    await memory.view()
    memory.store.failing = StoreUnavailable("BatchGetItem")

    memory.clock.advance(AGE_SECONDS * 0.9)
    assert await memory.view() == memory.kept

    memory.clock.advance(AGE_SECONDS * 0.1)
    with pytest.raises(StoreUnavailable):
        await memory.view()
    await memory.views.close()


async def test_a_check_that_fails_in_the_background_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    memory = Memory()
    await memory.view()
    memory.store.failing = StoreUnavailable("BatchGetItem")
    memory.clock.advance(AGE_SECONDS * 0.9)

    await memory.view()
    while memory.views._loads or memory.views._checks:
        await asyncio.sleep(0)
    gc.collect()

    assert complaints == []


async def test_a_view_is_there_again_when_the_store_is() -> None:
    memory = Memory()
    memory.store.failing = StoreUnavailable("BatchGetItem")
    with pytest.raises(StoreUnavailable):
        await memory.view()

    memory.store.failing = None

    assert await memory.view() == memory.kept


async def test_a_tenant_that_does_not_exist_has_an_empty_view() -> None:
    memory = Memory()

    view = await memory.views.view("ten_nobody")

    assert view == TenantView(tenant_id="ten_nobody", version=0)


async def test_only_so_many_tenants_are_remembered() -> None:
    memory = Memory(tenants_max=2)
    others = [make_view(tenant=make_tenant()) for _ in range(2)]
    for other in others:
        memory.store.keep(other)
    await memory.view()
    for other in others:
        await memory.views.view(other.tenant_id)
    assert memory.store.calls["read_view"] == 3

    await memory.views.view(others[1].tenant_id)
    await memory.views.view(others[0].tenant_id)
    assert memory.store.calls["read_view"] == 3

    await memory.view()
    assert memory.store.calls["read_view"] == 4


async def test_who_was_not_asked_for_longest_is_forgotten_first() -> None:
    memory = Memory(tenants_max=2)
    first, second = (memory.neighbour() for _ in range(2))
    for view in (memory.kept, first, memory.kept, second):
        await memory.views.view(view.tenant_id)
    memory.store.calls.clear()

    await memory.view()

    assert not memory.store.calls["read_view"]
    assert not memory.views.knows(first.tenant_id)


async def test_tenants_that_do_not_exist_crowd_out_only_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("triggers.control_views.NOBODIES_MAX", 2)
    memory = Memory(tenants_max=2)
    await memory.view()

    found = await asyncio.gather(*(memory.views.view(f"ten_nobody_{n}") for n in range(20)))

    assert all(view.tenant is None for view in found)
    assert len(memory.views._nobodies) == 2
    calls = memory.store.calls["read_view"]
    await memory.view()
    assert memory.store.calls["read_view"] == calls


async def test_a_tenant_that_is_made_after_it_was_asked_for_is_found() -> None:
    memory = Memory()
    made = make_view(tenant=make_tenant())
    assert (await memory.views.view(made.tenant_id)).tenant is None

    memory.store.keep(made)
    memory.clock.advance(AGE_SECONDS)

    assert await memory.views.view(made.tenant_id) == made
    assert not memory.views._nobodies
