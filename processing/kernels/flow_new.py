"""What is new of the flow of traffic, as rows that kernels/flow.py adds to cells: vehicles seen one by one, interval
counts, and what the minutes of lanes add to their directions."""

from typing import Any, Final

from contracts.clock import TICK_US
from contracts.jit import kernel
from processing.kernels.flow import (
    ADDED,
    COUNTED_WIDE,
    FASTEST,
    FIRST_US,
    LAST_US,
    MINUTE_US,
    NOTHING,
    OCCUPANCIES,
    OCCUPIED,
    OF_WAY,
    PACE_SUM,
    PASSED,
    PCU,
    SAMPLES,
    SAYING,
    SEEN_WIDE,
    SLOWEST,
    SPEED_SUM,
    SPEEDS,
    SQUARES,
    VEHICLES,
    WAY_WIDE,
)
from processing.kernels.window_row import (
    AT_ADDED,
    AT_ADDED_SUM,
    AT_DEVICE,
    AT_LANE,
    AT_METRIC,
    AT_PLACE,
    AT_SAID,
    AT_START,
    WINDOW_WIDE,
)

PACE_AT_001_KMH: Final = 360_000_000_000
"""Nanoseconds a metre at 0.01 km/h."""
CREEPING: Final = 100
"""1 km/h in hundredths: slower counts as this slow in a pace, or one vehicle that stands would stop the whole mean."""

SPEED_UNIT: Final = 100
"""Speeds are counted in hundredths of km/h, rounded half up; a histogram in whole km/h, rounded half up again."""
MOST_KMH: Final = 400.0
MOST_VEHICLES: Final = 100_000.0
"""Of one reading of interval counts: beyond what any road has seen, and small enough for any sum to be exact."""
COUNTS_NOTHING: Final = -2
COUNTS_OCCUPANCY: Final = -1
COUNTS_SPEED: Final = 0
"""What a reading is to the flow, or above 0 the passenger-car units of the class that it counts."""

PLACE: Final = 0
EVENT_US: Final = 1
SPEED: Final = 2
"""In hundredths of km/h, -1 where there is none."""
UNITS: Final = 3
"""Passenger-car units."""
IS_COUNTED: Final = 4
"""1 where the vehicle is to be counted here, 0 where interval counts do that."""
RECEIVED_US: Final = 5
WAITING: Final = 6
"""A passage: the place of its unit, and what else counts of it from the first tick after its receipt on."""
NEW: Final = 4
"""A speed: the place of its unit, its minute, the tick from which it counts, km/h."""


@kernel("void(UniTuple(i8[::1], 4), f8[::1], UniTuple(i8[::1], 2), i8[::1])")
def line_up(passages: Any, speed_kmh: Any, tables: Any, out: Any) -> None:
    """Fill `out` int64 (n * WAITING,) with passages: the place of their unit, event time, receipt, vehicle class.

    `tables`: passenger-car units by vehicle class; by place, whether vehicles are counted here.
    """
    place, event_us, received_us, vehicle = passages
    units, is_counted = tables
    for row in range(place.size):
        at, speed = row * WAITING, speed_kmh[row]
        out[at + PLACE], out[at + EVENT_US], out[at + RECEIVED_US] = place[row], event_us[row], received_us[row]
        out[at + SPEED] = int(speed * SPEED_UNIT + 0.5) if 0.0 <= speed <= MOST_KMH else -1
        out[at + UNITS], out[at + IS_COUNTED] = units[vehicle[row]], is_counted[place[row]]


@kernel("b1(i8[::1], i8, i8)", inner=True)
def comes_before(waiting: Any, row: int, other: int) -> bool:
    """Whether a vehicle of the same unit and tick belongs to an earlier minute than another one."""
    at, to = row * WAITING, other * WAITING
    if waiting[at + EVENT_US] // MINUTE_US >= waiting[to + EVENT_US] // MINUTE_US:
        return False
    same_tick = waiting[at + RECEIVED_US] // TICK_US == waiting[to + RECEIVED_US] // TICK_US
    return bool(same_tick and waiting[at + PLACE] == waiting[to + PLACE])


