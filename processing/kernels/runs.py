"""Rows that are in order run by run, brought into the order of tick and start within each group of runs."""

from typing import Any

from contracts.jit import kernel


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def merge(heads: Any, ends: Any, groups: Any, tick_us: Any, start_us: Any, out: Any) -> None:
    """Fill `out` int64 (n,) with the rows of each group by tick and start; of equal ones the earlier run goes first.

    Run r is rows `heads[r]:ends[r]`, each in order; `heads` is used up. Group g is runs `groups[g]:groups[g + 1]`.
    """
    filled = 0
    for group in range(groups.size - 1):
        while True:
            best = -1
            for run in range(groups[group], groups[group + 1]):
                row = heads[run]
                if row == ends[run]:
                    continue
                if best < 0:
                    best = run
                    continue
                first = heads[best]
                if tick_us[row] < tick_us[first] or (
                    tick_us[row] == tick_us[first] and start_us[row] < start_us[first]
                ):
                    best = run
            if best < 0:
                break
            out[filled] = heads[best]
            heads[best] += 1
            filled += 1
