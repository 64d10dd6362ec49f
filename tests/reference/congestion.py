"""Naive twin of processing/kernels/congestion.py."""

from typing import Any

from processing.kernels.congestion import MINUTE, RING, SUMS


def sum_minutes(ring: Any, minute: int, back_from: int, back_to: int, out: Any) -> None:
    table = ring.reshape(-1, RING, MINUTE).tolist()
    for place, minutes in enumerate(table):
        looked_at = [minutes[(minute - back) % RING] for back in range(back_to, back_from + 1)]
        known = [one for one in looked_at if one[0] >= 0]
        occupied = [one[2] for one in known if one[2] >= 0]
        columns = [sum(one[column] for one in known) for column in (0, 1, 3)]
        out[place * SUMS : (place + 1) * SUMS] = [
            len(known), columns[0], columns[1], sum(occupied), len(occupied), columns[2],
        ]  # fmt: skip
