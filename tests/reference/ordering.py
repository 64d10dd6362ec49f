"""What the kernels of processing/kernels/ordering.py should do, one record and one tick at a time."""

from typing import Any

SECOND = 1_000_000
REORDER, IDLE, LAG = 2 * SECOND, 20 * SECOND, 60 * SECOND
NEVER, NOT_YET = -(2**62), 2**62


def gather(records: Any, first_tick_us: int, stamp: Any, heard: Any, count: int) -> int:
    found: dict[tuple[int, int], int] = {}
    rows = {(int(heard[0][row]), int(heard[1][row])): row for row in range(count)}
    for device, received_us, event_us in zip(*(column.tolist() for column in records), strict=True):
        tick = max(first_tick_us, (received_us // SECOND + 1) * SECOND)
        key = (tick, device)
        if key not in found and key in rows and stamp[device] == rows[key]:
            found[key] = rows[key]
        if key in found:
            heard[2][found[key]] = max(heard[2][found[key]], event_us)
            continue
        found[key] = stamp[device] = count
        heard[0][count], heard[1][count], heard[2][count] = tick, device, event_us
        count += 1
    return count


def release(heard: Any, span: Any, ears: Any, groups: Any, frontier_us: Any, rows: Any, out: Any) -> None:
    (newest, last_heard), (first, member), (row_first, time_us) = ears, groups, rows
    first_tick, last_tick, listening = (int(value) for value in span)
    of_group = {g: range(int(row_first[g]), int(row_first[g + 1])) for g in range(frontier_us.size)}
    for g, own in of_group.items():
        for row in own:
            out[row] = NEVER if time_us[row] < frontier_us[g] else NOT_YET
    said = [(int(t), int(d), int(e)) for t, d, e in zip(*heard, strict=True)]
    for tick in range(first_tick, last_tick + 1, SECOND):
        for t, device, event in said:
            if t == tick or (tick == first_tick and t < tick):
                newest[device] = max(int(newest[device]), event)
                last_heard[device] = t
        if tick < listening:
            continue
        for g, own in of_group.items():
            marks = []
            for no in member[first[g] : first[g + 1]].tolist():
                mark = int(newest[no]) - REORDER
                waits = tick - max(int(last_heard[no]), listening) < IDLE
                if waits and tick - max(mark, listening) <= LAG:
                    marks.append(mark)
            frontier_us[g] = max(int(frontier_us[g]), min(marks, default=tick - REORDER))
            for row in own:
                if out[row] == NOT_YET and time_us[row] < frontier_us[g]:
                    out[row] = tick
