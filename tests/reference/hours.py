"""Naive twins of processing/kernels/hours.py."""

from typing import Any

import numpy as np

from processing.kernels.hours import HOURS


def covered(quarters: float) -> int:
    return int(bin(int(quarters)).count("1") >= 3)


def day_mean(ring: Any, ring_hour: Any, series: int, last_hour: int, out: Any) -> None:
    means = []
    for hour in range(last_hour - 23, last_hour + 1):
        place = series * HOURS + hour % HOURS
        total, count, quarters = ring[place * 3 : place * 3 + 3]
        if ring_hour[place] == hour and covered(quarters):
            means.append(total / count)
    out[0] = sum(means) / len(means) if means else np.nan
    out[1] = len(means)


def put(ring: Any, ring_hour: Any, series: int, hour: int, total: float, count: float, quarter: int) -> None:
    place = series * HOURS + hour % HOURS
    held = int(ring_hour[place])
    if hour < held:
        return
    before = ring[place * 3 : place * 3 + 3].tolist() if hour == held else [0.0, 0.0, 0.0]
    quarters = {q for q in range(4) if int(before[2]) & 2**q} | {quarter}
    ring_hour[place] = hour
    ring[place * 3 : place * 3 + 3] = [before[0] + total, before[1] + count, sum(2**q for q in quarters)]
