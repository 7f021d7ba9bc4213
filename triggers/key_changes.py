"""Changes of a tenant's keys. Each is in force everywhere when its call returns."""

from triggers.api_keys import KEYS_MAX, ApiKey, Scope, make_key
from triggers.control import ControlPlane, Decision
from triggers.errors import LimitReached, NotFound
from triggers.ids import RandomBits
from triggers.tenants import TenantView
from triggers.times import Clock


class KeyChanges:
    """Creates and revokes keys."""

    def __init__(self, plane: ControlPlane, *, clock: Clock, random_bits: RandomBits) -> None:
        self._plane = plane
        self._clock = clock
        self._random_bits = random_bits

    async def create(
        self,
        tenant_id: str,
        name: str,
        scopes: tuple[Scope, ...],
        *,
        expires_ms: int | None = None,
        actor: str,
    ) -> tuple[ApiKey, str]:
        """Create a key; returns it and its text, which is nowhere else. Raises LimitReached."""
        key, text = make_key(
            tenant_id,
            name,
            scopes,
            now_ms=self._clock(),
            expires_ms=expires_ms,
            random_bits=self._random_bits,
        )

        def add(view: TenantView) -> Decision:
            if len(view.keys) >= KEYS_MAX:
                raise LimitReached("keys", KEYS_MAX)
            return Decision(puts=(key,))

        await self._plane.change(tenant_id, actor, "key.created", add)
        return key, text

    async def delete(self, tenant_id: str, key_id: str, *, actor: str) -> None:
        """Revoke a key. Raises NotFound."""

        def remove(view: TenantView) -> Decision:
            if key_id not in view.keys:
                raise NotFound("key", key_id)
            return Decision(deletes=(view.keys[key_id],))

        await self._plane.change(tenant_id, actor, "key.deleted", remove)
