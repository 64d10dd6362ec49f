"""What each camera last said about itself: its newest statuses in order of event time and identity.

`ints` int64 (n * KEPT * INTS,) and `floats` float64 (n * KEPT * FLOATS,): KEPT statuses for each of n devices, the
newest last, places that are still free first with NEVER as their event time.
"""

from typing import Any, Final

from contracts.jit import kernel

KEPT: Final = 32
"""Statuses of a device: at one every five minutes, what it said over more than two and a half hours."""
INTS: Final = 7
"""Event time (us), boot, seq, part, event, clock source, calibrated until (us, -1 unknown)."""
FLOATS: Final = 2
"""Clock offset (ms) and lens score, NaN unknown."""
NEVER: Final = -(2**62)


@kernel("void(i8[::1], i8[::1], f8[::1], i8[::1], f8[::1])")
def remember(slots: Any, said: Any, measured: Any, ints: Any, floats: Any) -> None:
    """Take statuses in, in any order: row r is of device `slots[r]`, with INTS of `said` and FLOATS of `measured`."""
    for row in range(slots.size):
        first, new = slots[row] * KEPT, row * INTS
        at = KEPT
        while at > 0:
            held, later = (first + at - 1) * INTS, False
            for key in range(4):
                if ints[held + key] != said[new + key]:
                    later = ints[held + key] > said[new + key]
                    break
            if not later:
                break
            at -= 1
        if at == 0:
            continue
        for place in range(first, first + at - 1):
            for name in range(INTS):
                ints[place * INTS + name] = ints[(place + 1) * INTS + name]
            for name in range(FLOATS):
                floats[place * FLOATS + name] = floats[(place + 1) * FLOATS + name]
        for name in range(INTS):
            ints[(first + at - 1) * INTS + name] = said[new + name]
        for name in range(FLOATS):
            floats[(first + at - 1) * FLOATS + name] = measured[row * FLOATS + name]
