"""Naive twins of processing/kernels/flow_speeds.py."""

import math
from collections import Counter
from fractions import Fraction
from itertools import groupby
from typing import Any

from processing.kernels.flow import SLOTS
from processing.kernels.flow_new import NEW
from processing.kernels.flow_speeds import BINS, PERIODS
from tests.reference.flow import period_of, slot_of


def rank_speeds(first: Any, tick_us: Any, bins: Any, vehicles: Any, said_us: Any, out: Any) -> None:
    for saying, moment in enumerate(said_us.tolist()):
        seen: Counter[int] = Counter()
        for row in range(first[2 * saying], first[2 * saying + 1]):
            if tick_us[row] <= moment:
                seen[int(bins[row]) % BINS] += int(vehicles[row])
        ordered = sorted(seen.elements())
        for place, percent in enumerate((50, 85, 95)):
            rank = math.ceil(Fraction(percent * len(ordered), 100))
            out[saying * 3 + place] = ordered[rank - 1] if ordered else math.nan


def condense(bins: Any, vehicles: Any, periods: Any) -> int:
    counts: Counter[int] = Counter()
    for one, many in zip(bins.tolist(), vehicles.tolist(), strict=True):
        place, width, period = one // BINS // PERIODS // 4, one // BINS // PERIODS % 4, one // BINS % PERIODS
        if periods[place * SLOTS + slot_of(width, period)] == period + 1:
            counts[one] += many
    for at, one in enumerate(sorted(counts)):
        bins[at], vehicles[at] = one, counts[one]
    return len(counts)


def pour(first: Any, order: Any, new: Any, histogram: Any, bins: Any, vehicles: Any) -> int:
    made: list[tuple[int, int]] = []
    _place, minute, _tick_us, speed_kmh = new.reshape(-1, NEW).T
    for place in range(len(first) - 1):
        rows = order[first[place] : first[place + 1]].tolist()
        for width in range(4):
            for period, group in groupby(rows, lambda row: period_of(width, int(minute[row]))):  # noqa: B023
                seen = Counter(int(speed_kmh[row]) for row in group)
                cell = (place * 4 + width) * PERIODS + period
                made += [(cell * BINS + kmh, seen[kmh]) for kmh in sorted(seen)]
    for at, (one, many) in enumerate(made):
        bins[at], vehicles[at] = one, many
    return len(made)


def mingle(bins: Any, vehicles: Any, other_bins: Any, other_vehicles: Any, out_bins: Any, out_vehicles: Any) -> int:
    total: Counter[int] = Counter()
    for ones, many in ((bins, vehicles), (other_bins, other_vehicles)):
        for one, count in zip(ones.tolist(), many.tolist(), strict=True):
            total[one] += count
    for at, one in enumerate(sorted(total)):
        out_bins[at], out_vehicles[at] = one, total[one]
    return len(total)
