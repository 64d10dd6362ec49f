"""The windows that the cells of traffic flow are said as, filled word by word."""

from typing import Any, Final

import numpy as np

from contracts.clock import SECOND_US
from contracts.jit import kernel
from processing.kernels.flow import (
    COUNTED_WIDE,
    FASTEST,
    FIRST_US,
    LAST_US,
    MINUTE_US,
    MINUTES_IN,
    OF_WAY,
    PACE_SUM,
    PASSED,
    PCU,
    SAMPLES,
    SAYING,
    SEEN_WIDE,
    SHIFT,
    SLOWEST,
    SPEED_SUM,
    SPEEDS,
    SQUARES,
    VEHICLES,
    WAY_WIDE,
)
from processing.kernels.flow_new import PACE_AT_001_KMH
from processing.kernels.window_row import (
    AT_ADDED,
    AT_ADDED_SUM,
    AT_COMPLETENESS,
    AT_COUNT,
    AT_DEVICE,
    AT_LANE,
    AT_LAST,
    AT_MAX,
    AT_MEAN,
    AT_MEDIAN,
    AT_METRIC,
    AT_MIN,
    AT_P85,
    AT_P95,
    AT_PLACE,
    AT_REVISION,
    AT_SAID,
    AT_SD,
    AT_START,
    AT_WIDTH,
    WINDOW_WIDE,
)

VOLUME, PCUS, TIME_MEAN, SPACE_MEAN, V85, HEADWAY, LEVEL = range(7)
"""Where each metric's code stands among those that the city lists; -1: it does not."""
OF_SEEN: Final = 6
OF_COUNTED: Final = 2
"""So many windows at most are said of one saying."""
ONE_CAR: Final = 100
HUNDREDTHS: Final = 100.0
"""Of km/h in one; passenger-car units are counted in hundredths too."""


@kernel("i8(i8[::1], i8, i8, i8, i8, i8, f8, i8[::1], f8[::1], i8)", inner=True)
def tell(
    sayings: Any,
    at: int,
    wide: int,
    key: int,
    metric: int,
    behind: int,
    figure: float,
    rows: Any,
    figures: Any,
    told: int,
) -> int:
    """Fill one window of a saying with one figure; `behind`: the value that says how many stand behind it. Returns how
    many windows there are; a metric of -1 is not told."""
    if metric < 0:
        return told
    row, width, period, count = told * WINDOW_WIDE, sayings[at + 1], sayings[at + 2], sayings[at + SAYING + behind]
    rows[row + AT_DEVICE], rows[row + AT_METRIC], rows[row + AT_LANE] = key >> 32, metric, key & 0xFFFF
    rows[row + AT_WIDTH] = MINUTES_IN[width] * 60
    rows[row + AT_START] = (period * MINUTES_IN[width] - SHIFT[width]) * MINUTE_US
    rows[row + AT_REVISION], rows[row + AT_SAID] = sayings[at + 4], sayings[at + 3]
    rows[row + AT_COUNT], rows[row + AT_ADDED] = count, count - sayings[at + SAYING + wide + behind]
    rows[row + AT_PLACE] = -1
    figures[row + AT_MEAN] = figures[row + AT_MIN] = figures[row + AT_MAX] = figure
    figures[row + AT_MEDIAN] = figures[row + AT_LAST] = figure
    figures[row + AT_SD] = figures[row + AT_P85] = figures[row + AT_P95] = np.nan
    figures[row + AT_COMPLETENESS] = figures[row + AT_ADDED_SUM] = np.nan
    return told + 1


@kernel("void(i8[::1], i8, i8, f8[::1], f8[::1], i8)", inner=True)
def spread(sayings: Any, now: int, saying: int, ranks: Any, figures: Any, row: int) -> None:
    """Fill in what single speeds allow to say besides their mean; there is no last one, for order says nothing here."""
    count, total = sayings[now + SPEEDS], sayings[now + SPEED_SUM]
    figures[row + AT_MIN] = sayings[now + SLOWEST] / HUNDREDTHS
    figures[row + AT_MAX] = sayings[now + FASTEST] / HUNDREDTHS
    figures[row + AT_LAST] = np.nan
    figures[row + AT_MEDIAN], figures[row + AT_P85] = ranks[saying * 3], ranks[saying * 3 + 1]
    figures[row + AT_P95] = ranks[saying * 3 + 2]
    if count > 1:
        squares = count * sayings[now + SQUARES] - total * total
        figures[row + AT_SD] = np.sqrt(squares / (count * (count - 1.0))) / HUNDREDTHS


