"""The settings of both containers: one frozen struct, read once from the environment and checked.

The variable of a setting is `TRIGGERS_` and its name in capitals. AWS is set up by AWS's own
variables (`AWS_ENDPOINT_URL`, `AWS_DEFAULT_REGION`, credentials). `python -m triggers.settings`
prints the reference that stands in `docs/configuration.md`.
"""

import difflib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from triggers.networks import Network, parse_networks
from triggers.retries import JITTER_SHARE, SCHEDULES

PREFIX = "TRIGGERS_"
STOP_SPARE_SECONDS = 10  # of it, for what comes after the drain
STOP_SECONDS_MAX = 60  # ECS's stopTimeout as the service is deployed
SECRET_CHARACTERS_MIN = 32
SECONDS_MAX = 86_400  # a day; `inf` is no setting
SECRETS = frozenset({"operator_key", "cursor_key", "secrets_key"})
ELSEWHERE = frozenset(
    {
        "TRIGGERS_LOCAL_DIR",  # read by `make run` alone
        "TRIGGERS_EMULATOR_PYTHON",
        "TRIGGERS_API",  # read by the command line
        "TRIGGERS_KEY",
        "TRIGGERS_PROFILE",
        "TRIGGERS_PROFILES",
        "TRIGGERS_SIGNING_SECRET",
    }
)


class SettingsError(Exception):
    """A setting is wrong; the text names it and says what it must be."""


def _seconds(description: str) -> Meta:
    return Meta(gt=0, le=SECONDS_MAX, description=description)


def _count(description: str) -> Meta:
    return Meta(ge=1, description=description)


