"""Naive twins of processing/kernels/running.py: hours as a dictionary, looked at one by one."""

from typing import Any

import numpy as np

from processing.kernels.running import ENERGY_MEAN, FACTS, FIGURES, NOWCAST, SPARE_HOURS, SUM


def _hours(ring: Any, first: int, length: int, newest: int) -> dict[int, tuple[int, int, int]]:
    """Total, count and number of covered quarters of each hour that is held and has something."""
    held = {}
    for hour in range(newest - length + 1, newest + 1):
        place = (first + hour % length) * 2
        total, packed = int(ring[place]), int(ring[place + 1])
        if packed:
            held[hour] = (total, packed // 16, bin(packed % 16).count("1"))
    return held


def put(ring: Any, first: int, length: int, newest: Any, slot: int, hour: int, packed: int, total: int) -> None:
    if hour <= newest[slot] - length:
        return
    for passed in range(int(newest[slot]) + 1, hour + 1):
        place = (first + passed % length) * 2
        ring[place : place + 2] = 0
    newest[slot] = max(hour, newest[slot])
    place = (first + hour % length) * 2
    count, bits = divmod(int(ring[place + 1]), 16)
    ring[place] += total
    ring[place + 1] = (count + packed // 16) * 16 + (bits | packed % 16)


def mean(ring: Any, first: int, length: int, newest: int, last: int, hours: int, method: int, out: Any) -> None:
    held = _hours(ring, first, length, newest)
    unit = 1 if method == ENERGY_MEAN else 1e6
    wanted = [held[hour] for hour in range(last - hours + 1, last + 1) if hour in held]
    means = [total / unit / count for total, count, quarters in wanted if quarters >= 3]
    out[:3] = [sum(means) / len(means) if means else np.nan, len(means), len(means) / hours]


def amount(ring: Any, first: int, length: int, newest: int, last: int, hours: int, out: Any) -> None:
    held = _hours(ring, first, length, newest)
    wanted = [held[hour] for hour in range(last - hours + 1, last + 1) if hour in held]
    total = sum(total for total, _, _ in wanted) / 1e6 if wanted else np.nan
    out[:3] = [total, len(wanted), sum(quarters for _, _, quarters in wanted) / (4 * hours)]


def nowcast(ring: Any, first: int, length: int, newest: int, last: int, out: Any) -> None:
    held = _hours(ring, first, length, newest)
    levels = {
        back: held[last - back][0] / 1e6 / held[last - back][1]
        for back in range(12)
        if last - back in held and held[last - back][2] >= 3
    }
    out[:3] = [np.nan, len(levels), len(levels) / 12]
    if len(levels.keys() & {0, 1, 2}) >= 2:
        greatest = max(levels.values())
        w = max(0.5, min(levels.values()) / greatest) if greatest > 0 else 1.0
        out[0] = sum(w**back * level for back, level in levels.items()) / sum(w**back for back in levels)


def walk(rows: Any, devices: Any, slots: Any, ring: Any, plan: Any, facts: Any, figures: Any, cursor: Any) -> None:
    current, judging, _ = devices
    hour_us = int(plan[2][0])
    metric, first, length, newest, _ = slots
    order, *columns = rows
    ordered = list(zip(*(column[order].tolist() for column in columns), strict=True))
    for device, slot, tick_us, start_us, is_first, count, total in ordered[cursor[0] :]:
        hour = start_us // hour_us
        chain = _chain(devices, slots, device)
        if is_first:
            if not judging[device]:
                judging[device], current[device] = 1, max(current[device], hour)
            while current[device] < hour:
                for one in chain:
                    for request in range(plan[0][metric[one]], plan[0][metric[one] + 1]):
                        _measure(
                            slots, ring, plan, (one, request, int(current[device]), tick_us), facts, figures, cursor
                        )
                reach = [newest[one] > current[device] - length[one] + SPARE_HOURS for one in chain]
                current[device] = current[device] + 1 if any(reach) else hour
        if count:
            packed = count * 16 + 2 ** (start_us % hour_us // (hour_us // 4))
            put(ring, first[slot], length[slot], newest, slot, hour, packed, total)
        cursor[0] += 1


def _chain(devices: Any, slots: Any, device: int) -> list[int]:
    chain = [int(devices[2][device])]
    while chain[-1] >= 0:
        chain.append(int(slots[4][chain[-1]]))
    return chain[:-1]


def _measure(slots: Any, ring: Any, plan: Any, asked: Any, facts: Any, figures: Any, cursor: Any) -> None:
    slot, request, last, tick_us = asked
    method, hours, from_hour = plan[1][request * 3 : request * 3 + 3].tolist()
    if from_hour >= 0 and (last + 1 + 7) % 24 != from_hour:
        return
    out, place = np.zeros(4), (slots[1][slot], slots[2][slot], slots[3][slot])
    if method == NOWCAST:
        nowcast(ring, *place, last, out)
    elif method == SUM:
        amount(ring, *place, last, hours, out)
    else:
        mean(ring, *place, last, hours, method, out)
    if not np.isnan(out[0]):
        at = int(cursor[1])
        facts[at * FACTS : at * FACTS + FACTS] = [request, slot, last, out[1], tick_us]
        figures[at * FIGURES : at * FIGURES + FIGURES] = [out[0], out[2]]
        cursor[1] += 1
