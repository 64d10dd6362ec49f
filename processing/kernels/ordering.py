"""Who was heard at which tick, and from which tick on records of a group lie behind the watermark of all its members.

The watermark of a member is the newest event time it was heard with, less the reorder window. The frontier of a group
is the least watermark of its members, and never goes back. Left out are members that nobody should wait for: unheard
for IDLE_US, or LAG_US behind the engine's time (a slow clock, or a backlog that is handed in). With nobody left it is
the engine's time less the reorder window. While we did not listen, and for as long again after, nobody is left out.
"""

from typing import Any, Final

from contracts.clock import SECOND_US, TICK_US
from contracts.jit import kernel

REORDER_US: Final = 2 * SECOND_US
"""Design section 2, law (c): what is shuffled within two seconds is put in order."""
IDLE_US: Final = 20 * SECOND_US
"""20 ticks: longer than the pauses between vehicles on a busy road, short enough that a quiet member holds up a case
for no longer than that."""
LAG_US: Final = 60 * SECOND_US
"""A member further behind than a minute would hold up its group for as long as its backlog is; bounds what waits."""

NEVER: Final = -(2**62)
"""Before all time: no event heard, no frontier yet."""
NOT_YET: Final = 2**62
"""Beyond all time: not behind the frontier at the last tick."""

ROW_WIDTH: Final = 9
GROUP, TIME, COUNTED, HOLD, OUT, LATE, DEVICE, SOURCE, PLACE = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""Places in a row (processing/order/ordering.py has its meaning)."""
GAPS: Final = (1750, 701, 301, 132, 57, 23, 10, 4, 1)
"""Shell's gaps (Ciura, 2001). Rows of one tick are a hundred or so and nearly in order: the last gap is all of it."""


