"""The basemap read: places, sub-district polygons, and the roads as a graph to find the way along."""

import heapq
import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cities.build.plane import Line, Point, distance_m, inside, to_line_m

JOIN_M: Final = 30.0
"""Ends of roads nearer than this meet: simplified lines and the two carriageways of a divided road do not touch."""
JOIN_COST: Final = 6.0
"""Stepping across costs more than driving on, so that a way keeps to its carriageway."""
OTHER_ROAD_COST: Final = 3.0
"""A way keeps to the roads that the plan names, except where their line has a hole."""
DENSE_M: Final = 25.0
"""Simplified lines have points up to a kilometre apart; a way may start and end between them."""
SNAP_MAX_M: Final = 150.0
"""A junction further from every road than this is a mistake in the plan."""


@dataclass(frozen=True)
class Zone:
    """A sub-district: its properties and its outer rings."""

    pcode: str
    properties: dict[str, Any]
    rings: tuple[tuple[Point, ...], ...]

    def holds(self, point: Point) -> bool:
        """Whether a point lies inside."""
        return any(inside(point, ring) for ring in self.rings)

    def distance_m(self, point: Point) -> float:
        """How far a point outside is from the border."""
        return min(to_line_m(point, ring) for ring in self.rings)


@dataclass
class Roads:
    """The road graph: from a point to the points that follow, with distance and the road's ref and name."""

    edges: dict[Point, list[tuple[Point, float, str, str]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: Line, ref: str, name: str) -> None:
        fine = dense(line)
        for a, b in pairwise(fine):
            step_m = distance_m(a, b)
            self.edges[a].append((b, step_m, ref, name))
            self.edges[b].append((a, step_m, ref, name))

    def join(self) -> None:
        """Connect points that lie close to one another, by a grid of cells as wide as the reach."""
        cell_deg = JOIN_M / 100_000
        cells: dict[tuple[int, int], list[Point]] = defaultdict(list)
        for point in self.edges:
            cells[int(point[0] / cell_deg), int(point[1] / cell_deg)].append(point)
        for (i, j), points in sorted(cells.items()):
            near = [other for di in (-1, 0, 1) for dj in (-1, 0, 1) for other in cells.get((i + di, j + dj), [])]
            for point in points:
                for other in near:
                    apart_m = distance_m(point, other)
                    if other != point and apart_m <= JOIN_M:
                        self.edges[point].append((other, apart_m * JOIN_COST, "", ""))

    def nearest(self, point: Point, roads: frozenset[str]) -> Point:
        """The graph's point nearest to another, on the named roads alone."""
        near = sorted((distance_m(node, point), node) for node in self.edges if distance_m(node, point) <= SNAP_MAX_M)
        for _, node in near:
            if any(ref in roads or name in roads for _, _, ref, name in self.edges[node]):
                return node
        raise ValueError(f"{point} lies more than {SNAP_MAX_M:.0f} m from {sorted(roads)}: look at the plan")

    def way(self, start: Point, end: Point, roads: frozenset[str]) -> list[Point]:
        """The shortest way (Dijkstra), named roads preferred."""
        a, b = self.nearest(start, roads), self.nearest(end, roads)
        best: dict[Point, float] = {a: 0.0}
        before: dict[Point, Point] = {}
        queue = [(0.0, a)]
        while queue:
            cost, node = heapq.heappop(queue)
            if node == b:
                break
            if cost > best[node]:
                continue
            for other, step, ref, name in self.edges[node]:
                factor = 1.0 if ref in roads or name in roads or not (ref or name) else OTHER_ROAD_COST
                total = cost + step * factor
                if total < best.get(other, float("inf")):
                    best[other] = total
                    before[other] = node
                    heapq.heappush(queue, (total, other))
        if b not in best:
            raise ValueError(f"no way from {start} to {end} along {sorted(roads)}: look at the plan")
        way = [b]
        while way[-1] != a:
            way.append(before[way[-1]])
        return way[::-1]


def dense(line: Line) -> list[Point]:
    """The line with points at most `DENSE_M` apart, so that a junction finds one beside it."""
    fine = [line[0]]
    for a, b in pairwise(line):
        pieces = max(1, math.ceil(distance_m(a, b) / DENSE_M))
        for piece in range(1, pieces):
            fine.append((a[0] + (b[0] - a[0]) * piece / pieces, a[1] + (b[1] - a[1]) * piece / pieces))
        fine.append(b)
    return fine


def features(path: Path) -> list[dict[str, Any]]:
    """The features of a GeoJSON file."""
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["features"]
    return found


def read_places(folder: Path) -> dict[str, dict[str, Any]]:
    """Places by id: properties, and `at` as a point."""
    places = {}
    for feature in features(folder / "places.geojson"):
        lon, lat = feature["geometry"]["coordinates"]
        places[feature["properties"]["id"]] = {**feature["properties"], "at": (lon, lat)}
    return places


def read_zones(folder: Path) -> list[Zone]:
    """The sub-districts with their outer rings."""
    zones = []
    for feature in features(folder / "subdistricts.geojson"):
        shapes = feature["geometry"]["coordinates"]
        if feature["geometry"]["type"] == "Polygon":
            shapes = [shapes]
        rings = tuple(tuple((lon, lat) for lon, lat in shape[0]) for shape in shapes)
        zones.append(Zone(feature["properties"]["pcode"], feature["properties"], rings))
    return zones


def read_roads(folder: Path) -> Roads:
    """The graph of every road line of the basemap, the straight link to the bridge among them."""
    roads = Roads()
    for feature in features(folder / "roads.geojson"):
        geometry, properties = feature["geometry"], feature["properties"]
        lines = geometry["coordinates"] if geometry["type"] == "MultiLineString" else [geometry["coordinates"]]
        for line in lines:
            points = [(lon, lat) for lon, lat in line]
            roads.add(points, properties.get("ref", ""), properties.get("name", ""))
    roads.join()
    return roads
