"""The fields of a key as options of `create` and `update`, and as the API takes them."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from triggers.api_keys import TENANT_SCOPES
from triggers.cli.contents import given_fields
from triggers.cli.context import with_options
from triggers.cli.moments import NONE, Expiry

CALLS_PER_SECOND_MAX = 100_000

Decorator = Callable[[Callable[..., None]], Callable[..., None]]

_OPTIONS = (
    click.option(
        "--expires",
        "expires_at",
        type=Expiry(),
        metavar="WHEN",
        help="From when on it is not valid: 90d, or RFC 3339; none: never.",
    ),
    click.option(
        "--rate-limit",
        type=click.IntRange(0, CALLS_PER_SECOND_MAX),
        metavar="N",
        help="Calls a second, within what the tenant may; 0: as many as that.",
    ),
    click.option(
        "--cidr",
        "allowed_cidrs",
        multiple=True,
        metavar="NETWORK",
        help="From where alone it is valid, up to 50 networks; none: from everywhere. May be "
        "repeated.",
    ),
    click.option(
        "--require-signature/--no-require-signature",
        default=None,
        help="Whether each of its requests must be signed.",
    ),
)


def takes_scopes(*, required: bool) -> Decorator:
    """Give a command `--scope`."""
    return click.option(
        "--scope",
        "scopes",
        multiple=True,
        required=required,
        type=click.Choice([str(scope) for scope in TENANT_SCOPES]),
        metavar="SCOPE",
        help=f"What it may do, of {', '.join(TENANT_SCOPES)}. May be repeated.",
    )


def takes_key_fields(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that `create` and `update` share."""
    return with_options(command, _OPTIONS)


def key_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of a key, by its fields in the API."""
    said = given_fields(options)
    if said.get("allowed_cidrs") == (NONE,):
        said["allowed_cidrs"] = None
    return said