@kernel("void(i8[::1], i8, i8[::1], i8)", inner=True)
def weigh_one(waiting: Any, at: int, out: Any, base: int) -> None:
    """Add one vehicle to what is new of a unit."""
    counted, speed, event_us = waiting[at + IS_COUNTED], waiting[at + SPEED], waiting[at + EVENT_US]
    out[base + VEHICLES] += counted
    out[base + PCU] += waiting[at + UNITS] * counted
    out[base + PASSED] += 1
    out[base + FIRST_US] = min(out[base + FIRST_US], event_us)
    out[base + LAST_US] = max(out[base + LAST_US], event_us)
    if speed >= 0:
        pace_of = max(speed, CREEPING)
        out[base + SPEEDS] += 1
        out[base + SPEED_SUM] += speed
        out[base + SQUARES] += speed * speed
        out[base + PACE_SUM] += (PACE_AT_001_KMH + pace_of // 2) // pace_of
        out[base + SLOWEST] = min(out[base + SLOWEST], speed)
        out[base + FASTEST] = max(out[base + FASTEST], speed)


@kernel("UniTuple(i8, 2)(i8[::1], i8[::1], i8, i8[::1], i8[::1], i8[::1], i8[::1])")
def weigh(order: Any, waiting: Any, hold_us: int, begins: Any, into: Any, added: Any, speeds: Any) -> tuple[int, int]:
    """Fill `added` int64 (n * (ADDED + SEEN_WIDE),) with what single vehicles add to the cells of their units.

    `waiting` int64 (n * WAITING,) is read in this `order`, by place and tick, which is brought in order of minute too.
    Vehicles of one minute that are there before it is first said, `hold_us` after its end, go into one row. `begins`
    int64 (units + 1,), zero, gets where the rows of each unit begin, `into` int64 (n,) the row of each vehicle,
    `speeds` int64 (n * NEW,) those that have a speed. Returns how many rows and how many speeds there are.
    """
    for row in range(1, order.size):  # Of one tick and lane only few come, and a minute ends in few of the ticks.
        here = row
        while here > 0 and comes_before(waiting, order[here], order[here - 1]):
            order[here], order[here - 1] = order[here - 1], order[here]
            here -= 1
    made, fast, base, before = 0, 0, 0, -1
    for row in range(order.size):
        at = order[row] * WAITING
        place, minute = waiting[at + PLACE], waiting[at + EVENT_US] // MINUTE_US
        tick_us = (waiting[at + RECEIVED_US] // TICK_US + 1) * TICK_US
        if place != before or added[base + 1] != minute or tick_us > (minute + 1) * MINUTE_US + hold_us:
            base, before = made * (ADDED + SEEN_WIDE), place
            made += 1
            begins[place + 1] += 1
            added[base], added[base + 1] = tick_us, minute
            added[base + ADDED : base + ADDED + SEEN_WIDE] = 0
            added[base + ADDED + SLOWEST] = added[base + ADDED + FIRST_US] = NOTHING
            added[base + ADDED + FASTEST] = added[base + ADDED + LAST_US] = -1
        into[row] = made - 1
        weigh_one(waiting, at, added, base + ADDED)
        if waiting[at + SPEED] >= 0:
            to = fast * NEW
            fast += 1
            speeds[to], speeds[to + 1], speeds[to + 2] = place, minute, tick_us
            speeds[to + 3] = (waiting[at + SPEED] + SPEED_UNIT // 2) // SPEED_UNIT
    for unit in range(1, begins.size):
        begins[unit] += begins[unit - 1]
    return made, fast


@kernel("i8(i8[::1], i8[::1], UniTuple(i8[::1], 4))")
def find_counts(rows: Any, roles: Any, out: Any) -> int:
    """Where the windows (WINDOW, sorted by series) of each series of interval counts begin, and end.

    `roles`: what a metric's readings are to the flow. Fills `out`, int64 each: the first window, the one behind the
    last, the key of the lane, the role. Returns how many series there are.
    """
    first, behind, key, role = out
    found, place, counts = 0, -1, False
    for window in range(rows.size // WINDOW_WIDE):
        row = window * WINDOW_WIDE
        if rows[row + AT_PLACE] != place:
            place, metric = rows[row + AT_PLACE], rows[row + AT_METRIC]
            counts = metric < roles.size and roles[metric] != COUNTS_NOTHING
            if counts:
                first[found], role[found] = window, roles[metric]
                key[found] = (rows[row + AT_DEVICE] << 32) | rows[row + AT_LANE]
                found += 1
        if counts:
            behind[found - 1] = window + 1
    return found


@kernel("void(i8[::1], i8, i8[::1], f8[::1], i8, i8)", inner=True)
def put_count(out: Any, base: int, rows: Any, figures: Any, row: int, role: int) -> None:
    """Add one window of interval counts to what is new of a lane."""
    samples = rows[row + AT_ADDED]
    most = MOST_VEHICLES if role > COUNTS_SPEED else MOST_KMH if role == COUNTS_SPEED else 1.0
    total = figures[row + AT_ADDED_SUM]
    total = min(total, most * samples) if total > 0.0 else 0.0
    if role > COUNTS_SPEED:
        vehicles = int(total + 0.5)
        out[base + VEHICLES] += vehicles
        out[base + PCU] += vehicles * role
        out[base + SAMPLES] += samples
    elif role == COUNTS_SPEED:
        out[base + SPEEDS] += samples
        out[base + SPEED_SUM] += int(total * 100.0 + 0.5)
    else:
        out[base + OCCUPANCIES] += samples
        out[base + OCCUPIED] += int(total * 1_000_000.0 + 0.5)


@kernel("i8(i8[::1], UniTuple(i8[::1], 4), i8[::1], f8[::1], i8[::1], i8[::1])")
def join_counts(order: Any, groups: Any, rows: Any, figures: Any, begins: Any, out: Any) -> int:
    """Bring the windows of interval counts together by lane, tick and minute.

    `groups`: the first window of each series and the one behind its last (WINDOW `rows`, also as float64 `figures`, by
    tick and start), the place of its lane and what it is to the flow; they are read in this `order`, by place. Fills
    `out` int64 (windows * (ADDED + COUNTED_WIDE),) by lane, and `begins` int64 (lanes + 1,), zero, with where each
    begins. Returns how many there are, below 0 where those of a lane are not by tick and minute; the same ones may
    then come twice.
    """
    first, behind, place, role = groups
    wide = ADDED + COUNTED_WIDE
    made, base, known, sorted_, now = 0, 0, 0, 1, -1
    for which in range(order.size):
        group = order[which]
        if place[group] != now:
            now, base, known = place[group], made, made
        at, fresh = base, made
        for window in range(first[group], behind[group]):
            row = window * WINDOW_WIDE
            minute, tick_us = rows[row + AT_START] // MINUTE_US, rows[row + AT_SAID]
            while at < known and (
                out[at * wide] < tick_us or (out[at * wide] == tick_us and out[at * wide + 1] < minute)
            ):
                at += 1
            here = at
            if at == known or out[at * wide] != tick_us or out[at * wide + 1] != minute:
                here = made
                made += 1
                out[here * wide], out[here * wide + 1] = tick_us, minute
                out[here * wide + ADDED : (here + 1) * wide] = 0
            put_count(out, here * wide + ADDED, rows, figures, row, role[group])
        if made > fresh:
            last, new = (fresh - 1) * wide, fresh * wide
            if known == fresh and (
                fresh == base or out[last] < out[new] or (out[last] == out[new] and out[last + 1] < out[new + 1])
            ):
                known = made
            else:
                sorted_ = -1
            begins[now + 1] += made - fresh
    for lane in range(1, begins.size):
        begins[lane] += begins[lane - 1]
    return made * sorted_


@kernel("i8(i8[::1], i8, UniTuple(i8[::1], 2), i8[::1])")
def lead_on(sayings: Any, wide: int, lanes: Any, out: Any) -> int:
    """Fill `out` int64 (n * (1 + ADDED + WAY_WIDE),) with what the minutes of lanes add to their directions.

    `sayings` int64 (n * (SAYING + 2 * wide),). `lanes` int64 by place: that of its direction, -1 without one, which is
    also what each row begins with; and whether its speeds count. A lane's mean speed weighs as its vehicles do.
    Returns how many rows there are.
    """
    way, brings = lanes
    is_counted = wide == COUNTED_WIDE
    made = 0
    for row in range(sayings.size // (SAYING + 2 * wide)):
        at = row * (SAYING + 2 * wide)
        place = sayings[at]
        if sayings[at + 1] != 0 or way[place] < 0:
            continue
        base = made * (1 + ADDED + WAY_WIDE)
        made += 1
        out[base], out[base + 1], out[base + 2] = way[place], sayings[at + 3], sayings[at + 2]
        base += 1 + ADDED
        out[base : base + WAY_WIDE] = 0
        for then in range(2):
            values, sign = at + SAYING + then * wide, 1 - 2 * then
            weight, total = sayings[values + SPEEDS] * brings[place], sayings[values + SPEED_SUM] * brings[place]
            if is_counted:
                out[base + OCCUPIED - OF_WAY] += sign * sayings[values + OCCUPIED]
                out[base + OCCUPANCIES - OF_WAY] += sign * sayings[values + OCCUPANCIES]
                mean = (total + weight // 2) // max(weight, 1)
                weight = max(sayings[values + VEHICLES], 1) if weight > 0 else 0
                total = weight * mean
            out[base + SPEEDS - OF_WAY] += sign * weight
            out[base + SPEED_SUM - OF_WAY] += sign * total
    return made
