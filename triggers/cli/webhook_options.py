"""The fields of a webhook as options of `create` and `update`, and as the API takes them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from triggers.cli.contents import given_fields, read_content
from triggers.cli.context import with_options
from triggers.webhooks import RETRY_DELAY_SECONDS_MAX, RETRY_DELAYS_MAX, TIMEOUT_SECONDS_MAX

_HEADER = re.compile(r"([^:\s]+):[ \t]*(.*?)[ \t]*")


class RetryPolicy(click.ParamType["str | list[int]"]):
    """`standard`, `short`, or the pauses between attempts, in seconds."""

    name = "retry"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | list[int]:
        """Return it as the API takes it."""
        if value in ("standard", "short"):
            return str(value)
        pauses = [int(one) if one.isdecimal() else 0 for one in str(value).split(",")]
        if len(pauses) > RETRY_DELAYS_MAX or not all(
            1 <= one <= RETRY_DELAY_SECONDS_MAX for one in pauses
        ):
            self.fail("standard, short, or 1–20 pauses of 1–86400 seconds: 5,60,3600", param, ctx)
        return pauses


_OPTIONS = (
    click.option(
        "--type",
        "event_types",
        multiple=True,
        metavar="TYPE",
        help="What it wants: order.created, order.* or *. May be repeated.",
    ),
    click.option("--description", metavar="TEXT", help="What it is for, up to 512 characters."),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=click.IntRange(1, TIMEOUT_SECONDS_MAX),
        metavar="SECONDS",
        help="How long its receiver may take.",
    ),
    click.option(
        "--retry",
        type=RetryPolicy(),
        metavar="RETRY",
        help="standard (3.2 days), short (31 s), or the pauses in seconds: 5,60,3600.",
    ),
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar="'NAME: TEXT'",
        help="Goes along with every request. @file or - (stdin) has one a line, for a secret one. "
        "May be repeated.",
    ),
)


def takes_webhook_fields(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that `create` and `update` share."""
    return with_options(command, _OPTIONS)


def webhook_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of a webhook, by its fields in the API. Raises click.UsageError."""
    said = given_fields(options)
    if "headers" in said:
        said["headers"] = _read_headers(said["headers"])
    return said


def changed_headers(present: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with some set, or taken away where the text is empty; case tells none apart."""
    named = {name.lower() for name in changes}
    kept = {name: text for name, text in present.items() if name.lower() not in named}
    return kept | {name: text for name, text in changes.items() if text}


def _read_headers(given: tuple[str, ...]) -> dict[str, str]:
    lines: list[str] = []
    for one in given:
        if one.startswith(("@", "-")):
            lines += read_content(one).decode(errors="replace").splitlines()
        else:
            lines.append(one)
    headers = {}
    for number, line in enumerate(filter(str.strip, lines), start=1):
        found = _HEADER.fullmatch(line)
        if found is None:
            # It may be a secret one: the message does not repeat it.
            raise click.UsageError(f"header {number} is not of the form 'Name: text'")
        headers[found[1]] = found[2]
    return headers
