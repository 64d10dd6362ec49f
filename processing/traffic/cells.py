"""The cells of traffic flow in the state, by lane or direction, and what is said of them."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.clock import MINUTE_US, THAI_OFFSET_US, TICK_US
from processing.kernels.flow import (
    BINS,
    CELL,
    NOTHING,
    PERIODS,
    SAYING,
    SLOTS,
    SPEEDS,
    UNIT,
    WIDTH,
    condense,
    end_us,
    mingle,
    period_of,
    pour,
    rank_speeds,
    settle,
)
from processing.kernels.series import find_places
from processing.kernels.timeline import by_device
from processing.state import Int64s

Floats = npt.NDArray[np.float64]

LEAST_ROOM: Final = 32
"""Units that there is room for at first, and at least so many more whenever there is none left."""
GROWS: Final = 8
"""One in so many is added: three KiB a unit are not to be held in vain."""
CHUNK: Final = 1 << 15
"""New rows settled in one go: bounds the room for what is said of them."""
WIDTHS_US: Final = np.array([end_us(width, 1) - end_us(width, 0) for width in range(4)], np.int64)
"""Of the four widths: 1 and 15 minutes, an hour, a Thai day."""
_DAY: Final = 3


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

    def _make_room(self) -> None:
        more = self.key.size // GROWS + LEAST_ROOM
        known = self.key[: self.count].copy()
        self.key = np.concatenate((self.key, np.zeros(more, np.int64)))
        self.cells = np.concatenate((self.cells, np.zeros(more * SLOTS * CELL, np.int64)))
        self.units = np.concatenate((self.units, np.tile(np.array([NOTHING, -1], np.int64), more)))
        self.slots = np.zeros(1 << (2 * self.key.size).bit_length(), np.int64)
        find_places(known, self.key, self.slots, 0, np.empty(known.size, np.int64))


def pack_unit(device: Any, lane: Any) -> Any:
    """The key of a lane, or of a direction, of a device."""
    return (device << 32) | lane


def fold(cells: Cells, places: Int64s, added: Int64s, hold_us: int, until_us: int) -> tuple[Int64s, Int64s]:
    """Add rows to the cells of their units and say what is due until a tick.

    Args:
        places: int64 (n,), of the units; `added` int64 (n, ADDED), their ticks, minutes and values in any order.
        hold_us: how long after its end a period is first said.

    Returns:
        the sayings, int64 (m, SAYING), by unit and tick; and which rows came too late for any cell.
    """
    due = np.flatnonzero(cells.units[: cells.count * UNIT : UNIT] <= until_us)
    touched = _union(cells.count, places, due)
    order = _order(places, added[:, 0], added[:, 1])
    first = np.append(np.searchsorted(places[order], touched), places.size).astype(np.int64)
    new = np.ascontiguousarray(added[order])
    said = [_settled(cells, touched, first, new, at, hold_us, until_us) for at in _chunks(first)]
    return np.concatenate(said) if said else np.zeros((0, SAYING), np.int64), order[new[:, 1] < 0]


def _union(count: int, places: Int64s, due: Int64s) -> Int64s:
    """The places that are in either, in order."""
    here = np.zeros(count, np.bool_)
    here[places] = here[due] = True
    return np.flatnonzero(here)


def _order(places: Int64s, tick_us: Int64s, minutes: Int64s) -> Int64s:
    """By place, then tick, then minute; packed into one number where that is enough, for it is sorted faster."""
    if not places.size:
        return np.zeros(0, np.int64)
    ticks, later = (tick_us - tick_us.min()) // TICK_US, minutes - minutes.min()
    if int(ticks.max()) < 1 << 20 and int(later.max()) < 1 << 20 and int(places.max()) < 1 << 22:
        return np.argsort((places << 40) | (ticks << 20) | later)
    return np.lexsort((minutes, tick_us, places))


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
    times, before = np.array([hold_us, until_us], np.int64), np.empty(SLOTS * WIDTH, np.int64)
    count = settle(mine, touched[start:stop], rows, cells.cells, cells.units, times, before, out)
    return out[: count * SAYING].reshape(-1, SAYING).copy()


@dataclass(slots=True)
class Speeds:
    """Histograms of whole km/h by cell: `bins` (packed, sorted) with `vehicles`; and vehicles not sorted in yet."""

    bins: Int64s = field(default_factory=_none)
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

    def ranks(self, cells: Cells, sayings: Int64s, hold_us: int) -> Floats:
        """The median, 85th and 95th percentile of each saying, float64 (m, 3); NaN without speeds."""
        out = np.full(len(sayings) * 3, np.nan)
        if not np.any(sayings[:, 5 + SPEEDS] > 0):
            return out.reshape(-1, 3)
        bins, ticks, vehicles = self._poured_in(cells) if self._in_time(sayings, hold_us) else self._sorted_in()
        wanted = _cell(sayings[:, 0], sayings[:, 1], sayings[:, 2]) * BINS
        first = np.searchsorted(bins, np.column_stack((wanted, wanted + BINS)).reshape(-1)).astype(np.int64)
        rank_speeds(first, ticks, bins % BINS, vehicles, sayings[:, 3].copy(), np.zeros(BINS, np.int64), out)
        kept = condense(bins, vehicles, cells.cells)
        self.bins, self.vehicles = bins[:kept].copy(), vehicles[:kept].copy()
        self.new_place = self.new_minute = self.new_tick_us = self.new_kmh = _none()
        return out.reshape(-1, 3)

    def _in_time(self, sayings: Int64s, hold_us: int) -> bool:
        """Whether every new vehicle came before its minute was due, and nothing was said before it was: then each
        saying holds all that is known of its cell."""
        due_us = (self.new_minute + 1) * MINUTE_US + hold_us
        width = sayings[:, 1]
        end_at_us = (sayings[:, 2] + 1) * WIDTHS_US[width] - np.where(width == _DAY, THAI_OFFSET_US, 0)
        return bool(np.all(self.new_tick_us <= due_us) and np.all(sayings[:, 3] >= end_at_us + hold_us))

    def _poured_in(self, cells: Cells) -> tuple[Int64s, Int64s, Int64s]:
        """Everything by bin: packed, tick (-1: always counted), vehicles."""
        order, first = np.empty(self.new_place.size, np.int64), np.zeros(cells.count + 1, np.int64)
        by_device(self.new_place, first, order)
        room = len(WIDTHS_US) * order.size
        bins, vehicles = np.empty(room, np.int64), np.empty(room, np.int64)
        made = pour(first, order, self.new_minute, self.new_kmh, np.zeros(BINS, np.int64), bins, vehicles)
        bins, vehicles = bins[:made], vehicles[:made]
        if np.any(bins[1:] < bins[:-1]):
            sort = np.argsort(bins)
            bins, vehicles = bins[sort], vehicles[sort]
        out = np.empty(made + self.bins.size, np.int64), np.empty(made + self.bins.size, np.int64)
        count = mingle(self.bins, self.vehicles, bins, vehicles, *out)
        return out[0][:count], np.full(count, -1, np.int64), out[1][:count]

    def _sorted_in(self) -> tuple[Int64s, Int64s, Int64s]:
        """The same, each new vehicle with the tick from which it counts."""
        minutes, back = np.unique(self.new_minute, return_inverse=True)
        new = []
        for width in range(len(WIDTHS_US)):
            periods = np.array([period_of(width, minute) for minute in minutes.tolist()], np.int64)[back]
            new.append(_cell(self.new_place, width, periods) * BINS + self.new_kmh)
        bins = np.concatenate((self.bins, *new))
        order = np.argsort(bins)
        ticks = np.concatenate((np.full(self.bins.size, -1, np.int64), np.tile(self.new_tick_us, len(new))))
        vehicles = np.concatenate((self.vehicles, np.ones(bins.size - self.bins.size, np.int64)))
        return bins[order], ticks[order], vehicles[order]


def _cell(place: Int64s, width: Any, period: Int64s) -> Int64s:
    cell: Int64s = (place * 4 + width) * PERIODS + period
    return cell


def now_of(sayings: Int64s) -> Int64s:
    """The values that cells were said with, int64 (m, WIDTH)."""
    return sayings[:, 5 : 5 + WIDTH]


def before_of(sayings: Int64s) -> Int64s:
    """The values that cells were said with before, int64 (m, WIDTH); 0 at the first time."""
    return sayings[:, 5 + WIDTH :]
