"""How many calls a tenant may make, by its tier."""

import msgspec
import pytest

from tests.factories import make_tenant
from triggers.rate_limits import RateLimit, limit_of_key
from triggers.tenants import LIMITS_BY_TIER, Tenant, Tier, limit_of

OWN = RateLimit(per_second=5, burst=7, per_day=11, per_month=13)


@pytest.mark.parametrize(
    ("tier", "own", "limit"),
    [
        (Tier.FREE, None, RateLimit(per_second=100, burst=200, per_day=10_000)),
        (Tier.PRO, None, RateLimit(per_second=1_000, burst=2_000, per_month=1_000_000)),
        (Tier.ENTERPRISE, None, RateLimit(per_second=10_000, burst=20_000)),
        (Tier.ENTERPRISE, OWN, OWN),
        (Tier.FREE, OWN, LIMITS_BY_TIER[Tier.FREE]),
        (Tier.PRO, OWN, LIMITS_BY_TIER[Tier.PRO]),
    ],
)
def test_a_tenants_limit_is_its_tiers_and_enterprise_may_have_its_own(
    tier: Tier, own: RateLimit | None, limit: RateLimit
) -> None:
    assert limit_of(make_tenant(tier=tier, rate_limit=own)) == limit


def test_a_tenant_with_its_own_limit_can_be_read_back_and_one_from_before_them_too() -> None:
    tenant = make_tenant(tier=Tier.ENTERPRISE, rate_limit=OWN)
    assert msgspec.json.decode(msgspec.json.encode(tenant), type=Tenant) == tenant
    old = b'{"tenant_id": "ten_1", "name": "Acme", "tier": "pro", "shards": 8, "created_ms": 1}'
    assert msgspec.json.decode(old, type=Tenant).rate_limit is None


def test_a_keys_own_limit_has_a_burst_of_two_seconds_and_no_quota() -> None:
    assert limit_of_key(7) == RateLimit(per_second=7, burst=14)
