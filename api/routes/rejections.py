"""What was not accepted from the field, why, and feeding it in again; what was accepted, but too late."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from api import rendering
from api.auth import Principal, allow
from api.problems import Problem
from api.rendering import Items
from api.schemas import LateFilter, RejectionFilter, RejectionReveal, RejectionSpan
from api.services import Here
from contracts.answers import AuditEntry, LateItem, LateQuery, Role
from contracts.errors import VaultError
from contracts.rejections import (
    FEED_IN,
    ID_PATTERN,
    RejectionBytes,
    RejectionCount,
    RejectionItem,
    RejectionQuery,
    may_hold_plate,
    read_id,
)

SEE: Final = (Role.DEVELOPER, Role.ADMIN)
REVEAL: Final = (Role.ADMIN,)
"""Who may see bytes that may hold a plate; police need none that was not accepted."""

router = APIRouter(tags=["rejections"], dependencies=[Depends(allow(*SEE))])

Seer = Annotated[Principal, Depends(allow(*SEE))]
RejectionPath = Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]


@router.get("/rejections", response_model=Items[RejectionItem])
def rejections(here: Here, filter: Annotated[RejectionFilter, Query()]) -> Response:
    """Rejected messages and records without their bytes, the latest first, and what became of those fed in again."""
    return rendering.json(Items(here.reader.rejections(_query(filter, filter.limit)).items))


@router.get("/rejections/counts", response_model=Items[RejectionCount])
def counts(here: Here, filter: Annotated[RejectionFilter, Query()]) -> Response:
    """How many of what reason from which device, the first and the last time; the most first."""
    return rendering.json(Items(here.reader.rejection_counts(_query(filter, filter.limit)).items))


@router.get("/rejections/{rejection}/bytes", response_model=RejectionBytes)
def payload(rejection: RejectionPath, who: Seer, here: Here, filter: Annotated[RejectionReveal, Query()]) -> Response:
    """The bytes of one, as they came: written to the audit log first, opened after."""
    topic = here.reader.rejection_topic(read_id(rejection))
    if topic is None:
        raise Problem(404, f"there is no rejection {rejection}; GET /api/v1/rejections lists them")
    if who.role not in REVEAL and may_hold_plate(topic):
        raise Problem(403, f"these bytes may hold a plate: only {' and '.join(REVEAL)} may see them")
    here.desk.audit(AuditEntry(who.name, who.role, "reveal_rejection", rejection, filter.purpose))
    try:
        found = here.reader.rejection_bytes(read_id(rejection))
    except VaultError as problem:
        raise Problem(410, f"the bytes of {rejection} cannot be opened any more: {problem}") from problem
    if found is None:
        raise Problem(404, f"rejection {rejection} is not kept any more")
    return rendering.json(found)


@router.post("/rejections/feed-in", status_code=202)
def feed_in(who: Seer, here: Here, filter: Annotated[RejectionSpan, Query()]) -> Response:
    """Feed the kept rejections that fit in again, as a job; `GET /rejections` shows what became of each."""
    wanted = filter.model_dump(mode="json", exclude_none=True)
    job = here.jobs.ask(FEED_IN, wanted, AuditEntry(who.name, who.role, "feed_in_rejections", "", detail=wanted))
    return rendering.json({"id": job, "state": "queued"}, 202)


@router.get("/late", response_model=Items[LateItem])
def late(here: Here, filter: Annotated[LateFilter, Query()]) -> Response:
    """Records that are in the log but came too late for any window, the latest event first."""
    query = LateQuery(filter.limit, filter.device, filter.from_at, filter.to_at)
    return rendering.json(Items(here.reader.late(query).items))


def _query(filter: RejectionSpan, limit: int) -> RejectionQuery:
    return RejectionQuery(limit, filter.reason, filter.device, filter.from_at, filter.to_at)
