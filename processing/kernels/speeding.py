"""Which limit holds for a passage."""

from typing import Any, Final

from contracts.jit import kernel

DAY: Final = 86_400_000_000
"""In us, as all times here."""
THAI_OFFSET: Final = 25_200_000_000
EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday; Monday is 0."""


@kernel("i8(i8, i8, i8, i8)")
def in_hours(begins: int, ends: int, weekdays: int, event_us: int) -> int:
    """1 where the Thai time of day lies in [begins, ends) on one of the weekdays (a bit each), else 0.

    Where `ends` is not after `begins`, the hours reach into the next day and belong to the weekday of their begin.
    """
    local = event_us + THAI_OFFSET
    day = local // DAY
    moment, weekday = local - day * DAY, (day + EPOCH_WEEKDAY) % 7
    today, yesterday = (weekdays >> weekday) & 1, (weekdays >> ((weekday + 6) % 7)) & 1
    if begins < ends:
        return today if begins <= moment < ends else 0
    if moment >= begins:
        return today
    return yesterday if moment < ends else 0


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def find_limit(passages: Any, first: Any, direction: Any, vehicle: Any, when: Any, out: Any) -> None:
    """Fill `out` int64 (n,) with the row of the limit in force for each passage, -1 where there is none.

    `passages` int64 (n * 4,): segment (-1 none), direction (0 unknown), vehicle class, event time. `when` int64
    (rows * 5,): in force from, until, hours from, until, weekdays (`in_hours`). The most specific row wins: vehicle
    class before any (-1), then direction before both (-1), then hours before always, then the later start. The limits
    of segment s are rows first[s]:first[s + 1].
    """
    for passage in range(out.size):
        segment, event_us = passages[passage * 4], passages[passage * 4 + 3]
        out[passage] = -1
        best = -1
        if segment < 0:
            continue
        for row in range(first[segment], first[segment + 1]):
            at = row * 5
            if event_us < when[at] or event_us >= when[at + 1]:
                continue
            if direction[row] != -1 and direction[row] != passages[passage * 4 + 1]:
                continue
            if vehicle[row] != -1 and vehicle[row] != passages[passage * 4 + 2]:
                continue
            if in_hours(when[at + 2], when[at + 3], when[at + 4], event_us) == 0:
                continue
            always = when[at + 2] == 0 and when[at + 3] == DAY and when[at + 4] == 127
            rank = 4 * int(vehicle[row] != -1) + 2 * int(direction[row] != -1) + int(not always)
            if rank > best or (rank == best and when[at] >= when[out[passage] * 5]):
                best = rank
                out[passage] = row
