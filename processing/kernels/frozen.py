"""A value that stands still: the same in minute after minute, longer than allowed and longer than ever before."""

from typing import Any, Final

from contracts.jit import kernel

NOTHING, BEGAN, ENDED = 0, 1, 2
OUT_STRIDE: Final = 3
MARGIN: Final = 2
"""So many times the longest run that ever ended: a gauge in dry weather stands still for hours, and has before."""


@kernel("void(UniTuple(i8[::1], 3), UniTuple(f8[::1], 3), UniTuple(i8[::1], 4), f8[::1], i8[::1])")
def stand(rows: Any, figures: Any, held: Any, last: Any, out: Any) -> None:
    """Fill `out` int64 (n * OUT_STRIDE,) with what each minute means (NOTHING, BEGAN or ENDED), since when the value
    stands or stood still, and the longest run before, us.

    `rows`: slot, start and end of the minute (us), int64 (n,), in order of time within a slot. `figures`: least and
    greatest value of the minute, and the value that may stand for ever (NaN: none), float64 (n,). By slot: `held` is
    where the run began, the longest one that ended, 1 while it is told, and how long a run may last (us); `last` its
    value.
    """
    slot, start_us, end_us = rows
    low, high, idle = figures
    since_us, longest_us, active, allowed_us = held
    for row in range(slot.size):
        at = slot[row]
        say = row * OUT_STRIDE
        out[say], out[say + 1], out[say + 2] = NOTHING, since_us[at], longest_us[at]
        if low[row] == high[row] and since_us[at] > 0 and low[row] == last[at]:
            lasted_us = end_us[row] - since_us[at]
            if active[at] == 0 and lasted_us >= max(allowed_us[at], MARGIN * longest_us[at]) and low[row] != idle[row]:
                active[at] = 1
                out[say] = BEGAN
            continue
        if active[at] == 1:
            active[at] = 0
            out[say] = ENDED
        elif since_us[at] > 0 and last[at] != idle[row]:
            longest_us[at] = max(longest_us[at], start_us[row] - since_us[at])
        since_us[at] = start_us[row] if low[row] == high[row] else 0
        last[at] = low[row]
