"""Devices and segments lie where the basemap has roads and sub-districts. Geometry here is its own, written plainly."""

import json
from functools import cache
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.city_forms import parse_city

FOLDER: Final = Path(__file__).parents[2] / "cities" / "phuket"
ON_ROAD_M: Final = 60.0
SHORE_M: Final = 250.0
"""The outline is simplified to 25 m and has no piers; the bridge stands 186 m off it."""
ON_LINE_M: Final = 12.0
"""A segment may cut across between the carriageways of a divided road."""

Point = tuple[float, float]


@cache
def phuket() -> City:
    return parse_city({path.name: path.read_bytes() for path in FOLDER.glob("*.toml")})


@cache
def features(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads((FOLDER / "basemap" / f"{name}.geojson").read_text("utf-8"))["features"])


def metres(point: Point) -> Point:
    return point[0] * 111_320 * cos(radians(7.98)), point[1] * 110_600


def off_line_m(point: Point, line: list[Point]) -> float:
    px, py = metres(point)
    best = float("inf")
    for (ax, ay), (bx, by) in pairwise(map(metres, line)):
        square = (bx - ax) ** 2 + (by - ay) ** 2
        share = max(0.0, min(1.0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / square)) if square else 0.0
        best = min(best, hypot(px - ax - share * (bx - ax), py - ay - share * (by - ay)))
    return best


@cache
def road_pieces() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Starts and ends of all straight pieces of the basemap's roads, metres, float64 (pieces, 2)."""
    pairs = [
        (metres(a), metres(b)) for feature in features("roads") for line in lines(feature) for a, b in pairwise(line)
    ]
    starts, ends = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    return starts, ends


def off_roads_m(point: Point) -> float:
    starts, ends = road_pieces()
    way = ends - starts
    square = np.maximum((way**2).sum(axis=1), 1e-9)
    share = np.clip(((np.array(metres(point)) - starts) * way).sum(axis=1) / square, 0.0, 1.0)
    nearest = starts + share[:, None] * way
    return float(np.hypot(*(np.array(metres(point)) - nearest).T).min())


def lines(feature: dict[str, Any]) -> list[list[Point]]:
    shapes = feature["geometry"]["coordinates"]
    kind = feature["geometry"]["type"]
    if kind == "LineString":
        return [[(x, y) for x, y in shapes]]
    if kind == "MultiLineString":
        return [[(x, y) for x, y in shape] for shape in shapes]
    polygons = [shapes] if kind == "Polygon" else shapes
    return [[(x, y) for x, y in polygon[0]] for polygon in polygons]


def holds(ring: list[Point], point: Point) -> bool:
    x, y = point
    crossings = sum(
        (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax for (ax, ay), (bx, by) in pairwise(ring)
    )
    return crossings % 2 == 1


def outside_m(pcode: str, point: Point) -> float:
    rings = next(lines(feature) for feature in features("subdistricts") if feature["properties"]["pcode"] == pcode)
    return 0.0 if any(holds(ring, point) for ring in rings) else min(off_line_m(point, ring) for ring in rings)


def test_every_camera_stands_at_a_road() -> None:
    for device in phuket().devices:
        if device.type == "camera":
            apart_m = off_roads_m((device.lon, device.lat))
            assert apart_m <= ON_ROAD_M, f"{device.id} stands {apart_m:.0f} m from the nearest road"


def test_every_camera_stands_at_its_own_segment() -> None:
    segments = {segment.id: list(segment.line) for segment in phuket().segments}
    for device in phuket().devices:
        if device.segment:
            assert off_line_m((device.lon, device.lat), segments[device.segment]) < 2, device.id


def test_every_device_stands_in_its_subdistrict() -> None:
    pcodes = {zone.id: zone.pcode for zone in phuket().zones}
    for device in phuket().devices:
        apart_m = outside_m(pcodes[device.zone], (device.lon, device.lat))
        assert apart_m <= SHORE_M, f"{device.id} stands {apart_m:.0f} m outside {device.zone}"


def test_cameras_stand_inside_their_subdistrict_but_for_the_shore() -> None:
    pcodes = {zone.id: zone.pcode for zone in phuket().zones}
    outside = [d.id for d in phuket().devices if outside_m(pcodes[d.zone], (d.lon, d.lat)) > 0]
    assert set(outside) <= {"water-01", "water-13", "water-16", "cam-402-01"}, "only the sea and the bridge are off"


def test_every_segment_follows_the_lines_of_the_roads() -> None:
    for segment in phuket().segments:
        for a, b in pairwise(segment.line):
            middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            apart_m = off_roads_m(middle)
            assert apart_m <= ON_LINE_M, f"{segment.id} leaves the road by {apart_m:.0f} m at {middle}"


def test_a_segment_is_as_long_as_its_line() -> None:
    for segment in phuket().segments:
        line_m = sum(
            hypot(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise([metres(point) for point in segment.line])
        )
        assert abs(line_m - segment.length_m) <= 5 + 0.005 * segment.length_m, segment.id


def place_m(line: tuple[Point, ...], point: Point) -> float:
    """How far along a line the piece nearest to a point lies, to the point itself."""
    walked_m, found = 0.0, (float("inf"), 0.0)
    for a, b in pairwise(line):
        (ax, ay), (bx, by), (px, py) = metres(a), metres(b), metres(point)
        found = min(found, (off_line_m(point, [a, b]), walked_m + hypot(px - ax, py - ay)))
        walked_m += hypot(bx - ax, by - ay)
    return found[1]


def test_a_section_is_as_long_as_the_road_between_its_cameras() -> None:
    devices = {device.id: device for device in phuket().devices}
    roads = {segment.id: segment.line for segment in phuket().segments}
    for section in phuket().sections:
        entry, leave = devices[section.entry], devices[section.exit]
        line = roads[entry.segment or ""]
        road_m = abs(place_m(line, (entry.lon, entry.lat)) - place_m(line, (leave.lon, leave.lat)))
        assert abs(road_m - section.length_m) <= section.length_uncertainty_m, section.id


def test_no_two_cameras_stand_on_one_spot() -> None:
    places = [(device.lon, device.lat) for device in phuket().devices if device.type == "camera"]
    assert len(set(places)) == len(places)


def test_every_basemap_file_is_named_with_its_licence() -> None:
    readme = (FOLDER / "basemap" / "README.md").read_text("utf-8")
    for path in (FOLDER / "basemap").glob("*.geojson"):
        row = next(line for line in readme.splitlines() if f"`{path.name}`" in line)
        assert "ODbL" in row or "CC BY" in row or "same" in row
    assert all(credit in readme for credit in phuket().credits)
