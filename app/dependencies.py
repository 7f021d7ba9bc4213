"""The domain as the handlers use it, wired to the outside in one call."""

from litestar.datastructures import State
from msgspec import Struct

from app.body_budget import BodyBudget
from app.failed_attempts import FailedAttempts
from app.health import DependencyHealth
from app.lifecycle import Lifecycle
from app.waits import Waits
from app.webhook_tester import WebhookTester
from triggers.admission import RateLimits
from triggers.control import ControlPlane
from triggers.control_views import ControlViews
from triggers.cursors import Cursors
from triggers.endings import Endings
from triggers.http.sender import Sender, Session
from triggers.idempotency import IdempotentIntake
from triggers.ids import RandomBits
from triggers.intake import Intake
from triggers.key_changes import KeyChanges
from triggers.key_use_log import KeyUseLog
from triggers.ports import (
    Attempts,
    AuditReads,
    EventReads,
    FailingWebhooks,
    Jobs,
    KeyUses,
    TenantDirectory,
    UsedSignatures,
)
from triggers.recoveries import Recoveries
from triggers.replayer import Replayer
from triggers.resources import Resources
from triggers.settings import Settings, SettingsError
from triggers.tenant_changes import TenantChanges
from triggers.times import Clock
from triggers.webhook_changes import WebhookChanges


class Domain(Struct, frozen=True, kw_only=True):
    """Everything that handlers call."""

    settings: Settings
    intake: IdempotentIntake
    events: EventReads
    replayer: Replayer
    endings: Endings
    waits: Waits
    attempts: Attempts
    jobs: Jobs
    recoveries: Recoveries
    failing_webhooks: FailingWebhooks
    tenant_changes: TenantChanges
    key_changes: KeyChanges
    webhook_changes: WebhookChanges
    webhook_tester: WebhookTester
    views: ControlViews
    rate_limits: RateLimits
    directory: TenantDirectory
    audit: AuditReads
    key_uses: KeyUses
    key_use_log: KeyUseLog
    used_signatures: UsedSignatures
    failed_attempts: FailedAttempts
    cursors: Cursors
    health: DependencyHealth
    body_budget: BodyBudget
    clock: Clock
    random_bits: RandomBits


def wire_domain(
    settings: Settings,
    resources: Resources,
    session: Session,
    *,
    clock: Clock,
    random_bits: RandomBits,
) -> Domain:
    """Wire the domain to its resources; tests of webhooks go over the session. Raises SettingsError, see `cursor_key`."""
    plane = ControlPlane(
        resources.control, clock=clock, settle_seconds=settings.control_settle_seconds
    )
    return Domain(
        settings=settings,
        intake=_intake(settings, resources, clock, random_bits),
        events=resources.events,
        replayer=Replayer(
            resources.events,
            resources.attempts,
            resources.hints,
            clock=clock,
            grace_seconds=settings.hint_grace_seconds,
            retention_days=settings.retention_days,
        ),
        endings=Endings(resources.events, resources.attempts, resources.idempotency, clock=clock),
        waits=Waits(resources.events),
        attempts=resources.attempts,
        jobs=resources.jobs,
        recoveries=Recoveries(
            resources.jobs,
            resources.backlog,
            clock=clock,
            random_bits=random_bits,
            retention_days=settings.retention_days,
        ),
        failing_webhooks=resources.failing_webhooks,
        tenant_changes=TenantChanges(plane, clock=clock, random_bits=random_bits),
        key_changes=KeyChanges(plane, clock=clock, random_bits=random_bits),
        webhook_changes=WebhookChanges(plane, clock=clock),
        webhook_tester=WebhookTester(Sender(session, clock), clock=clock, random_bits=random_bits),
        views=ControlViews(resources.control, age_max_seconds=settings.control_age_max_seconds),
        rate_limits=RateLimits(resources.buckets),
        directory=resources.directory,
        audit=resources.audit,
        key_uses=resources.key_uses,
        key_use_log=KeyUseLog(resources.key_uses),
        used_signatures=resources.used_signatures,
        failed_attempts=FailedAttempts(),
        cursors=Cursors(cursor_key(settings, random_bits)),
        health=DependencyHealth(resources.reachable),
        body_budget=BodyBudget(settings.bodies_bytes_max),
        clock=clock,
        random_bits=random_bits,
    )


def _intake(
    settings: Settings, resources: Resources, clock: Clock, random_bits: RandomBits
) -> IdempotentIntake:
    intake = Intake(
        resources.events,
        resources.hints,
        clock=clock,
        random_bits=random_bits,
        grace_seconds=settings.hint_grace_seconds,
        retention_days=settings.retention_days,
    )
    return IdempotentIntake(
        intake,
        resources.events,
        resources.idempotency,
        clock=clock,
        hours=settings.idempotency_hours,
    )


def cursor_key(settings: Settings, random_bits: RandomBits) -> str:
    """Return the key that signs cursors; made up in development when none is set.

    Raises SettingsError in production: there, every `app` must have the same.
    """
    if settings.cursor_key:
        return settings.cursor_key
    if not settings.is_development:
        raise SettingsError("TRIGGERS_CURSOR_KEY must be set in production, the same in every app")
    return f"{random_bits(256):064x}"


def keep_domain(state: State, domain: Domain) -> None:
    """Lay the domain where handlers and middleware find it, in Litestar's state."""
    state["domain"] = domain


def domain_of(state: State) -> Domain:
    """Return the domain that Litestar's state holds."""
    domain: Domain = state["domain"]
    return domain


def keep_lifecycle(state: State, lifecycle: Lifecycle) -> None:
    """Lay the lifecycle in Litestar's state; Litestar copies what it finds in a middleware."""
    state["lifecycle"] = lifecycle


def lifecycle_of(state: State) -> Lifecycle:
    """Return the lifecycle that Litestar's state holds."""
    lifecycle: Lifecycle = state["lifecycle"]
    return lifecycle
