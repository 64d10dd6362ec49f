"""What the kernels of processing/kernels/ordering.py should do, one record and one tick at a time."""

from typing import Any

SECOND = 1_000_000
REORDER, IDLE, LAG = 2 * SECOND, 20 * SECOND, 60 * SECOND
NEVER, NOT_YET = -(2**62), 2**62


def gather(records: Any, first_tick_us: int, stamp: Any, heard: Any) -> int:
    found: dict[tuple[int, int], int] = {}
    for device, received_us, event_us in zip(*(column.tolist() for column in records), strict=True):
        tick = max(first_tick_us, (received_us // SECOND + 1) * SECOND)
        found[tick, device] = max(found.get((tick, device), event_us), event_us)
    for row, ((tick, device), event_us) in enumerate(found.items()):
        heard[0][row], heard[1][row], heard[2][row] = tick, device, event_us
        stamp[device] = row
    return len(found)


def remember(heard: Any, last_tick_us: int, ears: Any) -> None:
    newest_us, heard_us, waiting_us = ears
    for tick, device, event_us in zip(*(column.tolist() for column in heard), strict=True):
        if tick > last_tick_us:
            waiting_us[device] = max(int(waiting_us[device]), event_us)
        else:
            newest_us[device], heard_us[device] = max(int(newest_us[device]), event_us), tick


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
