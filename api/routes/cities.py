"""Cities: identity, zones, roads, rules, responses and the basemap."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from api import rendering
from api.auth import EVERYBODY, allow
from api.basemap import NAMES
from api.problems import Problem
from api.rendering import Items
from api.schemas import Slug
from api.services import Here
from contracts.answers import CityItem
from contracts.city import City

router = APIRouter(prefix="/cities", tags=["cities"], dependencies=[Depends(allow(*EVERYBODY))])

CityId = Annotated[Slug, Path()]
CACHE: str = "private, max-age=3600, must-revalidate"
"""The basemap changes with a release; within the hour a page need not even ask."""


@router.get("", response_model=Items[CityItem])
def cities(here: Here) -> Response:
    """The cities of this centre."""
    return rendering.json(Items(here.reader.cities()))


@router.get("/{city}", response_model=dict[str, Any])
def city(city: CityId, here: Here) -> Response:
    """One city with everything but its devices."""
    found = here.reader.city(city)
    if found is None:
        raise Problem(404, f"there is no city {city!r}; GET /api/v1/cities lists them")
    spaces = {item.id: item.space for item in here.reader.cities()}
    return rendering.json(_content(found) | {"space": spaces.get(city, "live")})


@router.get("/{city}/basemap/{name}")
def basemap(city: CityId, name: str, request: Request, here: Here) -> Response:
    """A layer of the basemap as GeoJSON."""
    found = here.basemaps.get(city, name)
    if found is None:
        raise Problem(404, f"there is no such basemap of {city!r}; the names are {', '.join(NAMES)}")
    headers = {"ETag": found.tag, "Cache-Control": CACHE, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type="application/geo+json")
    return Response(found.content(), headers=headers, media_type="application/geo+json")


def _content(city: City) -> dict[str, Any]:
    """Whole entries, defaults spelled out: a page must not know them by heart."""
    content = msgspec.structs.asdict(city)
    del content["devices"]
    return {
        key: [msgspec.structs.asdict(entry) for entry in value] if _entries(value) else value
        for key, value in content.items()
    }


def _entries(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(entry, msgspec.Struct) for entry in value)
