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
MINUTE: Final = 3
"""What is kept of a minute: the three above, each of all directions."""
SUMS: Final = 5
"""Known minutes, weight, speeds, occupancies, minutes with an occupancy, each of all directions."""


@kernel("void(i8[::1], i8, i8, i8, i8[::1])")
def sum_minutes(ring: Any, minute: int, back_from: int, back_to: int, out: Any) -> None:
    """Fill `out` int64 (SUMS * places,) with the minutes `back_from` to `back_to` before `minute`, both included.

    `ring` int64 (RING * MINUTE * places,): minute m of all directions stands at m modulo RING.
    """
    places = out.size // SUMS
    out[:] = 0
    for back in range(back_to, back_from + 1):
        base = (minute - back) % RING * MINUTE * places
        for place in range(places):
            weight = ring[base + WEIGHT * places + place]
            occupancy = ring[base + OCCUPANCY * places + place]
            known = int(weight >= 0)
            measured = known * int(occupancy >= 0)
            out[place] += known
            out[places + place] += known * weight
            out[2 * places + place] += known * ring[base + SPEED_SUM * places + place]
            out[3 * places + place] += measured * occupancy
            out[4 * places + place] += measured
