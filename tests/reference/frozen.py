"""Naive twin of processing/kernels/frozen.py."""

import math
from typing import Any


def stand(rows: Any, figures: Any, held: Any, last: Any, out: Any) -> None:
    for row, (slot, start_us, end_us) in enumerate(zip(*(column.tolist() for column in rows), strict=True)):
        low, high, idle = (float(figure[row]) for figure in figures)
        since_us, longest_us, active, allowed_us = (array[slot].item() for array in held)
        still = since_us > 0 and low == high == last[slot]
        say = out[3 * row : 3 * row + 3]
        say[:] = 0, since_us, longest_us
        if still:
            too_long = end_us - since_us >= max(allowed_us, 2 * longest_us)
            if too_long and not active and not low == idle:
                held[2][slot], say[0] = 1, 1
            continue
        if active:
            held[2][slot], say[0] = 0, 2
        elif since_us > 0 and (math.isnan(idle) or last[slot] != idle):
            held[1][slot] = max(longest_us, start_us - since_us)
        held[0][slot] = start_us if low == high else 0
        last[slot] = low
