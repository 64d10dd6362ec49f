"""Counts as the log keeps them: each value of each lane is a reading of the series that the city file names.

Which series a lane has never changes, so a table made once says which value goes where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.city import City
from contracts.columns import READING
from contracts.devices import Device
from simulators.chance import Ints
from simulators.classes import CLASSES
from simulators.counts import Counts, LaneTable
from simulators.numbering import Told

SPEED_MEAN: Final = "speed-mean"
OCCUPANCY: Final = "occupancy"
FLOWS: Final = tuple(f"flow-{vehicle.name.lower().replace('_', '-')}" for vehicle in CLASSES)
"""The metric of each class index."""
_COLUMNS: Final = (*FLOWS, SPEED_MEAN, OCCUPANCY)


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One row for each series of each counted lane, cameras together; int64 arrays of one length.

    `lane`: where the lane stands in the lane table; `column`: which of its values.
    """

    camera: Ints
    device: Ints
    lane: Ints
    lane_number: Ints
    column: Ints
    metric: Ints


def make_template(city: City, cameras: Sequence[Device], lanes: LaneTable) -> Template:
    """The series of all counted lanes, in the order of a message: by lane, classes, speed, occupancy."""
    codes = {metric.key: metric.code for metric in city.metrics}
    has = {(device.id, series.lane, series.metric) for device in cameras for series in device.series}
    rows = [
        (camera, cameras[camera].no, place, lane, column, codes[metric])
        for place, (camera, lane) in enumerate(zip(lanes.camera.tolist(), lanes.lane.tolist(), strict=True))
        for column, metric in enumerate(_COLUMNS)
        if (cameras[camera].id, lane, metric) in has
    ]
    table = np.array(rows, np.int64).reshape(len(rows), 6).T
    return Template(*(column.copy() for column in table))


def counted_rows(template: Template, counts: Counts) -> Told:
    """`READING` rows of interval counts, a message for each camera and interval, received as the interval ends."""
    parts, messages, told = [], [], 0
    for interval in range(len(counts.vehicles)):
        values = np.concatenate(
            [counts.vehicles[interval], counts.speed_kmh[interval][:, None], counts.occupancy[interval][:, None]],
            axis=1,
        )
        value = values[template.lane, template.column]
        there = np.flatnonzero(~np.isnan(value))
        rows = np.zeros(len(there), READING)
        rows["device"], rows["metric"] = template.device[there], template.metric[there]
        rows["lane"], rows["value"] = template.lane_number[there], value[there]
        rows["event_us"] = counts.from_us + interval * counts.interval_us
        rows["received_us"] = counts.from_us + (interval + 1) * counts.interval_us
        new = np.diff(template.camera[there], prepend=-1) != 0
        messages.append(told + np.cumsum(new) - 1)
        told += int(new.sum())
        parts.append(rows)
    if not parts:
        return Told(np.zeros(0, READING), np.zeros(0, np.int64))
    return Told(np.concatenate(parts), np.concatenate(messages))
