"""The whole worker on a fake outside: how it starts, delivers over a socket, drains and dies."""

import asyncio
import gc
import itertools
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from infra.local.loopback import HOST, call, free_port
from tests.factories import make_event, make_settings, make_view, make_webhook
from tests.fakes import FakeResources, fake_resources, open_fake_resources
from tests.processes import until
from tests.raw_receivers import Connection, answer, answering, receiving, silence
from triggers import telemetry
from triggers.errors import StoreRefused, StoreUnavailable, TriggersError
from triggers.events import EventStatus
from triggers.garbage import YOUNG_OBJECTS_MAX
from triggers.http.sender import open_session
from triggers.ids import due_shard_of
from triggers.settings import Settings
from triggers.times import system_clock
from triggers.webhooks import Webhook
from worker import __main__ as entry
from worker.health import Health
from worker.main import run_worker, stop_on_signals, wire_loops

AWAY = StoreUnavailable("tables")
TENANT = "ten_0000000000000001"


class Running:
    """A worker that runs, with all that a test needs to look at it."""

    def __init__(self, **values: object) -> None:
        defaults = {"worker_port": free_port(), "sweep_seconds": 0.02, "drain_seconds": 0.2}
        self.outside: FakeResources = fake_resources()
        self.settings: Settings = make_settings(**(defaults | values))
        self.stop = asyncio.Event()

    def have(self, webhook: Webhook) -> None:
        """Have one tenant with one webhook."""
        self.outside.control.keep(replace(make_view(webhook), tenant_id=TENANT))

    async def accept(self, *, hint: bool) -> str:
        """Accept an event as `app` does, with a hint or due at once without."""
        now_ms = system_clock()
        event = make_event(created_ms=now_ms)
        due_ms = now_ms + (60_000 if hint else 0)
        await self.outside.events.insert(TENANT, event, due_ms=due_ms, expires_s=0)
        if hint:
            self.outside.hints.send(TENANT, event.event_id, None)
        return event.event_id

    def status(self, event_id: str) -> EventStatus:
        return self.outside.events.records[TENANT, event_id].state.status

    async def run(self) -> None:
        await run_worker(
            self.settings, stop=self.stop, open_resources=open_fake_resources(self.outside)
        )

    async def ready(self) -> int:
        """Return the status of the readiness check; 0 when nobody answers."""
        try:
            return (await call("GET", f"http://{HOST}:{self.settings.worker_port}/readiness"))[0]
        except OSError:
            return 0

    async def answers(self, status: int) -> None:
        """Wait until the readiness check answers so."""
        async with asyncio.timeout(10):
            while await self.ready() != status:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def working(running: Running) -> AsyncIterator[None]:
    """Run a worker from its being ready until it has stopped."""
    task = asyncio.create_task(running.run())
    try:
        await running.answers(200)
        yield
    finally:
        running.stop.set()
        async with asyncio.timeout(10):
            await task


@pytest.mark.parametrize(
    ("hint", "sqs"),
    [(True, None), (False, None), (False, StoreUnavailable("sqs"))],
    ids=["by its hint", "by the sweeper", "f46 while sqs is away"],
)
async def test_an_event_is_delivered(*, hint: bool, sqs: TriggersError | None) -> None:
    running = Running()
    running.outside.hints.failing = sqs
    async with receiving(answering(answer())) as receiver, working(running):
        running.have(make_webhook(url=receiver.url))
        event_id = await running.accept(hint=hint)
        await until(lambda: running.status(event_id) is EventStatus.DELIVERED)
        if hint:
            await until(lambda: not running.outside.hints.in_flight)
    assert len(receiver.requests) == 1


async def test_a_delivery_that_fails_is_tried_again_by_the_sweeper() -> None:
    running = Running()
    answers = answering(answer(500), answer(200))
    async with receiving(answers) as receiver, working(running):
        running.have(make_webhook(url=receiver.url, retry=(1,)))
        event_id = await running.accept(hint=False)
        await until(lambda: running.status(event_id) is EventStatus.DELIVERED)
    assert len(receiver.requests) == 2


async def test_once_ready_it_spares_the_search_for_garbage_what_it_keeps() -> None:
    async with working(Running()):
        assert gc.get_freeze_count()
        assert gc.get_threshold()[0] == YOUNG_OBJECTS_MAX


async def test_f82_started_before_the_tables_it_waits_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = Running()
    running.outside.reachable.failing = AWAY
    task = asyncio.create_task(running.run())
    await until(lambda: running.outside.reachable.calls["check"])
    assert await running.ready() == 503
    running.outside.reachable.failing = None
    await running.answers(200)
    running.stop.set()
    await task
    [said] = [record for record in caplog.records if record.message == "waiting for the tables"]
    assert vars(said)["fields"] == {"reason": "store unavailable: tables"}


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_stop_while_it_waits_for_the_tables_ends_it_and_it_was_never_ready(
    caplog: pytest.LogCaptureFixture, *, hangs: bool
) -> None:
    caplog.set_level(logging.INFO)
    running = Running()
    running.outside.reachable.failing = AWAY
    if hangs:
        running.outside.reachable.gate.clear()
    task = asyncio.create_task(running.run())
    await until(lambda: running.outside.reachable.calls["check"])
    running.stop.set()
    async with asyncio.timeout(10):
        await task
    assert "ready" not in {record.message for record in caplog.records}


