"""The flow of traffic in cells: the vehicles of one lane, or of one direction, in one period.

A cell holds `WIDTH` values: sums first, then the least and the most. All are whole numbers, so that neither the order
in which vehicles came nor how they were cut into batches changes a figure: speeds in hundredths of km/h, paces in
nanoseconds a metre, passenger-car units in hundredths, occupancies in millionths.

A unit (a lane, a direction) has `SLOTS` cells: rings of minutes, quarters of an hour, hours and Thai days, long enough
for whatever may still be amended.
"""

from typing import Any, Final

import numpy as np

from contracts.columns import WINDOW
from contracts.jit import kernel

VEHICLES: Final = 0
PCU: Final = 1
PASSED: Final = 2
"""Vehicles that were seen one by one, counted already or not."""
SPEEDS: Final = 3
"""How many speeds are in SPEED_SUM, SQUARES and PACE_SUM."""
SPEED_SUM: Final = 4
SQUARES: Final = 5
PACE_SUM: Final = 6
OCCUPIED: Final = 7
OCCUPANCIES: Final = 8
"""How many occupancies are in OCCUPIED."""
SAMPLES: Final = 9
"""Counts that came in, of all classes."""
SLOWEST: Final = 10
FASTEST: Final = 11
FIRST_US: Final = 12
LAST_US: Final = 13
WIDTH: Final = 14

NOTHING: Final = 9_223_372_036_854_775_807
"""The least of nothing; the most of nothing is -1."""
PACE_AT_001_KMH: Final = 360_000_000_000
"""Nanoseconds a metre at 0.01 km/h."""
CREEPING: Final = 100
"""1 km/h in hundredths: slower counts as this slow in a pace, or one vehicle that stands would stop the whole mean."""
BINS: Final = 512
"""Whole km/h of a histogram; ingest believes no speed beyond half of it."""
PERIODS: Final = 1 << 28
"""More than the minutes since 1970 before the year 2480."""

MOST_KMH: Final = 400.0
MOST_VEHICLES: Final = 100_000.0
"""Of one reading of interval counts: beyond what any road has seen, and small enough for any sum to be exact."""

_COLUMNS: Final = list(WINDOW.names or ())
WINDOW_WIDE: Final = len(_COLUMNS)
AT_DEVICE: Final = _COLUMNS.index("device")
AT_METRIC: Final = _COLUMNS.index("metric")
AT_LANE: Final = _COLUMNS.index("lane")
AT_WIDTH: Final = _COLUMNS.index("width_s")
AT_START: Final = _COLUMNS.index("start_us")
AT_REVISION: Final = _COLUMNS.index("revision")
AT_COUNT: Final = _COLUMNS.index("count")
AT_ADDED: Final = _COLUMNS.index("added")
AT_MEAN: Final = _COLUMNS.index("mean")
AT_MIN: Final = _COLUMNS.index("min")
AT_MAX: Final = _COLUMNS.index("max")
AT_SD: Final = _COLUMNS.index("sd")
AT_MEDIAN: Final = _COLUMNS.index("median")
AT_P85: Final = _COLUMNS.index("p85")
AT_P95: Final = _COLUMNS.index("p95")
AT_LAST: Final = _COLUMNS.index("last")
AT_COMPLETENESS: Final = _COLUMNS.index("completeness")
AT_PLACE: Final = _COLUMNS.index("place")
AT_SAID: Final = _COLUMNS.index("said_us")
AT_ADDED_SUM: Final = _COLUMNS.index("added_sum")
"""Where a window's columns stand; each has eight bytes."""

MINUTE_US: Final = 60_000_000
AMEND_US: Final = 600_000_000
"""So long after its minute ended a vehicle is late, if its unit has come further already."""
MINUTES: Final = 14
QUARTERS: Final = 3
HOURS: Final = 2
DAYS: Final = 2
"""Cells of each width: ten minutes may be amended, two more until what is due is said, and a clock may be one ahead."""
SLOTS: Final = MINUTES + QUARTERS + HOURS + DAYS
THAI_MINUTES: Final = 420
"""A Thai day begins seven hours before that of UTC."""

DUE_US: Final = 0
REVISION: Final = 1
PERIOD: Final = 2
"""The number of its period since 1970 and 1; 0: the cell is empty."""
CHANGED: Final = 3
"""1 while there is more in it than when it was said last."""
HEAD: Final = 4
CELL: Final = HEAD + WIDTH
UNIT: Final = 2
"""What is kept of a unit: when the next of its cells is due, and the newest minute it has come to."""
ADDED: Final = 2 + WIDTH
"""What is new: the tick at which it counts, its minute (since 1970), its values."""
SAYING: Final = 5 + 2 * WIDTH
"""Which unit, which width (0 to 3), which period, at which tick, revision; values now, and when it was said before."""


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def weigh(event_us: Any, speed: Any, pcu: Any, counted: Any, out: Any) -> None:
    """Fill the values of `out` int64 (n * ADDED,) with single vehicles; tick and minute are left as they are.

    `speed` int64 (n,) in hundredths of km/h, -1 where there is none; `counted` 1 where the vehicle is to be counted
    here, 0 where interval counts do that.
    """
    for row in range(event_us.size):
        base = row * ADDED + 2
        for value in range(WIDTH):
            out[base + value] = 0
        out[base + VEHICLES] = counted[row]
        out[base + PCU] = pcu[row] * counted[row]
        out[base + PASSED] = 1
        out[base + SLOWEST], out[base + FASTEST] = NOTHING, -1
        out[base + FIRST_US] = out[base + LAST_US] = event_us[row]
        if speed[row] >= 0:
            pace_of = max(speed[row], CREEPING)
            out[base + SPEEDS] = 1
            out[base + SPEED_SUM] = out[base + SLOWEST] = out[base + FASTEST] = speed[row]
            out[base + SQUARES] = speed[row] * speed[row]
            out[base + PACE_SUM] = (PACE_AT_001_KMH + pace_of // 2) // pace_of


@kernel("i8(i8[::1], f8[::1], i8[::1], i8[::1], i8[::1])")
def join_counts(rows: Any, figures: Any, roles: Any, slots: Any, out: Any) -> int:
    """Bring the windows of interval counts together by lane, minute and tick; returns how many rows `out` has.

    `rows` and `figures`: the same windows (WINDOW), seen as int64 and as float64 (n * WINDOW_WIDE,).
    `roles` int64 by metric code: the class's PCU in hundredths, 0 for a mean speed (km/h), -1 for an occupancy (0..1),
    -2 for what is none of these. `slots` int64 (a power of two above 2 n,), 0 at first: a hash table. `out` int64
    (n * (1 + ADDED),): unit (device << 32 | lane), then what is new. What no road can do is taken for the most it can.
    """
    made = 0
    mask = slots.size - 1
    for window in range(rows.size // WINDOW_WIDE):
        row = window * WINDOW_WIDE
        metric = rows[row + AT_METRIC]
        role = roles[metric] if metric < roles.size else -2
        if role == -2:
            continue
        unit = (rows[row + AT_DEVICE] << 32) | rows[row + AT_LANE]
        minute, tick_us = rows[row + AT_START] // MINUTE_US, rows[row + AT_SAID]
        mixed = (rows[row + AT_DEVICE] * 40_503 + rows[row + AT_LANE]) * 9_973 + minute * 31 + tick_us // 1_000_000
        at = (mixed ^ (mixed >> 15)) & mask
        base = 0
        while slots[at] > 0:
            base = (slots[at] - 1) * (1 + ADDED)
            if out[base] == unit and out[base + 1] == tick_us and out[base + 2] == minute:
                break
            at = (at + 1) & mask
        if slots[at] == 0:
            base = made * (1 + ADDED)
            made += 1
            slots[at] = made
            for value in range(1 + ADDED):
                out[base + value] = 0
            out[base], out[base + 1], out[base + 2] = unit, tick_us, minute
            out[base + 3 + SLOWEST] = out[base + 3 + FIRST_US] = NOTHING
            out[base + 3 + FASTEST] = out[base + 3 + LAST_US] = -1
        samples = rows[row + AT_ADDED]
        most = MOST_VEHICLES if role > 0 else MOST_KMH if role == 0 else 1.0
        total = figures[row + AT_ADDED_SUM]
        total = min(total, most * samples) if total > 0.0 else 0.0
        base += 3
        if role > 0:
            vehicles = int(total + 0.5)
            out[base + VEHICLES] += vehicles
            out[base + PCU] += vehicles * role
            out[base + SAMPLES] += samples
        elif role == 0:
            out[base + SPEEDS] += samples
            out[base + SPEED_SUM] += int(total * 100.0 + 0.5)
        else:
            out[base + OCCUPANCIES] += samples
            out[base + OCCUPIED] += int(total * 1_000_000.0 + 0.5)
    return made


@kernel("i8(i8, i8)", inner=True)
def period_of(width: int, minute: int) -> int:
    """The number of the minute's period of this width since 1970."""
    if width == 0:
        return minute
    if width == 1:
        return minute // 15
    return minute // 60 if width == 2 else (minute + THAI_MINUTES) // 1440


@kernel("i8(i8, i8)", inner=True)
def end_us(width: int, period: int) -> int:
    """When a period is over."""
    if width == 0:
        return (period + 1) * MINUTE_US
    if width == 1:
        return (period + 1) * 15 * MINUTE_US
    if width == 2:
        return (period + 1) * 60 * MINUTE_US
    return ((period + 1) * 1440 - THAI_MINUTES) * MINUTE_US


@kernel("i8(i8, i8)", inner=True)
def slot_of(width: int, period: int) -> int:
    """Which of a unit's cells holds a period."""
    if width == 0:
        return period % MINUTES
    if width == 1:
        return MINUTES + period % QUARTERS
    if width == 2:
        return MINUTES + QUARTERS + period % HOURS
    return MINUTES + QUARTERS + HOURS + period % DAYS


@kernel("void(i8[::1], i8, i8[::1], i8, i8)", inner=True)
def copy(source: Any, at: int, into: Any, to: int, many: int) -> None:
    """Copy so many values."""
    for value in range(many):
        into[to + value] = source[at + value]


@kernel("i8(i8, i8, i8, i8[::1], i8[::1], i8[::1], i8)", inner=True)
def say(place: int, slot: int, moment_us: int, cells: Any, before: Any, out: Any, sayings: int) -> int:
    """Say one cell at this moment; returns how many sayings there are now."""
    base = (place * SLOTS + slot) * CELL
    width = 0 if slot < MINUTES else 1 if slot < MINUTES + QUARTERS else 2 if slot < MINUTES + QUARTERS + HOURS else 3
    at = sayings * SAYING
    cells[base + REVISION] += 1
    cells[base + CHANGED] = 0
    out[at], out[at + 1], out[at + 2], out[at + 3] = place, width, cells[base + PERIOD] - 1, moment_us
    out[at + 4] = cells[base + REVISION]
    copy(cells, base + HEAD, out, at + 5, WIDTH)
    if cells[base + REVISION] > 1:
        copy(before, slot * WIDTH, out, at + 5 + WIDTH, WIDTH)
    else:
        for value in range(WIDTH):
            out[at + 5 + WIDTH + value] = 0
    return sayings + 1


@kernel("i8(i8, i8, i8[::1], i8[::1], i8[::1], i8[::1], i8)", inner=True)
def say_due(place: int, moment_us: int, cells: Any, units: Any, before: Any, out: Any, sayings: int) -> int:
    """Say every cell of a unit that is due at this moment or has changed since; returns how many sayings there are."""
    next_us = NOTHING
    for slot in range(SLOTS):
        base = (place * SLOTS + slot) * CELL
        if cells[base + PERIOD] == 0 or (cells[base + REVISION] > 0 and cells[base + CHANGED] == 0):
            continue
        if cells[base + DUE_US] <= moment_us:
            sayings = say(place, slot, moment_us, cells, before, out, sayings)
        else:
            next_us = min(next_us, cells[base + DUE_US])
    units[place * UNIT] = next_us
    return sayings


@kernel("void(i8[::1], i8, i8[::1], i8, i8[::1], i8)", inner=True)
def put(cells: Any, base: int, before: Any, slot: int, added: Any, row: int) -> None:
    """Add a row's values to a cell; what it was said with is kept aside at the first change after that."""
    if cells[base + CHANGED] == 0 and cells[base + REVISION] > 0:
        copy(cells, base + HEAD, before, slot * WIDTH, WIDTH)
        cells[base + CHANGED] = 1
    at, values = base + HEAD, row * ADDED + 2
    for value in range(SLOWEST):
        cells[at + value] += added[values + value]
    cells[at + SLOWEST] = min(cells[at + SLOWEST], added[values + SLOWEST])
    cells[at + FASTEST] = max(cells[at + FASTEST], added[values + FASTEST])
    cells[at + FIRST_US] = min(cells[at + FIRST_US], added[values + FIRST_US])
    cells[at + LAST_US] = max(cells[at + LAST_US], added[values + LAST_US])


@kernel("void(i8[::1], i8, i8, i8)", inner=True)
def begin(cells: Any, base: int, period: int, due_us: int) -> None:
    """Begin a cell anew."""
    for value in range(CELL):
        cells[base + value] = 0
    cells[base + PERIOD], cells[base + DUE_US] = period + 1, due_us
    cells[base + HEAD + SLOWEST] = cells[base + HEAD + FIRST_US] = NOTHING
    cells[base + HEAD + FASTEST] = cells[base + HEAD + LAST_US] = -1


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def settle(first: Any, places: Any, added: Any, cells: Any, units: Any, times: Any, before: Any, out: Any) -> int:
    """Add what is new to the cells of its unit and say those that are due; returns how many sayings there are.

    `added` int64 (n * ADDED,): rows first[p]:first[p + 1] belong to the unit at places[p], in order of tick and minute.
    A row that comes too late gets minute -1. `cells` int64 (units * SLOTS * CELL,) and `units` int64 (units * UNIT,)
    are changed in place. `times`: a cell is first said times[0] after its period's end, or when its place is needed,
    and again at each later tick at which more came; nothing is said after times[1]. `before` int64 (SLOTS * WIDTH,) is
    scratch. `out` int64 (room * SAYING,): eight times the rows and SLOTS a unit is room enough.
    """
    hold_us, until_us = times[0], times[1]
    sayings = 0
    for which in range(places.size):
        place = places[which]
        row, stop = first[which], first[which + 1]
        while True:
            moment_us = added[row * ADDED] if row < stop else until_us + 1
            while units[place * UNIT] < moment_us:
                due_us = units[place * UNIT]
                sayings = say_due(place, due_us, cells, units, before, out, sayings)
            if row == stop:
                break
            newest = units[place * UNIT + 1]
            while row < stop and added[row * ADDED] == moment_us:
                minute = added[row * ADDED + 1]
                if minute < units[place * UNIT + 1] and moment_us >= (minute + 1) * MINUTE_US + AMEND_US:
                    added[row * ADDED + 1] = -1
                    row += 1
                    continue
                newest = max(newest, minute)
                for width in range(4):
                    period = period_of(width, minute)
                    slot = slot_of(width, period)
                    base = (place * SLOTS + slot) * CELL
                    held = cells[base + PERIOD] - 1
                    if held > period:
                        continue
                    if held < period:
                        if held >= 0 and (cells[base + REVISION] == 0 or cells[base + CHANGED] == 1):
                            sayings = say(place, slot, moment_us, cells, before, out, sayings)
                        begin(cells, base, period, end_us(width, period) + hold_us)
                    put(cells, base, before, slot, added, row)
                    units[place * UNIT] = min(units[place * UNIT], cells[base + DUE_US])
                row += 1
            units[place * UNIT + 1] = newest
            if units[place * UNIT] <= moment_us:
                sayings = say_due(place, moment_us, cells, units, before, out, sayings)
    return sayings


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], f8[::1])")
def rank_speeds(
    first: Any, tick_us: Any, speed_kmh: Any, vehicles: Any, said_us: Any, histogram: Any, out: Any
) -> None:
    """Fill `out` float64 (n * 3,) with the median, 85th and 95th percentile, whole km/h; NaN without vehicles.

    Nearest rank (Hyndman and Fan 1996, type 1): the least speed that so many of a hundred do not exceed. Saying s,
    at said_us[s], has the histogram of rows first[2 s]:first[2 s + 1] of the others, each counting from its tick on.
    `histogram` int64 (BINS,) is scratch, 0 before and after.
    """
    for saying in range(said_us.size):
        total = 0
        for row in range(first[2 * saying], first[2 * saying + 1]):
            if tick_us[row] <= said_us[saying]:
                histogram[speed_kmh[row]] += vehicles[row]
                total += vehicles[row]
        out[saying * 3] = out[saying * 3 + 1] = out[saying * 3 + 2] = np.nan
        seen, done = 0, 0
        for kmh in range(BINS):
            seen += histogram[kmh]
            histogram[kmh] = 0
            while total > 0 and done < 3 and seen * 100 >= total * (50 if done == 0 else 75 + 10 * done):
                out[saying * 3 + done] = kmh
                done += 1


@kernel("void(i8[::1], i8[::1], i8[::1], f8[::1], i8, i8, i8[::1], f8[::1])")
def tell(sayings: Any, key: Any, chosen: Any, figure: Any, metric: int, count: int, rows: Any, figures: Any) -> None:
    """Fill windows (WINDOW, as int64 and as float64) of one metric with the chosen sayings, one figure each.

    `chosen` int64 (m,): which of `sayings`; `key` int64 by unit; `figure` float64 (m,). `count`: the value that says
    how many observations stand behind it.
    """
    for window in range(chosen.size):
        row, saying = window * WINDOW_WIDE, chosen[window] * SAYING
        unit, width, period = key[sayings[saying]], sayings[saying + 1], sayings[saying + 2]
        rows[row + AT_DEVICE], rows[row + AT_LANE], rows[row + AT_METRIC] = unit >> 32, unit & 0xFFFF, metric
        rows[row + AT_START] = end_us(width, period - 1)
        rows[row + AT_WIDTH] = (end_us(width, period) - end_us(width, period - 1)) // 1_000_000
        rows[row + AT_REVISION], rows[row + AT_SAID] = sayings[saying + 4], sayings[saying + 3]
        rows[row + AT_COUNT] = sayings[saying + 5 + count]
        rows[row + AT_ADDED] = sayings[saying + 5 + count] - sayings[saying + 5 + WIDTH + count]
        rows[row + AT_PLACE] = -1
        figures[row + AT_MEAN] = figures[row + AT_MIN] = figures[row + AT_MAX] = figure[window]
        figures[row + AT_MEDIAN] = figures[row + AT_LAST] = figure[window]
        figures[row + AT_SD] = figures[row + AT_P85] = figures[row + AT_P95] = np.nan
        figures[row + AT_COMPLETENESS] = figures[row + AT_ADDED_SUM] = np.nan


@kernel("i8(i8[::1], i8[::1], i8[::1])")
def condense(bins: Any, vehicles: Any, cells: Any) -> int:
    """Bring equal bins together, in place, and drop those of cells that are gone; returns how many are left.

    `bins` int64 (n,), sorted: place, width, period and km/h of a bin, packed; `vehicles` int64 (n,) in it.
    """
    kept = 0
    for row in range(bins.size):
        if kept and bins[kept - 1] == bins[row]:
            vehicles[kept - 1] += vehicles[row]
            continue
        cell = bins[row] // BINS
        period, width = cell & (PERIODS - 1), (cell // PERIODS) & 3
        place = cell // PERIODS // 4
        if cells[(place * SLOTS + slot_of(width, period)) * CELL + PERIOD] == period + 1:
            bins[kept], vehicles[kept] = bins[row], vehicles[row]
            kept += 1
    return kept


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def pour(first: Any, order: Any, minute: Any, speed_kmh: Any, histogram: Any, bins: Any, vehicles: Any) -> int:
    """Fill `bins` and `vehicles` int64 (4 n,) with the histograms of vehicles by unit, width and period.

    The vehicles of the unit at place p are order[first[p]:first[p + 1]]. Bins come sorted where each unit's minutes do
    not go back; those of a period that comes again come again. `histogram` int64 (BINS,) is scratch, 0 before and
    after. Returns how many bins there are.
    """
    made = 0
    for place in range(first.size - 1):
        for width in range(4):
            row = first[place]
            while row < first[place + 1]:
                period = period_of(width, minute[order[row]])
                slowest, fastest = BINS, -1
                while row < first[place + 1] and period_of(width, minute[order[row]]) == period:
                    kmh = speed_kmh[order[row]]
                    histogram[kmh] += 1
                    slowest, fastest = min(slowest, kmh), max(fastest, kmh)
                    row += 1
                for kmh in range(slowest, fastest + 1):
                    if histogram[kmh] > 0:
                        bins[made] = ((place * 4 + width) * PERIODS + period) * BINS + kmh
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
