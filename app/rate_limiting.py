"""The limit of calls: who is beyond it gets 429, and every caller is told how it stands."""

from typing import Any

from litestar.connection import ASGIConnection

from app.context import Caller, HasScope, Headers, caller_of, context_of
from app.dependencies import Domain, domain_of
from triggers.rate_limits import Standing


async def admit(connection: ASGIConnection[Any, Any, Any, Any], calls: int = 1) -> None:
    """Count calls of the tenant that calls, all or none; the operator's are not counted.

    The authentication counts every request as one call; a bulk call counts its further items.
    Raises RateLimited.
    """
    caller = caller_of(connection)
    if caller.view is None or calls < 1:
        return
    context, domain = context_of(connection), domain_of(connection.app.state)
    key = caller.view.keys[caller.actor]
    counted = 1 if context.rate_headers else 0  # the authentication has been here
    admission = await domain.rate_limits.admit(
        caller.tenant, key, calls, domain.clock(), counted=counted
    )
    context.rate_headers = rate_headers(admission.standing)
    if admission.refused is not None:
        raise admission.refused


def tell_standing(connection: HasScope, caller: Caller, domain: Domain) -> None:
    """Tell a caller of a tenant how it stands though its call is refused, hence not counted."""
    told = domain.rate_limits.standing(caller.tenant, caller.key, domain.clock())
    context_of(connection).rate_headers = rate_headers(told)


def rate_headers(standing: Standing) -> Headers:
    """Return the headers that tell a caller how it stands."""
    limit = b"%d" % standing.limit
    remaining = b"%d" % standing.remaining
    reset = b"%d" % standing.reset_seconds
    return (
        (b"ratelimit-limit", limit),
        (b"ratelimit-remaining", remaining),
        (b"ratelimit-reset", reset),
        (b"x-ratelimit-limit", limit),
        (b"x-ratelimit-remaining", remaining),
        (b"x-ratelimit-reset", reset),
    )