def _says(description: str) -> Meta:
    return Meta(description=description)


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting with its meaning, unit and default."""

    environment: Annotated[
        Literal["production", "development"],
        _says("`development` allows http webhooks, allowed networks and a made-up cursor key"),
    ] = "production"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _says("The least level that is logged")
    ] = "info"
    name_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,80}\Z",
            description="What the names of all tables and queues begin with",
        ),
    ] = "triggers-"

    operator_key: Annotated[
        str, _says("The operator's key, at least 32 characters; empty: no operator calls")
    ] = ""
    cursor_key: Annotated[
        str, _says("Signs list cursors, at least 32 characters, the same in every `app`")
    ] = ""

    kms_key_id: Annotated[
        str,
        _says(
            "The KMS key, by id, ARN or alias, under which secrets are encrypted; production needs it"
        ),
    ] = ""
    secrets_key: Annotated[
        str,
        _says(
            "Encrypts secrets where there is no KMS, at least 32 characters, the same in every "
            "process; development only"
        ),
    ] = ""

    api_host: Annotated[str, _says("The address that `app` listens on")] = "0.0.0.0"  # noqa: S104 a container listens for its balancer
    api_port: Annotated[int, Meta(ge=0, le=65535, description="The port of `app`")] = 8080
    request_seconds: Annotated[float, _seconds("An API call is answered by then, or 503")] = 10
    body_seconds: Annotated[float, _seconds("A request body has arrived by then, or 408")] = 15
    trusted_proxies: Annotated[
        str,
        _says(
            "Comma-separated CIDRs of the load balancer, whose `X-Forwarded-For` counts; empty: "
            "nobody's, and every caller has the address of its connection"
        ),
    ] = ""
    payload_bytes_max: Annotated[int, _count("The largest payload, bytes")] = 400 * 1024
    bulk_bytes_max: Annotated[int, _count("The largest body of a bulk call, bytes")] = (
        8 * 1024 * 1024
    )
    bodies_bytes_max: Annotated[
        int,
        _count(
            "Large request bodies that one `app` holds in memory at once, bytes; a tenant gets a "
            "quarter, and what comes on top is answered with 503"
        ),
    ] = 128 * 1024 * 1024
    writes_waiting_max: Annotated[
        int,
        _count(
            "Conditional writes that wait in one process; `app` answers what comes on top with 503"
        ),
    ] = 2_000

    worker_host: Annotated[str, _says("The address of the worker's health checks")] = "0.0.0.0"  # noqa: S104 as above
    worker_port: Annotated[
        int, Meta(ge=0, le=65535, description="The port of the worker's health checks")
    ] = 8081
    allowed_networks: Annotated[
        str,
        _says("Comma-separated CIDRs that webhooks may reach though private; development only"),
    ] = ""
    attempts_in_flight_max: Annotated[
        int, _count("Webhook requests open at once in one worker; a webhook gets a tenth at most")
    ] = 1_000
    events_in_flight_max: Annotated[
        int, _count("Events that one worker has claimed, or is about to, at once")
    ] = 1_000
    swept_claims_max: Annotated[
        int,
        _count(
            "Claims of swept events, as of a backlog, under way at once in one worker: more are "
            "quicker through it, and may delay fresh events; with calls of 6 ms each of them makes "
            "up to 160 events a second"
        ),
    ] = 4
    events_queued_max: Annotated[
        int,
        _count(
            "Events of hints, and as many swept ones, that wait inside one worker before it asks for no more"
        ),
    ] = 2_000
    attempt_connect_seconds: Annotated[float, _seconds("A receiver has accepted by then")] = 5
    attempt_seconds: Annotated[
        float, _seconds("A webhook's timeout when it sets none; up to 30 by webhook")
    ] = 15

    hint_grace_seconds: Annotated[
        float, _seconds("A fresh event is left to its hint this long before the sweeper looks")
    ] = 10
    lease_seconds: Annotated[
        float, _seconds("A claim holds this long; longer for webhooks with a longer timeout")
    ] = 45
    finish_seconds: Annotated[float, _seconds("A finish is tried again this long")] = 15
    clock_skew_seconds: Annotated[
        float, _seconds("How far the clocks of two machines may be apart")
    ] = 5
    claims_max: Annotated[
        int, _count("Claims without a finish until an event fails with reason `poison`")
    ] = 5
    sweep_seconds: Annotated[float, _seconds("Pause between two looks at the due index")] = 1
    shard_lease_seconds: Annotated[
        float, _seconds("A worker sweeps a due shard alone this long")
    ] = 10
    control_age_max_seconds: Annotated[
        float, _seconds("A tenant's keys and webhooks are used from memory this long")
    ] = 1
    control_margin_seconds: Annotated[
        float,
        _seconds("What a change of them waits on top, so that it is in force when it returns"),
    ] = 0.2
    disable_after_days: Annotated[
        float,
        Meta(
            gt=0, le=365, description="A webhook with nothing but failures is disabled then, days"
        ),
    ] = 5
    recover_per_second: Annotated[
        int, _count("A job redelivers this many failed or held deliveries a second at most")
    ] = 100
    retention_days: Annotated[int, _count("Events are kept this long, days")] = 30
    idempotency_hours: Annotated[
        int, Meta(ge=24, description="An idempotency key is known this long, hours")
    ] = 24

    serve_on_seconds: Annotated[
        float,
        Meta(ge=0, description="After SIGTERM `app` serves on this long for its balancer"),
    ] = 10
    drain_seconds: Annotated[
        float, _seconds("After that, requests and attempts in the air may end")
    ] = 15

    @property
    def networks(self) -> tuple[Network, ...]:
        """The allowed networks, parsed. Raises ValueError."""
        return _networks(self.allowed_networks)

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """The networks of the trusted proxies, parsed. Raises ValueError."""
        return _networks(self.trusted_proxies)

    @property
    def is_development(self) -> bool:
        """Tell whether this is a laptop, a test or a demo."""
        return self.environment == "development"

    @property
    def control_settle_seconds(self) -> float:
        """How long a change of keys, webhooks or tenants waits before it answers."""
        return self.control_age_max_seconds + self.control_margin_seconds


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check the settings. Raises SettingsError that names the first that is wrong."""
    given = {n: v for n, v in environ.items() if n.startswith(PREFIX) and n not in ELSEWHERE}
    fields = {PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    for name in sorted(set(given) - set(fields)):
        near = difflib.get_close_matches(name, fields, n=1, cutoff=0.8)
        raise SettingsError(f"{name} is no setting" + (f"; meant {near[0]}?" if near else ""))
    for name, text in given.items():
        _convert({fields[name]: text}, name)
    settings = _convert({fields[name]: text for name, text in given.items()}, "settings")
    for problem in _problems(settings):
        raise SettingsError(problem)
    return settings


def require_secrets_key(settings: Settings) -> None:
    """See that the settings say what secrets are encrypted with: whoever reads them must know.

    Raises SettingsError that says what to do.
    """
    if settings.kms_key_id and settings.secrets_key:
        raise SettingsError("TRIGGERS_SECRETS_KEY and TRIGGERS_KMS_KEY_ID are both set: unset one")
    if not settings.kms_key_id and not settings.is_development:
        raise SettingsError(
            "TRIGGERS_KMS_KEY_ID must be set in production: the KMS key that secrets are encrypted "
            "under, the same in every process"
        )
    if not settings.kms_key_id and not settings.secrets_key:
        raise SettingsError(
            "TRIGGERS_SECRETS_KEY must be set: any text of at least "
            f"{SECRET_CHARACTERS_MIN} characters, the same in every process; or TRIGGERS_KMS_KEY_ID"
        )


def describe(settings: Settings) -> dict[str, Any]:
    """Return the settings for the log line at start, secrets as "set"."""
    values = msgspec.structs.asdict(settings)
    return {n: ("set" if v else "not set") if n in SECRETS else v for n, v in values.items()}


@lru_cache(maxsize=8)  # requests ask for them again and again
def _networks(texts: str) -> tuple[Network, ...]:
    return parse_networks(text.strip() for text in texts.split(",") if text.strip())


def _convert(values: dict[str, str], name: str) -> Settings:
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name}: {str(error).partition(' - at ')[0]}") from None


