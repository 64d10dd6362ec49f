"""Windows of 15 minutes, an hour and a day, merged exactly from the minutes that nothing can amend any more.

A window is said when its time is over and settled, and once more, as a new revision, when minutes of it come after
that: a device that was away sends what it kept. A minute that lies before the window its series is at is not merged
(nothing that comes in order of its own time meets that); it stands as a minute.
"""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.columns import WINDOW, Batch, Columns
from processing.compiled import Compiled
from processing.kernels.merging import (
    KIND,
    LEVELS,
    LINEAR,
    LISTS,
    ROOM,
    ROOM_OF_ONE,
    ROW,
    SCALE,
    SERIES,
    SLOT,
    SLOTS,
    merge,
    pack,
)
from processing.kernels.timeline import by_device
from processing.said import Said
from processing.series import Series, known
from processing.state import Int64s, State, grown

NAME: Final = "merging"
STEP_BITS: Final = 40
"""A sample counts as at most 2**40 steps: a step is below a millionth of a millionth of the metric's range."""
SPARE: Final = 8
"""Of the pool, one part in so many is left free for lists that grow."""


@dataclass(slots=True)
class Merging:
    """By place of the series its slots, and all their buckets; kernels/merging.py says what stands where."""

    memory: Int64s = field(default_factory=lambda: np.zeros(SERIES, np.int64))
    pool: Int64s = field(default_factory=lambda: np.array([LISTS], np.int64))


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
    minutes, times = given.rows.take(order, axis=0).reshape(-1), np.array([batch.since_us, batch.now_us], np.int64)
    cursor = np.zeros(2, np.int64)
    while cursor[0] < named.count:
        merge(
            merging.memory,
            merging.memory.view(np.float64),
            merging.pool,
            (order, first, minutes, given.first, given.values.view(np.int64), times),
            (minutes.view(np.float64), given.values, named.expected),
            out,
            out.view(np.float64),
            cursor,
        )
        if cursor[0] < named.count:
            _tidy(merging)
    if cursor[1]:
        rows = out[: cursor[1] * ROW].view(WINDOW)
        key = named.key[rows["place"]]
        rows["device"], rows["metric"], rows["lane"] = key >> 32, (key >> 16) & 0xFFFF, key & 0xFFFF
        said.windows.append(rows)


def _make_room(merging: Merging, compiled: Compiled, named: Series) -> None:
    before = merging.memory.size // SERIES
    if before <= named.count:
        merging.memory = grown(merging.memory, (named.count + 1) * SERIES)
        kinds, scales = compiled.table(_steps)
        metric = (named.key[before - 1 : named.count] >> 16) & 0xFFFF
        merging.memory.reshape(-1, SERIES)[before:, KIND] = kinds[metric]
        merging.memory.view(np.float64).reshape(-1, SERIES)[before:, SCALE] = scales[metric]


def _tidy(merging: Merging) -> None:
    """Take the gaps out of the pool, and leave room at its end for lists that grow."""
    rooms = merging.memory.reshape(-1, SERIES)[1:, SLOTS + ROOM :: SLOT]
    used = LISTS + int(rooms.sum())
    pool = np.zeros(used + ROOM_OF_ONE + max(ROOM_OF_ONE, used // SPARE), np.int64)
    pack(merging.memory, merging.pool, pool)
    merging.pool = pool


def _steps(compiled: Compiled) -> tuple[Int64s, Columns]:
    """By metric code: the kind of its buckets, and steps a unit. A series keeps those that it was first seen with."""
    kinds, scales = np.zeros(1 << 16, np.int64), np.ones(1 << 16, np.float64)
    for metric in compiled.city.metrics:
        largest = max(abs(metric.min), abs(metric.max), 1.0)
        scales[metric.code] = 2.0 ** (STEP_BITS - math.ceil(math.log2(largest)))
        kinds[metric.code] = LINEAR if metric.unit == "km/h" else 0
    return kinds, scales
