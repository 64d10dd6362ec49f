"""Naive twin of processing/kernels/flow.py."""

from typing import Any

from processing.kernels.flow import (
    ADDED,
    AMEND_US,
    MINUTE_US,
    MINUTES_IN,
    NOTHING,
    RING,
    RING_FROM,
    SAYING,
    SHIFT,
    SLOTS,
    UNIT,
    WIDTHS,
)


def period_of(width: int, minute: int) -> int:
    return (minute + SHIFT[width]) // MINUTES_IN[width]


def end_us(width: int, period: int) -> int:
    return ((period + 1) * MINUTES_IN[width] - SHIFT[width]) * MINUTE_US


def slot_of(width: int, period: int) -> int:
    return RING_FROM[width] + period % RING[width]


def settle(shape: Any, first: Any, added: Any, cells: Any, units: Any, before: Any, out: Any) -> int:
    wide, extremes, hold_us, until_us, first_place = shape
    sayings: list[list[int]] = []
    rows = [list(map(int, row)) for row in added.reshape(-1, ADDED + wide)]
    for which in range(len(first) - 1):
        unit = _Unit(first_place + which, wide, extremes, hold_us, cells, units, sayings)
        mine = rows[first[which] : first[which + 1]]
        moments = {row[0] for row in mine}
        while moment := min([*moments, *unit.dues(until_us)], default=0):
            moments.discard(moment)
            unit.live_through(moment, [row for row in mine if row[0] == moment])
        unit.store(cells, units)
    added[1 :: ADDED + wide] = [row[1] for row in rows]
    for at, saying in enumerate(sayings):
        out[at * (SAYING + 2 * wide) : (at + 1) * (SAYING + 2 * wide)] = saying
    return len(sayings)


class _Unit:
    """One unit's cells, by slot: period, due, revision, values, and those it was said with."""

    def __init__(
        self, place: int, wide: int, extremes: int, hold_us: int, cells: Any, units: Any, sayings: list[list[int]]
    ) -> None:
        self.place, self.wide, self.extremes, self.hold_us, self.sayings = place, wide, extremes, hold_us, sayings
        self.newest = int(units[place * UNIT + 1])
        self.cells: dict[int, dict[str, Any]] = {}
        for slot in range(SLOTS):
            cell = place * SLOTS + slot
            period, revision = int(cells[0][cell]) - 1, int(cells[1][cell])
            now = [int(value) for value in cells[2][cell * wide : (cell + 1) * wide]]
            if period >= 0:
                width = max(number for number, start in enumerate(RING_FROM) if start <= slot)
                self.cells[slot] = {
                    "period": period, "due": end_us(width, period) + hold_us, "revision": revision, "now": now,
                    "said": now.copy() if revision else None, "changed": not revision,
                }  # fmt: skip

    def dues(self, until_us: int) -> list[int]:
        return [cell["due"] for cell in self.cells.values() if not cell["revision"] and cell["due"] <= until_us]

    def live_through(self, moment: int, rows: list[list[int]]) -> None:
        newest = self.newest
        for row in rows:
            minute = row[1]
            if minute < self.newest and moment >= end_us(0, minute) + AMEND_US:
                row[1] = -1
                continue
            newest = max(newest, minute)
            for width in range(WIDTHS):
                self._add(width, period_of(width, minute), moment, row[2:])
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
        if held:
            held["now"] = self._together(held["now"], values)
        else:
            due = end_us(width, period) + self.hold_us
            held = self.cells[slot] = {"period": period, "due": due, "revision": 0, "now": values, "said": None}
        held["changed"] = True

    def _together(self, one: list[int], other: list[int]) -> list[int]:
        mosts = self.wide - self.extremes
        leasts = mosts - self.extremes
        return [
            a + b if value < leasts else min(a, b) if value < mosts else max(a, b)
            for value, (a, b) in enumerate(zip(one, other, strict=True))
        ]

    def _say(self, slot: int, moment: int) -> None:
        cell = self.cells[slot]
        if not cell["changed"]:
            return
        cell["revision"] += 1
        width = max(number for number, start in enumerate(RING_FROM) if start <= slot)
        then = cell["said"] or [0] * self.wide
        self.sayings.append([self.place, width, cell["period"], moment, cell["revision"], *cell["now"], *then])
        cell["said"], cell["changed"] = cell["now"].copy(), False

    def store(self, cells: Any, units: Any) -> None:
        for slot, cell in self.cells.items():
            at = self.place * SLOTS + slot
            cells[0][at], cells[1][at] = cell["period"] + 1, cell["revision"]
            cells[2][at * self.wide : (at + 1) * self.wide] = cell["now"]
        units[self.place * UNIT] = min(self.dues(NOTHING), default=NOTHING)
        units[self.place * UNIT + 1] = self.newest
