"""The dense numbers of series: a series that was seen once keeps its place for ever."""

from typing import Any, Final

import numpy as np

from contracts.columns import READING
from contracts.jit import kernel

DEVICE, METRIC, LANE = 40_503, 9_973, 7_919
"""Odd numbers that spread neighbouring devices, metrics and lanes over the slots."""
EMPTY: Final = 0


@kernel("i8(i8, i8)")
def slot(key: int, size: int) -> int:
    """Where the search for a key begins in `size` slots, a power of two."""
    return ((key >> 32) * DEVICE + ((key >> 16) & 0xFFFF) * METRIC + (key & 0xFFFF) * LANE) & (size - 1)


@kernel("i8(i8, i8, i8[::1], i8[::1], i8)", inner=True)
def place_of(key: int, after: int, known: Any, slots: Any, count: int) -> int:
    """The place of a key; the next one where it is new and there is room, -1 where there is none."""
    # A message tells the same series in the same order each time: the next place is nearly always the right one.
    if after < count and known[after] == key:
        return after
    at = slot(key, slots.size)
    while slots[at] != EMPTY and known[slots[at] - 1] != key:
        at = (at + 1) & (slots.size - 1)
    if slots[at] == EMPTY and count < known.size:
        known[count] = key
        slots[at] = count + 1
    return int(slots[at] - 1)


@kernel("i8(i8[::1], i8[::1], i8[::1], i8, i8[::1])")
def find_places(keys: Any, known: Any, slots: Any, count: int, out: Any) -> int:
    """Fill `out` int64 (n,) with the place of each key, a new one getting the next place; how many there are after it.

    `known` holds the keys by place, `slots` (a power of two, larger than `known`) places + 1, EMPTY where there is
    none. Rows from where `known` is full on get -1 unless they were there: ask again with more room.
    """
    after = 0
    for row in range(keys.size):
        out[row] = place_of(keys[row], after, known, slots, count)
        after = out[row] + 1
        count = max(count, after)
    return count


@kernel("i8(READING[::1], i8[::1], i8[::1], i8, i8[::1])", records={"READING": READING})
def find_series(readings: Any, known: Any, slots: Any, count: int, out: Any) -> int:
    """Like `find_places`, of the series of each reading: (device, metric, lane), packed as `pack_series` does."""
    after = 0
    for row in range(readings.size):
        reading = readings[row]
        key = (np.int64(reading["device"]) << 32) | (np.int64(reading["metric"]) << 16) | np.int64(reading["lane"])
        out[row] = place_of(int(key), after, known, slots, count)
        after = out[row] + 1
        count = max(count, after)
    return count
