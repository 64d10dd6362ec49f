"""The roads as traffic sees them: a row for each camera and direction, and which row a vehicle meets next.

Cameras stand along a road in the order that the lines of the city file give; a vehicle that has passed one may drive
on to the next, and so counts, passages and average speeds agree. Everything here is made once from the city.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, radians
from typing import Final

import numpy as np

from contracts.city import City, Device, Limit, Segment
from contracts.records import Direction, VehicleClass
from contracts.topics import Kind
from simulators.chance import Floats, Ints
from simulators.demand import daily_vehicles, rhythm_of

CLASSES: Final = (
    VehicleClass.MOTORCYCLE,
    VehicleClass.CAR,
    VehicleClass.PICKUP,
    VehicleClass.VAN,
    VehicleClass.BUS,
    VehicleClass.TRUCK,
    VehicleClass.THREE_WHEEL,
)
"""The classes that drive here; a position in this tuple is a class index everywhere in `simulators`."""

JOIN_M: Final = 400.0
"""Ends of two stretches of a road closer than this are one place: junctions are drawn as points, roads as two
carriageways, and a short gap is no end of the road."""
STAY_WITHIN: Final = 0.985
"""Share of vehicles that drive on to the next camera of the same stretch: few turn off between junctions."""
STAY_ACROSS: Final = 0.72
"""Share that drives on over a junction into the next stretch of the road."""
LEAST_ENTRY: Final = 0.06
"""Least share of a camera's vehicles that have joined the road since the camera before it."""
DEFAULT_LIMIT_KMH: Final = 80.0
"""Where the city file has no limit for a class: the general limit for cars in towns (facts 2.1)."""
EARTH_M: Final = 6_371_000.0
REPORTING: Final = frozenset({"speed", "red_light", "plate"})
"""A camera with one of these functions reports every vehicle; the others only count."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Rows of (camera, direction). Arrays are (rows,), except where they say otherwise.

    `follows`: the next row, -1 at the end of a road; `leg_m`, `stay`: the way to it and the share that goes.
    `vehicles_per_day`: past the camera on a mean day;
    `entering_per_day`: those that join the road here. `limits_kmh`, `thresholds_kmh`: float64 (rows, classes).
    `lanes`: int16 (rows, most lanes), padded with -1. `group`: of the signal that holds the row, -1 for none.
    """

    cameras: tuple[Device, ...]
    camera: Ints
    device_no: Ints
    direction: Ints
    follows: Ints
    leg_m: Floats
    stay: Floats
    vehicles_per_day: Floats
    entering_per_day: Floats
    rhythm: Ints
    free_kmh: Floats
    limits_kmh: Floats
    thresholds_kmh: Floats
    lanes: Ints
    lane_count: Ints
    group: Ints
    reports: Ints
    measures: Ints
    watches_red: Ints
    reads: Ints
    front: Ints


def build_network(city: City, day_ordinal: int) -> Network:
    """The network of a city as it is on a day (`date.toordinal()`): limits have dates."""
    segments = {segment.id: segment for segment in city.segments}
    cameras = tuple(d for d in city.devices if d.type == "camera" and d.family == "native" and Kind.COUNTS in d.kinds)
    offsets, _chains = _offsets(city.segments)
    rows: list[tuple[int, Device, Direction, Segment | None, str, float]] = []
    for index, device in enumerate(cameras):
        segment = segments.get(device.segment or "")
        for direction, lanes in (
            (Direction.FORWARD, device.lanes_forward),
            (Direction.BACKWARD, device.lanes_backward),
        ):
            if lanes:
                chain, start_m = offsets[segment.id] if segment else (f"alone {device.id}", 0.0)
                along_m = start_m + (_along_m(segment, device) if segment else 0.0)
                rows.append((index, device, direction, segment, chain, along_m))
    follows, leg_m = _links(rows)
    demand = np.array([daily_vehicles(city, row[3], row[1], row[2]) for row in rows])
    same = np.array([f >= 0 and rows[f][3] is rows[i][3] for i, f in enumerate(follows)], bool)
    stay, entering = _balance(follows, np.where(same, STAY_WITHIN, STAY_ACROSS), demand)
    limits = _limits(city, [(row[3], row[2]) for row in rows], day_ordinal)
    most = max((len(_lanes(row[1], row[2])) for row in rows), default=1)
    return Network(
        cameras=cameras,
        camera=_ints(row[0] for row in rows),
        device_no=_ints(row[1].no for row in rows),
        direction=_ints(row[2] for row in rows),
        follows=np.array(follows, np.int64),
        leg_m=np.array(leg_m),
        stay=stay,
        vehicles_per_day=demand,
        entering_per_day=entering,
        rhythm=_ints(rhythm_of(row[3], row[1]) for row in rows),
        free_kmh=np.array([row[3].free_flow_kmh if row[3] else 50.0 for row in rows]),
        limits_kmh=limits[0],
        thresholds_kmh=limits[1],
        lanes=np.array([_padded(_lanes(row[1], row[2]), most) for row in rows], np.int64).reshape(len(rows), most),
        lane_count=_ints(len(_lanes(row[1], row[2])) for row in rows),
        group=_ints(_group(row[1], row[2]) for row in rows),
        reports=_ints(bool(REPORTING & set(row[1].functions)) and Kind.PASSAGE in row[1].kinds for row in rows),
        measures=_ints("speed" in row[1].functions for row in rows),
        watches_red=_ints("red_light" in row[1].functions for row in rows),
        reads=_ints(bool(REPORTING & set(row[1].functions)) and row[1].faces != "none" for row in rows),
        front=_ints(row[1].faces == "front" for row in rows),
    )


