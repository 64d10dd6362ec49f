"""Where things stand: zones, and the police stations that answer for them."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from contracts.entry import Entry, Slug, check_known, check_unique

Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]


class Zone(Entry, frozen=True):
    """A district or a sub-district (its `parent` is the district). Devices stand in sub-districts."""

    id: Slug
    level: Literal["district", "subdistrict"]
    name_en: str
    name_th: str
    pcode: str
    lon: Longitude
    lat: Latitude
    parent: Slug | None = None


class PoliceStation(Entry, frozen=True):
    """A police station and the sub-districts it answers for (`zones`; empty where that is not verified)."""

    id: Slug
    name_en: str
    name_th: str
    lon: Longitude
    lat: Latitude
    zones: tuple[Slug, ...] = ()
    verified: bool = False
    source: str = ""


def check_places(zones: Iterable[Zone], stations: Iterable[PoliceStation]) -> None:
    """Check that each zone is there once and that nothing refers to another.

    Raises:
        ConfigError: names the entry.
    """
    known = {zone.id for zone in zones}
    check_unique("zones", (zone.id for zone in zones))
    check_known("zones.parent", ((zone.id, zone.parent) for zone in zones if zone.parent), known)
    check_known("police_stations.zones", ((station.id, zone) for station in stations for zone in station.zones), known)
