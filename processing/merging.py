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
from processing.kernels.merging import BUCKETS, EXPECTED, KIND, LEVELS, LINEAR, ROW, SCALE, SERIES, merge
from processing.kernels.timeline import by_device
from processing.said import Said
from processing.series import Series, known
from processing.state import Int64s, State, grown

NAME: Final = "merging"
UNKNOWN: Final = -2
"""No city version, nor the lack of one."""
STEP_BITS: Final = 40
"""A sample counts as at most 2**40 steps: a step is below a millionth of a millionth of the metric's range."""


@dataclass(slots=True)
class Merging:
    """By place of the series (kernels/merging.py says what stands where): its slots, and the buckets of its sketch."""

    memory: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    keys: npt.NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    counts: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    config: int = UNKNOWN
    """The city version that the samples expected were taken from."""


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Merge the minutes that were given back in this batch, and say the windows that are over."""
    given, named = said.given, known(state, compiled)
    if not named.count:
        return
    merging = state.part(NAME, Merging)
    _make_room(merging, compiled, named)
    order, first = np.empty(given.rows.shape[0], np.int64), np.zeros(named.count + 1, np.int64)
    by_device(np.ascontiguousarray(given.rows[:, 0]), first, order)
    out = np.empty(LEVELS * (given.rows.shape[0] + named.count) * ROW, np.int64)
    minutes, times = given.rows.reshape(-1), np.array([batch.since_us, batch.now_us], np.int64)
    count = merge(
        merging.memory,
        merging.memory.view(np.float64),
        merging.keys,
        merging.counts,
        (order, first, minutes, given.first, given.values.view(np.int64), times),
        (minutes.view(np.float64), given.values),
        out,
        out.view(np.float64),
    )
    if count:
        rows = out[: count * ROW].view(WINDOW)
        key = named.key[rows["place"]]
        rows["device"], rows["metric"], rows["lane"] = key >> 32, (key >> 16) & 0xFFFF, key & 0xFFFF
        said.windows.append(rows)


def _make_room(merging: Merging, compiled: Compiled, named: Series) -> None:
    before = merging.memory.size // SERIES
    if before < named.count:
        merging.memory = grown(merging.memory, named.count * SERIES)
        merging.keys = grown(merging.keys, named.count * BUCKETS)
        merging.counts = grown(merging.counts, named.count * BUCKETS)
        kinds, scales = compiled.table(_steps)
        metric = (named.key[before : named.count] >> 16) & 0xFFFF
        merging.memory.reshape(-1, SERIES)[before:, KIND] = kinds[metric]
        merging.memory.view(np.float64).reshape(-1, SERIES)[before:, SCALE] = scales[metric]
        merging.config = UNKNOWN
    if merging.config != named.config:
        merging.config = named.config
        merging.memory.view(np.float64).reshape(-1, SERIES)[:, EXPECTED] = named.expected


def _steps(compiled: Compiled) -> tuple[Int64s, Columns]:
    """By metric code: the kind of its buckets, and steps a unit. A series keeps those that it was first seen with."""
    kinds, scales = np.zeros(1 << 16, np.int64), np.ones(1 << 16, np.float64)
    for metric in compiled.city.metrics:
        largest = max(abs(metric.min), abs(metric.max), 1.0)
        scales[metric.code] = 2.0 ** (STEP_BITS - math.ceil(math.log2(largest)))
        kinds[metric.code] = LINEAR if metric.unit == "km/h" else 0
    return kinds, scales
