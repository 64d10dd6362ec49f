"""Devices, what they said last, and their windows."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from api import cursors, rendering
from api.auth import EVERYBODY, allow
from api.problems import Problem
from api.rendering import Items, ItemsPage
from api.schemas import DeviceFilter, LatestFilter, Span, WindowFilter
from api.services import Here
from contracts.answers import DeviceItem, Latest, RearViewItem, Role, WindowItem, WindowQuery

router = APIRouter(tags=["devices"])

WINDOWS_DEFAULT: Final = 60
"""As many of a width are shown unless a range is given: an hour of minutes, two months of days."""
WINDOWS_RANGE_MAX: Final = 31 * 24 * 60
"""A month of minutes of one lane is 30 pages; a longer look belongs to larger windows or an export."""
REAR_VIEWS_DEFAULT: Final = timedelta(days=7)
"""Every weekday once."""
REAR_VIEWS_MAX: Final = timedelta(days=366)
"""Hours of a year of some hundred cameras: a second of the database."""
UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LIVE_ROLES: Final = (Role.OPERATOR, Role.DEVELOPER, Role.ADMIN)


@router.get("/devices", dependencies=[Depends(allow(*EVERYBODY))], response_model=Items[DeviceItem])
def devices(here: Here, filter: Annotated[DeviceFilter, Query()]) -> Response:
    """Where devices stand, what they measure and whether they talk."""
    return rendering.json(Items(here.reader.devices(filter.city, filter.zone, filter.type)))


@router.get("/latest", dependencies=[Depends(allow(*LIVE_ROLES))], response_model=Latest)
def latest(here: Here, filter: Annotated[LatestFilter, Query()]) -> Response:
    """The newest value of each series and the newest record of each kind."""
    return rendering.json(here.reader.latest(filter.device, filter.zone, filter.metric))


@router.get(
    "/rear-views", dependencies=[Depends(allow(Role.DEVELOPER, Role.ADMIN))], response_model=Items[RearViewItem]
)
def rear_views(here: Here, filter: Annotated[Span, Query()]) -> Response:
    """Cameras that saw motorcycles from the front only, where they carry no plate; the last 7 days unless said."""
    to_at = filter.to_at or here.clock()
    from_at = filter.from_at or to_at - REAR_VIEWS_DEFAULT
    if not timedelta() < to_at - from_at <= REAR_VIEWS_MAX:
        raise Problem(422, f"query.from, query.to: the range must be above 0 and at most {REAR_VIEWS_MAX.days} days")
    return rendering.json(Items(here.reader.rear_views(from_at, to_at)))


@router.get("/windows", dependencies=[Depends(allow(*LIVE_ROLES))], response_model=ItemsPage[WindowItem])
def windows(here: Here, filter: Annotated[WindowFilter, Query()]) -> Response:
    """Windows of a series at a width, the oldest first; the last 60 of them unless a range is given."""
    width = int(filter.width[:-1]) * UNITS[filter.width[-1]]
    to_at = filter.to_at or here.clock()
    from_at = filter.from_at or to_at - WINDOWS_DEFAULT * width
    if not timedelta() < to_at - from_at <= WINDOWS_RANGE_MAX * width:
        days = (WINDOWS_RANGE_MAX * width).days
        raise Problem(422, f"query.from, query.to: the range must be above 0 and at most {days} days; ask in parts")
    after, width_s = cursors.read_minute(filter.cursor), int(width.total_seconds())
    query = WindowQuery(filter.device, filter.metric, from_at, to_at, filter.limit, filter.lane, after, width_s)
    page = here.reader.windows(query)
    if page is None:
        raise Problem(404, "there is no such device or metric; GET /api/v1/devices lists both")
    last = page.items[-1] if page.more else None
    return rendering.json(ItemsPage(page.items, cursors.write((last.start, last.lane)) if last else None))
