"""Which camera a vehicle meets after which: cameras in the order of their road, each direction its own way.

Stretches of one road that begin where another ends are one chain; cameras stand along it at their nearest points.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, radians
from typing import Final

from contracts.devices import Device
from contracts.records import Direction
from contracts.roads import Segment

JOIN_M: Final = 400.0
"""Ends of two stretches of a road closer than this are one place: junctions are drawn as points, roads as two
carriageways, and a short gap is no end of the road."""
EARTH_M: Final = 6_371_000.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One direction of one camera: where it stands along its chain of stretches, in metres."""

    camera: int
    device: Device
    direction: Direction
    segment: Segment | None
    chain: str
    along_m: float

    @property
    def lanes(self) -> tuple[int, ...]:
        """The camera's lanes in this direction."""
        return self.device.lanes_forward if self.direction == Direction.FORWARD else self.device.lanes_backward

    @property
    def group(self) -> int:
        """The signal group that holds this direction: the first one forward, the last one backward; -1 for none."""
        groups = self.device.signal_groups
        if not self.device.junction or not groups:
            return -1
        return groups[0 if self.direction == Direction.FORWARD else -1]


def views_of(cameras: tuple[Device, ...], segments: tuple[Segment, ...]) -> list[View]:
    """The directions that the cameras watch, in the order of the cameras."""
    by_id = {segment.id: segment for segment in segments}
    starts = _starts(segments)
    views: list[View] = []
    for number, device in enumerate(cameras):
        segment = by_id.get(device.segment or "")
        chain, start_m = starts[segment.id] if segment else (f"alone {device.id}", 0.0)
        along_m = start_m + (_along_m(segment, device) if segment else 0.0)
        watched = ((Direction.FORWARD, device.lanes_forward), (Direction.BACKWARD, device.lanes_backward))
        views.extend(View(number, device, direction, segment, chain, along_m) for direction, lanes in watched if lanes)
    return views


def link(views: list[View]) -> tuple[list[int], list[float]]:
    """For each view the next one on the same chain in the same direction (-1: none), and the metres to it."""
    follows, leg_m = [-1] * len(views), [0.0] * len(views)
    ways: dict[tuple[str, Direction], list[int]] = {}
    for number, view in enumerate(views):
        ways.setdefault((view.chain, view.direction), []).append(number)
    for (_chain, direction), members in ways.items():
        backward = direction == Direction.BACKWARD
        members.sort(key=lambda number: (views[number].along_m, views[number].device.id), reverse=backward)
        for one, other in pairwise(members):
            follows[one], leg_m[one] = other, abs(views[other].along_m - views[one].along_m)
    return follows, leg_m


def _starts(segments: tuple[Segment, ...]) -> dict[str, tuple[str, float]]:
    """For each stretch: the chain it belongs to, and where it starts in it, in metres."""
    after: dict[str, Segment] = {}
    taken: set[str] = set()
    for segment in segments:
        candidates = [
            (_distance_m(segment.line[-1], other.line[0]), other.id, other)
            for other in segments
            if other.road == segment.road and other.id != segment.id and other.id not in taken
        ]
        if candidates and min(candidates)[0] <= JOIN_M:
            after[segment.id] = min(candidates)[2]
            taken.add(min(candidates)[1])
    offsets: dict[str, tuple[str, float]] = {}
    starts = [segment for segment in segments if segment.id not in taken]
    for first in [*starts, *segments]:  # a ring has no start: whatever is left begins anywhere
        start_m, current = 0.0, first if first.id not in offsets else None
        while current is not None and current.id not in offsets:
            offsets[current.id] = (first.id, start_m)
            start_m += current.length_m
            current = after.get(current.id)
    return offsets


def _distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two lon, lat points, flat: a city is small."""
    east = radians(other[0] - one[0]) * cos(radians((one[1] + other[1]) / 2))
    return EARTH_M * hypot(east, radians(other[1] - one[1]))


def _along_m(segment: Segment, device: Device) -> float:
    """How far along a stretch a camera stands: its nearest point on the line, scaled to the stretch's length."""
    best_m, best_along, walked = float("inf"), 0.0, 0.0
    squeeze = cos(radians(device.lat))
    for start, end in pairwise(segment.line):
        length = _distance_m(start, end)
        east, north = (end[0] - start[0]) * squeeze, end[1] - start[1]
        square = east * east + north * north
        share = 0.0
        if square > 0:
            share = ((device.lon - start[0]) * squeeze * east + (device.lat - start[1]) * north) / square
        share = min(1.0, max(0.0, share))
        point = (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        off_m = _distance_m(point, (device.lon, device.lat))
        if off_m < best_m:
            best_m, best_along = off_m, walked + length * share
        walked += length
    return best_along * (segment.length_m / walked if walked > 0 else 1.0)