async def test_the_health_checks_watch_every_loop() -> None:
    health = Health()
    settings = make_settings()
    async with open_session(connect_seconds=1, allowed=()) as session:
        wire_loops(settings, fake_resources(), session, health, clock=system_clock)
    assert [name for name, _ in health._watched] == [
        "webhook health",
        "consumer",
        "sweeper",
        "dispatcher",
    ]


async def test_f12_a_stop_lets_what_is_in_the_air_end_and_claims_nothing_more() -> None:
    arrived, end = asyncio.Event(), asyncio.Event()

    async def answer_late(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await end.wait()
        await connection.write(answer())

    running = Running(events_in_flight_max=1, drain_seconds=10)
    async with receiving(answer_late) as receiver, working(running):
        running.have(make_webhook(url=receiver.url))
        first, second = await running.accept(hint=False), await running.accept(hint=False)
        await arrived.wait()
        running.stop.set()
        await running.answers(503)
        await until(lambda: not running.outside.shard_leases.holders)
        end.set()
    statuses = {running.status(first), running.status(second)}
    assert statuses == {EventStatus.DELIVERED, EventStatus.PENDING}
    assert running.outside.events.calls["claim"] == 1
    assert len(receiver.requests) == 1


async def test_f13_a_stop_breaks_off_what_hangs_and_leaves_it_due() -> None:
    running = Running()
    async with receiving(silence) as receiver, working(running):
        running.have(make_webhook(url=receiver.url))
        event_id = await running.accept(hint=False)
        await until(lambda: running.outside.events.calls["claim"])
        await until(lambda: receiver.connections)
    state = running.outside.events.records[TENANT, event_id].state
    assert (state.status, state.claims, state.lease_ms) == (EventStatus.PENDING, 0, 0)
    assert state.due_ms is not None
    assert state.due_ms <= system_clock()
    assert due_shard_of(event_id) not in running.outside.shard_leases.holders


async def test_f12_a_stop_breaks_off_no_finish() -> None:
    running, numbers, second_came = Running(), itertools.count(1), asyncio.Event()
    events = running.outside.events

    async def answer_the_first(connection: Connection) -> None:
        await connection.request()
        if next(numbers) == 1:
            await second_came.wait()
            await connection.write(answer())
        else:
            events.gate.clear()
            second_came.set()
            await connection.until_closed()

    async with receiving(answer_the_first) as receiver, working(running):
        running.have(make_webhook(url=receiver.url))
        event_ids = [await running.accept(hint=False) for _ in range(2)]
        await until(lambda: events.calls["finish"] == 1)
        running.stop.set()
        await until(lambda: events.calls["finish"] == 2)  # that of what was broken off
        events.gate.set()
    states = [events.records[TENANT, event_id].state for event_id in event_ids]
    assert {state.status for state in states} == {EventStatus.DELIVERED, EventStatus.PENDING}
    assert {state.lease_ms for state in states} == {0}


@pytest.mark.parametrize("call", ["read_due", "take"])
async def test_a_loop_that_dies_ends_the_worker_after_a_drain(call: str) -> None:
    running = Running()
    error: TriggersError = StoreRefused("a fault of ours")
    running.outside.events.failing_calls[call] = error
    running.outside.shard_leases.failing_calls[call] = error
    with pytest.raises(StoreRefused):
        await running.run()
    assert await running.ready() == 0


async def test_f14_the_first_signal_asks_for_a_stop_and_the_second_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()
        assert exits == []
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: exits)
        assert exits == [1]
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


def run_main(monkeypatch: pytest.MonkeyPatch, ending: Exception | None) -> int:
    """Run the command on a worker that ends so."""

    async def end(settings: Settings, *, stop: asyncio.Event) -> None:
        if ending is not None:
            raise ending

    monkeypatch.setattr(entry, "run_worker", end)
    monkeypatch.setattr(telemetry, "configure_logging", lambda part, level: None)
    monkeypatch.setenv("TRIGGERS_ENVIRONMENT", "development")
    monkeypatch.setenv("TRIGGERS_SECRETS_KEY", "s" * 32)
    return entry.main()


@pytest.mark.parametrize(("ending", "code"), [(None, 0), (RuntimeError("a bug"), 1)])
def test_the_command_says_by_its_code_how_the_worker_ended(
    monkeypatch: pytest.MonkeyPatch, ending: Exception | None, code: int
) -> None:
    assert run_main(monkeypatch, ending) == code


def test_a_wrong_setting_stops_the_command_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIGGERS_LEASE_SECONDS", "soon")
    assert run_main(monkeypatch, None) == 2
    assert "TRIGGERS_LEASE_SECONDS" in capsys.readouterr().err


def test_a_worker_that_could_not_read_secrets_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIGGERS_KMS_KEY_ID", "alias/triggers")
    assert run_main(monkeypatch, None) == 2
    assert "TRIGGERS_SECRETS_KEY and TRIGGERS_KMS_KEY_ID" in capsys.readouterr().err
