"""How long a section takes, each quarter of an hour: estimated from the speeds of the cameras on it.

Between two neighbours the pace is taken for the mean of theirs. That is an estimate, as its metric's name says: it
knows of no stop between cameras, and needs no plates. What vehicles took is in processing/traffic/matched.py.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import MINUTE_US
from contracts.columns import WINDOW
from contracts.roads import Section
from processing.compiled import Compiled
from processing.order.ordering import key_of
from processing.said import Said
from processing.state import Int64s
from processing.traffic.minutes import Moment
from processing.traffic.stretches import DIRECTIONS, Stretches, make_stretches
from processing.traffic.tables import WHOLE

METRIC: Final = "travel-time-estimate_s"
QUARTER: Final = 15
"""Minutes over which speeds are averaged."""
MS_OF_KMH: Final = 3.6


@dataclass(frozen=True, slots=True)
class Way:
    """A section as its cameras see it: their places in driving order, and each one's share of its length."""

    section: Section
    places: Int64s
    share: npt.NDArray[np.float64]


def tell(moment: Moment, compiled: Compiled, said: Said) -> None:
    """Say the travel times of the quarter that ends with this minute; where a camera has no speed there is none."""
    if METRIC not in compiled.metric_code or (moment.minute + 1) % QUARTER:
        return
    ways, look = compiled.table(_ways), moment.look(QUARTER - 1)
    rows = np.zeros(len(ways), WINDOW)
    for name in ("sd", "p85", "p95", "completeness", "added_sum"):
        rows[name] = np.nan
    for row, way in zip(rows, ways, strict=True):
        speed_kmh = look.speed_kmh[way.places]
        if not np.all(look.known[way.places] & (speed_kmh > 0)):
            continue
        place = int(way.places[-1])
        row["device"], row["lane"] = place // DIRECTIONS, WHOLE + place % DIRECTIONS + 1
        row["count"] = row["added"] = int(look.vehicles[way.places].sum())
        travel_s = float(way.section.length_m * (way.share * MS_OF_KMH / speed_kmh).sum())
        for name in ("mean", "min", "max", "median", "last"):
            row[name] = travel_s
    rows = rows[rows["count"] > 0]
    rows["metric"], rows["width_s"] = compiled.metric_code[METRIC], QUARTER * 60
    rows["start_us"], rows["said_us"] = (moment.minute + 1 - QUARTER) * MINUTE_US, moment.tick_us
    rows["revision"], rows["place"] = 1, -1
    if rows.size:
        said.windows.append(rows)


def _ways(compiled: Compiled) -> tuple[Way, ...]:
    """The sections that have speeds at both ends on one stretch; of those with one exit, the first by name."""
    found: dict[int, Way] = {}
    for section in sorted(compiled.city.sections, key=lambda one: one.id):
        way = _way_of(compiled, section)
        if way is not None:
            found.setdefault(int(way.places[-1]), way)
    return tuple(found.values())


def _way_of(compiled: Compiled, section: Section) -> Way | None:
    stretches: Stretches = compiled.table(make_stretches)
    numbers = {device.id: no for no, device in compiled.devices.items()}
    entry, leave = numbers[section.entry], numbers[section.exit]
    for stretch in stretches.all:
        devices = [place // DIRECTIONS for place in stretch.places]
        if entry in devices and leave in devices and devices.index(entry) < devices.index(leave):
            places = np.array(stretch.places[devices.index(entry) : devices.index(leave) + 1], np.int64)
            return Way(section, places, _share(stretches, places))
    return None


def key_of_section(section: Section) -> int:
    """The key of its group. Between other cameras or of another length it is another section: what was read at an end
    of the one says nothing about the other."""
    ends = f"{section.id} {section.entry} {section.exit}"
    return key_of(f"{ends} {section.length_m!r} {section.length_uncertainty_m!r}") >> 1


def place_of_exit(compiled: Compiled) -> list[tuple[int, int]]:
    """Device and lane of each section's times, in order of their groups: the direction at its exit, or all of the
    device (0) off a stretch; (-1, 0) of one whose place another has, that comes first by name."""
    numbers = {device.id: no for no, device in compiled.devices.items()}
    found: dict[tuple[int, int], str] = {}
    for section in sorted(compiled.city.sections, key=lambda one: one.id):
        way = _way_of(compiled, section)
        lane = WHOLE + int(way.places[-1]) % DIRECTIONS + 1 if way else 0
        found.setdefault((numbers[section.exit], lane), section.id)
    of = {section: place for place, section in found.items()}
    return [of.get(section.id, (-1, 0)) for section in sorted(compiled.city.sections, key=key_of_section)]


def _share(stretches: Stretches, places: Int64s) -> npt.NDArray[np.float64]:
    """Half of the way to each neighbour is a camera's own."""
    metres = np.zeros(places.size)
    for at, (one, _other) in enumerate(pairwise(places.tolist())):
        metres[at : at + 2] += stretches.gap_m[one] / 2
    total = metres.sum()
    return metres / total if total else np.full(places.size, 1 / places.size)
