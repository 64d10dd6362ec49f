"""The cells of traffic flow in the state, by lane or direction, and what is said of them."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US, TICK_US
from processing.kernels.flow import (
    COUNTED_WIDE,
    EXTREMES,
    NOTHING,
    SAYING,
    SEEN_WIDE,
    SLOTS,
    UNIT,
    WAY_WIDE,
    settle,
)
from processing.kernels.series import find_places
from processing.state import Flags, Int64s

Int32s = npt.NDArray[np.int32]

HOLD_US: Final = 30 * SECOND_US
"""As long as windows wait for an idle device: far beyond what a healthy network delays."""
DIRECTION_HOLD_US: Final = 90 * SECOND_US
"""A direction waits so long for its lanes, whose counts of a minute are sent after its end."""
CHUNK: Final = 1 << 16
"""New rows, or units, settled in one go: bounds the room for what is said of them."""
_BLANK: Final = np.array([NOTHING, -1], np.int64)


@dataclass(frozen=True, slots=True)
class Form:
    """What cells hold: so many values, of which so many are the least there is and as many the most; and how long after
    its end a period is first said."""

    wide: int
    extremes: int
    hold_us: int


@dataclass(slots=True)
class Cells:
    """Units (a packed key of device and lane or direction) by place, with their cells (kernels/flow.py)."""

    form: ClassVar[Form]
    count: int = 0
    key: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    slots: Int64s = field(default_factory=lambda: np.zeros(1, np.int64))
    periods: Int32s = field(default_factory=lambda: np.zeros(0, np.int32))
    revisions: Int32s = field(default_factory=lambda: np.zeros(0, np.int32))
    values: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    units: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))

    def places(self, keys: Int64s) -> Int64s:
        """The place of each unit, int64 (n,); new ones get the next numbers."""
        out = np.empty(keys.size, np.int64)
        while True:
            self.count = find_places(keys, self.key, self.slots, self.count, out)
            new = keys[out < 0]
            if not new.size:
                return out
            self._make_room(np.unique(new).size)

    def newest(self, places: Int64s) -> Int64s:
        """The newest minute that each unit has come to, -1 before the first."""
        return self.units[places * UNIT + 1]

    def _make_room(self, more: int) -> None:
        """For so many units and no more: a unit has up to two KiB."""
        known = self.key.copy()
        self.key = np.concatenate((self.key, np.zeros(more, np.int64)))
        self.periods = np.concatenate((self.periods, np.zeros(more * SLOTS, np.int32)))
        self.revisions = np.concatenate((self.revisions, np.zeros(more * SLOTS, np.int32)))
        self.values = np.concatenate((self.values, np.zeros(more * SLOTS * self.form.wide, np.int64)))
        self.units = np.concatenate((self.units, np.tile(_BLANK, more)))
        self.slots = np.zeros(1 << (self.key.size + self.key.size // 2).bit_length(), np.int64)
        find_places(known, self.key, self.slots, 0, np.empty(known.size, np.int64))

    def settle(self, first: Int64s, added: Int64s, until_us: int) -> Int64s:
        """Add rows to the cells of their units and say what is due until a tick.

        Args:
            first: int64 (count + 1,), where the rows of each unit begin.
            added: int64 (n * (ADDED + wide),): by unit, then tick, then minute. What comes too late gets minute -1.

        Returns:
            the sayings, int64 (m, SAYING + 2 * wide), by unit and tick.
        """
        said = [self._settled(first, start, stop, added, until_us) for start, stop in _chunks(first)]
        wide = SAYING + 2 * self.form.wide
        return (said[0] if len(said) == 1 else np.concatenate([np.empty(0, np.int64), *said])).reshape(-1, wide)

    def inherit(self, theirs: "Cells", tick_us: int) -> Flags:
        """Take over the cells of a past that another shard folded, where ours said nothing of their period yet: what
        ours holds of it is added. Returns which cells of theirs were taken, by place and slot."""
        place = self.places(theirs.key[: theirs.count])
        mine = (place[:, None] * SLOTS + np.arange(SLOTS)).ravel()
        newer = theirs.periods > self.periods[mine]
        same = (theirs.periods > 0) & (theirs.periods == self.periods[mine])
        same &= (self.revisions[mine] == 0) & (theirs.revisions == 0)
        ours, others = self.values.reshape(-1, self.form.wide), theirs.values.reshape(-1, self.form.wide)
        ours[mine[same]] = self._together(ours[mine[same]], others[same])
        ours[mine[newer]] = others[newer]
        self.periods[mine[newer]], self.revisions[mine[newer]] = theirs.periods[newer], theirs.revisions[newer]
        units, before = self.units.reshape(-1, UNIT), theirs.units.reshape(-1, UNIT)
        units[place, 1] = np.maximum(units[place, 1], before[:, 1])
        units[place, 0] = tick_us  # What of it is due then, is looked at.
        taken: Flags = newer | same
        return taken

    def _together(self, ours: Int64s, theirs: Int64s) -> Int64s:
        """Values of the same cells in one, int64 (n, wide)."""
        most = self.form.wide - self.form.extremes
        least = most - self.form.extremes
        out = ours + theirs
        out[:, least:most] = np.minimum(ours, theirs)[:, least:most]
        out[:, most:] = np.maximum(ours, theirs)[:, most:]
        return out

    def _settled(self, first: Int64s, start: int, stop: int, added: Int64s, until_us: int) -> Int64s:
        form = self.form
        room = 8 * (int(first[stop]) - int(first[start])) + SLOTS * (stop - start)
        out, before = np.empty(room * (SAYING + 2 * form.wide), np.int64), np.empty(SLOTS * form.wide, np.int64)
        shape = form.wide, form.extremes, form.hold_us, until_us, start
        cells = self.periods, self.revisions, self.values
        count = settle(shape, first[start : stop + 1], added, cells, self.units, before, out)
        return out[: count * (SAYING + 2 * form.wide)]


class Seen(Cells):
    """Lanes by the vehicles seen one by one."""

    form = Form(SEEN_WIDE, EXTREMES, HOLD_US)


class Counted(Cells):
    """Lanes by their interval counts."""

    form = Form(COUNTED_WIDE, 0, HOLD_US)


class Ways(Cells):
    """Directions of devices."""

    form = Form(WAY_WIDE, 0, DIRECTION_HOLD_US)


def pack_unit(device: Any, lane: Any) -> Any:
    """The key of a lane, or of a direction, of a device."""
    return (device << 32) | lane


def in_order(places: Int64s, tick_us: Int64s, minutes: Int64s) -> Int64s:
    """By place, then tick, then minute; packed into one number where that is enough, for it is sorted faster."""
    if not places.size:
        return np.zeros(0, np.int64)
    ticks, later = (tick_us - tick_us.min()) // TICK_US, minutes - minutes.min()
    if int(ticks.max()) < 1 << 20 and int(later.max()) < 1 << 20 and int(places.max()) < 1 << 22:
        return np.argsort((places << 40) | (ticks << 20) | later, kind="stable")
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
