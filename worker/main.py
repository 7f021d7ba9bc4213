"""Runs the worker: opens its resources, waits for the store, keeps its loops, drains at the end."""

import asyncio
import logging
import os
import random
import secrets
import signal
import socket

from triggers import telemetry
from triggers.aws.resources import open_resources as open_aws_resources
from triggers.control import ControlPlane
from triggers.control_views import ControlViews
from triggers.garbage import look_for_garbage_seldom
from triggers.http.sender import Sender, Session, open_session
from triggers.resources import OpenResources, Resources
from triggers.settings import Settings
from triggers.times import Clock, system_clock
from triggers.waiting import wait_until_reachable
from triggers.webhook_changes import WebhookChanges
from worker.consumer import Consumer
from worker.delivery import Deliverer
from worker.dispatcher import Dispatcher
from worker.fair_queue import FairQueue
from worker.finishing import Finisher
from worker.health import Health, serve_health
from worker.lanes import Lanes
from worker.loops import Loops
from worker.recovery import Recoverer
from worker.sweeper import Sweeper
from worker.webhook_health import WebhookHealth

_logger = logging.getLogger(__name__)


async def run_worker(
    settings: Settings,
    *,
    stop: asyncio.Event,
    open_resources: OpenResources = open_aws_resources,
    clock: Clock = system_clock,
) -> None:
    """Run the worker until `stop` is set, then drain. Raises what one of its loops died of."""
    health = Health()
    async with (
        serve_health(health, settings.worker_host, settings.worker_port),
        open_resources(settings) as resources,
        open_session(
            connect_seconds=settings.attempt_connect_seconds, allowed=settings.networks
        ) as session,
    ):
        if not await _reachable_before(stop, resources):
            return
        loops = wire_loops(settings, resources, session, health, clock=clock)
        look_for_garbage_seldom()
        health.state = "ready"
        telemetry.log(_logger, "ready")
        try:
            await loops.run(stop)
        finally:
            health.state = "draining"
            telemetry.log(_logger, "draining", events=loops.in_flight)
            await loops.drain(settings.drain_seconds)
    telemetry.log(_logger, "stopped")


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` at the first SIGTERM or SIGINT; at the second end at once."""

    def handle() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, handle)


def wire_loops(
    settings: Settings,
    resources: Resources,
    session: Session,
    health: Health,
    *,
    clock: Clock,
) -> Loops:
    """Put the parts of a worker together; the pulses of its loops go to `health`."""
    queue = FairQueue(waiting_max=settings.events_queued_max)
    views = ControlViews(resources.control, age_max_seconds=settings.control_age_max_seconds)
    webhook_changes = WebhookChanges(
        ControlPlane(
            resources.control, clock=clock, settle_seconds=settings.control_settle_seconds
        ),
        clock=clock,
    )
    webhook_health = WebhookHealth(
        resources.failing_webhooks,
        webhook_changes,
        clock=clock,
        pulse=health.pulse("webhook health"),
        disable_after_days=settings.disable_after_days,
    )
    finisher = _finisher(settings, resources, webhook_changes, clock)
    deliverer = Deliverer(
        events=resources.events,
        views=views,
        sender=Sender(session, clock),
        finisher=finisher,
        lanes=Lanes(in_flight_max=settings.attempts_in_flight_max, random=random.random),
        health=webhook_health,
        queue=queue,
        settings=settings,
        clock=clock,
        random=random.random,
    )
    consumer = Consumer(
        resources.hints,
        queue,
        clock=clock,
        pulse=health.pulse("consumer"),
        grace_seconds=settings.hint_grace_seconds,
    )
    sweeper = _sweeper(settings, resources, queue, health, clock)
    recoverer = _recoverer(settings, resources, views, queue, clock)
    dispatcher = Dispatcher(
        queue,
        deliverer,
        recoverer,
        is_finishing=finisher.is_finishing,
        clock=clock,
        in_flight_max=settings.events_in_flight_max,
        swept_claims_max=settings.swept_claims_max,
    )
    health.watch("dispatcher", dispatcher.is_alive)
    return Loops(consumer, sweeper, dispatcher, webhook_health, views)


def _finisher(
    settings: Settings, resources: Resources, webhook_changes: WebhookChanges, clock: Clock
) -> Finisher:
    return Finisher(
        events=resources.events,
        attempts=resources.attempts,
        backlog=resources.backlog,
        dead_letters=resources.dead_letters,
        webhook_changes=webhook_changes,
        clock=clock,
        finish_seconds=settings.finish_seconds,
        retention_days=settings.retention_days,
    )


def _recoverer(
    settings: Settings, resources: Resources, views: ControlViews, queue: FairQueue, clock: Clock
) -> Recoverer:
    return Recoverer(
        jobs=resources.jobs,
        backlog=resources.backlog,
        events=resources.events,
        hints=resources.hints,
        views=views,
        queue=queue,
        settings=settings,
        clock=clock,
    )


def _sweeper(
    settings: Settings, resources: Resources, queue: FairQueue, health: Health, clock: Clock
) -> Sweeper:
    return Sweeper(
        resources.events,
        resources.shard_leases,
        queue,
        owner=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        clock=clock,
        pulse=health.pulse("sweeper"),
        sweep_seconds=settings.sweep_seconds,
        lease_seconds=settings.shard_lease_seconds,
    )


async def _reachable_before(stop: asyncio.Event, resources: Resources) -> bool:
    """Wait for the tables. False: the stop came first."""
    waiting = asyncio.create_task(wait_until_reachable(resources.reachable, _logger))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done()
    finally:
        waiting.cancel()
        stopped.cancel()