@kernel("i8(i8[::1], i8[::1], i8[::1], f8[::1], i8[::1], f8[::1])")
def tell_seen(sayings: Any, key: Any, metrics: Any, ranks: Any, rows: Any, figures: Any) -> int:
    """Fill windows (WINDOW, as int64 and as float64) of vehicles seen one by one; returns how many there are.

    `key` int64 by place of the unit; `ranks` float64 (n * 3,). What is the same as when it was said before is not said
    again. Volume and passenger-car units are said where vehicles are counted here.
    """
    told = 0
    for saying in range(sayings.size // (SAYING + 2 * SEEN_WIDE)):
        at = saying * (SAYING + 2 * SEEN_WIDE)
        now, before, unit = at + SAYING, at + SAYING + SEEN_WIDE, key[sayings[at]]
        passed, speeds = sayings[now + PASSED], sayings[now + SPEEDS]
        if passed != sayings[before + PASSED]:
            vehicles, pcu = sayings[now + VEHICLES], sayings[now + PCU] / ONE_CAR
            if vehicles > 0:
                told = tell(sayings, at, SEEN_WIDE, unit, metrics[VOLUME], PASSED, vehicles, rows, figures, told)
                told = tell(sayings, at, SEEN_WIDE, unit, metrics[PCUS], PASSED, pcu, rows, figures, told)
            if passed > 1:
                gap_s = (sayings[now + LAST_US] - sayings[now + FIRST_US]) / (passed - 1) / SECOND_US
                told = tell(sayings, at, SEEN_WIDE, unit, metrics[HEADWAY], PASSED, gap_s, rows, figures, told)
        if speeds > 0 and speeds != sayings[before + SPEEDS]:
            mean = sayings[now + SPEED_SUM] / speeds / HUNDREDTHS
            space = PACE_AT_001_KMH / (sayings[now + PACE_SUM] / speeds) / HUNDREDTHS
            if metrics[TIME_MEAN] >= 0:
                row = told * WINDOW_WIDE
                told = tell(sayings, at, SEEN_WIDE, unit, metrics[TIME_MEAN], SPEEDS, mean, rows, figures, told)
                spread(sayings, now, saying, ranks, figures, row)
            told = tell(sayings, at, SEEN_WIDE, unit, metrics[SPACE_MEAN], SPEEDS, space, rows, figures, told)
            v85 = ranks[saying * 3 + 1]
            told = tell(sayings, at, SEEN_WIDE, unit, metrics[V85], SPEEDS, v85, rows, figures, told)
    return told


@kernel("i8(i8[::1], i8[::1], i8[::1], f8[::1], i8[::1], f8[::1])")
def tell_counted(sayings: Any, key: Any, metrics: Any, due: Any, rows: Any, figures: Any) -> int:
    """Fill windows of interval counts, with the share of those due that came; returns how many there are.

    `due` float64 by place of the unit: how many counts are due in a minute, NaN where that is unknown.
    """
    told = 0
    for saying in range(sayings.size // (SAYING + 2 * COUNTED_WIDE)):
        at = saying * (SAYING + 2 * COUNTED_WIDE)
        now, place = at + SAYING, sayings[at]
        samples = sayings[now + SAMPLES]
        if samples == 0 or samples == sayings[now + COUNTED_WIDE + SAMPLES]:
            continue
        vehicles, pcu = sayings[now + VEHICLES], sayings[now + PCU] / ONE_CAR
        first = told
        told = tell(sayings, at, COUNTED_WIDE, key[place], metrics[VOLUME], SAMPLES, vehicles, rows, figures, told)
        told = tell(sayings, at, COUNTED_WIDE, key[place], metrics[PCUS], SAMPLES, pcu, rows, figures, told)
        expected = due[place] * (MINUTES_IN[sayings[at + 1]] * 60) / 60.0
        for window in range(first, told):
            if expected > 0.0:
                figures[window * WINDOW_WIDE + AT_COMPLETENESS] = min(1.0, samples / expected)
    return told


@kernel("i8(i8[::1], i8[::1], i8, UniTuple(f8[::1], 2), i8[::1], f8[::1])")
def tell_ways(sayings: Any, key: Any, metric: int, levels: Any, rows: Any, figures: Any) -> int:
    """Fill windows of the level of service of directions, 1 (A) to 6 (F); returns how many there are.

    `levels`: the free-flow speed by place of the direction, NaN where it is unknown, and above which share of it the
    levels A to E begin, falling.
    """
    free_kmh, above_share = levels
    speeds, speed_sum, told = SPEEDS - OF_WAY, SPEED_SUM - OF_WAY, 0
    for saying in range(sayings.size // (SAYING + 2 * WAY_WIDE)):
        at = saying * (SAYING + 2 * WAY_WIDE)
        now, before, place = at + SAYING, at + SAYING + WAY_WIDE, sayings[at]
        count, total = sayings[now + speeds], sayings[now + speed_sum]
        if count <= 0 or (count == sayings[before + speeds] and total == sayings[before + speed_sum]):
            continue
        if np.isnan(free_kmh[place]):
            continue
        share, level = total / count / HUNDREDTHS / free_kmh[place], 1.0
        for above in above_share:
            if share <= above:
                level += 1.0
        told = tell(sayings, at, WAY_WIDE, key[place], metric, speeds, level, rows, figures, told)
    return told
