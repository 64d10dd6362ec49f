"""Windows of 15 minutes, an hour and a day, merged exactly from the minutes that nothing can amend any more.

A window is said when its time is over and settled, and once more, as a new revision, when minutes of it come after
that: a device that was away sends what it kept. A minute that lies before the window its series is at is not merged
(nothing that comes in order of its own time meets that); it stands as a minute.
"""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.columns import WINDOW, Batch, Columns
from processing.compiled import Compiled
from processing.kernels.merging import BUCKETS, ENDS, LEVELS, LINEAR, SLOT, merge
from processing.kernels.timeline import by_device
from processing.said import Said
from processing.series import NAME as SERIES_NAME
from processing.series import Series
from processing.state import Int64s, State, grown

NAME: Final = "merging"
STEP_BITS: Final = 40
"""A sample counts as at most 2**40 steps: a step is below a millionth of a millionth of the metric's range."""


@dataclass(slots=True)
class Merging:
    """By place of the series (kernels/merging.py): slots and their ends, kind of buckets, scale, and the sketch."""

    slots: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    kinds: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    ends: Columns = field(default_factory=lambda: np.zeros(0, np.float64))
    scales: Columns = field(default_factory=lambda: np.zeros(0, np.float64))
    keys: npt.NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    counts: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Merge the minutes that were given back in this batch, and say the windows that are over."""
    given, known = said.given, state.part(SERIES_NAME, Series)
    merging = state.part(NAME, Merging)
    _make_room(merging, compiled, known)
    if not known.count:
        return
    order, first = np.empty(given.rows.shape[0], np.int64), np.zeros(known.count + 1, np.int64)
    by_device(np.ascontiguousarray(given.rows[:, 0]), first, order)
    rows = np.empty(LEVELS * (given.rows.shape[0] + known.count), WINDOW)
    times = np.array([batch.since_us, batch.now_us], np.int64)
    count = merge(
        (merging.slots, merging.kinds),
        (merging.ends, merging.scales, known.expected),
        merging.keys,
        merging.counts,
        (order, first, given.rows.ravel(), given.first, times),
        (given.values, given.last),
        rows.view(np.int64),
        rows.view(np.float64),
    )
    if count:
        rows = rows[:count]
        key = known.key[rows["place"]]
        rows["device"], rows["metric"], rows["lane"] = key >> 32, (key >> 16) & 0xFFFF, key & 0xFFFF
        said.windows.append(rows)


def _make_room(merging: Merging, compiled: Compiled, known: Series) -> None:
    before = merging.kinds.size
    if before == known.count:
        return
    places = known.count
    merging.slots = grown(merging.slots, places * LEVELS * SLOT)
    merging.ends = grown(merging.ends, places * LEVELS * ENDS)
    merging.keys, merging.counts = grown(merging.keys, places * BUCKETS), grown(merging.counts, places * BUCKETS)
    kinds, scales = compiled.table(_steps)
    metric = (known.key[before:places] >> 16) & 0xFFFF
    merging.kinds = np.concatenate((merging.kinds, kinds[metric]))
    merging.scales = np.concatenate((merging.scales, scales[metric]))


def _steps(compiled: Compiled) -> tuple[Int64s, Columns]:
    """By metric code: the kind of its buckets, and steps a unit. A series keeps those that it was first seen with."""
    kinds, scales = np.zeros(1 << 16, np.int64), np.ones(1 << 16, np.float64)
    for metric in compiled.city.metrics:
        largest = max(abs(metric.min), abs(metric.max), 1.0)
        scales[metric.code] = 2.0 ** (STEP_BITS - math.ceil(math.log2(largest)))
        kinds[metric.code] = LINEAR if metric.unit == "km/h" else 0
    return kinds, scales
