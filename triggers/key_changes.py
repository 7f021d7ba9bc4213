"""Changes of a tenant's keys. Each is in force everywhere when its call returns."""

from typing import Any

from triggers.api_keys import KEYS_MAX, ApiKey, Scope, changed, make_key, rotated
from triggers.control import ControlPlane, Decision
from triggers.errors import LimitReached, NotFound
from triggers.ids import RandomBits
from triggers.key_rights import require_as_long_a_life, require_power_over
from triggers.tenants import TenantView
from triggers.times import Clock

# The fields that a change may name, as the audit knows them.
_AUDIT_NAMES = {"expires_ms": "expires_at"}


class KeyChanges:
    """Creates, changes, rotates and revokes keys."""

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
        rate_limit: int | None = None,
        allowed_cidrs: tuple[str, ...] = (),
        require_signature: bool = False,
        actor: str,
    ) -> tuple[ApiKey, str]:
        """Create a key; returns it and its text, which is nowhere else. Raises LimitReached."""
        key, text = make_key(
            tenant_id,
            name,
            scopes,
            now_ms=self._clock(),
            expires_ms=expires_ms,
            rate_limit=rate_limit,
            allowed_cidrs=allowed_cidrs,
            require_signature=require_signature,
            random_bits=self._random_bits,
        )

        def add(view: TenantView) -> Decision:
            if len(view.keys) >= KEYS_MAX:
                raise LimitReached("keys", KEYS_MAX)
            return Decision(puts=(key,))

        await self._plane.change(tenant_id, actor, "key.created", add)
        return key, text

    async def change(
        self, tenant_id: str, key_id: str, values: dict[str, Any], *, changer: ApiKey
    ) -> tuple[ApiKey, str | None]:
        """Give a key other values; returns it, and the signing secret if that is new.

        Raises NotFound, and Forbidden when the changer lacks a scope of the key.
        """
        before = after = changer

        def edit(view: TenantView) -> Decision:
            nonlocal before, after
            before = _key_of(view, key_id)
            require_power_over(changer, before)
            after = changed(before, self._random_bits, **values)
            names = [name for name in values if getattr(after, name) != getattr(before, name)]
            fields = tuple(_AUDIT_NAMES.get(name, name) for name in names)
            return Decision(puts=(after,), fields=fields) if fields else Decision()

        await self._plane.change(tenant_id, changer.key_id, "key.updated", edit)
        is_new = after.signing_secret != before.signing_secret
        return after, after.signing_secret if is_new else None

    async def rotate(
        self, tenant_id: str, key_id: str, *, overlap_seconds: int, changer: ApiKey
    ) -> tuple[ApiKey, str]:
        """Give a key a new text, and a new signing secret if it has one; the old live on.

        Returns the key and its text. Raises NotFound, and Forbidden when the key is mightier than
        its changer, or outlives it.
        """
        after, text = changer, ""

        def rotate(view: TenantView) -> Decision:
            nonlocal after, text
            before = _key_of(view, key_id)
            require_power_over(changer, before)
            require_as_long_a_life(changer, before)
            after, text = rotated(
                before,
                now_ms=self._clock(),
                overlap_seconds=overlap_seconds,
                random_bits=self._random_bits,
            )
            fields = ("key", "signing_secret") if after.signing_secret else ("key",)
            return Decision(puts=(after,), fields=fields)

        await self._plane.change(tenant_id, changer.key_id, "key.rotated", rotate)
        return after, text

    async def delete(self, tenant_id: str, key_id: str, *, actor: str) -> None:
        """Revoke a key. Raises NotFound."""

        def remove(view: TenantView) -> Decision:
            return Decision(deletes=(_key_of(view, key_id),))

        await self._plane.change(tenant_id, actor, "key.deleted", remove)


def _key_of(view: TenantView, key_id: str) -> ApiKey:
    key = view.keys.get(key_id)
    if key is None:
        raise NotFound("key", key_id)
    return key
