"""Stretches of road by direction: which cameras watch them, in the order in which they are driven past.

Two cameras are neighbours where nothing but the road lies between them: on one segment, in one direction. Across a
junction traffic turns off and joins, and what one camera sees says little about the other.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from math import cos, hypot, radians
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.devices import Device
from contracts.records import Direction
from contracts.roads import Segment
from processing.compiled import Compiled
from processing.state import Int64s

EARTH_M: Final = 6_371_000.0
NONE: Final = -1
DIRECTIONS: Final = 2
"""A direction of a device has the place: number * 2, and 1 more for backward."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A segment in one direction, with the places of its cameras in driving order. `mark` names it in numbers."""

    segment: Segment
    direction: Direction
    places: tuple[int, ...]
    mark: int

    @property
    def subject(self) -> str:
        """How an alarm names it."""
        return f"{self.segment.id} {self.direction.name.lower()}"

    @property
    def towards(self) -> str:
        """Where it leads."""
        forward = self.direction == Direction.FORWARD
        return self.segment.towards_forward if forward else self.segment.towards_backward


@dataclass(frozen=True, slots=True)
class Stretches:
    """`of`, `downstream` int64 (size * 2,): the stretch of each direction of a device and its next neighbour that
    traffic comes to, NONE without one; `gap_m`: how far that is. `free_kmh`: NaN without a segment. `at_signal`:
    whether vehicles start here from standing."""

    all: tuple[Stretch, ...]
    of: Int64s
    downstream: Int64s
    gap_m: npt.NDArray[np.float64]
    free_kmh: npt.NDArray[np.float64]
    at_signal: npt.NDArray[np.bool_]
    slow: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What slow is by each rule, made once (processing/traffic/minutes.py)."""


def make_stretches(compiled: Compiled) -> Stretches:
    """The stretches of a city version."""
    size = compiled.size * DIRECTIONS
    of, downstream = np.full(size, NONE, np.int64), np.full(size, NONE, np.int64)
    gap_m, free_kmh, at_signal = np.zeros(size), np.full(size, np.nan), np.zeros(size, np.bool_)
    stretches: list[Stretch] = []
    for segment, direction, members in _watched(compiled.city):
        for _along_m, device in members:
            place = place_of(device.no, direction)
            of[place], free_kmh[place] = len(stretches), segment.free_flow_kmh
            at_signal[place] = bool(device.junction and device.signal_groups)
        for (one_m, one), (other_m, other) in pairwise(members):
            place = place_of(one.no, direction)
            downstream[place], gap_m[place] = place_of(other.no, direction), abs(other_m - one_m)
        places = tuple(place_of(device.no, direction) for _along_m, device in members)
        stretches.append(Stretch(segment, direction, places, _mark(segment.id, direction)))
    return Stretches(tuple(stretches), of, downstream, gap_m, free_kmh, at_signal)


def place_of(device: int, direction: int) -> int:
    """The place of a direction of a device."""
    return device * DIRECTIONS + int(direction) - 1


def _mark(segment: str, direction: Direction) -> int:
    """The same number for a stretch in every version of the city."""
    content = f"{segment} {int(direction)}".encode()
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big") >> 1


def _watched(city: City) -> list[tuple[Segment, Direction, list[tuple[float, Device]]]]:
    """Every segment and direction that a camera watches, with where along the segment each stands, in driving order."""
    segments = {segment.id: segment for segment in city.segments}
    found: dict[tuple[str, Direction], list[tuple[float, Device]]] = {}
    for device in city.devices:
        segment = segments.get(device.segment or "")
        if segment is None or device.type != "camera":
            continue
        along_m = _along_m(segment, device)
        for direction, lanes in (
            (Direction.FORWARD, device.lanes_forward),
            (Direction.BACKWARD, device.lanes_backward),
        ):
            if lanes:
                found.setdefault((segment.id, direction), []).append((along_m, device))
    return [
        (
            segments[segment_id],
            direction,
            sorted(members, key=lambda one: (one[0], one[1].no), reverse=direction == Direction.BACKWARD),
        )
        for (segment_id, direction), members in sorted(found.items())
    ]


def _along_m(segment: Segment, device: Device) -> float:
    """How far along a segment a camera stands: its nearest point on the line, m."""
    best_m, best_along_m, walked_m = float("inf"), 0.0, 0.0
    east_m = EARTH_M * cos(radians(device.lat))
    for (lon, lat), (to_lon, to_lat) in pairwise(segment.line):
        east, north = radians(to_lon - lon) * east_m, radians(to_lat - lat) * EARTH_M
        there, up = radians(device.lon - lon) * east_m, radians(device.lat - lat) * EARTH_M
        length_m = hypot(east, north)
        share = min(1.0, max(0.0, (there * east + up * north) / length_m**2)) if length_m else 0.0
        off_m = hypot(there - share * east, up - share * north)
        if off_m < best_m:
            best_m, best_along_m = off_m, walked_m + share * length_m
        walked_m += length_m
    return best_along_m
