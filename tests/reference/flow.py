"""Naive twins of processing/kernels/flow.py."""

import math
from collections import Counter
from fractions import Fraction
from itertools import groupby
from typing import Any

from contracts.columns import WINDOW
from processing.kernels.flow import (
    ADDED,
    AMEND_US,
    BINS,
    CELL,
    CREEPING,
    DUE_US,
    FASTEST,
    FIRST_US,
    HEAD,
    LAST_US,
    MINUTE_US,
    NOTHING,
    OCCUPANCIES,
    OCCUPIED,
    PACE_AT_001_KMH,
    PCU,
    PERIOD,
    PERIODS,
    REVISION,
    SAMPLES,
    SAYING,
    SLOTS,
    SLOWEST,
    SPEED_SUM,
    SPEEDS,
    UNIT,
    VEHICLES,
    WIDTH,
)

NO_VALUES = [0] * 10 + [NOTHING, -1, NOTHING, -1]
MINUTES_IN = (1, 15, 60, 1440)
RING = (14, 3, 2, 2)
RING_FROM = (0, 14, 17, 19)
SHIFT = (0, 0, 0, 420)


def weigh(event_us: Any, speed: Any, pcu: Any, counted: Any, out: Any) -> None:
    for row, (moment, one, factor, counts) in enumerate(zip(event_us, speed, pcu, counted, strict=True)):
        pace = math.floor(Fraction(PACE_AT_001_KMH, max(int(one), CREEPING)) + Fraction(1, 2))
        known = [1, one, int(one) ** 2, pace, 0, 0, 0, one, one]
        none = [0, 0, 0, 0, 0, 0, 0, NOTHING, -1]
        values = [counts, factor if counts else 0, 1, *(known if one >= 0 else none), moment, moment]
        out[row * ADDED + 2 : (row + 1) * ADDED] = values


def join_counts(rows: Any, figures: Any, roles: Any, slots: Any, out: Any) -> int:
    joined: dict[tuple[int, int, int], list[int]] = {}
    for window in rows.view(WINDOW):
        role = int(roles[window["metric"]]) if window["metric"] < len(roles) else -2
        if role == -2:
            continue
        key = (
            int(window["device"]) << 32 | int(window["lane"]),
            int(window["said_us"]),
            int(window["start_us"]) // MINUTE_US,
        )
        values = joined.setdefault(key, NO_VALUES.copy())
        samples = int(window["added"])
        most = 100_000.0 if role > 0 else 400.0 if role == 0 else 1.0
        given = float(window["added_sum"])
        total = 0.0 if math.isnan(given) else sorted((0.0, given, most * samples))[1]
        if role > 0:
            vehicles = math.floor(total + 0.5)
            values[VEHICLES] += vehicles
            values[PCU] += vehicles * role
            values[SAMPLES] += samples
        elif role == 0:
            values[SPEEDS] += samples
            values[SPEED_SUM] += math.floor(total * 100.0 + 0.5)
        else:
            values[OCCUPANCIES] += samples
            values[OCCUPIED] += math.floor(total * 1_000_000.0 + 0.5)
    for place, (key, values) in enumerate(joined.items()):
        out[place * (1 + ADDED) : (place + 1) * (1 + ADDED)] = [*key, *values]
    return len(joined)


def period_of(width: int, minute: int) -> int:
    return (minute + SHIFT[width]) // MINUTES_IN[width]


def end_us(width: int, period: int) -> int:
    return ((period + 1) * MINUTES_IN[width] - SHIFT[width]) * MINUTE_US


def slot_of(width: int, period: int) -> int:
    return RING_FROM[width] + period % RING[width]


def settle(first: Any, places: Any, added: Any, cells: Any, units: Any, times: Any, before: Any, out: Any) -> int:
    hold_us, until_us = int(times[0]), int(times[1])
    sayings: list[list[int]] = []
    for which, place in enumerate(places.tolist()):
        unit = _Unit(place, cells, units, hold_us, sayings)
        rows = [added[row * ADDED : (row + 1) * ADDED] for row in range(first[which], first[which + 1])]
        moments = {int(row[0]) for row in rows}
        while moment := min([*moments, *unit.dues(until_us)], default=0):
            moments.discard(moment)
            unit.live_through(moment, [row for row in rows if row[0] == moment])
        unit.store(cells, units)
    for at, saying in enumerate(sayings):
        out[at * SAYING : (at + 1) * SAYING] = saying
    return len(sayings)


