"""Hours of each series, and what runs over them: means of hourly means, sums, NowCast. All numbers are whole.

A slot is one series. Its hours stand in `ring` from place `first` on, `length` of them, two numbers each: the total of
the hour's samples (in millionths of the unit, or as energy), and their count times 16 plus the quarter-hours that hold
one (bits 1, 2, 4, 8). `newest` is the latest hour (since 1970) held, so hours above `newest - length` are. Whole
numbers make a sum independent of the order in which samples are added. What is called an hour here may be a shorter
step, which has quarters of its own: a downpour does not wait for the hour.

The slots of a device form a chain, `heading[device]`, `following[slot]`, -1 at its end. `current[device]` is its first
hour that was not judged; `judging[device]` whether it will be when the device's own windows have left it behind.
"""

from typing import Any, Final

import numpy as np

from contracts.jit import kernel

MEAN, ENERGY_MEAN, SUM, NOWCAST = 0, 1, 2, 3
"""Methods of a request."""
MILLIONTHS: Final = 1e6
SPARE_HOURS: Final = 2
"""A ring holds the hours of its longest period, one being filled and one that a clock ahead may begin."""
VALID_QUARTERS: Final = 3
"""An hour counts with three of its four quarter-hours: our choice, unverified."""
NOWCAST_HOURS: Final = 12
NOWCAST_NEWEST: Final = 3
NOWCAST_LEAST: Final = 2
"""NowCast needs two of the three newest hours (EPA)."""
NOWCAST_FLOOR: Final = 0.5
THAI_HOURS: Final = 7
FACTS: Final = 5
FIGURES: Final = 2
"""Numbers of a result in the arrays that `walk` fills."""
SCRATCH: Final = 4
"""Places at the end of `figures` that `walk` works in."""


@kernel("i8(i8)", inner=True)
def quarters(packed: int) -> int:
    """How many of the four quarter-hours hold a sample."""
    return (packed & 1) + ((packed >> 1) & 1) + ((packed >> 2) & 1) + ((packed >> 3) & 1)


@kernel("i8(i8[::1], i8, i8, i8, i8)", inner=True)
def place_of(ring: Any, first: int, length: int, newest: int, hour: int) -> int:
    """Where an hour stands in the ring, -1 where it is not held or holds nothing."""
    if hour > newest or hour <= newest - length:
        return -1
    place = (first + hour % length) * 2
    return place if ring[place + 1] != 0 else -1


@kernel("void(i8[::1], i8, i8, i8[::1], i8, i8, i8, i8)")
def put(ring: Any, first: int, length: int, newest: Any, slot: int, hour: int, packed: int, total: int) -> None:
    """Add samples to an hour of a slot; `packed` is their count times 16 plus their quarter's bit.

    An hour that the ring no longer holds is left alone; a newer one takes the place of the oldest.
    """
    held = newest[slot]
    if hour <= held - length:
        return
    if hour > held:
        for missed in range(max(held + 1, hour - length + 1), hour + 1):
            place = (first + missed % length) * 2
            ring[place] = 0
            ring[place + 1] = 0
        newest[slot] = hour
    place = (first + hour % length) * 2
    before = ring[place + 1]
    ring[place] += total
    ring[place + 1] = (((before >> 4) + (packed >> 4)) << 4) | ((before | packed) & 15)


@kernel("void(i8[::1], i8, i8, i8, i8, i8, i8, f8[::1])")
def mean(ring: Any, first: int, length: int, newest: int, last: int, hours: int, method: int, out: Any) -> None:
    """Fill `out` float64 (3,): the mean of the hourly means up to hour `last`, valid hours, their share of all."""
    unit = MILLIONTHS if method == MEAN else 1.0
    total, valid = 0.0, 0
    for hour in range(last - hours + 1, last + 1):
        place = place_of(ring, first, length, newest, hour)
        if place >= 0 and quarters(ring[place + 1]) >= VALID_QUARTERS:
            total += ring[place] / unit / (ring[place + 1] >> 4)
            valid += 1
    out[0] = total / valid if valid else np.nan
    out[1] = valid
    out[2] = valid / hours


@kernel("void(i8[::1], i8, i8, i8, i8, i8, f8[::1])")
def amount(ring: Any, first: int, length: int, newest: int, last: int, hours: int, out: Any) -> None:
    """Fill `out` float64 (3,): the sum over the hours up to `last`, hours with a sample, share of quarters with one."""
    total, held, covered = 0, 0, 0
    for hour in range(last - hours + 1, last + 1):
        place = place_of(ring, first, length, newest, hour)
        if place >= 0:
            total += ring[place]
            covered += quarters(ring[place + 1])
            held += 1
    out[0] = total / MILLIONTHS if held else np.nan
    out[1] = held
    out[2] = covered / (4.0 * hours)


@kernel("void(i8[::1], i8, i8, i8, i8, f8[::1])")
def nowcast(ring: Any, first: int, length: int, newest: int, last: int, out: Any) -> None:
    """Fill `out` float64 (3,): the PM NowCast at hour `last`, NaN where it has no value; valid hours, their share.

    Source: US EPA: w = least / greatest of twelve hourly means, at least 0.5; the mean weighs hour i ago by w**i.
    """
    least, greatest, recent, valid = np.inf, 0.0, 0, 0
    for back in range(NOWCAST_HOURS):
        place = place_of(ring, first, length, newest, last - back)
        if place >= 0 and quarters(ring[place + 1]) >= VALID_QUARTERS:
            level = ring[place] / MILLIONTHS / (ring[place + 1] >> 4)
            least, greatest = min(least, level), max(greatest, level)
            recent += 1 if back < NOWCAST_NEWEST else 0
            valid += 1
    out[0], out[1], out[2] = np.nan, valid, valid / NOWCAST_HOURS
    if recent < NOWCAST_LEAST:
        return
    factor = max(NOWCAST_FLOOR, least / greatest) if greatest > 0.0 else 1.0
    total, weights, weight = 0.0, 0.0, 1.0
    for back in range(NOWCAST_HOURS):
        place = place_of(ring, first, length, newest, last - back)
        if place >= 0 and quarters(ring[place + 1]) >= VALID_QUARTERS:
            total += weight * (ring[place] / MILLIONTHS / (ring[place + 1] >> 4))
            weights += weight
        weight *= factor
    out[0] = total / weights


