"""From the plan to road segments, their limits, and the points that segments run between."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from cities.build.basemap import Roads, Zone
from cities.build.plane import Point, along, length_m, simplified

SIMPLIFY_M: Final = 4.0
"""The segments' lines may differ this much from the basemap's: less than a lane's width counts for nothing here."""
THRESHOLD_OVER_KMH: Final = 10
"""Enforcement threshold above the limit where no source says otherwise. A choice of the product [U]."""
IN_FORCE: Final = date(2021, 11, 24)
"""The day after the regulation stood in the Royal Gazette [U]."""
SLOWER: Final = ("bus", "truck", "school_bus", "motorcycle", "three_wheel", "towing", "tractor")
"""Classes that some regime holds below the rest; the others are judged by `any`."""


@dataclass(frozen=True)
class Place:
    """A point that segments run between: a place of the basemap or a point of the plan."""

    key: str
    at: Point
    name_en: str
    name_th: str
    verified: bool


@dataclass(frozen=True)
class Stretch:
    """A segment drawn: the plan's entry and its line on the ground, forward."""

    plan: Mapping[str, Any]
    line: tuple[Point, ...]
    zone: str
    start: Place
    end: Place

    @property
    def id(self) -> str:
        return str(self.plan["id"])

    @property
    def length_m(self) -> float:
        return length_m(self.line)


def read_points(plan: Mapping[str, Any], places: Mapping[str, Mapping[str, Any]]) -> dict[str, Place]:
    """Every place and point by its key."""
    thai = plan["thai"]
    points = {
        key: Place(key, place["at"], place["name_en"], place["name_th"] or thai.get(key, ""), place["verified"])
        for key, place in places.items()
    }
    for key, point in plan["points"].items():
        points[key] = Place(key, tuple(point["at"]), point["en"], point["th"], point["verified"])
    return points


def zone_of(point: Point, zones: Iterable[tuple[str, Zone]]) -> str:
    """The id of the sub-district that holds a point, the nearest one off the simplified shore."""
    known = list(zones)
    for zone_id, zone in known:
        if zone.holds(point):
            return zone_id
    return min(known, key=lambda pair: pair[1].distance_m(point))[0]


def draw(
    plan: Mapping[str, Any], points: Mapping[str, Place], roads: Roads, zones: list[tuple[str, Zone]]
) -> list[Stretch]:
    """The segments, along the lines of the basemap."""
    drawn = []
    for entry in plan["segments"]:
        start, end = points[entry["from"]], points[entry["to"]]
        way = roads.way(start.at, end.at, frozenset(entry["roads"]))
        line = tuple(simplified(way, SIMPLIFY_M))
        middle = along(line, length_m(line) / 2)
        drawn.append(Stretch(entry, line, zone_of(middle, zones), start, end))
    return drawn


def segment_entry(stretch: Stretch, regimes: Mapping[str, Any]) -> dict[str, Any]:
    """A segment as the city file has it."""
    plan, start, end = stretch.plan, stretch.start, stretch.end
    return {
        "id": stretch.id,
        "road": plan["road"],
        "name_en": f"{plan['en']}, {start.name_en} – {end.name_en}",
        "name_th": f"{plan['th']} ช่วง{start.name_th}–{end.name_th}",
        "zone": stretch.zone,
        "lanes": 2 * plan["lanes"],
        "length_m": round(stretch.length_m, 1),
        "towards_forward": plan["forward"],
        "towards_backward": plan["backward"],
        "town": regimes[plan["regime"]]["town"],
        "free_flow_kmh": float(plan["free_flow_kmh"]),
        "line": [[round(lon, 5), round(lat, 5)] for lon, lat in stretch.line],
    }


def limit_entries(stretch: Stretch, regimes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The limits of a segment: `any` first, then the classes that may not drive as fast."""
    regime = regimes[stretch.plan["regime"]]
    return [
        {
            "segment": stretch.id,
            "vehicle": vehicle,
            "limit_kmh": limit_kmh,
            "threshold_kmh": regime.get("threshold_kmh", limit_kmh + THRESHOLD_OVER_KMH),
            "valid_from": regime.get("valid_from", IN_FORCE),
            "source": regime["source"],
        }
        for vehicle, limit_kmh in regime["limits"].items()
        if vehicle == "any" or vehicle in SLOWER
    ]
