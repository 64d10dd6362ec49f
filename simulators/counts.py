"""Interval counts: the histogram of the vehicles past each camera lane, so that counts and passages agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.devices import Device
from simulators.chance import Floats, Ints
from simulators.classes import CLASSES
from simulators.passings import Passings
from simulators.roads import Network

LENGTH_M: Final = np.array([2.0, 4.5, 5.2, 5.0, 11.0, 8.5, 3.2])
"""Length of a vehicle, by class index."""
DETECTOR_M: Final = 2.0
"""Length of the detection zone: a vehicle occupies it for (its length + this) / speed."""
LANES_MAX: Final = 33
"""Lane numbers are 0 to 32 (`contracts.records.Lane`)."""


@dataclass(frozen=True, slots=True, eq=False)
class LaneTable:
    """Every counted lane of the city: `camera` and `lane` int64 (lanes,), in the order of the cameras, and back."""

    camera: Ints
    lane: Ints
    position: Ints
    """int64 (cameras, `LANES_MAX`): where a lane stands in this table, -1 for none."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of `intervals` intervals of one length.

    `vehicles`: int64 (intervals, lanes, classes); `speed_kmh`: their mean, float64 (intervals, lanes), NaN without
    vehicles; `occupancy`: 0..1, same shape.
    """

    from_us: int
    interval_us: int
    vehicles: Ints
    speed_kmh: Floats
    occupancy: Floats


def lane_table(cameras: Sequence[Device]) -> LaneTable:
    """The lanes of the cameras, each once."""
    pairs = [
        (index, lane)
        for index, device in enumerate(cameras)
        for lane in sorted({*device.lanes_forward, *device.lanes_backward})
    ]
    table = np.array(pairs, np.int64).reshape(len(pairs), 2)
    position = np.full((len(cameras), LANES_MAX), -1, np.int64)
    position[table[:, 0], table[:, 1]] = np.arange(len(pairs))
    return LaneTable(table[:, 0].copy(), table[:, 1].copy(), position)


def count(net: Network, lanes: LaneTable, passed: Passings, from_us: int, interval_us: int, intervals: int) -> Counts:
    """Count the vehicles of [from_us, from_us + intervals x interval_us); others are left out."""
    place = (passed.event_us - from_us) // interval_us
    inside = (place >= 0) & (place < intervals)
    lane = lanes.position[net.camera[passed.row], passed.lane]
    cell = (place * len(lanes.lane) + lane)[inside]
    kind, speed = passed.vehicle_class[inside], passed.speed_kmh[inside]
    wide, classes = len(lanes.lane), len(CLASSES)
    cells = intervals * wide
    vehicles = np.bincount(cell * classes + kind, minlength=cells * classes).reshape(intervals, wide, classes)
    total = vehicles.sum(axis=2)
    speeds = np.bincount(cell, weights=speed, minlength=cells).reshape(intervals, wide)
    present_s = (LENGTH_M[kind] + DETECTOR_M) * 3.6 / np.maximum(speed, 1.0)
    occupied = np.bincount(cell, weights=present_s, minlength=cells).reshape(intervals, wide)
    mean: Floats = np.divide(speeds, total, out=np.full(total.shape, np.nan), where=total > 0)
    share: Floats = np.minimum(occupied * 1_000_000 / interval_us, 1.0)
    return Counts(from_us, interval_us, vehicles, mean.round(1), share.round(3))
