"""Histograms of speeds by unit, width and period, in whole km/h, and the percentiles that they give.

They are kept as bins, sorted: place, width, period and km/h packed into one number, with the vehicles in it.
"""

from typing import Any, Final

import numpy as np

from contracts.jit import kernel
from processing.kernels.flow import MINUTES_IN, RING, RING_FROM, SHIFT, SLOTS, WIDTHS
from processing.kernels.flow_new import NEW

BINS: Final = 512
"""Whole km/h of a histogram; ingest believes no speed beyond half of it."""
PERIODS: Final = 1 << 28
"""More than the minutes since 1970 before the year 2480."""


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def pour(first: Any, order: Any, new: Any, histogram: Any, bins: Any, vehicles: Any) -> int:
    """Fill `bins` and `vehicles` int64 (4 n,) with the histograms of new vehicles int64 (n * NEW,).

    Those of the unit at place p are order[first[p]:first[p + 1]]. Bins come sorted where each unit's minutes do not go
    back; those of a period that comes again come again. `histogram` int64 (BINS,) is scratch, 0 before and after.
    Returns how many bins there are.
    """
    made = 0
    for place in range(first.size - 1):
        for width in range(WIDTHS):
            row = first[place]
            while row < first[place + 1]:
                period = (new[order[row] * NEW + 1] + SHIFT[width]) // MINUTES_IN[width]
                since = period * MINUTES_IN[width] - SHIFT[width]
                slowest, fastest = BINS, -1
                while row < first[place + 1] and 0 <= new[order[row] * NEW + 1] - since < MINUTES_IN[width]:
                    kmh = new[order[row] * NEW + 3]
                    histogram[kmh] += 1
                    slowest, fastest = min(slowest, kmh), max(fastest, kmh)
                    row += 1
                for kmh in range(slowest, fastest + 1):
                    if histogram[kmh] > 0:
                        bins[made] = ((place * WIDTHS + width) * PERIODS + period) * BINS + kmh
                        vehicles[made] = histogram[kmh]
                        histogram[kmh] = 0
                        made += 1
    return made


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def mingle(bins: Any, vehicles: Any, other_bins: Any, other_vehicles: Any, out_bins: Any, out_vehicles: Any) -> int:
    """Merge two sorted histograms into one, equal bins together; returns how many bins it has."""
    one, other, made = 0, 0, 0
    while one < bins.size or other < other_bins.size:
        if other == other_bins.size or (one < bins.size and bins[one] <= other_bins[other]):
            bin_, many = bins[one], vehicles[one]
            one += 1
        else:
            bin_, many = other_bins[other], other_vehicles[other]
            other += 1
        if made and out_bins[made - 1] == bin_:
            out_vehicles[made - 1] += many
        else:
            out_bins[made], out_vehicles[made] = bin_, many
            made += 1
    return made


@kernel("i8(i8[::1], i8[::1], i4[::1])")
def condense(bins: Any, vehicles: Any, periods: Any) -> int:
    """Bring equal bins together, in place, and drop those of cells that are gone; returns how many are left.

    `periods` int32 by place and slot: the period of each cell and 1.
    """
    kept = 0
    for row in range(bins.size):
        if kept and bins[kept - 1] == bins[row]:
            vehicles[kept - 1] += vehicles[row]
            continue
        cell = bins[row] // BINS
        period, width, place = cell & (PERIODS - 1), (cell // PERIODS) & (WIDTHS - 1), cell // PERIODS // WIDTHS
        if periods[place * SLOTS + RING_FROM[width] + period % RING[width]] == period + 1:
            bins[kept], vehicles[kept] = bins[row], vehicles[row]
            kept += 1
    return kept


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], f8[::1])")
def rank_speeds(first: Any, tick_us: Any, bins: Any, vehicles: Any, said_us: Any, out: Any) -> None:
    """Fill `out` float64 (n * 3,) with the median, 85th and 95th percentile, whole km/h; NaN without vehicles.

    Nearest rank (Hyndman and Fan 1996, type 1): the least speed that so many of a hundred do not exceed. Saying s,
    at said_us[s], has the bins first[2 s]:first[2 s + 1], sorted, each counting from its tick on.
    """
    for saying in range(said_us.size):
        total = 0
        for row in range(first[2 * saying], first[2 * saying + 1]):
            if tick_us[row] <= said_us[saying]:
                total += vehicles[row]
        out[saying * 3] = out[saying * 3 + 1] = out[saying * 3 + 2] = np.nan
        seen, done = 0, 0
        for row in range(first[2 * saying], first[2 * saying + 1]):
            if tick_us[row] > said_us[saying]:
                continue
            seen += vehicles[row]
            while done < 3 and seen * 100 >= total * (50 if done == 0 else 75 + 10 * done):
                out[saying * 3 + done] = bins[row] % BINS
                done += 1