def _problems(settings: Settings) -> Iterator[str]:
    """Say what cannot hold together. Each line is a rule that some promise rests on."""
    for name in sorted(SECRETS):
        if 0 < len(getattr(settings, name)) < SECRET_CHARACTERS_MIN:
            yield f"{PREFIX}{name.upper()} must have at least {SECRET_CHARACTERS_MIN} characters"
    try:
        if settings.networks and not settings.is_development:
            yield "TRIGGERS_ALLOWED_NETWORKS is for development; production never reaches them"
    except ValueError as error:
        yield f"TRIGGERS_ALLOWED_NETWORKS: {error}"
    try:
        if any(network.prefixlen == 0 for network in settings.trusted_networks):
            yield "TRIGGERS_TRUSTED_PROXIES must not be everybody: callers could name any address"
    except ValueError as error:
        yield f"TRIGGERS_TRUSTED_PROXIES: {error}"
    yield from (words for holds, words in _inequalities(settings) if not holds)


def _inequalities(s: Settings) -> Iterator[tuple[bool, str]]:
    """Return what must hold between the numbers, each with the words for when it does not."""
    held = s.attempt_seconds + s.finish_seconds + 2 * s.clock_skew_seconds
    yield (
        s.lease_seconds >= held,
        f"TRIGGERS_LEASE_SECONDS must be at least {held:g}: attempt, finish, twice the skew",
    )
    schedule_days = sum(SCHEDULES["standard"]) * (1 + JITTER_SHARE) / 86_400
    yield (
        s.retention_days > schedule_days,
        f"TRIGGERS_RETENTION_DAYS must exceed the retry schedule, {schedule_days:.1f} days",
    )
    yield (
        s.idempotency_hours <= s.retention_days * 24,
        "TRIGGERS_IDEMPOTENCY_HOURS must not exceed TRIGGERS_RETENTION_DAYS",
    )
    stop_seconds = STOP_SECONDS_MAX - STOP_SPARE_SECONDS - s.drain_seconds
    yield (
        s.finish_seconds <= stop_seconds,
        f"TRIGGERS_DRAIN_SECONDS and _FINISH_SECONDS must end within {STOP_SECONDS_MAX} s",
    )
    yield (
        s.serve_on_seconds <= stop_seconds,
        f"TRIGGERS_SERVE_ON_SECONDS and _DRAIN_SECONDS must end within {STOP_SECONDS_MAX} s",
    )
    yield (
        4 * max(s.bulk_bytes_max, s.payload_bytes_max) <= s.bodies_bytes_max,
        "TRIGGERS_BODIES_BYTES_MAX must be at least four times the largest body",
    )
    yield (
        s.events_in_flight_max <= s.writes_waiting_max,
        "TRIGGERS_EVENTS_IN_FLIGHT_MAX must not exceed TRIGGERS_WRITES_WAITING_MAX",
    )


def reference() -> str:
    """Return the table of all settings, in Markdown."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for field in msgspec.structs.fields(Settings):
        default = f"`{field.default}`" if field.default != "" else "–"
        meaning = msgspec.json.schema(field.type).get("description", "")
        rows.append(f"| `{PREFIX}{field.encode_name.upper()}` | {default} | {meaning} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(reference())  # noqa: T201 it is the command's output