def _ints(values: object) -> Ints:
    return np.array([int(value) for value in values], np.int64)  # type: ignore[attr-defined]


def _lanes(device: Device, direction: Direction) -> tuple[int, ...]:
    return device.lanes_forward if direction == Direction.FORWARD else device.lanes_backward


def _padded(lanes: tuple[int, ...], most: int) -> tuple[int, ...]:
    return (*lanes, *([-1] * (most - len(lanes))))


def _group(device: Device, direction: Direction) -> int:
    """The signal group that holds a direction: the first one forward, the last one backward."""
    if not device.junction or not device.signal_groups:
        return -1
    return device.signal_groups[0 if direction == Direction.FORWARD else -1]


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


def _offsets(segments: tuple[Segment, ...]) -> tuple[dict[str, tuple[str, float]], int]:
    """For each stretch: the chain it belongs to, and where it starts in it, in metres.

    A chain is a row of stretches of one road, each starting where the one before it ends.
    """
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
        chain, start_m, current = first.id, 0.0, first
        while current is not None and current.id not in offsets:
            offsets[current.id] = (chain, start_m)
            start_m += current.length_m
            current = after.get(current.id)  # type: ignore[assignment]
    return offsets, len(starts)


def _links(
    rows: list[tuple[int, Device, Direction, Segment | None, str, float]],
) -> tuple[list[int], list[float]]:
    """For each row the next one on the same chain in the same direction, and the metres to it."""
    follows, leg_m = [-1] * len(rows), [0.0] * len(rows)
    by_chain: dict[tuple[str, Direction], list[int]] = {}
    for number, row in enumerate(rows):
        by_chain.setdefault((row[4], row[2]), []).append(number)
    for (_chain, direction), members in by_chain.items():
        ordered = sorted(members, key=lambda n: (rows[n][5], rows[n][1].id), reverse=direction == Direction.BACKWARD)
        for one, other in pairwise(ordered):
            follows[one], leg_m[one] = other, abs(rows[other][5] - rows[one][5])
    return follows, leg_m


def _balance(follows: list[int], stay: Floats, demand: Floats) -> tuple[Floats, Floats]:
    """Shares that drive on and vehicles that join, so that each row meets its demand."""
    stay, entering = stay.copy(), demand.copy()
    for row, following in enumerate(follows):
        if following < 0:
            stay[row] = 0.0
            continue
        stay[row] = min(stay[row], (1.0 - LEAST_ENTRY) * demand[following] / demand[row])
        entering[following] = demand[following] - stay[row] * demand[row]
    return stay, entering


def _limits(city: City, places: list[tuple[Segment | None, Direction]], day_ordinal: int) -> tuple[Floats, Floats]:
    """Limit and enforcement threshold of each row and class: float64 (rows, classes), km/h."""
    by_segment: dict[str, list[Limit]] = {}
    for limit in city.limits:
        until = limit.valid_until.toordinal() if limit.valid_until else day_ordinal
        if limit.valid_from.toordinal() <= day_ordinal <= until:
            by_segment.setdefault(limit.segment, []).append(limit)
    limits = np.full((len(places), len(CLASSES)), DEFAULT_LIMIT_KMH)
    thresholds = limits + 10.0
    for row, (segment, direction) in enumerate(places):
        for column, vehicle in enumerate(CLASSES):
            fitting = [
                limit
                for limit in by_segment.get(segment.id if segment else "", ())
                if limit.vehicle in ("any", vehicle.name.lower())
                and limit.direction in ("both", direction.name.lower())
            ]
            if fitting:
                chosen = max(fitting, key=lambda one: (one.vehicle != "any", one.direction != "both", one.valid_from))
                limits[row, column], thresholds[row, column] = chosen.limit_kmh, chosen.threshold_kmh
    return limits, thresholds
