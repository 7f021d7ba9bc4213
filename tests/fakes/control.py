"""The control data in memory."""

from tests.fakes.base import Fake
from triggers.api_keys import ApiKey
from triggers.control_changes import AuditEntry, ControlChange
from triggers.tenants import Tenant, TenantView
from triggers.webhooks import Webhook


class FakeControl(Fake):
    """The control data. `conflicts` of the next writes find that the version has moved."""

    def __init__(self) -> None:
        super().__init__()
        self.views: dict[str, TenantView] = {}
        self.audit: list[AuditEntry] = []
        self.conflicts = 0

    def keep(self, view: TenantView) -> None:
        """Have a tenant as it is in this view."""
        self.views[view.tenant_id] = view

    async def read_version(self, tenant_id: str) -> int:
        await self._answer("read_version")
        return self._view(tenant_id).version

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
        self.views[tenant_id] = _changed(view, change)
        self.audit.append(change.audit)
        return True

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
