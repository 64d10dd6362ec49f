"""Hourly means and their 24-hour mean, per series, from closed one-minute windows.

`ring` float64 (n * HOURS * 3,): for each series and hour place (hour number modulo HOURS) the sum of samples, their
count, and the quarter-hours that hold a sample (a sum of 1, 2, 4, 8). `ring_hour` int64 (n * HOURS,): which hour
(since 1970) the place holds, -1 before the first.
"""

from typing import Any, Final

import numpy as np

from contracts.jit import kernel

HOURS: Final = 26
"""24 for the mean, one being filled, one spare."""
DAY_HOURS: Final = 24


@kernel("i8(f8)")
def covered(quarters: float) -> int:
    """1 where at least three of the four quarter-hours hold a sample, else 0."""
    mask = int(quarters)
    return 1 if (mask & 1) + ((mask >> 1) & 1) + ((mask >> 2) & 1) + ((mask >> 3) & 1) >= 3 else 0


@kernel("void(f8[::1], i8[::1], i8, i8, f8[::1])")
def day_mean(ring: Any, ring_hour: Any, series: int, last_hour: int, out: Any) -> None:
    """Fill `out` float64 (2,): mean of the valid hourly means of the 24 hours up to `last_hour`, and how many."""
    total, valid = 0.0, 0
    for back in range(DAY_HOURS):
        hour = last_hour - (DAY_HOURS - 1) + back
        place = series * HOURS + hour % HOURS
        if ring_hour[place] == hour and covered(ring[place * 3 + 2]):
            total += ring[place * 3] / ring[place * 3 + 1]
            valid += 1
    out[0] = total / valid if valid else np.nan
    out[1] = valid


@kernel("void(f8[::1], i8[::1], i8, i8, f8, f8, i8)")
def put(ring: Any, ring_hour: Any, series: int, hour: int, total: float, count: float, quarter: int) -> None:
    """Add a window's samples to its hour; the quarter's bit is set while the hour holds any."""
    place = series * HOURS + hour % HOURS
    if ring_hour[place] != hour:
        if ring_hour[place] > hour:
            return
        ring_hour[place] = hour
        ring[place * 3] = 0.0
        ring[place * 3 + 1] = 0.0
        ring[place * 3 + 2] = 0.0
    ring[place * 3] += total
    ring[place * 3 + 1] += count
    ring[place * 3 + 2] = float(int(ring[place * 3 + 2]) | (1 << quarter))
