"""What was not accepted from the field, and why; what was accepted, but too late."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api import rendering
from api.auth import allow
from api.rendering import Items
from api.schemas import LateFilter, RejectionFilter
from api.services import Here
from contracts.answers import LateItem, LateQuery, RejectionItem, RejectionQuery, Role

router = APIRouter(tags=["rejections"], dependencies=[Depends(allow(Role.DEVELOPER, Role.ADMIN))])


@router.get("/rejections", response_model=Items[RejectionItem])
def rejections(here: Here, filter: Annotated[RejectionFilter, Query()]) -> Response:
    """Rejected messages and records without their bytes, the latest first."""
    query = RejectionQuery(filter.limit, filter.reason, filter.device, filter.from_at, filter.to_at)
    return rendering.json(Items(here.reader.rejections(query).items))


@router.get("/late", response_model=Items[LateItem])
def late(here: Here, filter: Annotated[LateFilter, Query()]) -> Response:
    """Records that are in the log but came too late for any window, the latest event first."""
    query = LateQuery(filter.limit, filter.device, filter.from_at, filter.to_at)
    return rendering.json(Items(here.reader.late(query).items))
