"""Who was heard at which tick, and from which tick on records of a group lie behind the watermark of all its members.

The watermark of a member is the newest event time it was heard with, less the reorder window. The frontier of a group
is the least watermark of its members, and never goes back. Left out are members that nobody should wait for: unheard
for IDLE_US, or LAG_US behind the engine's time (a slow clock, or a backlog that is handed in). With nobody left it is
the engine's time less the reorder window. While we did not listen, and for as long again after, nobody is left out.
"""

from typing import Any, Final

import numpy as np

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


@kernel(
    "void(UniTuple(i8[::1], 3), i8[::1], UniTuple(i8[::1], 2), UniTuple(i8[::1], 2), i8[::1], "
    "UniTuple(i8[::1], 2), i8[::1])",
    allocates=True,
)
def release(heard: Any, span: Any, ears: Any, groups: Any, frontier_us: Any, rows: Any, out: Any) -> None:
    """Fill `out` int64 (n,) with the first tick (us) at which each row lies below its group's frontier.

    NEVER: it did before the first tick; NOT_YET: it does not at the last one.

    `heard`: tick, device, newest event by tick; `span`: first tick, last tick, since when we listen, us; `ears`: newest
    event and tick of the last hearing by device, brought forward; `groups`: members of group g are
    member[first[g]:first[g + 1]]; `frontier_us` by group, brought forward; `rows`: where the rows of each group begin,
    int64 (g + 1,), and their times, in order within a group.
    """
    heard_tick_us, who, event_us = heard
    newest_us, heard_us = ears
    first, member = groups
    row_first, time_us = rows
    tick_us, last_us, listening_us = span[0], span[1], span[2]
    for group in range(frontier_us.size):
        for row in range(row_first[group], row_first[group + 1]):
            out[row] = NEVER if time_us[row] < frontier_us[group] else NOT_YET
    cursor, slides, at = row_first.copy(), np.zeros(frontier_us.size, np.bool_), 0
    while tick_us <= last_us:
        before = at
        while at < who.size and heard_tick_us[at] <= tick_us:
            newest_us[who[at]] = max(newest_us[who[at]], event_us[at])
            heard_us[who[at]] = heard_tick_us[at]
            at += 1
        for group in range(frontier_us.size if tick_us >= listening_us else 0):
            least = NOT_YET
            if at > before or not slides[group]:  # who was left out stays so until somebody is heard
                least = least_watermark(ears, member, first[group], first[group + 1], tick_us, listening_us)
            slides[group] = least == NOT_YET
            if slides[group]:
                least = tick_us - REORDER_US
            frontier_us[group] = max(frontier_us[group], least)
            while cursor[group] < row_first[group + 1] and time_us[cursor[group]] < frontier_us[group]:
                if out[cursor[group]] == NOT_YET:
                    out[cursor[group]] = tick_us
                cursor[group] += 1
        tick_us += TICK_US
