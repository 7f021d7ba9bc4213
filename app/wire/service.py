"""What the service says about itself."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from app.lifecycle import Phase


class Condition(StrEnum):
    """How the service, or something that it depends on, is.

    Degraded: events are accepted, and delivered later than usual.
    """

    STARTING = "starting"
    DRAINING = "draining"
    OK = "ok"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


class PhaseOut(Struct, frozen=True, kw_only=True):
    """Whether the process takes requests."""

    status: Phase


class LivenessOut(Struct, frozen=True, kw_only=True):
    """The process turns."""

    status: Annotated[str, Meta(examples=["alive"])] = "alive"


class DependencyOut(Struct, frozen=True, kw_only=True):
    """How something that the service depends on answered just now."""

    status: Condition
    milliseconds: Annotated[float, Meta(description="How long its answer took")]


class HealthOut(Struct, frozen=True, kw_only=True):
    """The service and what it depends on."""

    status: Condition
    dependencies: Annotated[
        dict[str, DependencyOut], Meta(description="`tables` (DynamoDB) and `queues` (SQS)")
    ]
    version: Annotated[str, Meta(examples=["0.1.0"])]
    uptime_seconds: Annotated[int, Meta(description="Seconds since the process started")]
