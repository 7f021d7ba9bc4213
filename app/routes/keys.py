"""Keys of a tenant."""

from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.addresses import client_address, is_allowed
from app.bodies import SMALL_BODY_BYTES_MAX, read_body, read_optional_body
from app.context import Caller, caller_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import IN_FORCE, describe
from app.queries import oldest_first
from app.wire.keys import (
    KeyIn,
    KeyList,
    KeyOut,
    KeyPatch,
    KeyRotation,
    key_checks,
    key_to_wire,
    values_of,
)
from triggers.api_keys import ApiKey, Scope
from triggers.errors import FieldError, NotFound, ValidationFailed
from triggers.key_rights import require_scopes

TAG = "Keys"
_NO_STORE = {"cache-control": "no-store"}


@post(
    "/keys",
    opt=describe(
        tag=TAG,
        summary="Create a key",
        description=f"{IN_FORCE} The key is shown in this answer only. A key gives only scopes "
        "that it has itself, and for no longer than it lives itself.",
        scope=Scope.KEYS,
        body=KeyIn,
        example={"name": "shop", "scopes": ["events:write"]},
        answer=KeyOut,
        shown=("key",),
        headers={"Location": "Where the key can be read"},
        problems=("limit_reached",),
    ),
)
async def create_key(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain]
) -> Response[KeyOut]:
    """Create a key; its text is in this answer and nowhere else."""
    caller = caller_of(request)
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_json(KeyIn, body, key_checks(domain.clock()))
    values = values_of(sent, caller.key)
    require_scopes(caller.key, values["scopes"])
    key, text = await domain.key_changes.create(
        caller.tenant.tenant_id, **values, actor=caller.actor
    )
    shown = key_to_wire(key, now_ms=domain.clock(), text=text, signing_secret=key.signing_secret)
    return Response(shown, headers={"location": f"/v1/keys/{key.key_id}", **_NO_STORE})


@get(
    "/keys",
    opt=describe(tag=TAG, summary="List the keys", scope=Scope.KEYS, answer=KeyList),
)
async def list_keys(request: Request[Any, Any, Any], domain: NamedDependency[Domain]) -> KeyList:
    """List the keys of the tenant, oldest first."""
    view, now_ms = caller_of(request).tenant_view, domain.clock()
    used = await domain.key_uses.read(view.tenant_id, list(view.keys))
    keys = oldest_first(view.keys)
    return KeyList(
        keys=[key_to_wire(key, now_ms=now_ms, last_used_ms=used.get(key.key_id)) for key in keys]
    )


@get(
    "/keys/{key_id:str}",
    opt=describe(tag=TAG, summary="Read a key", scope=Scope.KEYS, answer=KeyOut),
)
async def read_key(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], key_id: FromPath[str]
) -> KeyOut:
    """Show one key, without its text."""
    key = _key_of(caller_of(request), key_id)
    used_ms = await _last_used_ms(caller_of(request), domain, key_id)
    return key_to_wire(key, now_ms=domain.clock(), last_used_ms=used_ms)


@patch(
    "/keys/{key_id:str}",
    opt=describe(
        tag=TAG,
        summary="Change a key",
        description=f"{IN_FORCE} What is absent stays as it is; null clears. A key changes itself, "
        "and others that have no scope which it lacks; it gives only scopes that it has itself, "
        "and no longer life than its own. Turning `require_signature` on makes a signing secret, "
        "which is shown in this answer only; turning it off deletes it.",
        scope=Scope.KEYS,
        body=KeyPatch,
        example={"name": "shop", "rate_limit": 50},
        answer=KeyOut,
    ),
)
async def change_key(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], key_id: FromPath[str]
) -> Response[KeyOut]:
    """Change a key."""
    caller = caller_of(request)
    _key_of(caller, key_id)
    body = await read_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    values = values_of(decode_json(KeyPatch, body, key_checks(domain.clock())), caller.key)
    require_scopes(caller.key, values.get("scopes", ()))
    if key_id == caller.actor:
        _require_way_in(request, domain, values.get("allowed_cidrs", ()))
    # Read first: once there is a secret to show, nothing may come between.
    used_ms = await _last_used_ms(caller, domain, key_id)
    key, secret = await domain.key_changes.change(
        caller.tenant.tenant_id, key_id, values, changer=caller.key
    )
    shown = key_to_wire(key, now_ms=domain.clock(), signing_secret=secret, last_used_ms=used_ms)
    return Response(shown, headers=_NO_STORE)


@post(
    "/keys/{key_id:str}/rotate",
    status_code=200,
    opt=describe(
        tag=TAG,
        summary="Rotate a key",
        description=f"{IN_FORCE} Gives the key a new text, and a new signing secret if it signs; "
        "both are shown in this answer only. The old ones live on for `overlap_seconds`, 24 hours "
        "unless told otherwise; what an earlier rotation left ends now. A key rotates itself, and "
        "others that have no scope which it lacks and do not outlive it.",
        scope=Scope.KEYS,
        body=KeyRotation,
        body_required=False,
        example={"overlap_seconds": 3600},
        answer=KeyOut,
        shown=("key",),
    ),
)
async def rotate_key(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], key_id: FromPath[str]
) -> Response[KeyOut]:
    """Give a key a new text; the body may be absent."""
    caller = caller_of(request)
    _key_of(caller, key_id)
    body = await read_optional_body(request, domain.settings, bytes_max=SMALL_BODY_BYTES_MAX)
    sent = decode_json(KeyRotation, body) if body else KeyRotation()
    # Read first: once there is a text to show, nothing may come between.
    used_ms = await _last_used_ms(caller, domain, key_id)
    key, text = await domain.key_changes.rotate(
        caller.tenant.tenant_id, key_id, overlap_seconds=sent.overlap_seconds, changer=caller.key
    )
    shown = key_to_wire(
        key,
        now_ms=domain.clock(),
        text=text,
        signing_secret=key.signing_secret,
        last_used_ms=used_ms,
    )
    return Response(shown, headers=_NO_STORE)


@delete(
    "/keys/{key_id:str}",
    opt=describe(tag=TAG, summary="Revoke a key", description=IN_FORCE, scope=Scope.KEYS),
)
async def delete_key(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], key_id: FromPath[str]
) -> None:
    """Revoke a key."""
    caller = caller_of(request)
    await domain.key_changes.delete(caller.tenant.tenant_id, key_id, actor=caller.actor)


def _key_of(caller: Caller, key_id: str) -> ApiKey:
    key = caller.tenant_view.keys.get(key_id)
    if key is None:
        raise NotFound("key", key_id)
    return key


async def _last_used_ms(caller: Caller, domain: Domain, key_id: str) -> int | None:
    return (await domain.key_uses.read(caller.tenant.tenant_id, (key_id,))).get(key_id)


def _require_way_in(
    request: Request[Any, Any, Any], domain: Domain, cidrs: tuple[str, ...]
) -> None:
    """Let a key not lock itself out. Raises ValidationFailed."""
    address = client_address(request.scope, domain.settings.trusted_networks)
    if is_allowed(address, cidrs):
        return
    issue = f"does not hold the address of this call, {address or 'which is not known'}"
    suggestion = "Add it, or change this key with another key"
    raise ValidationFailed([FieldError(field="allowed_cidrs", issue=issue, suggestion=suggestion)])


ROUTES = (
    create_key,
    list_keys,
    read_key,
    change_key,
    rotate_key,
    delete_key,
)
