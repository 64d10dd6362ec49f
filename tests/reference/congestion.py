"""Naive twin of processing/kernels/congestion.py."""

from typing import Any

from processing.kernels.congestion import MINUTE, RING, SUMS


def sum_minutes(ring: Any, minute: int, back_from: int, back_to: int, out: Any) -> None:
    table = ring.reshape(RING, MINUTE, -1)
    for place in range(table.shape[2]):
        looked_at = [table[(minute - back) % RING, :, place].tolist() for back in range(back_to, back_from + 1)]
        known = [one for one in looked_at if one[0] >= 0]
        occupied = [one[2] for one in known if one[2] >= 0]
        weight, speeds = (sum(one[column] for one in known) for column in (0, 1))
        out.reshape(SUMS, -1)[:, place] = [len(known), weight, speeds, sum(occupied), len(occupied)]
