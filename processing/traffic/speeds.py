"""The histograms of speeds in the state, and the percentiles that windows are said with."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.clock import MINUTE_US, THAI_OFFSET_US
from processing.kernels.flow import MINUTES_IN, SAYING, SHIFT, SPEEDS, WIDTHS
from processing.kernels.flow_new import NEW
from processing.kernels.flow_speeds import BINS, PERIODS, condense, mingle, pour, rank_speeds
from processing.kernels.timeline import by_device
from processing.state import Flags, Int64s
from processing.traffic.cells import Cells

Floats = npt.NDArray[np.float64]
WIDTHS_US = np.array(MINUTES_IN, np.int64) * MINUTE_US
_DAY = 3


@dataclass(slots=True)
class Speeds:
    """Histograms of whole km/h by cell (kernels/flow_speeds.py): `bins` with `vehicles`; and the vehicles not sorted in
    yet, int64 (n * NEW,)."""

    bins: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    vehicles: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    new: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, new: Int64s) -> None:
        """Vehicles of units, each counting from a tick on."""
        self.new = np.concatenate((self.new, new))

    def ranks(self, cells: Cells, sayings: Int64s) -> Floats:
        """The median, 85th and 95th percentile of each saying, float64 (m * 3,); NaN without speeds."""
        out = np.full(len(sayings) * 3, np.nan)
        if not np.any(sayings[:, SAYING + SPEEDS] > 0):
            return out
        bins, ticks, vehicles = self._poured_in(cells) if self._in_time(cells, sayings) else self._sorted_in()
        wanted = _cell(sayings[:, 0], sayings[:, 1], sayings[:, 2]) * BINS
        first = np.searchsorted(bins, np.column_stack((wanted, wanted + BINS)).reshape(-1)).astype(np.int64)
        rank_speeds(first, ticks, bins, vehicles, sayings[:, 3].copy(), out)
        kept = condense(bins, vehicles, cells.periods)
        self.bins, self.vehicles = bins[:kept].copy(), vehicles[:kept].astype(np.uint32)
        self.new = np.zeros(0, np.int64)
        return out

    def inherit(self, theirs: "Speeds", cells: Cells, other: Cells, taken: Flags) -> None:
        """Take over the histograms of these cells (by place and slot) of a past that another shard folded."""
        bins, _tick_us, vehicles = theirs._sorted_in()
        held = condense(bins, vehicles, np.where(taken, other.periods, 0))
        bins, vehicles = bins[:held], vehicles[:held]
        whole = WIDTHS * PERIODS * BINS
        moved = cells.places(other.key[: other.count])[bins // whole] * whole + bins % whole
        bins = np.concatenate((self.bins, moved))
        order = np.argsort(bins, kind="stable")
        bins, vehicles = bins[order], np.concatenate((self.vehicles.astype(np.int64), vehicles))[order]
        held = condense(bins, vehicles, cells.periods)
        self.bins, self.vehicles = bins[:held].copy(), vehicles[:held].astype(np.uint32)

    def _in_time(self, cells: Cells, sayings: Int64s) -> bool:
        """Whether every new vehicle came before its minute was due, and nothing was said before it was: then each
        saying holds all that is known of its cell."""
        _place, minute, tick_us, _kmh = self.new.reshape(-1, NEW).T
        due_us = (minute + 1) * MINUTE_US + cells.form.hold_us
        width = sayings[:, 1]
        end_at_us = (sayings[:, 2] + 1) * WIDTHS_US[width] - np.where(width == _DAY, THAI_OFFSET_US, 0)
        return bool(np.all(tick_us <= due_us) and np.all(sayings[:, 3] >= end_at_us + cells.form.hold_us))

    def _poured_in(self, cells: Cells) -> tuple[Int64s, Int64s, Int64s]:
        """Everything by bin: packed, tick (-1: always counted), vehicles."""
        order, first = np.empty(self.new.size // NEW, np.int64), np.zeros(cells.count + 1, np.int64)
        by_device(self.new[::NEW].copy(), first, order)
        bins, vehicles = np.empty(WIDTHS * order.size, np.int64), np.empty(WIDTHS * order.size, np.int64)
        made = pour(first, order, self.new, np.zeros(BINS, np.int64), bins, vehicles)
        bins, vehicles = bins[:made], vehicles[:made]
        if np.any(bins[1:] < bins[:-1]):
            sort = np.argsort(bins)
            bins, vehicles = bins[sort], vehicles[sort]
        out = np.empty(made + self.bins.size, np.int64), np.empty(made + self.bins.size, np.int64)
        count = mingle(self.bins, self.vehicles.astype(np.int64), bins, vehicles, *out)
        return out[0][:count], np.full(count, -1, np.int64), out[1][:count]

    def _sorted_in(self) -> tuple[Int64s, Int64s, Int64s]:
        """The same, each new vehicle with the tick from which it counts."""
        place, minute, tick_us, kmh = self.new.reshape(-1, NEW).T
        new = [
            _cell(place, width, (minute + shift) // minutes) * BINS + kmh
            for width, (minutes, shift) in enumerate(zip(MINUTES_IN, SHIFT, strict=True))
        ]
        bins = np.concatenate((self.bins, *new))
        order = np.argsort(bins)
        ticks = np.concatenate((np.full(self.bins.size, -1, np.int64), np.tile(tick_us, len(new))))
        vehicles = np.concatenate((self.vehicles.astype(np.int64), np.ones(bins.size - self.bins.size, np.int64)))
        return bins[order], ticks[order], vehicles[order]


def _cell(place: Int64s, width: Any, period: Int64s) -> Int64s:
    cell: Int64s = (place * WIDTHS + width) * PERIODS + period
    return cell