@kernel("i8(UniTuple(i8[::1], 3), i8, i8[::1], UniTuple(i8[::1], 3))")
def gather(records: Any, first_tick_us: int, stamp: Any, heard: Any) -> int:
    """Fill `heard` with the hearings of these records and return how many there are.

    `records`: device, receipt, event time, int64 (n,) by receipt; `heard`: tick (us), device, newest event, one row for
    a device and tick, by tick; `stamp` int64 (devices,): the row of each device's last hearing, -1 before the first.
    A record counts at the first tick after its receipt, at the earliest at `first_tick_us`.
    """
    device, received_us, event_us = records
    tick_us, who, newest_us = heard
    count = 0
    for record in range(device.size):
        tick = max(first_tick_us, (received_us[record] // TICK_US + 1) * TICK_US)
        row = stamp[device[record]]
        if row >= 0 and tick_us[row] == tick:
            newest_us[row] = max(newest_us[row], event_us[record])
        else:
            tick_us[count], who[count], newest_us[count] = tick, device[record], event_us[record]
            stamp[device[record]] = count
            count += 1
    return count


@kernel("void(UniTuple(i8[::1], 3), i8, UniTuple(i8[::1], 3))")
def remember(heard: Any, last_tick_us: int, ears: Any) -> None:
    """Bring forward by device: the newest event and the tick of the last hearing, and the newest event of hearings that
    count after the last tick (`ears`)."""
    tick_us, who, event_us = heard
    newest_us, heard_us, waiting_us = ears
    for row in range(who.size):
        no = who[row]
        if tick_us[row] <= last_tick_us:
            newest_us[no], heard_us[no] = max(newest_us[no], event_us[row]), tick_us[row]
        else:
            waiting_us[no] = max(waiting_us[no], event_us[row])


@kernel("i8(UniTuple(i8[::1], 2), i8[::1], i8, i8, i8, i8)", inner=True)
def least_watermark(ears: Any, member: Any, first: int, last: int, tick_us: int, listening_us: int) -> int:
    """The least watermark of the members first..last that are not left out at this tick; NOT_YET with none."""
    newest_us, heard_us = ears
    least = NOT_YET
    for place in range(first, last):
        no = member[place]
        mark = newest_us[no] - REORDER_US
        idle = tick_us - max(heard_us[no], listening_us) >= IDLE_US
        if not idle and tick_us - max(mark, listening_us) <= LAG_US:
            least = min(least, mark)
    return least


@kernel("void(UniTuple(i8[::1], 3), i8[::1], UniTuple(i8[::1], 2), UniTuple(i8[::1], 2), i8[::1], i8[::1])")
def advance(heard: Any, span: Any, ears: Any, groups: Any, slides: Any, frontiers_us: Any) -> None:
    """Fill in the frontier of each group at each tick, behind what it was before the first one.

    `frontiers_us` int64 ((ticks + 1) * groups,), its first row filled; `heard`: tick, device, newest event by tick;
    `span`: first tick, last tick, since when we listen, us; `ears`: newest event and tick of the last hearing by
    device, brought forward; `groups`: members of group g are member[first[g]:first[g + 1]]; `slides` int64 (groups,)
    zero.
    """
    heard_tick_us, who, event_us = heard
    newest_us, heard_us = ears
    first, member = groups
    tick_us, last_us, listening_us = span[0], span[1], span[2]
    at, place = 0, slides.size
    while tick_us <= last_us:
        before = at
        while at < who.size and heard_tick_us[at] <= tick_us:
            newest_us[who[at]] = max(newest_us[who[at]], event_us[at])
            heard_us[who[at]] = heard_tick_us[at]
            at += 1
        for group in range(slides.size):
            frontiers_us[place] = frontiers_us[place - slides.size]
            if tick_us >= listening_us:
                least = NOT_YET
                if at > before or slides[group] == 0:  # who was left out stays so until somebody is heard
                    least = least_watermark(ears, member, first[group], first[group + 1], tick_us, listening_us)
                slides[group] = least == NOT_YET
                if least == NOT_YET:
                    least = tick_us - REORDER_US
                frontiers_us[place] = max(frontiers_us[place], least)
            place += 1
        tick_us += TICK_US


@kernel("void(UniTuple(i8[::1], 3), i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def enter(records: Any, which: Any, group: Any, shift_us: Any, about: Any, rows: Any) -> None:
    """Fill in the rows of the records at `which`, int64 (n * ROW_WIDTH,), but for when they are handed out.

    `records`: device, event time and receipt of all of them; `group` and `shift_us`: of those at `which`, how long
    after its event time each stands in the order (none: at once); `about`: HOLD, SOURCE, and what PLACE begins from.
    """
    device, event_us, received_us = records
    for row in range(which.size):
        base, record = row * ROW_WIDTH, which[row]
        rows[base + GROUP], rows[base + DEVICE] = group[row], device[record]
        rows[base + TIME] = event_us[record] + (shift_us[row] if shift_us.size > 0 else 0)
        rows[base + COUNTED] = (received_us[record] // TICK_US + 1) * TICK_US
        rows[base + HOLD], rows[base + OUT], rows[base + LATE] = about[0], 0, 0
        rows[base + SOURCE], rows[base + PLACE] = about[1], about[2] + record


@kernel("void(i8[::1], i8[::1], i8, i8[::1])")
def release(frontiers_us: Any, span: Any, groups: int, rows: Any) -> None:
    """Fill in at which tick each row is handed out (OUT, us; NOT_YET: beyond the last one) and whether it is LATE.

    `rows` int64 (n * ROW_WIDTH,); `frontiers_us` and `span` as `advance` has them. A row that its group's frontier has
    passed before it counts is late: it is handed out HOLD after it counted. Others are when the frontier passes them.
    """
    ticks = frontiers_us.size // groups - 1
    for base in range(0, rows.size, ROW_WIDTH):
        time_us = rows[base + TIME]
        if rows[base + LATE] == 0:
            tick = min(max((rows[base + COUNTED] - span[0]) // TICK_US + 1, 1), ticks + 1)
            place = (tick - 1) * groups + rows[base + GROUP]
            rows[base + LATE] = time_us < frontiers_us[place]
            while tick <= ticks and time_us >= frontiers_us[place + groups]:
                tick, place = tick + 1, place + groups
            rows[base + OUT] = span[0] + (tick - 1) * TICK_US if tick <= ticks else NOT_YET
        if rows[base + LATE] != 0:
            rows[base + OUT] = max(rows[base + COUNTED] + rows[base + HOLD], span[0])


@kernel("i8(i8[::1], i8, i8)", inner=True)
def after(rows: Any, one: int, other: int) -> int:
    """Whether one row comes after another of the same tick: by time, device, and their order as they came."""
    a, b = one * ROW_WIDTH, other * ROW_WIDTH
    if rows[a + TIME] != rows[b + TIME]:
        return int(rows[a + TIME] > rows[b + TIME])
    if rows[a + DEVICE] != rows[b + DEVICE]:
        return int(rows[a + DEVICE] > rows[b + DEVICE])
    return int(one > other)


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1])")
def put_in_order(rows: Any, span: Any, first: Any, order: Any) -> int:
    """Fill `order` with the numbers of the rows that are handed out, by tick, time and device; return how many are.

    `rows` as `release` leaves them; `span`: first and last tick, us; `first` int64 (ticks + 2,) zero; `order` int64
    (n,). Sorted by counting the rows of each tick, and within it by Shell's insertions.
    """
    for base in range(0, rows.size, ROW_WIDTH):
        if rows[base + OUT] <= span[1]:
            first[(rows[base + OUT] - span[0]) // TICK_US + 1] += 1
    for tick in range(1, first.size):
        first[tick] += first[tick - 1]
    for row in range(rows.size // ROW_WIDTH):
        if rows[row * ROW_WIDTH + OUT] <= span[1]:
            tick = (rows[row * ROW_WIDTH + OUT] - span[0]) // TICK_US
            order[first[tick]] = row
            first[tick] += 1
    begin = 0
    for tick in range(first.size - 1):
        for gap in GAPS:
            if gap > 1 and 2 * gap > first[tick] - begin:
                continue
            for at in range(begin + gap, first[tick]):
                row, place = order[at], at - gap
                while place >= begin and after(rows, order[place], row) == 1:
                    order[place + gap] = order[place]
                    place -= gap
                order[place + gap] = row
        begin = first[tick]
    return int(first[first.size - 2])
