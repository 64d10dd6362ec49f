"""Naive twins of processing/kernels/heat.py."""

from math import sqrt
from typing import Any

from processing.kernels.heat import EACH, HELD


def heat_index(celsius: float, humidity: float) -> float:
    t, r = celsius * 9 / 5 + 32, humidity
    simple = 0.5 * (t + 61 + (t - 68) * 1.2 + 0.094 * r)
    index = (simple + t) / 2
    if index >= 80:
        index = (
            -42.379 + 2.04901523 * t + 10.14333127 * r - 0.22475541 * t * r - 0.00683783 * t**2 - 0.05481717 * r**2
            + 0.00122874 * t**2 * r + 0.00085282 * t * r**2 - 0.00000199 * t**2 * r**2
        )  # fmt: skip
        if r < 13 and 80 <= t <= 112:
            index -= ((13 - r) / 4) * sqrt((17 - abs(t - 95)) / 17)
        if r > 85 and 80 <= t <= 87:
            index += ((r - 85) / 10) * ((87 - t) / 5)
    return (index - 32) * 5 / 9


def walk(rows: Any, sums: Any, block_us: int, blocks: Any, held: Any, facts: Any, figures: Any) -> int:
    filled = 0
    order, *columns = rows
    listed = list(zip(*(column.tolist() for column in columns), strict=True))
    for row in order.tolist():
        device, which, start_us, first, count = listed[row]
        block = start_us - start_us % block_us
        mine = held[device * HELD : (device + 1) * HELD]
        if first and block > blocks[device]:
            warm, damp = mine[:EACH].copy(), mine[EACH:].copy()
            if warm[1] and damp[1]:
                celsius, humidity = warm[0] / warm[1], damp[0] / damp[1]
                facts[filled * 3 : filled * 3 + 3] = [row, blocks[device], min(warm[2], damp[2])]
                figures[filled * 3 : filled * 3 + 3] = [heat_index(celsius, humidity), celsius, humidity]
                filled += 1
            blocks[device] = block
            mine[:] = 0
        if block == blocks[device]:
            mine[EACH * which : EACH * which + EACH] += [sums[row], count, first]
    return filled
