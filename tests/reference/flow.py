"""Naive twins of processing/kernels/flow.py."""

import math
from collections import Counter
from fractions import Fraction
from typing import Any

from processing.kernels.flow import (
    CELL,
    CREEPING,
    DUE_US,
    FIRST_SAID_US,
    HELD,
    NOTHING,
    PACE_AT_001_KMH,
    REVISION,
    SAID,
    SLOWEST,
    WIDTH,
)


def gather(first: Any, event_us: Any, speed: Any, pcu: Any, counted: Any, out: Any) -> None:
    for group in range(len(first) - 1):
        rows = range(first[group], first[group + 1])
        speeds = [int(speed[row]) for row in rows if speed[row] >= 0]
        paces = [math.floor(Fraction(PACE_AT_001_KMH, max(s, CREEPING)) + Fraction(1, 2)) for s in speeds]
        out[group * WIDTH : group * WIDTH + WIDTH] = [
            sum(int(counted[row]) for row in rows),
            sum(int(pcu[row]) for row in rows if counted[row]),
            len(rows),
            len(speeds),
            sum(speeds),
            sum(s * s for s in speeds),
            sum(paces),
            0,
            0,
            0,
            min(speeds, default=NOTHING),
            max(speeds, default=-1),
            min((int(event_us[row]) for row in rows), default=NOTHING),
            max((int(event_us[row]) for row in rows), default=-1),
        ]


def merge(into: Any, at: int, added: Any, row: int) -> None:
    for value in range(WIDTH):
        one, other = int(into[at + value]), int(added[row + value])
        least = value >= SLOWEST and value % 2 == 0
        into[at + value] = one + other if value < SLOWEST else min(one, other) if least else max(one, other)


def settle(first: Any, tick_us: Any, added: Any, cells: Any, until_us: int, out: Any) -> int:
    sayings = []
    for number in range(len(first) - 1):
        cell = cells[number * CELL : (number + 1) * CELL]
        held = [int(value) for value in cell[4:]]
        before = held.copy() if cell[REVISION] else [0] * WIDTH
        rows = range(first[number], first[number + 1])
        moments = {int(tick_us[row]) for row in rows}
        if cell[HELD] or any(tick_us[row] <= cell[DUE_US] for row in rows):
            moments.add(int(cell[DUE_US]))
        for moment in sorted(moments):
            new = [row for row in rows if tick_us[row] == moment]
            for row in new:
                merge(held, 0, [int(value) for value in added[row * WIDTH : (row + 1) * WIDTH]], 0)
            cell[HELD] += len(new)
            first_time = cell[REVISION] == 0
            if moment > until_us or moment < cell[DUE_US] or not (new or first_time):
                continue
            cell[REVISION] += 1
            if first_time:
                cell[FIRST_SAID_US] = moment
            sayings.append([number, moment, int(cell[REVISION]), *held, *before])
            before = held.copy()
        cell[4:] = held
    for place, saying in enumerate(sayings):
        out[place * SAID : (place + 1) * SAID] = saying
    return len(sayings)


def rank_speeds(first: Any, tick_us: Any, speed_kmh: Any, vehicles: Any, said: Any, out: Any) -> None:
    for saying, (cell, moment) in enumerate(said.reshape(-1, SAID)[:, :2].tolist()):
        seen: Counter[int] = Counter()
        for row in range(first[cell], first[cell + 1]):
            if tick_us[row] <= moment:
                seen[int(speed_kmh[row])] += int(vehicles[row])
        ordered = sorted(seen.elements())
        for place, percent in enumerate((50, 85, 95)):
            rank = math.ceil(Fraction(percent * len(ordered), 100))
            out[saying * 3 + place] = ordered[rank - 1] if ordered else math.nan
