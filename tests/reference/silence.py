"""Naive twin of processing/kernels/silence.py: tick by tick, device by device."""

from typing import Any


def listen(clocks: Any, records: Any, silence: Any, times: Any, out: Any) -> None:
    heard, newest, since, excused = clocks
    order, first, received_us, event_us = records
    limit, active, onset, _ = silence
    since_us, now_us, listening_us, not_before_us = (int(time) for time in times)
    events = []
    for device in range(len(first) - 1):
        rows = [int(row) for row in order[first[device] : first[device + 1]]]

        def take(before_us: int, rows: list[int] = rows, device: int = device) -> None:
            while rows and received_us[rows[0]] < before_us:
                row = rows.pop(0)
                heard[device] = max(heard[device], received_us[row])
                newest[device] = max(newest[device], event_us[row])
                excused[device] = max(0, listening_us - heard[device])

        for tick in range((since_us // 1_000_000 + 1) * 1_000_000, now_us + 1, 1_000_000):
            take(tick)
            quiet = tick - max(heard[device], since[device]) - excused[device]
            if active[device] and heard[device] >= onset[device]:
                active[device] = 0
            elif not active[device] and limit[device] < 2**63 - 1 and quiet >= limit[device] and tick >= not_before_us:
                active[device], onset[device] = 1, tick
            else:
                continue
            events += [device, tick, int(active[device]), int(quiet), int(newest[device])]
        take(2**62)
    out[: len(events)] = events
    out[-1] = len(events) // 5
