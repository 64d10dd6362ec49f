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

from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import Batch
from contracts.rules import Rule
from processing.compiled import Compiled
from processing.kernels.congestion import MINUTE, OCCUPANCY, RING, SPEED_SUM, SUMS, VEHICLES, WEIGHT, sum_minutes
from processing.kernels.flow import OCCUPANCIES, OCCUPIED, SPEEDS
from processing.kernels.flow import SPEED_SUM as SAID_SPEED_SUM
from processing.kernels.flow import VEHICLES as SAID_VEHICLES
from processing.state import Int64s, State
from processing.traffic.cells import Cells, now_of
from processing.traffic.stretches import DIRECTIONS, Stretches, make_stretches
from processing.traffic.tables import WHOLE

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DIRECTION_HOLD_US: Final = 90 * SECOND_US
"""A direction waits so long for its lanes, whose counts of a minute are sent after its end."""
WELL_KNOWN: Final = 0.8
"""Share of the minutes looked at that must be known: one in five may have been lost on the way."""
SHARE: Final = {"begin": 0.3, "end": 0.4}
SIGNAL_SHARE: Final = {"begin": 0.2, "end": 0.3}
BEGIN_OCCUPANCY: Final = 0.12
END_OCCUPANCY: Final = 0.03
MILLIONTHS: Final = 1e6
HUNDREDTHS: Final = 100.0


@dataclass(slots=True)
class Minutes:
    """The last minutes by direction (kernels/congestion.py); the ring is at `minute`, 0 before the first."""

    ring: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    minute: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """Some minutes of every direction, arrays by place: means over them, NaN where there is nothing to average.

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
    """A minute that is looked at: which, and at which tick."""

    minutes: Minutes
    stretches: Stretches
    minute: int
    tick_us: int

    def look(self, back_from: int, back_to: int = 0) -> Look:
        """The minutes from so far back to so far back, this one being 0."""
        out = np.empty(self.minutes.ring.size // (RING * MINUTE) * SUMS, np.int64)
        sum_minutes(self.minutes.ring, self.minute, back_from, back_to, out)
        known, weight, speeds, occupied, occupancies, _vehicles = out.reshape(-1, SUMS).T
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
    on_time = said[(said[:, 1] == 0) & (said[:, 4] == 1)]
    on_time = on_time[on_time[:, 3] == (on_time[:, 2] + 1) * MINUTE_US + DIRECTION_HOLD_US]
    ring = minutes.ring.reshape(-1, RING, MINUTE)
    for minute in range(first, last + 1):
        ring[:, minute % RING] = (-1, 0, -1, 0)
        _put(ring[:, minute % RING], ways, on_time[on_time[:, 2] == minute])
        minutes.minute = minute
        yield Moment(minutes, stretches, minute, (minute + 1) * MINUTE_US + DIRECTION_HOLD_US)


def _put(table: Int64s, ways: Cells, said: Int64s) -> None:
    """One minute of the directions that were said, into int64 (places, MINUTE)."""
    key, values = ways.key[said[:, 0]], now_of(said)
    place = (key >> 32) * DIRECTIONS + (key & 0xFFFF) - WHOLE - 1
    here = ((key & 0xFFFF) > WHOLE) & (place < len(table))
    place, values = place[here], values[here]
    table[place, WEIGHT], table[place, SPEED_SUM] = values[:, SPEEDS], values[:, SAID_SPEED_SUM]
    table[place, VEHICLES] = values[:, SAID_VEHICLES]
    occupancies = values[:, OCCUPANCIES]
    table[place, OCCUPANCY] = np.where(occupancies > 0, values[:, OCCUPIED] // np.maximum(occupancies, 1), -1)


def _grown(ring: Int64s, places: int) -> Int64s:
    size = places * RING * MINUTE
    if ring.size >= size:
        return ring
    new = np.tile(np.array([-1, 0, -1, 0], np.int64), (size - ring.size) // MINUTE)
    return np.concatenate((ring, new))
