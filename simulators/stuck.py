"""Counters that are stuck: a lane that says the same figures again and again, whatever passes."""

import numpy as np

from simulators.chance import Draw, number63, uniform
from simulators.counts import Counts, LaneTable
from simulators.faults import Fault
from simulators.troubles import Troubles

HIGHEST: tuple[int, ...] = (9, 5, 3, 2, 1, 1, 1)
"""A stuck lane says less than this of each class a minute, and something else for each fault."""


def stick(counts: Counts, lanes: LaneTable, troubles: Troubles, seed: int) -> None:
    """Overwrite the counts of stuck lanes, in place."""
    intervals = len(counts.vehicles)
    starts_us = counts.from_us + np.arange(intervals, dtype=np.int64) * counts.interval_us
    if not intervals:
        return
    for camera, one in troubles.stuck(int(starts_us[0]), int(starts_us[-1]) + counts.interval_us):
        place = int(lanes.position[camera, one.lane])
        if place < 0 or one.kind is not Fault.STUCK_COUNTER:
            continue
        where = np.flatnonzero((starts_us >= one.from_us) & (starts_us < one.to_us))
        minutes = max(counts.interval_us // 60_000_000, 1)
        drawn = number63(seed, Draw.FAULT, 7, camera, one.from_us // 1_000_000, np.arange(len(HIGHEST)))
        counts.vehicles[where, place] = drawn % np.array(HIGHEST) * minutes + (np.arange(len(HIGHEST)) == 0)
        counts.speed_kmh[where, place] = round(30.0 + 30.0 * float(uniform(seed, Draw.FAULT, 8, camera)[0]), 1)
        counts.occupancy[where, place] = round(0.05 + 0.1 * float(uniform(seed, Draw.FAULT, 9, camera)[0]), 3)
