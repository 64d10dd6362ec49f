"""The passages of a batch as the rules on single passages look at them: the columns that they mask, side by side."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contracts.columns import Columns
from contracts.records import MAX_LANE, Direction, VehicleClass
from processing.compiled import FACES, Compiled
from processing.state import Flags, Int64s

BLOCK = 2048
"""Rows gathered at once: a row is wide, and so many of them stay in the cache while its columns are picked."""
_WHOLE = (
    "device", "lane", "direction", "vehicle", "helmet", "riders", "plate_state", "quality", "event_us", "received_us"
)  # fmt: skip
_FRACTIONS = ("speed_kmh", "dwell_s")


@dataclass(frozen=True, slots=True)
class Passing:
    """`rows` as they came, PASSAGE (n,); the columns int64 and float64 (n,), contiguous.

    `ways`: the one direction of each passage's lane, 0 where it has both or the city does not say. `front_only`: of a
    motorcycle whose front alone was seen.
    """

    rows: Columns
    device: Int64s
    lane: Int64s
    direction: Int64s
    vehicle: Int64s
    helmet: Int64s
    riders: Int64s
    plate_state: Int64s
    quality: Int64s
    event_us: Int64s
    received_us: Int64s
    speed_kmh: npt.NDArray[np.float64]
    dwell_s: npt.NDArray[np.float64]
    motorcycle: Flags
    ways: Int64s
    front_only: Flags


def passing(compiled: Compiled, rows: Columns) -> Passing:
    """Gather the columns of passages."""
    whole = {name: np.empty(rows.size, np.int64) for name in _WHOLE}
    fractions = {name: np.empty(rows.size) for name in _FRACTIONS}
    for first in range(0, rows.size, BLOCK):
        block = rows[first : first + BLOCK]
        for name, column in whole.items():
            column[first : first + BLOCK] = block[name]
        for name, fraction in fractions.items():
            fraction[first : first + BLOCK] = block[name]
    device, direction, vehicle = whole["device"], whole["direction"], whole["vehicle"]
    motorcycle = (vehicle == VehicleClass.MOTORCYCLE) | (vehicle == VehicleClass.BIG_MOTORCYCLE)
    ways = compiled.table(lane_ways)[device * (MAX_LANE + 1) + np.minimum(whole["lane"], MAX_LANE)]
    faces, against = compiled.faces[device], (ways > 0) & (direction > 0) & (direction != ways)
    front = np.where(against, faces == FACES["rear"], faces == FACES["front"])
    return Passing(
        rows, device, whole["lane"], direction, vehicle, whole["helmet"], whole["riders"], whole["plate_state"],
        whole["quality"], whole["event_us"], whole["received_us"], fractions["speed_kmh"], fractions["dwell_s"],
        motorcycle, ways, motorcycle & front,
    )  # fmt: skip


def lane_ways(compiled: Compiled) -> Int64s:
    """The one direction of each lane, by device and lane (MAX_LANE + 1 each); 0 where there is not one."""
    ways = np.zeros((compiled.size, MAX_LANE + 1), np.int64)
    for no, device in compiled.devices.items():
        for lane in set(device.lanes_forward) - set(device.lanes_backward):
            ways[no, lane] = Direction.FORWARD
        for lane in set(device.lanes_backward) - set(device.lanes_forward):
            ways[no, lane] = Direction.BACKWARD
    ways[:, 0] = 0
    return ways.ravel()


def sees_front_only(compiled: Compiled, device: int, lane: int, direction: int, vehicle: int) -> bool:
    """Whether a passage is of a motorcycle whose front alone was seen, where Thai motorcycles carry no plate.

    Who comes against a lane's direction shows the other end: a camera that faces fronts sees a wrong-way rider's rear.
    """
    if vehicle not in (VehicleClass.MOTORCYCLE, VehicleClass.BIG_MOTORCYCLE):
        return False
    way = compiled.table(lane_ways)[device * (MAX_LANE + 1) + min(lane, MAX_LANE)]
    against = way > 0 and direction > 0 and direction != way
    return bool(compiled.faces[device] == FACES["rear" if against else "front"])
