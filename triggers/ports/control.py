"""The ports of control data: keys, webhooks and tenants, their audit and their secrets."""

from typing import Protocol

from msgspec import Struct

from triggers.audit import AuditFilter, AuditPage
from triggers.control_changes import ControlChange
from triggers.sealing import DataKey
from triggers.tenants import Tenant, TenantView


class TenantPage(Struct, frozen=True, kw_only=True):
    """Some tenants, oldest first. `position` continues them; None at their end."""

    tenants: tuple[Tenant, ...]
    position: str | None


class ControlReads(Protocol):
    """What changes slowly, strongly consistent."""

    async def read_version(self, tenant_id: str) -> int:
        """Return the version of a tenant's control data; 0: there is none."""

    async def read_group_version(self, group: int) -> int:
        """Return a number that each change of a tenant in the group raises; 0: there was none."""

    async def read_view(self, tenant_id: str) -> TenantView:
        """Return all of it. The version is read first, so it is never newer than the rest."""


class ControlWrites(ControlReads, Protocol):
    """The same, to be changed."""

    async def write(self, tenant_id: str, change: ControlChange) -> bool:
        """Apply a change and raise both versions in one transaction. False: the tenant's had moved."""


class AuditReads(Protocol):
    """Who changed what of a tenant."""

    async def read_audit(
        self, tenant_id: str, wanted: AuditFilter, *, after: str | None, limit: int
    ) -> AuditPage:
        """Return a page of the audit from after a position. It may be short and not the last."""


class TenantDirectory(Protocol):
    """All tenants, for the operator alone."""

    async def read_tenants(self, *, after: str | None, limit: int) -> TenantPage:
        """Return a page of the tenants from after a position."""


class DataKeys(Protocol):
    """Who wraps the keys that encrypt a tenant's secrets, and holds the key to do so."""

    async def generate(self, tenant_id: str) -> DataKey:
        """Make a data key of a tenant."""

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        """Return a data key in the clear.

        Raises StoreRefused for one that was not wrapped here for this tenant.
        """
