"""The statistics of one-minute windows over samples that are sorted by series, minute, event time and identity."""

import math
from typing import Any

import numpy as np

from contracts.jit import kernel


@kernel("f8(f8[::1], f8)")
def quantile(ordered: Any, share: float) -> float:
    """Linear interpolation between the two nearest order statistics (Hyndman and Fan 1996, type 7)."""
    place = share * (ordered.size - 1)
    below = int(place)
    if below + 1 >= ordered.size:
        return float(ordered[ordered.size - 1])
    part = place - below
    return float(ordered[below] + part * (ordered[below + 1] - ordered[below]))


@kernel("void(f8[::1], i8[::1], f8[::1], f8[::1])")
def summarise(values: Any, first: Any, expected: Any, out: Any) -> None:
    """Fill `out` float64 (groups * 9,) with mean, min, max, sd, median, p85, p95, last, completeness of each group.

    `values` float64 (n,) in event order; group g is rows first[g]:first[g + 1] (`first` int64 (groups + 1,)), never
    empty; `expected` float64 (groups,) samples due in the window, NaN where unknown. Sums run record by record.
    """
    for group in range(first.size - 1):
        start, stop = first[group], first[group + 1]
        count = stop - start
        total = 0.0
        for row in range(start, stop):
            total += values[row]
        mean = total / count
        squares = 0.0
        for row in range(start, stop):
            squares += (values[row] - mean) * (values[row] - mean)
        ordered = np.sort(values[start:stop])
        base = group * 9
        out[base] = mean
        out[base + 1] = ordered[0]
        out[base + 2] = ordered[count - 1]
        out[base + 3] = math.sqrt(squares / (count - 1)) if count > 1 else np.nan
        out[base + 4] = quantile(ordered, 0.5)
        out[base + 5] = quantile(ordered, 0.85)
        out[base + 6] = quantile(ordered, 0.95)
        out[base + 7] = values[stop - 1]
        out[base + 8] = np.nan if math.isnan(expected[group]) else min(1.0, count / expected[group])
