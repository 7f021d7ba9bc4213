"""The control data in memory."""

from collections import Counter

from tests.fakes.base import Fake
from triggers.api_keys import ApiKey
from triggers.audit import AuditFilter, AuditPage, takes
from triggers.control_changes import AuditEntry, ControlChange
from triggers.ids import group_of
from triggers.ports import TenantPage
from triggers.tenants import Tenant, TenantView
from triggers.webhooks import Webhook


class FakeControl(Fake):
    """The control data, its audit and the directory of tenants.

    `conflicts` of the next writes find that the version has moved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.views: dict[str, TenantView] = {}
        self.group_versions: Counter[int] = Counter()
        self.audit: list[AuditEntry] = []
        self.conflicts = 0
        self._audit_of: dict[str, dict[str, AuditEntry]] = {}

    def keep(self, view: TenantView) -> None:
        """Have a tenant as it is in this view, as after a change of it."""
        self.views[view.tenant_id] = view
        self.group_versions[group_of(view.tenant_id)] += 1

    async def read_version(self, tenant_id: str) -> int:
        await self._answer("read_version")
        return self._view(tenant_id).version

    async def read_group_version(self, group: int) -> int:
        await self._answer("read_group_version")
        return self.group_versions[group]

    async def read_view(self, tenant_id: str) -> TenantView:
        await self._answer("read_view")
        return self._view(tenant_id)

    async def write(self, tenant_id: str, change: ControlChange) -> bool:
        await self._answer("write")
        if self.conflicts:
            self.conflicts -= 1
            return False
        view = self._view(tenant_id)
        if view.version != change.from_version:
            return False
        self.keep(_changed(view, change))
        self.audit.append(change.audit)
        position = f"{change.audit.at_ms:015d}#{view.version:012d}"
        self._audit_of.setdefault(tenant_id, {})[position] = change.audit
        return True

    async def read_audit(
        self, tenant_id: str, wanted: AuditFilter, *, after: str | None, limit: int
    ) -> AuditPage:
        await self._answer("read_audit")
        entries = self._audit_of.get(tenant_id, {})
        behind = [
            position
            for position in sorted(entries, reverse=True)
            if (after is None or position < after) and takes(wanted, entries[position])
        ]
        shown = behind[:limit]
        return AuditPage(
            entries=tuple(entries[position] for position in shown),
            position=shown[-1] if len(behind) > limit else None,
        )

    async def read_tenants(self, *, after: str | None, limit: int) -> TenantPage:
        await self._answer("read_tenants")
        tenants = {
            f"{t.created_ms:015d}#{t.tenant_id}": t
            for t in (view.tenant for view in self.views.values())
            if t is not None
        }
        behind = [name for name in sorted(tenants) if after is None or name > after]
        shown = behind[:limit]
        return TenantPage(
            tenants=tuple(tenants[name] for name in shown),
            position=shown[-1] if len(behind) > limit else None,
        )

    def _view(self, tenant_id: str) -> TenantView:
        return self.views.get(tenant_id, TenantView(tenant_id=tenant_id, version=0))


def _changed(view: TenantView, change: ControlChange) -> TenantView:
    tenant, keys, webhooks = view.tenant, dict(view.keys), dict(view.webhooks)
    for controlled in change.deletes:
        match controlled:
            case Tenant():
                tenant = None
            case ApiKey():
                keys.pop(controlled.key_id, None)
            case Webhook():
                webhooks.pop(controlled.webhook_id, None)
    for controlled in change.puts:
        match controlled:
            case Tenant():
                tenant = controlled
            case ApiKey():
                keys[controlled.key_id] = controlled
            case Webhook():
                webhooks[controlled.webhook_id] = controlled
    return TenantView(
        tenant_id=view.tenant_id,
        version=view.version + 1,
        tenant=tenant,
        keys=keys,
        webhooks=webhooks,
    )
