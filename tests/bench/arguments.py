"""What the bench is asked for: `NAME=value`, as make's variables are. Every number has its limits."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from tests.bench.producer import PAYLOAD_BYTES_MIN

SATURATION = "max"
RATES_MAX = 8
RATE_MAX = 10_000
DELIVERIES_MAX = 200_000
BYTES_MAX = 512 << 20  # of payloads: the emulator keeps all in memory


class ArgumentError(Exception):
    """An argument is wrong; the text says which."""


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="upper"):
    """The arguments with their defaults."""

    rate: Annotated[
        str,
        Meta(description="events a second, several with commas; `max`: as many as go through"),
    ] = "100,300,max"
    seconds: Annotated[int, Meta(ge=1, le=60, description="how long each rate is kept up")] = 10
    tenants: Annotated[int, Meta(ge=1, le=100, description="they send in turn")] = 10
    webhooks: Annotated[int, Meta(ge=1, le=10, description="of each tenant")] = 1
    payload: Annotated[
        int, Meta(ge=PAYLOAD_BYTES_MIN, le=400 * 1024, description="its size in bytes")
    ] = 300
    workers: Annotated[int, Meta(ge=1, le=8, description="processes")] = 1
    out: Annotated[str, Meta(description="a file for all figures, as JSON")] = ""
    compare: Annotated[
        str, Meta(description="such a file of an earlier run to set the figures against")
    ] = ""

    @property
    def rates(self) -> list[int | None]:
        """The rates in order; None: as many as go through. Raises ArgumentError."""
        return [_rate(text.strip()) for text in self.rate.split(",")]

    @property
    def events_max(self) -> int:
        """How many events may be sent at all rates together; at saturation alone as many again."""
        return min(DELIVERIES_MAX // self.webhooks, BYTES_MAX // self.payload)


def read_arguments(texts: Sequence[str]) -> Arguments:
    """Read `NAME=value` arguments. Raises ArgumentError that says what is wrong."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name in values:
            raise ArgumentError(f"{text[:40]!r}: each argument is NAME=value, and comes once")
        values[name] = value
    try:
        arguments = msgspec.convert(values, Arguments, strict=False)
    except msgspec.ValidationError as error:
        raise ArgumentError(str(error)) from None
    rates = arguments.rates
    events = sum(rate or 0 for rate in rates) * arguments.seconds
    if len(rates) > RATES_MAX or len(set(rates)) < len(rates):
        raise ArgumentError(f"RATE: at most {RATES_MAX} rates, each once")
    if events > arguments.events_max:
        raise ArgumentError(
            f"RATE × SECONDS: at most {arguments.events_max} events with this PAYLOAD and WEBHOOKS"
        )
    return arguments


def describe_arguments() -> str:
    """Return a line for each argument: its name, default and meaning."""
    lines = []
    for field in msgspec.structs.fields(Arguments):
        schema = msgspec.json.schema(field.type)
        limits = f", {schema['minimum']}–{schema['maximum']}" if "minimum" in schema else ""
        default = f"; {field.default} by default" if field.default != "" else ""
        lines.append(f"  {field.encode_name:<9} {schema['description']}{limits}{default}")
    return "\n".join(lines)


def _rate(text: str) -> int | None:
    if text == SATURATION:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= RATE_MAX):
        raise ArgumentError(f"RATE: {text[:20]!r} is neither 1–{RATE_MAX} nor {SATURATION!r}")
    return int(text)
