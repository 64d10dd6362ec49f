"""A condition with hysteresis and delays: it begins above a limit for so long, and ends below another for so long."""

from typing import Any, Final

from contracts.jit import kernel

NOTHING, BEGAN, CHANGED, ENDED = 0, 1, 2, 3
"""What a figure did to its condition."""
NEVER: Final = 0
"""No event time: no delay is running, no figure was seen."""


@kernel("void(UniTuple(i8[::1], 4), UniTuple(f8[::1], 3), UniTuple(i8[::1], 4), f8[::1], UniTuple(i8, 3), i8[::1])")
def judge(rows: Any, figures: Any, state: Any, reported: Any, delays: Any, out: Any) -> None:
    """Fill `out` int64 (n * 2,) with what each figure did (NOTHING, BEGAN, CHANGED, ENDED) and since when it was so.

    `rows`, int64 (n,), those of a slot in the order of time: slot, since_us (from when the figure speaks), until_us,
    and whether each figure is worth a report while the condition stands. `figures` float64 (n,): value, limit, clear
    (the condition ends below it). `state` by slot: active, since_us (when what may become or is the condition began),
    ending_us (when the figures fell below), last_us (until when figures were seen); `reported` the last reported value.
    `delays`: on_us, off_us, gap_us: what was not seen for longer than gap_us is no time in which a condition held.
    Otherwise a value is reported where it is worse than the last one by the distance of limit and clearing level, or by
    a twentieth of the limit if that is more. A figure from before the last one is not looked at.
    """
    slots, since_us, until_us, always = rows
    values, limits, clears = figures
    active, began_us, ending_us, last_us = state
    on_us, off_us, gap_us = delays
    for row in range(slots.size):
        slot, value = slots[row], values[row]
        out[row * 2] = NOTHING
        if until_us[row] <= last_us[slot]:
            continue
        gap = since_us[row] - last_us[slot] > gap_us
        last_us[slot] = until_us[row]
        if active[slot] == 0:
            if value > limits[row]:
                if began_us[slot] == NEVER or gap:
                    began_us[slot] = since_us[row]
                if until_us[row] - began_us[slot] >= on_us:
                    active[slot] = 1
                    ending_us[slot] = NEVER
                    reported[slot] = value
                    out[row * 2], out[row * 2 + 1] = BEGAN, began_us[slot]
            else:
                began_us[slot] = NEVER
        elif value <= limits[row] and value < clears[row]:
            if ending_us[slot] == NEVER or gap:
                ending_us[slot] = since_us[row]
            if until_us[row] - ending_us[slot] >= off_us:
                out[row * 2], out[row * 2 + 1] = ENDED, began_us[slot]
                active[slot] = 0
                began_us[slot] = NEVER
        else:
            ending_us[slot] = NEVER
            step = max(limits[row] - clears[row], abs(limits[row]) / 20.0)
            if always[row] == 1 or value - reported[slot] >= step:
                reported[slot] = value
                out[row * 2], out[row * 2 + 1] = CHANGED, began_us[slot]
