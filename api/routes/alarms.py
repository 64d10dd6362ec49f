"""Alarms with the response that the city has written down for their kind."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api import cursors, rendering
from api.auth import allow
from api.problems import Problem
from api.rendering import ItemsPage
from api.schemas import AlarmFilter
from api.services import Here
from contracts.answers import AlarmItem, AlarmQuery, Role

router = APIRouter(tags=["alarms"], dependencies=[Depends(allow(Role.OPERATOR, Role.ADMIN))])


@router.get("/alarms", response_model=ItemsPage[AlarmItem])
def alarms(here: Here, filter: Annotated[AlarmFilter, Query()]) -> Response:
    """Alarms whose episode touches the range, the latest onset first."""
    if filter.from_at and filter.to_at and filter.from_at >= filter.to_at:
        raise Problem(422, "query.from, query.to: the range is empty; `to` must lie after `from`")
    after = cursors.read_spot(filter.cursor)
    query = AlarmQuery(filter.limit, filter.condition, filter.zone, filter.kind, filter.from_at, filter.to_at, after)
    page = here.reader.alarms(query)
    last = page.items[-1] if page.more else None
    return rendering.json(ItemsPage(page.items, cursors.write((last.onset_at, last.id)) if last else None))
