"""The last minutes of each direction, and their sums."""

from typing import Any, Final

from contracts.jit import kernel

RING: Final = 20
"""Minutes kept of a direction: as many as the longest look back needs."""
WEIGHT: Final = 0
"""Vehicles behind the mean speed; -1: nothing is known of the minute."""
SPEED_SUM: Final = 1
"""Hundredths of km/h."""
OCCUPANCY: Final = 2
"""Millionths, -1 where it is not measured."""
VEHICLES: Final = 3
MINUTE: Final = 4
"""What is kept of a minute: the four above."""
SUMS: Final = 6
"""Known minutes, weight, speeds, occupancies, minutes with an occupancy, vehicles."""


@kernel("void(i8[::1], i8, i8, i8, i8[::1])")
def sum_minutes(ring: Any, minute: int, back_from: int, back_to: int, out: Any) -> None:
    """Fill `out` int64 (places * SUMS,) with the minutes `back_from` to `back_to` before `minute`, both included.

    `ring` int64 (places * RING * MINUTE,): minute m of a direction stands at m modulo RING.
    """
    for place in range(out.size // SUMS):
        at = place * SUMS
        out[at : at + SUMS] = 0
        for back in range(back_to, back_from + 1):
            base = (place * RING + (minute - back) % RING) * MINUTE
            if ring[base + WEIGHT] < 0:
                continue
            out[at] += 1
            out[at + 1] += ring[base + WEIGHT]
            out[at + 2] += ring[base + SPEED_SUM]
            out[at + 5] += ring[base + VEHICLES]
            if ring[base + OCCUPANCY] >= 0:
                out[at + 3] += ring[base + OCCUPANCY]
                out[at + 4] += 1
