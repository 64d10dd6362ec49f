"""The flow of traffic in cells: the vehicles of one lane, or of one direction, in one period.

A cell holds whole numbers, sums first, then the least and the most, so that neither the order in which vehicles came
nor how they were cut into batches changes a figure: speeds in hundredths of km/h, paces in nanoseconds a metre,
passenger-car units in hundredths, occupancies in millionths. Of vehicles seen one by one it holds SEEN_WIDE of them, of
interval counts COUNTED_WIDE, of a direction WAY_WIDE.

A unit (a lane, a direction) has `SLOTS` cells: rings of minutes, quarters of an hour, hours and Thai days, long enough
for whatever may still be amended.
"""

from typing import Any, Final

from contracts.jit import kernel

VEHICLES: Final = 0
PCU: Final = 1
PASSED: Final = 2
"""Vehicles that were seen one by one, counted already or not."""
SAMPLES: Final = 2
"""Counts that came in, of all classes."""
SPEEDS: Final = 3
"""How many speeds are in SPEED_SUM, SQUARES and PACE_SUM."""
SPEED_SUM: Final = 4
SQUARES: Final = 5
PACE_SUM: Final = 6
SLOWEST: Final = 7
FIRST_US: Final = 8
FASTEST: Final = 9
LAST_US: Final = 10
SEEN_WIDE: Final = 11
"""Of vehicles seen one by one: all of the above but SAMPLES."""
EXTREMES: Final = 2
"""So many of them are the least there is, and as many the most."""
OCCUPIED: Final = 5
OCCUPANCIES: Final = 6
"""How many occupancies are in OCCUPIED."""
COUNTED_WIDE: Final = 7
"""Of interval counts: VEHICLES, PCU, SAMPLES, SPEEDS, SPEED_SUM, OCCUPIED, OCCUPANCIES."""
OF_WAY: Final = SPEEDS
WAY_WIDE: Final = COUNTED_WIDE - OF_WAY
"""Of a direction: the values of counts from SPEEDS on."""

NOTHING: Final = 9_223_372_036_854_775_807
"""The least of nothing; the most of nothing is -1."""
MINUTE_US: Final = 60_000_000
AMEND_US: Final = 600_000_000
"""So long after its minute ended a vehicle is late, if its unit has come further already."""
WIDTHS: Final = 4
MINUTES_IN: Final = (1, 15, 60, 1440)
SHIFT: Final = (0, 0, 0, 420)
"""Minutes of a period of each width, and by how many it begins before that of UTC: a Thai day by seven hours."""
RING: Final = (14, 3, 2, 2)
RING_FROM: Final = (0, 14, 17, 19)
"""Cells of each width: ten minutes may be amended, two more until what is due is said, and a clock may be one ahead."""
SLOTS: Final = 21

UNIT: Final = 2
"""What is kept of a unit: when the next of its cells is due, and the newest minute it has come to."""
ADDED: Final = 2
"""Before the values of what is new: the tick at which it counts, and its minute since 1970."""
SAYING: Final = 5
"""Which unit, which width (0 to 3), which period, at which tick, revision; then its values, and those that it was said
with before."""


