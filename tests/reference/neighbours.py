"""Naive twin of processing/kernels/neighbours.py: groups and members as objects, told event by event."""

import math
from statistics import median
from typing import Any

RING, IDLE, SETTLING = 8, 3, 32
PROGRESS, NEAR_AT, OVER, STATUS, SEEN, RING_MINUTE = 0, 1, 2, 3, 4, 5
INTS, FLOATS = RING_MINUTE + 2 * RING, 2 + RING


def walk(rows: Any, deviation: Any, state: Any, floats: Any, groups: Any, patience: Any, limits: Any) -> None:
    ints, group_ints, out = state
    numbers, _, figures = floats
    first, member = groups
    members, least = ints.reshape(-1, INTS), int(group_ints[-1])
    values, told = numbers.reshape(-1, FLOATS), group_ints[:-1].reshape(-1, 3)
    table = list(zip(*(column.tolist() for column in rows), deviation.tolist(), strict=True))

    def tell(event: tuple[int, ...], figure: tuple[float, ...]) -> None:
        at = int(out[-1])
        out[-1] += 1
        out[at * 5 : at * 5 + 5] = event
        figures[at * 3 : at * 3 + 3] = figure

    def judge(group: int, minute: int, tick_us: int) -> None:
        here = member[first[group] : first[group + 1]].tolist()
        ring = minute % RING
        there = [who for who in here if members[who, RING_MINUTE + ring] == minute]
        heard = {who: float(values[who, 2 + ring]) for who in there}
        trusted = {who: value for who, value in heard.items() if not members[who, STATUS]}
        enough = len(heard) >= least
        moved, known = 0.0, 1
        if enough:
            known = len(heard)
            moved = median(heard.values())
            what = event(told[group], moved, float(limits[group]))
            if what:
                tell((tick_us, what, -1 - group, minute, minute - 2), (moved, moved, len(heard)))
        few = len(trusted) < 3
        say = heard if few else trusted
        accused = {who for who in heard if members[who, STATUS]}
        for who, value in heard.items():
            if enough and (not few or who in accused):
                others = median([other for one, other in say.items() if one != who])
                hold, slow = int(patience[0][group]), int(patience[1][group])
                what = gap(members[who], values[who], minute, value - others, float(limits[group]), hold, slow)
                if what:
                    since = int(members[who, NEAR_AT]) + 1 if what == 3 else minute - hold + 1
                    tell((tick_us, what, who, minute, since), (float(values[who, 0]), others, len(heard)))
            if members[who, RING_MINUTE + RING + ring]:
                tell((tick_us, 1, who, minute, minute), (value - moved, moved, known))

    for at, (group, who, minute, tick_us, flagged, moved) in enumerate(table):
        members[who, PROGRESS] = max(members[who, PROGRESS], minute)
        if minute > told[group, 0]:
            if not math.isnan(moved):
                members[who, RING_MINUTE + minute % RING] = minute
                members[who, RING_MINUTE + RING + minute % RING] = flagged
                values[who, 2 + minute % RING] = moved
        elif flagged:
            tell((tick_us, 1, who, minute, minute), (moved, 0.0, 1))
        after = table[at + 1] if at + 1 < len(table) else (-1, -1, -1, -1, -1, 0.0)
        if (after[0], after[2], after[3]) != (group, minute, tick_us):
            come = members[member[first[group] : first[group + 1]], PROGRESS].tolist()
            furthest = max([0, *come])
            until = min([furthest, *(one for one in come if one >= furthest - IDLE)])
            for one in range(max(int(told[group, 0]) + 1, until - RING + 1), until + 1):
                judge(group, one, tick_us)
            told[group, 0] = max(told[group, 0], until)
    group_ints[:-1] = told.ravel()


def event(told: Any, moved: float, limit: float) -> int:
    on = told[2] == 1
    told[1] = told[1] + 1 if (abs(moved) < limit / 2 if on else abs(moved) >= limit) else 0
    if told[1] < 3:
        return 0
    told[1], told[2] = 0, not on
    return 6 if on else 5


def gap(ints: Any, floats: Any, minute: int, value: float, limit: float, hold: int, slow: int) -> int:
    floats[0] += 0.1 * (value - floats[0])
    smooth, scale = float(floats[0]), float(floats[1])
    ints[SEEN] += 1
    step = max(1 / 512, 1 / int(ints[SEEN]))
    size = abs(value) if ints[SEEN] < SETTLING else min(abs(value), 2.0 * scale)
    floats[1] += step * (size - scale)
    if abs(smooth) < limit / 4 or ints[NEAR_AT] == 0:
        ints[NEAR_AT] = minute
    if ints[SEEN] < SETTLING:
        return 0
    on = ints[STATUS] != 0
    counts = abs(smooth) < limit / 2 if on else abs(smooth) >= max(limit, 4.0 * scale)
    ints[OVER] = ints[OVER] + 1 if counts else 0
    if ints[OVER] < hold:
        return 0
    ints[OVER] = 0
    if on:
        ints[STATUS] = 0
        return 4
    ints[STATUS] = 3 if minute - int(ints[NEAR_AT]) >= slow + hold else 2
    return int(ints[STATUS])