class _Unit:
    """One unit's cells, by slot: period, due, revision, values, and those it was said with."""

    def __init__(self, place: int, cells: Any, units: Any, hold_us: int, sayings: list[list[int]]) -> None:
        self.place, self.hold_us, self.sayings = place, hold_us, sayings
        self.newest = int(units[place * UNIT + 1])
        self.cells: dict[int, dict[str, Any]] = {}
        for slot in range(SLOTS):
            row = [int(value) for value in cells[(place * SLOTS + slot) * CELL : (place * SLOTS + slot + 1) * CELL]]
            if row[PERIOD]:
                said = row[HEAD:] if row[REVISION] else None
                self.cells[slot] = {
                    "period": row[PERIOD] - 1, "due": row[DUE_US], "revision": row[REVISION], "now": row[HEAD:],
                    "said": said,
                }  # fmt: skip

    def dues(self, until_us: int) -> list[int]:
        return [cell["due"] for cell in self.cells.values() if not cell["revision"] and cell["due"] <= until_us]

    def live_through(self, moment: int, rows: list[Any]) -> None:
        newest = self.newest
        for row in rows:
            minute = int(row[1])
            if minute < self.newest and moment >= end_us(0, minute) + AMEND_US:
                row[1] = -1
                continue
            newest = max(newest, minute)
            for width in range(4):
                self._add(width, period_of(width, minute), moment, [int(value) for value in row[2:]])
        self.newest = newest
        for slot in sorted(self.cells):
            if self.cells[slot]["due"] <= moment:
                self._say(slot, moment)

    def _add(self, width: int, period: int, moment: int, values: list[int]) -> None:
        slot = slot_of(width, period)
        held = self.cells.get(slot)
        if held and held["period"] > period:
            return
        if held and held["period"] < period:
            self._say(slot, moment)
            held = None
        if not held:
            due = end_us(width, period) + self.hold_us
            held = {"period": period, "due": due, "revision": 0, "now": NO_VALUES.copy(), "said": None}
            self.cells[slot] = held
        held["now"] = _together(held["now"], values)

    def _say(self, slot: int, moment: int) -> None:
        cell = self.cells[slot]
        if cell["said"] == cell["now"]:
            return
        cell["revision"] += 1
        width = max(number for number, start in enumerate(RING_FROM) if start <= slot)
        then = cell["said"] or [0] * WIDTH
        self.sayings.append([self.place, width, cell["period"], moment, cell["revision"], *cell["now"], *then])
        cell["said"] = cell["now"].copy()

    def store(self, cells: Any, units: Any) -> None:
        for slot, cell in self.cells.items():
            base = (self.place * SLOTS + slot) * CELL
            cells[base : base + CELL] = [cell["due"], cell["revision"], cell["period"] + 1, 0, *cell["now"]]
        units[self.place * UNIT] = min(self.dues(NOTHING), default=NOTHING)
        units[self.place * UNIT + 1] = self.newest


def _together(one: list[int], other: list[int]) -> list[int]:
    least, most = (SLOWEST, FIRST_US), (FASTEST, LAST_US)
    return [
        min(a, b) if value in least else max(a, b) if value in most else a + b
        for value, (a, b) in enumerate(zip(one, other, strict=True))
    ]


def rank_speeds(
    first: Any, tick_us: Any, speed_kmh: Any, vehicles: Any, said_us: Any, histogram: Any, out: Any
) -> None:
    for saying, moment in enumerate(said_us.tolist()):
        seen: Counter[int] = Counter()
        for row in range(first[2 * saying], first[2 * saying + 1]):
            if tick_us[row] <= moment:
                seen[int(speed_kmh[row])] += int(vehicles[row])
        ordered = sorted(seen.elements())
        for place, percent in enumerate((50, 85, 95)):
            rank = math.ceil(Fraction(percent * len(ordered), 100))
            out[saying * 3 + place] = ordered[rank - 1] if ordered else math.nan


def tell(sayings: Any, key: Any, chosen: Any, figure: Any, metric: int, count: int, rows: Any, figures: Any) -> None:
    for at, (which, value) in enumerate(zip(chosen.tolist(), figure.tolist(), strict=True)):
        place, width, period, said_us, revision = sayings[which * SAYING : which * SAYING + 5].tolist()
        now, before = (int(sayings[which * SAYING + 5 + many * WIDTH + count]) for many in (0, 1))
        rows.view(WINDOW)[at] = (
            key[place] >> 32, metric, key[place] & 0xFFFF, MINUTES_IN[width] * 60, end_us(width, period - 1), revision,
            now, now - before, value, value, value, math.nan, value, math.nan, math.nan, value, math.nan, -1, said_us,
            math.nan,
        )  # fmt: skip


def condense(bins: Any, vehicles: Any, cells: Any) -> int:
    counts: Counter[int] = Counter()
    for one, many in zip(bins.tolist(), vehicles.tolist(), strict=True):
        place, width, period = one // BINS // PERIODS // 4, one // BINS // PERIODS % 4, one // BINS % PERIODS
        if cells[(place * SLOTS + slot_of(width, period)) * CELL + PERIOD] == period + 1:
            counts[one] += many
    for at, one in enumerate(sorted(counts)):
        bins[at], vehicles[at] = one, counts[one]
    return len(counts)


def pour(first: Any, order: Any, minute: Any, speed_kmh: Any, histogram: Any, bins: Any, vehicles: Any) -> int:
    made: list[tuple[int, int]] = []
    for place in range(len(first) - 1):
        rows = order[first[place] : first[place + 1]].tolist()
        for width in range(4):
            for period, group in groupby(rows, lambda row: period_of(width, int(minute[row]))):  # noqa: B023
                seen = Counter(int(speed_kmh[row]) for row in group)
                cell = (place * 4 + width) * PERIODS + period
                made += [(cell * BINS + kmh, seen[kmh]) for kmh in sorted(seen)]
    for at, (one, many) in enumerate(made):
        bins[at], vehicles[at] = one, many
    return len(made)


def mingle(bins: Any, vehicles: Any, other_bins: Any, other_vehicles: Any, out_bins: Any, out_vehicles: Any) -> int:
    total: Counter[int] = Counter()
    for ones, many in ((bins, vehicles), (other_bins, other_vehicles)):
        for one, count in zip(ones.tolist(), many.tolist(), strict=True):
            total[one] += count
    for at, one in enumerate(sorted(total)):
        out_bins[at], out_vehicles[at] = one, total[one]
    return len(total)
