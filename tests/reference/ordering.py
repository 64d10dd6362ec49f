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


def advance(heard: Any, span: Any, ears: Any, groups: Any, slides: Any, frontiers_us: Any) -> None:
    (newest, last_heard), (first, member) = ears, groups
    first_tick, last_tick, listening = (int(value) for value in span)
    said = [(int(t), int(d), int(e)) for t, d, e in zip(*heard, strict=True)]
    table = frontiers_us.reshape(-1, slides.size)
    for row, tick in enumerate(range(first_tick, last_tick + 1, SECOND), start=1):
        for t, device, event in said:
            if t == tick or (tick == first_tick and t < tick):
                newest[device] = max(int(newest[device]), event)
                last_heard[device] = t
        table[row] = table[row - 1]
        for g in range(slides.size if tick >= listening else 0):
            marks = []
            for no in member[first[g] : first[g + 1]].tolist():
                mark = int(newest[no]) - REORDER
                waits = tick - max(int(last_heard[no]), listening) < IDLE
                if waits and tick - max(mark, listening) <= LAG:
                    marks.append(mark)
            table[row, g] = max(int(table[row, g]), min(marks, default=tick - REORDER))


GROUP, TIME, COUNTED, HOLD, OUT, LATE, DEVICE, WIDTH = 0, 1, 2, 3, 4, 5, 6, 9


def enter(records: Any, which: Any, group: Any, shift_us: Any, about: Any, rows: Any) -> None:
    (hold_us, source, begin), table = about.tolist(), rows.reshape(-1, WIDTH)
    for row, record in enumerate(which.tolist()):
        device, event_us, received_us = (int(column[record]) for column in records)
        time_us = event_us + (int(shift_us[row]) if shift_us.size else 0)
        counted_us = (received_us // SECOND + 1) * SECOND
        table[row] = group[row], time_us, counted_us, hold_us, 0, 0, device, source, begin + record


def release(frontiers_us: Any, span: Any, groups: int, rows: Any) -> None:
    before, *table = frontiers_us.reshape(-1, groups).tolist()
    ticks = range(int(span[0]), int(span[1]) + 1, SECOND)
    for row in rows.reshape(-1, WIDTH):
        passed = [NEVER] if row[TIME] < before[row[GROUP]] else []
        passed += [tick for tick, far in zip(ticks, table, strict=True) if row[TIME] < far[row[GROUP]]]
        behind = min(passed, default=NOT_YET)
        if not row[LATE]:
            row[LATE] = behind < max(int(row[COUNTED]), int(span[0]))
            row[OUT] = behind
        if row[LATE]:
            row[OUT] = max(row[COUNTED] + row[HOLD], span[0])


def put_in_order(rows: Any, span: Any, first: Any, order: Any) -> int:
    table = rows.reshape(-1, WIDTH).tolist()
    out = [place for place, row in enumerate(table) if row[OUT] <= span[1]]
    out.sort(key=lambda place: (table[place][OUT], table[place][TIME], table[place][DEVICE], place))
    order[: len(out)] = out
    return len(out)
