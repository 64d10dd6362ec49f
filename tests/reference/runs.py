"""Naive twin of processing/kernels/runs.py."""

from itertools import pairwise
from typing import Any


def merge(heads: Any, ends: Any, groups: Any, tick_us: Any, start_us: Any, out: Any) -> None:
    rows: list[int] = []
    for first, last in pairwise(groups):
        mine = [
            (tick_us[row], start_us[row], run, row)
            for run in range(first, last)
            for row in range(heads[run], ends[run])
        ]
        rows += [row for *_, row in sorted(mine)]
    out[:] = rows
    heads[:] = ends
