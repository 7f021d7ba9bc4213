"""A worker's inside for tests: the real parts on a fake outside, with a sender on strings."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from tests.factories import (
    CountingBits,
    FakeClock,
    make_event,
    make_outcome,
    make_settings,
    make_view,
)
from tests.fakes import Fake, FakeResources, fake_resources
from tests.processes import until
from triggers.control import ControlPlane
from triggers.control_views import ControlViews
from triggers.deliveries import Delivery
from triggers.events import Event, EventRecord, EventState
from triggers.http.sender import Sender
from triggers.ids import make_tenant_id
from triggers.retries import Outcome
from triggers.settings import Settings
from triggers.webhook_changes import WebhookChanges
from triggers.webhook_requests import Request
from triggers.webhooks import Webhook
from worker.delivery import Deliverer
from worker.fair_queue import FairQueue, Work
from worker.finishing import Finisher
from worker.health import Pulse
from worker.lanes import Lanes
from worker.webhook_health import WebhookHealth

FINISH_SECONDS = 0.05  # how long a finish is tried again, in real time

Answer = Callable[[Request], Awaitable[Outcome]]


class FakeSender(Sender):
    """Makes no request. Each URL has its answers, the last of which goes on; 200 without any."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, list[Outcome | Exception | Answer]] = {}

    def answer(self, webhook: Webhook, *answers: Outcome | Exception | Answer) -> None:
        """Have a webhook answer so."""
        self.answers[webhook.url] = list(answers)

    async def send(self, request: Request) -> Outcome:
        self.requests.append(request)
        await asyncio.sleep(0)
        answers = self.answers.get(request.url, [make_outcome(200)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Outcome) else await answer(request)


class Hanging:
    """An answer that hangs until `end` is set, and then is 200."""

    def __init__(self) -> None:
        self.count = 0
        self.end = asyncio.Event()

    async def __call__(self, request: Request) -> Outcome:
        self.count += 1
        await self.end.wait()
        return make_outcome(200)


class World:
    """One tenant, its webhooks and events, and a worker that works on one event when told to."""

    def __init__(self, *webhooks: Webhook, settings: Settings | None = None) -> None:
        self.clock = FakeClock()
        self.random = 0.0
        self.outside: FakeResources = fake_resources(self.clock)
        self.sender = FakeSender()
        self.queue = FairQueue(waiting_max=100)
        self.lanes = Lanes(in_flight_max=1_000, random=lambda: 0.0)
        self.tenant_id = make_tenant_id(CountingBits())
        self.health = make_health(self.outside, self.clock)
        self.have(*webhooks)
        self.finisher = make_finisher(self.outside, self.clock)
        self.deliverer = self._deliverer(settings or make_settings())

    def have(self, *webhooks: Webhook) -> None:
        """Have the tenant own these webhooks, and no others."""
        view = make_view(*webhooks, version=self._version() + 1)
        self.outside.control.keep(replace(view, tenant_id=self.tenant_id))

    async def accept(self, **state: object) -> Event:
        """Accept an event, and have it stand so."""
        event = make_event()
        await self.outside.events.insert(
            self.tenant_id, event, due_ms=self.clock.now_ms, expires_s=0
        )
        self.outside.events.records[self.tenant_id, event.event_id] = EventRecord(
            event=event, state=replace(self.state(event), **state)
        )
        return event

    async def work(self, event: Event, claimed: Callable[[], None] | None = None) -> None:
        """Claim an event and carry it as far as it goes now."""
        await self.deliverer.work(
            Work(tenant_id=self.tenant_id, event_id=event.event_id, claimed=claimed)
        )

    def start(self, event: Event, claimed: Callable[[], None] | None = None) -> asyncio.Task[None]:
        """Do so in a task."""
        return asyncio.create_task(self.work(event, claimed))

    async def start_and_claim_slowly(
        self, event: Event, claimed: Callable[[], None] | None = None
    ) -> asyncio.Task[None]:
        """Do so, and return while the claim is under way, until the gate of events is set."""
        self.outside.events.gate.clear()
        claims = self.outside.events.calls["claim"]
        working = self.start(event, claimed)
        await until(lambda: self.outside.events.calls["claim"] > claims)
        return working

    def state(self, event: Event) -> EventState:
        """Return how an event stands in the store."""
        return self.outside.events.records[self.tenant_id, event.event_id].state

    def delivery(self, event: Event, webhook: Webhook | None = None) -> Delivery:
        """Return a delivery of an event; the only one unless a webhook is named."""
        deliveries = self.state(event).deliveries or ()
        wanted = [d for d in deliveries if webhook is None or d.webhook_id == webhook.webhook_id]
        assert len(wanted) == 1
        return wanted[0]

    def _version(self) -> int:
        view = self.outside.control.views.get(self.tenant_id)
        return view.version if view else 0

    def _deliverer(self, settings: Settings) -> Deliverer:
        return Deliverer(
            events=self.outside.events,
            views=ControlViews(
                self.outside.control,
                age_max_seconds=settings.control_age_max_seconds,
                monotonic=self.clock.monotonic,
            ),
            sender=self.sender,
            finisher=self.finisher,
            lanes=self.lanes,
            health=self.health,
            queue=self.queue,
            settings=settings,
            clock=self.clock,
            random=lambda: self.random,
        )


def make_health(outside: FakeResources, clock: FakeClock, **values: Any) -> WebhookHealth:
    """Make what notices webhooks that fail, on a fake outside."""
    plane = ControlPlane(outside.control, clock=clock, settle_seconds=0)
    defaults: dict[str, Any] = {"pulse": Pulse(), "disable_after_days": 5}
    return WebhookHealth(
        outside.failing_webhooks,
        WebhookChanges(plane, clock=clock),
        clock=clock,
        **(defaults | values),
    )


def make_finisher(outside: FakeResources, clock: FakeClock) -> Finisher:
    """Make a finisher on a fake outside, which tries again for a moment only."""
    return Finisher(
        events=outside.events,
        attempts=outside.attempts,
        backlog=outside.backlog,
        dead_letters=outside.dead_letters,
        webhook_changes=WebhookChanges(
            ControlPlane(outside.control, clock=clock, settle_seconds=0), clock=clock
        ),
        clock=clock,
        finish_seconds=FINISH_SECONDS,
        retention_days=30,
    )


def journal_of(outside: FakeResources) -> list[str]:
    """Return a list that grows by each call to the outside, in the order in which they end."""
    journal: list[str] = []

    def keep(fake: Fake) -> None:
        answer = fake._answer

        async def noting(call: str) -> None:
            await answer(call)
            journal.append(call)

        fake._answer = noting  # type: ignore[method-assign]

    for fake in (
        outside.events,
        outside.attempts,
        outside.backlog,
        outside.control,
        outside.dead_letters,
    ):
        keep(fake)
    return journal
