"""Jobs: how far a redelivery has come."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.context import caller_of
from app.dependencies import Domain
from app.operations import describe
from app.wire.jobs import JobOut, job_to_wire
from triggers.api_keys import Scope
from triggers.errors import NotFound
from triggers.ids import is_job_id


@get(
    "/jobs/{job_id:str}",
    opt=describe(
        tag="Webhooks",
        summary="Read a job",
        description="A job is kept for 30 days after its end.",
        scope=Scope.WEBHOOKS,
        answer=JobOut,
    ),
)
async def read_job(
    request: Request[Any, Any, Any], domain: NamedDependency[Domain], job_id: FromPath[str]
) -> JobOut:
    """Show one job."""
    tenant_id = caller_of(request).tenant.tenant_id
    job = await domain.jobs.get(tenant_id, job_id) if is_job_id(job_id) else None
    if job is None:
        raise NotFound("job", job_id)
    return job_to_wire(job)


ROUTES = (read_job,)
