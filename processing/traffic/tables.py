"""What the flow of traffic looks up in a city: which lanes are counted, where they lead, what a vehicle stands for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.columns import Columns
from contracts.devices import Device
from contracts.records import Direction, VehicleClass
from processing.compiled import Compiled
from processing.kernels.flow_new import COUNTS_NOTHING, COUNTS_OCCUPANCY, COUNTS_SPEED
from processing.kernels.flow_rows import ONE_CAR
from processing.state import Int64s
from processing.traffic.cells import pack_unit

SPEED_MEAN: Final = "speed-mean"
OCCUPANCY: Final = "occupancy"
FLOW: Final = "flow-"
"""Readings of interval counts have these metrics (ingest/rows.py); a class's word follows the last."""
WHOLE: Final = 100
"""A direction's series has this plus its number as its lane: 101 forward, 102 backward."""

METRICS: Final = (
    "volume",
    "pcu",
    "speed-time-mean",
    "speed-space-mean",
    "v85",
    "headway_s",
    "los",
    "travel-time-estimate_s",
    "travel-time_s",
)
"""The metrics of the flow, as kernels/flow_rows.py counts them; one that a city does not list is not said."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lanes by key, sorted: the direction of each, 0 unknown; how many counts are due in a minute; whether interval
    counts bring its speed."""

    key: Int64s
    direction: Int64s
    due: npt.NDArray[np.float64]
    has_speed: npt.NDArray[np.bool_]

    def pick(self, column: Columns, keys: Int64s, blank: float) -> Columns:
        """A column's values for these lanes; blank where the city does not know a lane."""
        if not self.key.size:
            return np.full(keys.size, blank, column.dtype)
        rows = np.minimum(np.searchsorted(self.key, keys), self.key.size - 1)
        picked: Columns = np.where(self.key[rows] == keys, column[rows], blank)
        return picked


@dataclass(frozen=True, slots=True)
class Tables:
    """`metrics`: the code of each of METRICS, -1 where the city does not list it; `role` (what its readings are to the
    flow) by metric code; `pcu` by vehicle class, hundredths.

    `free_kmh` float64 (size + 1,): free-flow speed by device, NaN without a segment, and last for all that the city no
    longer has. `above_share`: where levels of service A to E begin, falling.
    """

    metrics: Int64s
    role: Int64s
    pcu: Int64s
    lanes: Lanes
    free_kmh: npt.NDArray[np.float64]
    above_share: npt.NDArray[np.float64]


def make_tables(compiled: Compiled) -> Tables:
    """The tables of a city version."""
    city = compiled.city
    pcu = np.full(len(VehicleClass), ONE_CAR, np.int64)
    for factor in city.pcu_factors:
        pcu[VehicleClass[factor.vehicle.upper()]] = round(factor.factor * ONE_CAR)
    role = np.full(max(compiled.metric_code.values(), default=0) + 1, COUNTS_NOTHING, np.int64)
    for metric, code in compiled.metric_code.items():
        role[code] = _role(metric, pcu)
    free_kmh = np.full(compiled.size + 1, np.nan)
    segments = {segment.id: segment for segment in city.segments}
    for device in city.devices:
        if device.segment:
            free_kmh[device.no] = segments[device.segment].free_flow_kmh
    return Tables(
        metrics=np.array([compiled.metric_code.get(name, -1) for name in METRICS], np.int64),
        role=role,
        pcu=pcu,
        lanes=_lanes(city),
        free_kmh=free_kmh,
        above_share=np.array([level.above_share for level in city.service_levels], np.float64),
    )


def _role(metric: str, pcu: Int64s) -> int:
    if metric == SPEED_MEAN:
        return COUNTS_SPEED
    if metric == OCCUPANCY:
        return COUNTS_OCCUPANCY
    word = metric.removeprefix(FLOW).replace("-", "_").upper()
    counts = metric.startswith(FLOW) and word in VehicleClass.__members__
    return int(pcu[VehicleClass[word]]) if counts else COUNTS_NOTHING


def _lanes(city: City) -> Lanes:
    found = sorted(row for device in city.devices for row in _lanes_of(device))
    return Lanes(
        key=np.array([row[0] for row in found], np.int64),
        direction=np.array([row[1] for row in found], np.int64),
        due=np.array([row[2] for row in found], np.float64),
        has_speed=np.array([row[3] for row in found], np.bool_),
    )


def _lanes_of(device: Device) -> Iterable[tuple[int, int, float, bool]]:
    """Key, direction, counts due in a minute and whether a speed is among the series, of each lane of a camera."""
    ways = {lane: int(Direction.FORWARD) for lane in device.lanes_forward}
    ways |= {lane: int(Direction.BACKWARD) for lane in device.lanes_backward}
    for lane in sorted({*ways, *(series.lane for series in device.series if device.type == "camera")}):
        mine = [series for series in device.series if series.lane == lane]
        due = sum(60.0 / series.interval_s for series in mine if series.metric.startswith(FLOW))
        key = int(pack_unit(device.no, lane))
        yield key, ways.get(lane, 0), due, any(series.metric == SPEED_MEAN for series in mine)
