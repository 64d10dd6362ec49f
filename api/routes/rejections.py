"""What was not accepted from the field, and why."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api import rendering
from api.auth import allow
from api.rendering import Items
from api.schemas import RejectionFilter
from api.services import Here
from contracts.answers import RejectionItem, RejectionQuery, Role

router = APIRouter(tags=["rejections"], dependencies=[Depends(allow(Role.DEVELOPER, Role.ADMIN))])


@router.get("/rejections", response_model=Items[RejectionItem])
def rejections(here: Here, filter: Annotated[RejectionFilter, Query()]) -> Response:
    """Rejected messages and records without their bytes, the latest first."""
    query = RejectionQuery(filter.limit, filter.reason, filter.device, filter.from_at, filter.to_at)
    return rendering.json(Items(here.reader.rejections(query).items))
