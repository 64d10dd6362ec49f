"""The cells of traffic flow in the state, by lane or direction, and what is said of them."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processing.kernels.flow import (
    BINS,
    CELL,
    DAYS,
    HOURS,
    MINUTES,
    NOTHING,
    PERIOD,
    QUARTERS,
    SAYING,
    SLOTS,
    SPEEDS,
    UNIT,
    WIDTH,
    end_us,
    period_of,
    rank_speeds,
    settle,
)
from processing.kernels.series import find_places
from processing.state import Int64s

Floats = npt.NDArray[np.float64]

LEAST_ROOM: Final = 32
"""Units that there is room for at first."""
CHUNK: Final = 1 << 15
"""New rows settled in one go: bounds the room for what is said of them."""
PERIOD_BITS: Final = 28
"""Minutes since 1970 fit in so many bits until the year 2480."""
WIDTHS_US: Final = np.array([end_us(width, 1) - end_us(width, 0) for width in range(4)], np.int64)
"""Of the four widths: 1 and 15 minutes, an hour, a Thai day."""
_RING: Final = np.array([MINUTES, QUARTERS, HOURS, DAYS], np.int64)
_RING_FROM: Final = np.cumsum(_RING) - _RING


def _none() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Cells:
    """Units (a packed key of device and lane or direction) by place, with their cells (kernels/flow.py)."""

    count: int = 0
    key: Int64s = field(default_factory=lambda: np.zeros(LEAST_ROOM, np.int64))
    slots: Int64s = field(default_factory=lambda: np.zeros(4 * LEAST_ROOM, np.int64))
    cells: Int64s = field(default_factory=lambda: np.zeros(LEAST_ROOM * SLOTS * CELL, np.int64))
    units: Int64s = field(default_factory=lambda: np.tile(np.array([NOTHING, -1], np.int64), LEAST_ROOM))

    def places(self, keys: Int64s) -> Int64s:
        """The place of each unit, int64 (n,); new ones get the next numbers."""
        out = np.empty(keys.size, np.int64)
        while True:
            self.count = find_places(np.ascontiguousarray(keys), self.key, self.slots, self.count, out)
            if not keys.size or int(out.min()) >= 0:
                return out
            self._make_room()

    def newest(self, places: Int64s) -> Int64s:
        """The newest minute that each unit has come to, -1 before the first."""
        return self.units[places * UNIT + 1]

    def holds(self, place: Int64s, width: Int64s, period: Int64s) -> npt.NDArray[np.bool_]:
        """Which of these periods the cells of their units still hold."""
        slot = _RING_FROM[width] + period % _RING[width]
        held: npt.NDArray[np.bool_] = self.cells[(place * SLOTS + slot) * CELL + PERIOD] == period + 1
        return held

    def _make_room(self) -> None:
        more = self.key.size
        known = self.key[: self.count].copy()
        self.key = np.concatenate((self.key, np.zeros(more, np.int64)))
        self.cells = np.concatenate((self.cells, np.zeros(more * SLOTS * CELL, np.int64)))
        self.units = np.concatenate((self.units, np.tile(np.array([NOTHING, -1], np.int64), more)))
        self.slots = np.zeros(2 * self.slots.size, np.int64)
        find_places(known, self.key, self.slots, 0, np.empty(known.size, np.int64))


def pack_unit(device: Any, lane: Any) -> Any:
    """The key of a lane, or of a direction, of a device."""
    return (device << 32) | lane


def fold(cells: Cells, keys: Int64s, added: Int64s, hold_us: int, until_us: int) -> tuple[Int64s, Int64s]:
    """Add rows to the cells of their units and say what is due until a tick.

    Args:
        keys: int64 (n,), the units; `added` int64 (n, ADDED), their ticks, minutes and values in any order.
        hold_us: how long after its end a period is first said.

    Returns:
        the sayings, int64 (m, SAYING), by unit and tick; and which rows came too late for any cell.
    """
    places = cells.places(keys)
    due = np.flatnonzero(cells.units[: cells.count * UNIT : UNIT] <= until_us)
    touched = np.union1d(places, due)
    order = np.lexsort((added[:, 1], added[:, 0], places))
    first = np.append(np.searchsorted(places[order], touched), places.size).astype(np.int64)
    new = np.ascontiguousarray(added[order])
    said = [_settled(cells, touched, first, new, at, hold_us, until_us) for at in _chunks(first)]
    return np.concatenate(said) if said else np.zeros((0, SAYING), np.int64), order[new[:, 1] < 0]


def _chunks(first: Int64s) -> list[tuple[int, int]]:
    """Runs of units that have about CHUNK rows together."""
    chunks, start = [], 0
    while start < first.size - 1:
        stop = max(start + 1, int(np.searchsorted(first, first[start] + CHUNK, side="right")) - 1)
        stop = min(stop, start + CHUNK, first.size - 1)
        chunks.append((start, stop))
        start = stop
    return chunks


def _settled(
    cells: Cells, touched: Int64s, first: Int64s, new: Int64s, at: tuple[int, int], hold_us: int, until_us: int
) -> Int64s:
    start, stop = at
    rows = new[first[start] : first[stop]].reshape(-1)
    room = 8 * (int(first[stop]) - int(first[start])) + SLOTS * (stop - start)
    out = np.empty(room * SAYING, np.int64)
    mine = first[start : stop + 1] - first[start]
    count = settle(mine, touched[start:stop], rows, cells.cells, cells.units, hold_us, until_us, out)
    return out[: count * SAYING].reshape(-1, SAYING).copy()


@dataclass(slots=True)
class Speeds:
    """Histograms of whole km/h: `key` (a cell), `kmh`, `vehicles`, sorted; and vehicles not sorted in yet, by unit."""

    key: Int64s = field(default_factory=_none)
    kmh: Int64s = field(default_factory=_none)
    vehicles: Int64s = field(default_factory=_none)
    new_place: Int64s = field(default_factory=_none)
    new_minute: Int64s = field(default_factory=_none)
    new_tick_us: Int64s = field(default_factory=_none)
    new_kmh: Int64s = field(default_factory=_none)

    def add(self, place: Int64s, minute: Int64s, tick_us: Int64s, kmh: Int64s) -> None:
        """Vehicles of units, each counting from a tick on."""
        self.new_place = np.concatenate((self.new_place, place))
        self.new_minute = np.concatenate((self.new_minute, minute))
        self.new_tick_us = np.concatenate((self.new_tick_us, tick_us))
        self.new_kmh = np.concatenate((self.new_kmh, kmh))

    def ranks(self, cells: Cells, sayings: Int64s) -> Floats:
        """The median, 85th and 95th percentile of each saying, float64 (m, 3); NaN without speeds."""
        out = np.full(len(sayings) * 3, np.nan)
        if not np.any(sayings[:, 5 + SPEEDS] > 0):
            return out.reshape(-1, 3)
        keys, ticks, kmh, vehicles = self._sorted_in()
        wanted = _cell_key(sayings[:, 0], sayings[:, 1], sayings[:, 2])
        first = np.column_stack((np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")))
        rank_speeds(first.reshape(-1).astype(np.int64), ticks, kmh, vehicles, sayings[:, 3].copy(), out)
        self._keep(cells, keys, kmh, vehicles)
        return out.reshape(-1, 3)

    def _sorted_in(self) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Everything by cell: key, tick (-1 for what was sorted in before), km/h, vehicles."""
        keys, ticks = [self.key], [np.full(self.key.size, -1, np.int64)]
        for width in range(len(WIDTHS_US)):
            minutes, back = np.unique(self.new_minute, return_inverse=True)
            periods = np.array([period_of(width, minute) for minute in minutes.tolist()], np.int64)[back]
            keys.append(_cell_key(self.new_place, np.full(periods.size, width, np.int64), periods))
            ticks.append(self.new_tick_us)
        key = np.concatenate(keys)
        order = np.argsort(key, kind="stable")
        kmh = np.concatenate((self.kmh, np.tile(self.new_kmh, len(WIDTHS_US))))
        one = np.ones(self.new_kmh.size * len(WIDTHS_US), np.int64)
        return key[order], np.concatenate(ticks)[order], kmh[order], np.concatenate((self.vehicles, one))[order]

    def _keep(self, cells: Cells, keys: Int64s, kmh: Int64s, vehicles: Int64s) -> None:
        """Keep the histograms of the cells that are still there."""
        each = np.unique(keys)
        place, width = each >> (PERIOD_BITS + 2), (each >> PERIOD_BITS) & 3
        held = cells.holds(place, width, each & ((1 << PERIOD_BITS) - 1))
        here = held[np.searchsorted(each, keys)]
        bins, back = np.unique(keys[here] * BINS + kmh[here], return_inverse=True)
        self.key, self.kmh = bins // BINS, bins % BINS
        self.vehicles = np.zeros(bins.size, np.int64)
        np.add.at(self.vehicles, back, vehicles[here])
        self.new_place = self.new_minute = self.new_tick_us = self.new_kmh = _none()


def _cell_key(place: Int64s, width: Int64s, period: Int64s) -> Int64s:
    return (((place << 2) | width) << PERIOD_BITS) | period


def now_of(sayings: Int64s) -> Int64s:
    """The values that cells were said with, int64 (m, WIDTH)."""
    return sayings[:, 5 : 5 + WIDTH]


def before_of(sayings: Int64s) -> Int64s:
    """The values that cells were said with before, int64 (m, WIDTH); 0 at the first time."""
    return sayings[:, 5 + WIDTH :]
