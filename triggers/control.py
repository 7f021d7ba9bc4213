"""Changes of tenants, keys and webhooks. Each is in force everywhere when its call returns.

The rare side waits so that the hot side need not: no process uses a view of a tenant for longer
than `control_age_max_seconds`, so a change answers only after that time and a margin have passed.
What the changes are stands in `tenant_changes`, `key_changes` and `webhook_changes`.
"""

import asyncio
import random
from collections.abc import Callable

from msgspec import Struct

from triggers.control_changes import AuditEntry, ControlChange, Controlled, subject_of
from triggers.errors import NotFound, StoreUnavailable
from triggers.ports import ControlWrites
from triggers.tenants import Tenant, TenantView
from triggers.times import Clock

CONFLICTS_MAX = 8
PAUSE_SECONDS = 0.01  # at most, before the second try; before each further one twice as long


class Decision(Struct, frozen=True, kw_only=True):
    """What a change writes and deletes; when it is nothing, nothing happens.

    `fields` are the names of what it changes, for the audit; `subject` is what the audit is to
    name, if not the first of what is changed.
    """

    puts: tuple[Controlled, ...] = ()
    deletes: tuple[Controlled, ...] = ()
    fields: tuple[str, ...] = ()
    subject: str | None = None


Decide = Callable[[TenantView], Decision]
"""Decides on the newest view of a tenant; may be asked again when another change came between."""


class ControlPlane:
    """Makes changes, each a transaction on the version of its tenant."""

    def __init__(self, store: ControlWrites, *, clock: Clock, settle_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._settle_seconds = settle_seconds

    async def change(self, tenant_id: str, actor: str, action: str, decide: Decide) -> None:
        """Make a change and return when it is in force.

        Raises StoreUnavailable, NotFound when the tenant is gone, and what `decide` does.
        """
        await self.write(tenant_id, actor, action, decide)
        await asyncio.sleep(self._settle_seconds)

    async def write(self, tenant_id: str, actor: str, action: str, decide: Decide) -> None:
        """Do the same without waiting for it to be in force."""
        for number in range(CONFLICTS_MAX):
            view = await self._store.read_view(tenant_id)
            decision = decide(view)
            changed = (*decision.puts, *decision.deletes)
            if not changed:
                return
            if view.tenant is None and decision.puts and not isinstance(changed[0], Tenant):
                raise NotFound("tenant", tenant_id)  # deleted meanwhile: nothing is added to it
            change = ControlChange(
                from_version=view.version,
                puts=decision.puts,
                deletes=decision.deletes,
                audit=AuditEntry(
                    at_ms=self._clock(),
                    actor=actor,
                    action=action,
                    subject=decision.subject or subject_of(changed[0]),
                    fields=decision.fields,
                ),
            )
            if await self._store.write(tenant_id, change):
                return
            # With full jitter: who met in the version of a group must not meet there again.
            await asyncio.sleep(random.random() * PAUSE_SECONDS * 2**number)  # noqa: S311 no secret
        raise StoreUnavailable(f"{action}: too many changes at once")
