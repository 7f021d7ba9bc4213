"""What the service says about itself: to its balancer, to whoever watches it."""

from litestar import Response, get
from litestar.di import NamedDependency

from app.dependencies import Domain
from app.health import condition_of
from app.lifecycle import Lifecycle, Phase
from app.operations import describe
from app.wire.service import Condition, HealthOut, LivenessOut, PhaseOut
from triggers import VERSION

TAG = "Service"


@get("/liveness", opt=describe(tag=TAG, summary="Does the process turn?", answer=LivenessOut))
async def liveness() -> LivenessOut:
    """Answer: that is all there is to it."""
    return LivenessOut()


@get(
    "/readiness",
    opt=describe(
        tag=TAG,
        summary="Should requests be sent to this process?",
        description="503 while it starts, and when it is about to stop; not for a passing fault of "
        "the store.",
        answer=PhaseOut,
        also=(503,),
    ),
)
async def readiness(lifecycle: NamedDependency[Lifecycle]) -> Response[PhaseOut]:
    """Tell the balancer whether to send requests here."""
    phase = lifecycle.phase
    return Response(PhaseOut(status=phase), status_code=200 if phase is Phase.READY else 503)


@get(
    ["/health", "/v1/health"],
    opt=describe(
        tag=TAG,
        summary="How is the service?",
        description="What it depends on is asked at most once a second. 503 when the service "
        "cannot work; `degraded` when events wait longer than usual.",
        answer=HealthOut,
        also=(503,),
    ),
)
async def health(
    domain: NamedDependency[Domain], lifecycle: NamedDependency[Lifecycle]
) -> Response[HealthOut]:
    """Show the service and what it depends on."""
    dependencies = await domain.health.measure()
    condition = condition_of(lifecycle.phase, dependencies)
    is_well = condition in (Condition.OK, Condition.DEGRADED)
    shown = HealthOut(
        status=condition,
        dependencies=dependencies,
        version=VERSION,
        uptime_seconds=lifecycle.uptime_seconds,
    )
    return Response(shown, status_code=200 if is_well else 503)


ROUTES = (
    liveness,
    readiness,
    health,
)
