"""The traffic of the last minutes, direction by direction: what congestion and incidents are seen by.

A minute is looked at once, `DIRECTION_HOLD_US` after its end by the engine's time, for all directions at the same tick
and as it is known then: so neighbours are compared like with like, in whatever order devices speak. What comes later
amends windows, and changes no judgement on a minute that is over.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import MINUTE_US
from contracts.columns import Batch
from contracts.rules import Rule
from processing.compiled import Compiled
from processing.kernels.congestion import MINUTE, OCCUPANCY, RING, SPEED_SUM, SUMS, WEIGHT, sum_minutes
from processing.kernels.flow import SAYING, WAY_WIDE
from processing.state import Int64s, State
from processing.traffic.cells import DIRECTION_HOLD_US, Cells
from processing.traffic.stretches import DIRECTIONS, Stretches, make_stretches
from processing.traffic.tables import WHOLE

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WELL_KNOWN: Final = 0.8
"""Share of the minutes looked at that must be known: one in five may have been lost on the way."""
SHARE: Final = {"begin": 0.3, "end": 0.4}
SIGNAL_SHARE: Final = {"begin": 0.2, "end": 0.3}
BEGIN_OCCUPANCY: Final = 0.12
END_OCCUPANCY: Final = 0.03
MILLIONTHS: Final = 1e6
HUNDREDTHS: Final = 100.0
_UNKNOWN: Final = np.array([[-1], [0], [-1]], np.int64)
"""A minute of which nothing is known."""


@dataclass(slots=True)
class Minutes:
    """The last minutes by direction (kernels/congestion.py); the ring is at `minute`, 0 before the first."""

    ring: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    minute: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """Some minutes of every direction in the city, arrays by place: means over them, NaN with nothing to average.

    `known`: whether enough of them are known, `seen` whether any is; `vehicles`: with a speed, over all of them.
    """

    known: Flags
    seen: Flags
    speed_kmh: Floats
    occupancy: Floats
    vehicles: Floats


@dataclass(frozen=True, slots=True)
class Slow:
    """When traffic crawls, arrays by place: below which speed it begins and above which it ends, and likewise the
    occupancies. A stop line has lower speeds, for vehicles start there from standing."""

    begin_kmh: Floats
    end_kmh: Floats
    begin_occupancy: float
    end_occupancy: float


def slow_of(rule: Rule, stretches: Stretches) -> Slow:
    """The figures of a rule of kind congestion or incident. The defaults are ours and unverified: without a signal the
    lowest level of service (F) begins at 0.3 of the free-flow speed."""
    if rule.id not in stretches.slow:
        stretches.slow[rule.id] = _slow_of(rule, stretches)
    slow: Slow = stretches.slow[rule.id]
    return slow


def _slow_of(rule: Rule, stretches: Stretches) -> Slow:
    params = rule.params
    begin, end = (
        np.where(
            stretches.at_signal,
            params.get(f"signal_{name}_share", SIGNAL_SHARE[name]),
            params.get(f"{name}_share", SHARE[name]),
        )
        for name in ("begin", "end")
    )
    return Slow(
        begin * stretches.free_kmh,
        end * stretches.free_kmh,
        params.get("begin_occupancy", BEGIN_OCCUPANCY),
        params.get("end_occupancy", END_OCCUPANCY),
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """A minute that is looked at: which, at which tick, and what was seen of it and those before so far."""

    minutes: Minutes
    stretches: Stretches
    minute: int
    tick_us: int
    looks: dict[tuple[int, int], Look] = field(default_factory=dict)

    def look(self, back_from: int, back_to: int = 0) -> Look:
        """The minutes from so far back to so far back, this one being 0."""
        look = self.looks.get((back_from, back_to))
        if look is None:
            look = self.looks[back_from, back_to] = self._look(back_from, back_to)
        return look

    def _look(self, back_from: int, back_to: int) -> Look:
        out = np.empty(self.minutes.ring.size // (RING * MINUTE) * SUMS, np.int64)
        sum_minutes(self.minutes.ring, self.minute, back_from, back_to, out)
        # The ring may be of more devices than the city has now.
        known, weight, speeds, occupied, occupancies = out.reshape(SUMS, -1)[:, : self.stretches.of.size]
        with np.errstate(invalid="ignore", divide="ignore"):
            return Look(
                known=known >= WELL_KNOWN * (back_from - back_to + 1),
                seen=known > 0,
                speed_kmh=speeds / weight / HUNDREDTHS,
                occupancy=occupied / occupancies / MILLIONTHS,
                vehicles=weight.astype(np.float64),
            )

    def began_us(self, back: int) -> int:
        """When the minute so far back began."""
        return (self.minute - back) * MINUTE_US


def shown(value: float, digits: int = 1) -> float:
    """A figure for a person; 0 where nothing was measured."""
    return 0.0 if np.isnan(value) else round(float(value), digits)


def moments(state: State, compiled: Compiled, ways: Cells, said: Int64s, batch: Batch) -> Iterator[Moment]:
    """The minutes that are looked at in this batch, one after the other, each with the ring brought up to it.

    `said`: what was said of directions in this batch.
    """
    minutes = state.part("traffic-minutes", Minutes)
    minutes.ring = _grown(minutes.ring, state.size * DIRECTIONS)
    first = (batch.since_us - DIRECTION_HOLD_US) // MINUTE_US
    last = (batch.now_us - DIRECTION_HOLD_US) // MINUTE_US - 1
    if last < first:
        return
    stretches = compiled.table(make_stretches)
    ring = minutes.ring.reshape(RING, MINUTE, -1)
    told, place, values = _on_time(ways, said, ring.shape[2])
    begins = np.searchsorted(told, np.arange(first, last + 2)).tolist()
    for number, minute in enumerate(range(first, last + 1)):
        table, mine = ring[minute % RING], slice(begins[number], begins[number + 1])
        table[:] = _UNKNOWN
        table[:, place[mine]] = values[:, mine]
        minutes.minute = minute
        yield Moment(minutes, stretches, minute, (minute + 1) * MINUTE_US + DIRECTION_HOLD_US)


def inherit(state: State, donor: State, now_us: int) -> None:
    """Take over the last minutes of a past that another shard folded, where ours knows nothing."""
    ours, theirs = state.part("traffic-minutes", Minutes), donor.part("traffic-minutes", Minutes)
    ours.minute = ours.minute or (now_us - DIRECTION_HOLD_US) // MINUTE_US - 1
    ours.ring = _grown(ours.ring, max(ours.ring.size, theirs.ring.size) // (RING * MINUTE))
    ring, past = ours.ring.reshape(RING, MINUTE, -1), theirs.ring.reshape(RING, MINUTE, -1)
    places = past.shape[2]
    for minute in range(max(ours.minute, theirs.minute) - RING + 1, min(ours.minute, theirs.minute) + 1):
        table, before = ring[minute % RING, :, :places], past[minute % RING]
        table[:] = np.where(table[WEIGHT] < 0, before, table)


def _on_time(ways: Cells, said: Int64s, places: int) -> tuple[Int64s, Int64s, Int64s]:
    """The minutes of directions that were said for the first time, and when they were due: which, in order; of which
    place; what the ring keeps of them, int64 (MINUTE, n)."""
    due_us = (said[:, 2] + 1) * MINUTE_US + DIRECTION_HOLD_US
    said = said[(said[:, 1] == 0) & (said[:, 4] == 1) & (said[:, 3] == due_us)]
    key = ways.key[said[:, 0]]
    place = (key >> 32) * DIRECTIONS + (key & 0xFFFF) - WHOLE - 1
    here = np.flatnonzero(((key & 0xFFFF) > WHOLE) & (place < places))
    here = here[np.argsort(said[here, 2], kind="stable")]
    values = np.empty((MINUTE, here.size), np.int64)
    values[WEIGHT], values[SPEED_SUM], occupied, occupancies = said[here, SAYING : SAYING + WAY_WIDE].T
    values[OCCUPANCY] = np.where(occupancies > 0, occupied // np.maximum(occupancies, 1), -1)
    return said[here, 2], place[here], values


def _grown(ring: Int64s, places: int) -> Int64s:
    """The ring with room for so many places; nothing is known of the new ones."""
    held = ring.reshape(RING, MINUTE, -1)
    if held.shape[2] >= places:
        return ring
    new = np.empty((RING, MINUTE, places), np.int64)
    new[:] = _UNKNOWN
    new[:, :, : held.shape[2]] = held
    return new.reshape(-1)
