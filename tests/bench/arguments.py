"""What the bench is asked for: `NAME=value`, as make's variables are. Every number has its limits."""

import socket
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from infra.local.loopback import HOST
from tests.bench.producer import PAYLOAD_BYTES_MIN

SATURATION = "max"
SECONDS_MAX = 60  # but for the soak
RATES_MAX = 8
RATE_MAX = 10_000
WEBHOOKS_MAX = 50
DELIVERIES_MAX = 200_000
BYTES_MAX = 512 << 20  # of payloads: the emulator keeps all in memory


# What is not given, where it is not as in `rates`.
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "isolation": {"RATE": "20"},
    "scaling": {"RATE": SATURATION},
    "costs": {"RATE": "5", "SECONDS": "60"},
    "soak": {"RATE": "100", "SECONDS": "120"},
    "profile": {"RATE": SATURATION, "SECONDS": "20"},
}


class ArgumentError(Exception):
    """An argument is wrong; the text says which."""


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="upper"):
    """The arguments with their defaults."""

    scenario: Annotated[
        Literal["rates", "costs", "isolation", "scaling", "soak", "profile"],
        Meta(description="rates, costs, isolation, scaling, soak or profile"),
    ] = "rates"
    rate: Annotated[
        str,
        Meta(
            description="events a second, in rates several with commas; `max`: as many as go through, "
            "as always in scaling; one in costs (5 by default), isolation (20), soak (100) and profile (max)"
        ),
    ] = "100,300,max"
    seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=600,
            description=f"how long each rate is kept up, 60 by default in costs, 120 in soak, 20 in profile; "
            f"beyond {SECONDS_MAX} in soak alone",
        ),
    ] = 10
    tenants: Annotated[
        int, Meta(ge=1, le=1000, description="they send in turn, in rates, costs, soak and profile")
    ] = 10
    webhooks: Annotated[
        int, Meta(ge=1, le=WEBHOOKS_MAX, description="of each tenant, in rates, soak and profile")
    ] = 1
    payload: Annotated[
        int, Meta(ge=PAYLOAD_BYTES_MIN, le=400 * 1024, description="its size in bytes")
    ] = 300
    workers: Annotated[int, Meta(ge=1, le=8, description="processes, in all but scaling")] = 1
    backlog: Annotated[
        int, Meta(ge=1, le=100_000, description="events that a neighbour drains, in isolation")
    ] = 10_000
    stored: Annotated[
        int, Meta(ge=1, le=1_000_000, description="events of earlier days, in scaling")
    ] = 20_000
    dynamodb: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="the port here of another DynamoDB instead of the emulator's, as of `make dynamodb`, "
            "in all but rates and costs; 0: none",
        ),
    ] = 0
    out: Annotated[str, Meta(description="a file for all figures, as JSON")] = ""
    compare: Annotated[
        str, Meta(description="such a file of an earlier run of rates to set the figures against")
    ] = ""

    @property
    def rates(self) -> list[int | None]:
        """The rates in order; None: as many as go through. Raises ArgumentError."""
        return [_rate(text.strip()) for text in self.rate.split(",")]

    @property
    def events_max(self) -> int:
        """How many events may be sent at all rates together; at saturation alone as many again."""
        webhooks = WEBHOOKS_MAX if self.scenario == "costs" else self.webhooks
        return min(DELIVERIES_MAX // webhooks, BYTES_MAX // self.payload)


def read_arguments(texts: Sequence[str]) -> Arguments:
    """Read `NAME=value` arguments. Raises ArgumentError that says what is wrong."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name in values:
            raise ArgumentError(f"{text[:40]!r}: each argument is NAME=value, and comes once")
        values[name] = value
    values = {**DEFAULTS.get(values.get("SCENARIO", ""), {}), **values}
    try:
        arguments = msgspec.convert(values, Arguments, strict=False)
    except msgspec.ValidationError as error:
        raise ArgumentError(str(error)) from None
    _check(arguments)
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


def _check(arguments: Arguments) -> None:
    """Raise ArgumentError when arguments do not go together."""
    rates, scenario = arguments.rates, arguments.scenario
    events = sum(rate or 0 for rate in rates) * arguments.seconds
    if len(rates) > RATES_MAX or len(set(rates)) < len(rates):
        raise ArgumentError(f"RATE: at most {RATES_MAX} rates, each once")
    if scenario == "scaling" and rates != [None]:
        raise ArgumentError(f"RATE: scaling measures at {SATURATION!r} alone")
    if scenario in ("costs", "isolation", "soak") and (len(rates) > 1 or rates == [None]):
        raise ArgumentError(f"RATE: {scenario} takes one number")
    if scenario == "profile" and len(rates) > 1:
        raise ArgumentError("RATE: profile takes one")
    if scenario != "soak" and arguments.seconds > SECONDS_MAX:
        raise ArgumentError(f"SECONDS: at most {SECONDS_MAX} in {scenario}")
    if scenario != "rates" and arguments.compare:
        raise ArgumentError("COMPARE: only rates are set against an earlier run")
    if scenario in ("rates", "costs") and arguments.dynamodb:
        raise ArgumentError(f"DYNAMODB: {scenario} counts calls, of the emulator's own alone")
    if arguments.dynamodb and not _listens(arguments.dynamodb):
        raise ArgumentError("DYNAMODB: nobody listens there; `make dynamodb` starts one")
    if events > arguments.events_max:
        raise ArgumentError(
            f"RATE × SECONDS: at most {arguments.events_max} events with this PAYLOAD and WEBHOOKS"
        )


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _rate(text: str) -> int | None:
    if text == SATURATION:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= RATE_MAX):
        raise ArgumentError(f"RATE: {text[:20]!r} is neither 1–{RATE_MAX} nor {SATURATION!r}")
    return int(text)
