"""Keys of a tenant."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.bodies import SMALL_BODY_BYTES_MAX, read_body
from app.context import Caller, caller_of
from app.decoding import decode_json
from app.dependencies import Domain
from app.operations import IN_FORCE, describe
from app.queries import NoQuery, oldest_first, read_query
from app.wire.keys import KeyIn, KeyList, KeyOut, expires_ms_of, key_checks, key_to_wire, scopes_of
from triggers.api_keys import Scope
from triggers.errors import Forbidden, NotFound

TAG = "Keys"


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
    maker = caller.tenant_view.keys[caller.actor]
    scopes, expires_ms = _given_scopes(sent, caller), expires_ms_of(sent, maker)
    key, text = await domain.key_changes.create(
        caller.tenant.tenant_id, sent.name, scopes, expires_ms=expires_ms, actor=caller.actor
    )
    headers = {"location": f"/v1/keys/{key.key_id}", "cache-control": "no-store"}
    return Response(key_to_wire(key, text), headers=headers)


@get(
    "/keys",
    opt=describe(tag=TAG, summary="List the keys", scope=Scope.KEYS, query=NoQuery, answer=KeyList),
)
async def list_keys(request: Request[Any, Any, Any]) -> KeyList:
    """List the keys of the tenant, oldest first."""
    read_query(request, NoQuery)
    keys = oldest_first(caller_of(request).tenant_view.keys)
    return KeyList(keys=[key_to_wire(key) for key in keys])


@get(
    "/keys/{key_id:str}",
    opt=describe(tag=TAG, summary="Read a key", scope=Scope.KEYS, answer=KeyOut),
)
async def read_key(request: Request[Any, Any, Any], key_id: FromPath[str]) -> KeyOut:
    """Show one key, without its text."""
    key = caller_of(request).tenant_view.keys.get(key_id)
    if key is None:
        raise NotFound("key", key_id)
    return key_to_wire(key)


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


def _given_scopes(sent: KeyIn, caller: Caller) -> tuple[Scope, ...]:
    """Return the scopes of the new key. Raises Forbidden for one that its maker lacks."""
    scopes = scopes_of(sent)
    for scope in scopes:
        if scope not in caller.scopes:
            raise Forbidden(f"The key lacks the scope {scope}")
    return scopes


ROUTES = (
    create_key,
    list_keys,
    read_key,
    delete_key,
)
