"""Which limit holds for a passage."""

from typing import Any

from contracts.jit import kernel


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def find_limit(passages: Any, first: Any, direction: Any, vehicle: Any, from_us: Any, until_us: Any, out: Any) -> None:
    """Fill `out` int64 (n,) with the row of the limit in force for each passage, -1 where there is none.

    `passages` int64 (n * 4,): segment (-1 none), direction (0 unknown), vehicle class, event time. The most specific
    row wins: vehicle class before any (-1), then direction before both (-1), then the later start. The limits of
    segment s are rows first[s]:first[s + 1].
    """
    for passage in range(out.size):
        segment, event_us = passages[passage * 4], passages[passage * 4 + 3]
        out[passage] = -1
        best = -1
        if segment < 0:
            continue
        for row in range(first[segment], first[segment + 1]):
            if event_us < from_us[row] or event_us >= until_us[row]:
                continue
            if direction[row] != -1 and direction[row] != passages[passage * 4 + 1]:
                continue
            if vehicle[row] != -1 and vehicle[row] != passages[passage * 4 + 2]:
                continue
            rank = 2 * int(vehicle[row] != -1) + int(direction[row] != -1)
            if rank > best or (rank == best and from_us[row] >= from_us[out[passage]]):
                best = rank
                out[passage] = row
