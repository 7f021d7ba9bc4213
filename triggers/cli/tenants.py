"""`triggers tenants`: the customers of the service, for its operator."""

from typing import Any

import click

from triggers.cli.api import path_of
from triggers.cli.context import Group, Session, pass_session
from triggers.cli.key_options import key_fields, takes_key_fields, takes_scopes
from triggers.cli.keys import KEY
from triggers.cli.lists import show_list, takes_limit
from triggers.cli.new_keys import call_for_key, takes_save_profile
from triggers.cli.output import Column
from triggers.cli.tenant_options import takes_tenant_fields, tenant_fields

ID = "ten_3S5B7C9KAN72XQV8"

TENANT: tuple[Column, ...] = (
    ("Tenant", "tenant_id"),
    ("Name", "name"),
    ("Tier", "tier"),
    ("Own limit", "rate_limit"),
    ("Keys", "keys"),
    ("Webhooks", "webhooks"),
    ("Created", "created_at"),
    ("Changed", "updated_at"),
)
NEW_TENANT = tuple(column for column in TENANT if column[1] not in ("keys", "webhooks"))
TENANTS: tuple[Column, ...] = (
    ("TENANT", "tenant_id"),
    ("NAME", "name"),
    ("TIER", "tier"),
    ("OWN LIMIT", "rate_limit"),
    ("CREATED", "created_at"),
)


@click.group(cls=Group)
def tenants() -> None:
    """Make and change tenants, the customers of the service. Takes the operator's key."""


@tenants.command(
    examples=(
        "triggers tenants create Acme",
        "triggers tenants create Acme --tier pro --save-profile acme",
        "triggers tenants create Acme --tier enterprise --per-second 5000 --burst 10000",
    )
)
@click.argument("name", metavar="NAME")
@takes_tenant_fields
@takes_save_profile
@pass_session
def create(session: Session, /, *, name: str, save_profile: str | None, **options: Any) -> None:
    """Create a tenant; its first key, which may do all that a tenant may, is shown once."""
    body = {"name": name} | tenant_fields(options)
    call_for_key(
        session,
        lambda: session.api.call("POST", path_of("tenants"), body),
        NEW_TENANT,
        save_profile=save_profile,
    )


@tenants.command(
    "list", examples=("triggers tenants list", "triggers tenants list --all --json | wc -l")
)
@takes_limit
@pass_session
def list_tenants(session: Session, *, limit: int | None) -> None:
    """List the tenants, oldest first."""
    path = path_of("tenants")
    show_list(session, path, "tenants", TENANTS, limit=limit, empty="there are no tenants")


@tenants.command(examples=(f"triggers tenants show {ID}",))
@click.argument("tenant_id", metavar="ID")
@pass_session
def show(session: Session, *, tenant_id: str) -> None:
    """Show a tenant, with the number of its keys and webhooks."""
    session.out.one(session.api.get(path_of("tenants", tenant_id)).body, TENANT)


@tenants.command(
    examples=(
        f"triggers tenants update {ID} --tier pro",
        f"triggers tenants update {ID} --tier enterprise --per-second 5000 --burst 10000",
        f"triggers tenants update {ID} --no-own-limit",
    )
)
@click.argument("tenant_id", metavar="ID")
@click.option("--name", metavar="TEXT", help="Another name.")
@takes_tenant_fields
@click.option("--no-own-limit", is_flag=True, help="Let it do what its tier gives.")
@pass_session
def update(session: Session, /, *, tenant_id: str, no_own_limit: bool, **options: Any) -> None:
    """Change a tenant; what is not named stays.

    A limit of its own is replaced whole; a tier below enterprise ends it.
    """
    changes = tenant_fields(options)
    if no_own_limit and changes.setdefault("rate_limit", None) is not None:
        raise click.UsageError("say either a limit or --no-own-limit")
    if not changes:
        raise click.UsageError("say what is to change")
    answer = session.api.call("PATCH", path_of("tenants", tenant_id), changes)
    session.out.one(answer.body, NEW_TENANT)


@tenants.command(examples=(f"triggers tenants delete {ID}", f"triggers tenants delete {ID} --yes"))
@click.argument("tenant_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, *, tenant_id: str, yes: bool) -> None:
    """Delete a tenant with its keys and webhooks; its events cannot be reached any more.

    It asks for the tenant's name. When the call fails half-way, say it again.
    """
    path = path_of("tenants", tenant_id)
    if not yes:
        name = session.api.get(path).content["name"]
        session.out.confirm_name(f"Delete {tenant_id} with all that it has?", name)
    session.api.call("DELETE", path)
    session.out.note(f"{tenant_id} is deleted")


@tenants.command(examples=(f"triggers tenants create-key {ID} --name rescue --scope keys",))
@click.argument("tenant_id", metavar="ID")
@click.option("--name", required=True, metavar="TEXT", help="What the key is called.")
@takes_scopes(required=True)
@takes_key_fields
@takes_save_profile
@pass_session
def create_key(
    session: Session, /, *, tenant_id: str, save_profile: str | None, **options: Any
) -> None:
    """Create a key of a tenant that lost its last one; it is shown once."""
    body = key_fields(options)
    call_for_key(
        session,
        lambda: session.api.call("POST", path_of("tenants", tenant_id, "keys"), body),
        KEY,
        save_profile=save_profile,
    )
