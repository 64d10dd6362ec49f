"""Durable jobs: what runs, how far it is, and stopping it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from api import rendering
from api.auth import Principal, allow
from api.problems import Problem
from api.rendering import Items
from api.schemas import JobFilter
from api.services import Here
from contracts.answers import AuditEntry, JobItem, Role

router = APIRouter(prefix="/jobs", tags=["jobs"])

Canceller = Annotated[Principal, Depends(allow(Role.DEVELOPER, Role.ADMIN))]
JobId = Annotated[str, Path(pattern=r"^[0-9a-f-]{1,36}$")]


@router.get(
    "",
    dependencies=[Depends(allow(Role.OPERATOR, Role.DEVELOPER, Role.ADMIN))],
    response_model=Items[JobItem],
)
def jobs(here: Here, filter: Annotated[JobFilter, Query()]) -> Response:
    """Jobs, the newest first."""
    return rendering.json(Items(here.jobs.jobs(filter.limit)))


@router.post("/{job}/cancel", status_code=202)
def cancel(job: JobId, who: Canceller, here: Here) -> Response:
    """Ask a job to stop; it does so at its next safe point."""
    stopping = here.jobs.cancel(job, who.name)
    if stopping is None:
        raise Problem(404, f"there is no job {job}; GET /api/v1/jobs lists them")
    if not stopping:
        raise Problem(409, f"job {job} has already ended")
    here.desk.audit(AuditEntry(who.name, who.role, "cancel_job", job))
    return rendering.json({"id": job, "state": "cancelling"}, 202)