@kernel("i8(i8, i8)", inner=True)
def period_of(width: int, minute: int) -> int:
    """The number of the minute's period of this width since 1970."""
    return int((minute + SHIFT[width]) // MINUTES_IN[width])


@kernel("i8(i8, i8)", inner=True)
def end_us(width: int, period: int) -> int:
    """When a period is over."""
    return int(((period + 1) * MINUTES_IN[width] - SHIFT[width]) * MINUTE_US)


@kernel("i8(i8, i8)", inner=True)
def slot_of(width: int, period: int) -> int:
    """Which of a unit's cells holds a period."""
    return int(RING_FROM[width] + period % RING[width])


@kernel("void(i8[::1], i8, i8[::1], i8, i8)", inner=True)
def copy(source: Any, at: int, into: Any, to: int, many: int) -> None:
    """Copy so many values."""
    for value in range(many):
        into[to + value] = source[at + value]


@kernel("void(i8, i8, i8, i8, Tuple((i4[::1], i4[::1], i8[::1])), i8, i8[::1], i8[::1], i8)", inner=True)
def say(
    place: int, width: int, slot: int, moment_us: int, cells: Any, wide: int, before: Any, out: Any, at: int
) -> None:
    """Say one cell at this moment."""
    periods, revisions, values = cells
    cell = place * SLOTS + slot
    said = -int(revisions[cell])
    revisions[cell] = said + 1
    out[at], out[at + 1], out[at + 2], out[at + 3] = place, width, periods[cell] - 1, moment_us
    out[at + 4] = said + 1
    copy(values, cell * wide, out, at + SAYING, wide)
    if said > 0:
        copy(before, slot * wide, out, at + SAYING + wide, wide)
    else:
        for value in range(wide):
            out[at + SAYING + wide + value] = 0


@kernel("i8(i8, i8, Tuple((i4[::1], i4[::1], i8[::1])), i8[::1], UniTuple(i8, 2), i8[::1], i8[::1], i8)", inner=True)
def say_due(place: int, moment_us: int, cells: Any, units: Any, form: Any, before: Any, out: Any, sayings: int) -> int:
    """Say every cell of a unit that is due at this moment or has changed since; returns how many sayings there are."""
    wide, hold_us = form
    next_us = NOTHING
    for width in range(WIDTHS):
        for slot in range(RING_FROM[width], RING_FROM[width] + RING[width]):
            cell = place * SLOTS + slot
            if cells[0][cell] == 0 or cells[1][cell] > 0:
                continue
            due_us = end_us(width, int(cells[0][cell]) - 1) + hold_us
            if due_us <= moment_us:
                say(place, width, slot, moment_us, cells, wide, before, out, sayings * (SAYING + 2 * wide))
                sayings += 1
            else:
                next_us = min(next_us, due_us)
    units[place * UNIT] = next_us
    return sayings


@kernel("void(i8[::1], i8, i8[::1], i8, i8, i8)", inner=True)
def put(values: Any, at: int, added: Any, row: int, wide: int, extremes: int) -> None:
    """Add a row's values to a cell's."""
    for value in range(wide - 2 * extremes):
        values[at + value] += added[row + value]
    for value in range(wide - 2 * extremes, wide - extremes):
        values[at + value] = min(values[at + value], added[row + value])
    for value in range(wide - extremes, wide):
        values[at + value] = max(values[at + value], added[row + value])


@kernel("i8(UniTuple(i8, 5), i8[::1], i8[::1], Tuple((i4[::1], i4[::1], i8[::1])), i8[::1], i8[::1], i8[::1])")
def settle(shape: Any, first: Any, added: Any, cells: Any, units: Any, before: Any, out: Any) -> int:
    """Add what is new to the cells of its unit and say those that are due; returns how many sayings there are.

    `shape`: how many values a cell holds, and how many of them are the least and as many the most; a cell is first said
    so long after its period's end, or when its place is needed, and again at each later tick at which more came;
    nothing is said after this tick; `first` begins with the unit of this place. `added` int64 (n * (ADDED + wide),):
    rows first[p]:first[p + 1] belong to one unit, in order of tick and minute. One that comes too late gets minute -1.
    `cells`, by place and slot: its period since 1970 and 1, 0 where it is empty; how often it was said, negative while
    there is more in it; its values. They and `units` int64 (units * UNIT,) are changed in place. `before` int64
    (SLOTS * wide,) is scratch. `out` int64 (room * (SAYING + 2 * wide),): eight times the rows and SLOTS a unit is
    room enough.
    """
    wide, extremes, hold_us, until_us, first_place = shape
    periods, revisions, values = cells
    sayings = 0
    for which in range(first.size - 1):
        place = first_place + which
        row, stop = first[which], first[which + 1]
        while True:
            moment_us = added[row * (ADDED + wide)] if row < stop else until_us + 1
            while units[place * UNIT] < moment_us:
                due_us = units[place * UNIT]
                sayings = say_due(place, due_us, cells, units, (wide, hold_us), before, out, sayings)
            if row == stop:
                break
            newest = units[place * UNIT + 1]
            while row < stop and added[row * (ADDED + wide)] == moment_us:
                at = row * (ADDED + wide)
                row += 1
                minute = added[at + 1]
                if minute < units[place * UNIT + 1] and moment_us >= (minute + 1) * MINUTE_US + AMEND_US:
                    added[at + 1] = -1
                    continue
                newest = max(newest, minute)
                while row < stop and added[row * (ADDED + wide)] == moment_us:
                    if added[row * (ADDED + wide) + 1] != minute:
                        break
                    put(added, at + ADDED, added, row * (ADDED + wide) + ADDED, wide, extremes)
                    row += 1
                for width in range(WIDTHS):
                    period = period_of(width, minute)
                    slot = slot_of(width, period)
                    cell = place * SLOTS + slot
                    held = int(periods[cell]) - 1
                    if held > period:
                        continue
                    if held < period:
                        if held >= 0 and revisions[cell] <= 0:
                            say(place, width, slot, moment_us, cells, wide, before, out, sayings * (SAYING + 2 * wide))
                            sayings += 1
                        periods[cell], revisions[cell] = period + 1, 0
                        copy(added, at + ADDED, values, cell * wide, wide)
                    else:
                        if revisions[cell] > 0:  # What it was said with is kept aside at the first change after that.
                            copy(values, cell * wide, before, slot * wide, wide)
                            revisions[cell] = -revisions[cell]
                        put(values, cell * wide, added, at + ADDED, wide, extremes)
                    units[place * UNIT] = min(units[place * UNIT], end_us(width, period) + hold_us)
            units[place * UNIT + 1] = newest
            if units[place * UNIT] <= moment_us:
                sayings = say_due(place, moment_us, cells, units, (wide, hold_us), before, out, sayings)
    return sayings
