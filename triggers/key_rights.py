"""What a key may do to keys: nothing that makes it, or whoever holds it, mightier than it is."""

from collections.abc import Iterable

from triggers.api_keys import ApiKey, Scope
from triggers.errors import Forbidden


def require_scopes(changer: ApiKey, scopes: Iterable[Scope]) -> None:
    """Let a key give away scopes that it has itself. Raises Forbidden."""
    for scope in scopes:
        if scope not in changer.scopes:
            raise Forbidden(f"The key lacks the scope {scope}")


def within_life(changer: ApiKey, asked_ms: int | None) -> int | None:
    """Return when a key is to expire that another makes or changes: never after that one."""
    return min((ms for ms in (asked_ms, changer.expires_ms) if ms is not None), default=None)


def require_power_over(changer: ApiKey, key: ApiKey) -> None:
    """Let a key change itself, and others that have no scope which it lacks. Raises Forbidden."""
    if changer.key_id != key.key_id:
        require_scopes(changer, key.scopes)


def require_as_long_a_life(changer: ApiKey, key: ApiKey) -> None:
    """Let a key take the text only of one that does not outlive it. Raises Forbidden."""
    if within_life(changer, key.expires_ms) != key.expires_ms:
        raise Forbidden("The key would get one that outlives it; use a key that lives as long")
