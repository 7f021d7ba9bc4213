"""The fields of a tenant as options of `create` and `update`, and as the API takes them."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from triggers.cli.contents import given_fields
from triggers.cli.context import with_options
from triggers.tenants import Tier

LIMITS = {
    "per_second": (100_000, "Calls a second on average, for the tier enterprise; with --burst."),
    "burst": (200_000, "Calls at once; with --per-second."),
    "per_day": (10**12, "Calls in a UTC day."),
    "per_month": (10**12, "Calls in a UTC month."),
}

_TIER = click.option(
    "--tier",
    type=click.Choice([str(tier) for tier in Tier]),
    metavar="TIER",
    help=f"How much it may do: {', '.join(Tier)}.",
)


def takes_tenant_fields(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that `create` and `update` share."""
    limits = (
        click.option(
            f"--{name.replace('_', '-')}", type=click.IntRange(1, most), metavar="N", help=text
        )
        for name, (most, text) in LIMITS.items()
    )
    return with_options(command, (_TIER, *limits))


def tenant_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of a tenant, by its fields in the API. Raises click.UsageError."""
    said = given_fields(options)
    limit = {name: said.pop(name) for name in LIMITS if name in said}
    if not limit:
        return said
    if not {"per_second", "burst"} <= limit.keys():
        raise click.UsageError("a limit of its own takes --per-second and --burst")
    return said | {"rate_limit": limit}
