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

    status: Annotated[Phase, Meta(description="`ready`: it takes requests", examples=["ready"])]


class LivenessOut(Struct, frozen=True, kw_only=True):
    """The process turns."""

    status: Annotated[
        str,
        Meta(
            description="Always `alive`: a process that is not does not answer", examples=["alive"]
        ),
    ] = "alive"


class DependencyOut(Struct, frozen=True, kw_only=True):
    """How something that the service depends on answered just now."""

    status: Annotated[Condition, Meta(description="How it is", examples=["ok"])]
    milliseconds: Annotated[
        float, Meta(ge=0, description="How long its answer took, milliseconds", examples=[1.8])
    ]


class HealthOut(Struct, frozen=True, kw_only=True):
    """The service and what it depends on."""

    status: Annotated[
        Condition,
        Meta(
            description="`degraded`: events are accepted, and delivered later than usual",
            examples=["ok"],
        ),
    ]
    dependencies: Annotated[
        dict[str, DependencyOut],
        Meta(
            description="`tables` (DynamoDB) and `queues` (SQS)",
            examples=[
                {
                    "tables": {"status": "ok", "milliseconds": 1.8},
                    "queues": {"status": "ok", "milliseconds": 2.3},
                }
            ],
        ),
    ]
    version: Annotated[str, Meta(description="The version of the service", examples=["0.1.0"])]
    uptime_seconds: Annotated[
        int, Meta(ge=0, description="Seconds since the process started", examples=[86_400])
    ]
