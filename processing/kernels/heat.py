"""The heat index by Rothfusz's regression, and the blocks of minutes of temperature and humidity that it is made of.

Source: US National Weather Service, Weather Prediction Center (Rothfusz 1990, SR 90-23), with its two adjustments.
"""

import math
from typing import Any, Final

from contracts.jit import kernel

SIMPLE_BELOW_F: Final = 80.0
"""Below it the regression does not hold, and Steadman's simple form averaged with the temperature is kept."""
HELD: Final = 6
"""Numbers kept of a device's open block: sum, samples and windows of temperature, the same of humidity."""
EACH: Final = 3


@kernel("f8(f8, f8)")
def heat_index(celsius: float, humidity: float) -> float:
    """The heat index, degC, of air temperature, degC, and relative humidity, %."""
    t, r = celsius * 1.8 + 32.0, humidity
    index = 0.5 * (0.5 * (t + 61.0 + (t - 68.0) * 1.2 + 0.094 * r) + t)
    if index >= SIMPLE_BELOW_F:
        index = -42.379 + 2.04901523 * t + 10.14333127 * r - 0.22475541 * t * r - 0.00683783 * t * t
        index += -0.05481717 * r * r + 0.00122874 * t * t * r + 0.00085282 * t * r * r - 0.00000199 * t * t * r * r
        if r < 13.0 and 80.0 <= t <= 112.0:
            index -= (13.0 - r) / 4.0 * math.sqrt((17.0 - abs(t - 95.0)) / 17.0)
        elif r > 85.0 and 80.0 <= t <= 87.0:
            index += (r - 85.0) / 10.0 * ((87.0 - t) / 5.0)
    return (index - 32.0) / 1.8


@kernel("i8(UniTuple(i8[::1], 6), f8[::1], i8, i8[::1], f8[::1], i8[::1], f8[::1])")
def walk(rows: Any, sums: Any, block_us: int, blocks: Any, held: Any, facts: Any, figures: Any) -> int:
    """Add windows to their device's block, and fill in the heat index of each block that a device leaves behind.

    `rows`, int64 (n,) each: their order by device, tick and start; device, which (0 temperature, 1 humidity), start_us,
    first (1: a window said for the first time), count; `sums` float64 (n,). `blocks` int64 (devices,): the start of the
    open block, 0 before the first; `held` float64 (devices * HELD,). What comes for an older block is left out. At most
    one result a row: `facts` int64 (n * 3,) row, start_us, minutes of the scarcer; `figures` float64 (n * 3,) index,
    degC, %.

    Returns:
        how many results there are.
    """
    order, device, which, start_us, first, count = rows
    filled = 0
    for row in order:
        no = device[row]
        block = start_us[row] // block_us * block_us
        base = no * HELD
        if block > blocks[no] and first[row] == 1:
            if held[base + 1] > 0.0 and held[base + EACH + 1] > 0.0:
                celsius, humidity = held[base] / held[base + 1], held[base + EACH] / held[base + EACH + 1]
                facts[filled * 3], facts[filled * 3 + 1] = row, blocks[no]
                facts[filled * 3 + 2] = int(min(held[base + 2], held[base + EACH + 2]))
                figures[filled * 3], figures[filled * 3 + 1] = heat_index(celsius, humidity), celsius
                figures[filled * 3 + 2] = humidity
                filled += 1
            blocks[no] = block
            for place in range(HELD):
                held[base + place] = 0.0
        if block == blocks[no]:
            place = base + EACH * which[row]
            held[place] += sums[row]
            held[place + 1] += count[row]
            held[place + 2] += first[row]
    return filled