@kernel("void(UniTuple(i8[::1], 5), i8[::1], UniTuple(i8[::1], 3), i8, i8, f8[::1])", inner=True)
def measure(slots: Any, ring: Any, plan: Any, slot: int, request: int, out: Any) -> None:
    """Fill `out` float64 (4,) with what a request of a slot's metric gives at the hour in `out[3]`."""
    _, first, length, newest, _ = slots
    method, hours, from_hour = plan[1][request * 3], plan[1][request * 3 + 1], plan[1][request * 3 + 2]
    last = int(out[3])
    out[0] = np.nan
    if from_hour >= 0 and (last + 1 + THAI_HOURS) % 24 != from_hour:
        return
    if method == SUM:
        amount(ring, first[slot], length[slot], newest[slot], last, hours, out)
    elif method == NOWCAST:
        nowcast(ring, first[slot], length[slot], newest[slot], last, out)
    else:
        mean(ring, first[slot], length[slot], newest[slot], last, hours, method, out)


@kernel(
    "b1(UniTuple(i8[::1], 3), UniTuple(i8[::1], 5), i8[::1], UniTuple(i8[::1], 3), UniTuple(i8, 2), i8[::1], f8[::1],"
    " i8[::1])",
    inner=True,
)
def judge(devices: Any, slots: Any, ring: Any, plan: Any, row: Any, facts: Any, figures: Any, cursor: Any) -> bool:
    """Put down what the device (`row`: device, tick) has at its current hour; False where there is no room for it."""
    device, tick_us = row
    filled, last = cursor[1], devices[0][device]
    out = figures[figures.size - SCRATCH :]
    slot = devices[2][device]
    while slot >= 0:
        metric = slots[0][slot]
        for request in range(plan[0][metric], plan[0][metric + 1]):
            out[3] = last
            measure(slots, ring, plan, slot, request, out)
            if not np.isnan(out[0]):
                if (filled + 1) * FACTS > facts.size:
                    return False
                base = filled * FACTS
                facts[base], facts[base + 1], facts[base + 2] = request, slot, last
                facts[base + 3], facts[base + 4] = int(out[1]), tick_us
                figures[filled * FIGURES], figures[filled * FIGURES + 1] = out[0], out[2]
                filled += 1
        slot = slots[4][slot]
    cursor[1] = filled
    return True


@kernel("b1(UniTuple(i8[::1], 3), UniTuple(i8[::1], 5), i8)", inner=True)
def holds_any(devices: Any, slots: Any, device: int) -> bool:
    """Whether a ring of the device holds an hour that a later one may still look back at."""
    slot = devices[2][device]
    while slot >= 0:
        if slots[3][slot] > devices[0][device] - slots[2][slot] + SPARE_HOURS:
            return True
        slot = slots[4][slot]
    return False


@kernel(
    "void(UniTuple(i8[::1], 8), UniTuple(i8[::1], 3), UniTuple(i8[::1], 5), i8[::1], UniTuple(i8[::1], 3), i8[::1],"
    " f8[::1], i8[::1])"
)
def walk(rows: Any, devices: Any, slots: Any, ring: Any, plan: Any, facts: Any, figures: Any, cursor: Any) -> None:
    """Add rows to their hours, and judge each hour that a device leaves behind with a window said for the first time.

    `rows`, int64 (n,) each: their order by device, tick and start; device, slot, tick_us, start_us, first (1: a window
    said for the first time), count (0: nothing to add), total. `devices`: current, judging, heading. `slots`: metric,
    first, length, newest, following. `plan`: the requests of metric m are plan[0][m]:plan[0][m + 1], three numbers each
    in plan[1]: method, hours, Thai hour of the day at which alone it is said (-1 each hour); plan[2] is the hour's
    length, us. `cursor` int64 (2,): the next row, and how many results stand in `facts` (request, slot, hour, valid
    hours, tick_us) and `figures` (value, share; its last SCRATCH places are for working). The walk stops where `facts`
    is full; called again with an emptied one it goes on.
    """
    order, device, slot, tick_us, start_us, first, count, total = rows
    current, judging, _ = devices
    hour_us = plan[2][0]
    for place in range(cursor[0], order.size):
        row = order[place]
        no, hour = device[row], start_us[row] // hour_us
        if first[row] == 1:
            if judging[no] == 0:
                judging[no] = 1
                current[no] = max(current[no], hour)
            while current[no] < hour:
                if not judge(devices, slots, ring, plan, (no, tick_us[row]), facts, figures, cursor):
                    cursor[0] = place
                    return
                current[no] = current[no] + 1 if holds_any(devices, slots, no) else hour
        if count[row] == 0:
            continue
        quarter = 1 << (start_us[row] % hour_us * 4 // hour_us)
        at = slot[row]
        put(ring, slots[1][at], slots[2][at], slots[3], at, hour, count[row] * 16 + quarter, total[row])
    cursor[0] = order.size
