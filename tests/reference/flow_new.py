"""Naive twins of processing/kernels/flow_new.py."""

import math
from fractions import Fraction
from typing import Any

from contracts.columns import WINDOW
from processing.kernels.flow import ADDED, COUNTED_WIDE, MINUTE_US, NOTHING, SAYING, SEEN_WIDE, WAY_WIDE
from processing.kernels.flow_new import CREEPING, NEW, PACE_AT_001_KMH, WAITING

TICK_US = 1_000_000


def line_up(passages: Any, speed_kmh: Any, tables: Any, out: Any) -> None:
    for row, (place, event_us, received_us, vehicle) in enumerate(zip(*passages, strict=True)):
        known = 0.0 <= speed_kmh[row] <= 400.0
        speed = math.floor(float(speed_kmh[row]) * 100 + 0.5) if known else -1
        values = [place, event_us, speed, tables[0][vehicle], tables[1][place], received_us]
        out[row * WAITING : (row + 1) * WAITING] = values


def weigh(order: Any, waiting: Any, hold_us: int, begins: Any, into: Any, added: Any, speeds: Any) -> tuple[int, int]:
    seen = [[int(value) for value in waiting[row * WAITING : (row + 1) * WAITING]] for row in order]
    by_minute = sorted(
        range(len(seen)), key=lambda at: (seen[at][0], seen[at][5] // TICK_US, seen[at][1] // MINUTE_US, at)
    )
    order[:] = order[by_minute]
    rows: list[list[int]] = []
    fast: list[list[int]] = []
    before = (-1, -1)
    for at, (place, event_us, speed, units, counted, received_us) in enumerate(seen[which] for which in by_minute):
        tick_us, minute = (received_us // TICK_US + 1) * TICK_US, event_us // MINUTE_US
        if (place, minute) != before or tick_us > (minute + 1) * MINUTE_US + hold_us:
            rows.append([tick_us, minute, *[0] * 7, NOTHING, NOTHING, -1, -1])
            begins[place + 1 :] += 1
        before, row = (place, minute), rows[-1]
        into[at] = len(rows) - 1
        pace = math.floor(Fraction(PACE_AT_001_KMH, max(speed, CREEPING)) + Fraction(1, 2))
        many = [1, speed, speed**2, pace] if speed >= 0 else [0] * 4
        for value, more in enumerate([counted, units * counted, 1, *many], start=ADDED):
            row[value] += more
        row[10], row[12] = min(row[10], event_us), max(row[12], event_us)
        if speed >= 0:
            row[9], row[11] = min(row[9], speed), max(row[11], speed)
            fast.append([place, minute, tick_us, math.floor(Fraction(speed, 100) + Fraction(1, 2))])
    _fill(added, ADDED + SEEN_WIDE, rows)
    _fill(speeds, NEW, fast)
    return len(rows), len(fast)


def find_counts(rows: Any, roles: Any, out: Any) -> int:
    found: dict[int, list[int]] = {}
    for at, window in enumerate(rows.view(WINDOW)):
        role = int(roles[window["metric"]]) if window["metric"] < len(roles) else -2
        if role != -2:
            key = int(window["device"]) << 32 | int(window["lane"])
            found.setdefault(int(window["place"]), [at, at, key, role])[1] = at + 1
    for number, values in enumerate(found.values()):
        for column, value in zip(out, values, strict=True):
            column[number] = value
    return len(found)


def join_counts(order: Any, groups: Any, rows: Any, figures: Any, begins: Any, out: Any) -> int:
    joined: dict[tuple[int, int, int], list[int]] = {}
    for which in order:
        first, behind, place, role = (int(column[which]) for column in groups)
        for window in rows.view(WINDOW)[first:behind]:
            key = place, int(window["said_us"]), int(window["start_us"]) // MINUTE_US
            values = joined.setdefault(key, [0] * COUNTED_WIDE)
            samples = int(window["added"])
            most = 100_000.0 if role > 0 else 400.0 if role == 0 else 1.0
            given = float(window["added_sum"])
            total = 0.0 if math.isnan(given) else sorted((0.0, given, most * samples))[1]
            if role > 0:
                vehicles = math.floor(total + 0.5)
                more = [vehicles, vehicles * role, samples, 0, 0, 0, 0]
            elif role == 0:
                more = [0, 0, 0, samples, math.floor(total * 100.0 + 0.5), 0, 0]
            else:
                more = [0, 0, 0, 0, 0, math.floor(total * 1_000_000.0 + 0.5), samples]
            joined[key] = [one + other for one, other in zip(values, more, strict=True)]
    table = [[*key, *joined[key]] for key in sorted(joined)]
    for row in table:
        begins[row[0] + 1 :] += 1
    _fill(out, ADDED + COUNTED_WIDE, [row[1:] for row in table])
    return len(table)


def lead_on(sayings: Any, wide: int, lanes: Any, out: Any) -> int:
    rows = []
    for saying in sayings.reshape(-1, SAYING + 2 * wide).tolist():
        way = int(lanes[0][saying[0]])
        if saying[1] == 0 and way >= 0:
            now, then = (_share(saying[at : at + wide], int(lanes[1][saying[0]])) for at in (SAYING, SAYING + wide))
            rows.append([way, saying[3], saying[2], *(one - other for one, other in zip(now, then, strict=True))])
    _fill(out, 1 + ADDED + WAY_WIDE, rows)
    return len(rows)


def _share(values: list[int], brings: int) -> list[int]:
    """A lane's speeds, and occupancies where it is counted; its mean speed weighs as its vehicles do."""
    samples, total = values[3] * brings, values[4] * brings
    if len(values) == SEEN_WIDE:
        return [samples, total, 0, 0]
    weight = max(values[0], 1) if samples else 0
    mean = math.floor(Fraction(total + samples // 2, samples)) if samples else 0
    return [weight, weight * mean, values[5], values[6]]


def _fill(out: Any, wide: int, rows: list[list[int]]) -> None:
    for at, row in enumerate(rows):
        out[at * wide : (at + 1) * wide] = row
