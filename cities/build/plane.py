"""Distances, bearings and places on a line, in metres on a local plane.

An island of 50 km is flat enough: against the ellipsoid the error stays under 0.3 % of a length, far below the 25 m
to which the basemap is simplified. Points are (lon, lat) pairs in degrees, WGS 84.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeAlias

Point: TypeAlias = tuple[float, float]
Line: TypeAlias = Sequence[Point]

DEGREE_LAT_M: Final = 110_600.0
"""Metres of one degree of latitude at 8 degrees north (WGS 84)."""
DEGREE_LON_M: Final = 111_320.0 * math.cos(math.radians(7.98))
"""Metres of one degree of longitude at the middle of the island."""


def xy_m(point: Point) -> Point:
    """A point in metres."""
    return point[0] * DEGREE_LON_M, point[1] * DEGREE_LAT_M


def distance_m(a: Point, b: Point) -> float:
    """Distance between two points."""
    (ax, ay), (bx, by) = xy_m(a), xy_m(b)
    return math.hypot(ax - bx, ay - by)


def length_m(line: Line) -> float:
    """Length of a line."""
    return sum(distance_m(a, b) for a, b in pairwise(line))


def along(line: Line, place_m: float) -> Point:
    """The point that lies `place_m` along a line, its ends at least."""
    left_m = place_m
    for a, b in pairwise(line):
        step_m = distance_m(a, b)
        if left_m <= step_m and step_m > 0:
            share = max(left_m, 0.0) / step_m
            return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
        left_m -= step_m
    return line[-1]


def bearing_deg(line: Line, place_m: float) -> float:
    """Compass bearing of a line at a place, looking forward; over 30 m, so that a kink of the drawing does not show."""
    (ax, ay), (bx, by) = xy_m(along(line, place_m - 15)), xy_m(along(line, place_m + 15))
    return math.degrees(math.atan2(bx - ax, by - ay)) % 360


def to_segment_m(point: Point, a: Point, b: Point) -> float:
    """Distance of a point from the straight piece between two others."""
    (px, py), (ax, ay), (bx, by) = xy_m(point), xy_m(a), xy_m(b)
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    share = 0.0 if square == 0 else min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy) / square))
    return math.hypot(px - ax - share * dx, py - ay - share * dy)


def to_line_m(point: Point, line: Line) -> float:
    """Distance of a point from a line."""
    return min(to_segment_m(point, a, b) for a, b in pairwise(line))


def simplified(line: Line, tolerance_m: float) -> list[Point]:
    """The line with fewer points, nowhere further than the tolerance from the old one (Douglas and Peucker 1973)."""
    if len(line) < 3:
        return list(line)
    distances = [to_segment_m(point, line[0], line[-1]) for point in line[1:-1]]
    furthest = max(range(len(distances)), key=distances.__getitem__)
    if distances[furthest] <= tolerance_m:
        return [line[0], line[-1]]
    middle = furthest + 1
    return simplified(line[: middle + 1], tolerance_m)[:-1] + simplified(line[middle:], tolerance_m)


def inside(point: Point, ring: Line) -> bool:
    """Whether a ring holds a point (even-odd rule)."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd
