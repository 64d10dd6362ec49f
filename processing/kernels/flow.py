"""The flow of traffic in cells: the vehicles of one lane, or of one direction, in one period.

A cell is `WIDTH` int64 values: sums first, then the least and the most. All are whole numbers, so that neither the
order in which vehicles came nor how they were cut into batches changes a figure: speeds in hundredths of km/h, paces
in nanoseconds a metre, passenger-car units in hundredths, occupancies in millionths.
"""

from typing import Any, Final

import numpy as np

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
DUE_US: Final = 0
REVISION: Final = 1
HELD: Final = 2
"""How often something was added."""
FIRST_SAID_US: Final = 3
CELL: Final = 4 + WIDTH
"""What is kept of a cell: when it is due, how often it was said, the two above, and its values from 4 on."""
SAID: Final = 3 + 2 * WIDTH
"""What is said of a cell: which one, at which tick, its revision, its values now, and those it was said with before."""


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def gather(first: Any, event_us: Any, speed: Any, pcu: Any, counted: Any, out: Any) -> None:
    """Fill `out` int64 (groups * WIDTH,) with the vehicles of each group, rows first[g]:first[g + 1].

    `speed` int64 (n,) in hundredths of km/h, -1 where there is none; `counted` 1 where the vehicle is to be counted
    here, 0 where interval counts do that.
    """
    for group in range(first.size - 1):
        base = group * WIDTH
        out[base : base + WIDTH] = 0
        out[base + SLOWEST] = out[base + FIRST_US] = NOTHING
        out[base + FASTEST] = out[base + LAST_US] = -1
        for row in range(first[group], first[group + 1]):
            out[base + VEHICLES] += counted[row]
            out[base + PCU] += pcu[row] * counted[row]
            out[base + PASSED] += 1
            out[base + FIRST_US] = min(out[base + FIRST_US], event_us[row])
            out[base + LAST_US] = max(out[base + LAST_US], event_us[row])
            if speed[row] >= 0:
                pace_of = max(speed[row], CREEPING)
                out[base + SPEEDS] += 1
                out[base + SPEED_SUM] += speed[row]
                out[base + SQUARES] += speed[row] * speed[row]
                out[base + PACE_SUM] += (PACE_AT_001_KMH + pace_of // 2) // pace_of
                out[base + SLOWEST] = min(out[base + SLOWEST], speed[row])
                out[base + FASTEST] = max(out[base + FASTEST], speed[row])


@kernel("void(i8[::1], i8, i8[::1], i8)")
def merge(into: Any, at: int, added: Any, row: int) -> None:
    """Add the values at `row` of `added` to those at `at` of `into`: sums add up, extremes keep the more extreme."""
    for value in range(SLOWEST):
        into[at + value] += added[row + value]
    into[at + SLOWEST] = min(into[at + SLOWEST], added[row + SLOWEST])
    into[at + FASTEST] = max(into[at + FASTEST], added[row + FASTEST])
    into[at + FIRST_US] = min(into[at + FIRST_US], added[row + FIRST_US])
    into[at + LAST_US] = max(into[at + LAST_US], added[row + LAST_US])


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8, i8[::1])")
def settle(first: Any, tick_us: Any, added: Any, cells: Any, until_us: int, out: Any) -> int:
    """Add what is new to its cells and say those that are due; returns how many sayings there are.

    `added` int64 (n * WIDTH,): rows first[c]:first[c + 1] belong to cell c and count at `tick_us` int64 (n,), in its
    order. `cells` int64 (c * CELL,) is changed in place. A cell is first said at its due tick, or when something comes
    after that, and again at each later tick at which more came; nothing is said after `until_us`. `out` int64
    (room * SAID,) is filled by cell and tick; a row for each of `added` and one more a cell is room enough.
    """
    sayings = 0
    before = np.zeros(WIDTH, np.int64)
    for cell in range(first.size - 1):
        base = cell * CELL
        values = base + 4
        row, stop = first[cell], first[cell + 1]
        before[:] = 0
        if cells[base + REVISION] > 0:
            before[:] = cells[values : values + WIDTH]
        while row < stop or (cells[base + REVISION] == 0 and cells[base + HELD] > 0 and cells[base] <= until_us):
            now_us = cells[base + DUE_US]
            waiting = cells[base + REVISION] == 0 and cells[base + HELD] > 0
            if not (waiting and (row == stop or tick_us[row] > now_us)):
                now_us = tick_us[row]
                while row < stop and tick_us[row] == now_us:
                    merge(cells, values, added, row * WIDTH)
                    cells[base + HELD] += 1
                    row += 1
                if now_us < cells[base + DUE_US]:
                    continue
            cells[base + REVISION] += 1
            if cells[base + REVISION] == 1:
                cells[base + FIRST_SAID_US] = now_us
            at = sayings * SAID
            out[at], out[at + 1], out[at + 2] = cell, now_us, cells[base + REVISION]
            out[at + 3 : at + 3 + WIDTH] = cells[values : values + WIDTH]
            out[at + 3 + WIDTH : at + SAID] = before
            before[:] = cells[values : values + WIDTH]
            sayings += 1
    return sayings


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], f8[::1])")
def rank_speeds(first: Any, tick_us: Any, speed_kmh: Any, vehicles: Any, said: Any, out: Any) -> None:
    """Fill `out` float64 (sayings * 3,) with the median, 85th and 95th percentile, whole km/h; NaN without vehicles.

    Nearest rank (Hyndman and Fan 1996, type 1): the least speed that so many of a hundred do not exceed. `said` int64
    (sayings * SAID,) as `settle` fills it; rows first[c]:first[c + 1] of the others, int64 (n,), are cell c's
    histogram, each counting from `tick_us` on, in its order.
    """
    histogram = np.zeros(BINS, np.int64)
    cell, row, total = -1, 0, 0
    for saying in range(said.size // SAID):
        if said[saying * SAID] != cell:
            cell = said[saying * SAID]
            row, total = first[cell], 0
            histogram[:] = 0
        while row < first[cell + 1] and tick_us[row] <= said[saying * SAID + 1]:
            histogram[speed_kmh[row]] += vehicles[row]
            total += vehicles[row]
            row += 1
        out[saying * 3 : saying * 3 + 3] = np.nan
        seen, done = 0, 0
        for kmh in range(BINS):
            seen += histogram[kmh]
            while total > 0 and done < 3 and seen * 100 >= total * (50 if done == 0 else 75 + 10 * done):
                out[saying * 3 + done] = kmh
                done += 1
