"""How long vehicles took through a section: those whose plate was read at its entry and then at its exit.

Each minute and quarter of an hour that vehicles left the section in, by the time at the exit, once the section's reads
are in order beyond its end: the median, and how many vehicles it is of. A read that comes late is in none. Only times
are kept, and those until their quarter is over.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import WINDOW, Columns
from processing.compiled import Compiled
from processing.order.ordering import Taken, places
from processing.said import Said
from processing.state import Int64s
from processing.traffic.travel_time import place_of_exit

METRIC: Final = "travel-time_s"
WIDTHS_US: Final = (MINUTE_US, 15 * MINUTE_US)


@dataclass(slots=True)
class Trips:
    """Trips of quarters that are not over, int64 (n * 3,): section's key, when it was left, time taken, us."""

    rows: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))


def tell(trips: Trips, compiled: Compiled, keys: Int64s, taken: Taken, travel_us: Int64s, said: Said) -> None:
    """Say the times of the windows that are over now.

    `keys`: of the sections, by group; `travel_us`: how long each trip took that is handed out, 0 where there is none.
    """
    if METRIC not in compiled.metric_code:
        trips.rows = np.zeros(0, np.int64)
        return
    new = np.flatnonzero((travel_us > 0) & (taken.rows["late"] == 0))
    made = np.stack((keys[taken.rows["group"][new]], taken.rows["time_us"][new], travel_us[new]), axis=1)
    rows = np.concatenate((trips.rows.reshape(-1, 3), made))
    section = places(rows[:, 0], keys)
    rows, section = rows[section >= 0], section[section >= 0]
    frontiers_us = taken.frontiers_us.reshape(-1, keys.size)
    over_us = frontiers_us[-1, section]
    for width_us in WIDTHS_US:
        end_us = (rows[:, 1] // width_us + 1) * width_us
        due = np.flatnonzero((frontiers_us[0, section] < end_us) & (end_us <= over_us))
        if due.size:
            told = _windows(section[due], end_us[due], rows[due, 2])
            said.windows.append(_finished(compiled, told, width_us, frontiers_us, taken.first_tick_us))
    trips.rows = rows[end_us > over_us].ravel()


def _windows(section: Int64s, end_us: Int64s, travel_us: Int64s) -> Columns:
    """A row for each section and end, in their order; its device is the section still, its start its end."""
    order = np.lexsort((travel_us, end_us, section))
    section, end_us, travel_s = section[order], end_us[order], travel_us[order] / SECOND_US
    first = np.flatnonzero((np.diff(section, prepend=-1) != 0) | (np.diff(end_us, prepend=-1) != 0))
    count = np.diff(first, append=section.size)
    rows = np.zeros(first.size, WINDOW)
    rows["device"], rows["start_us"], rows["count"] = section[first], end_us[first], count
    for name, share in (("min", 0.0), ("median", 0.5), ("p85", 0.85), ("p95", 0.95), ("max", 1.0)):
        at = (count - 1) * share
        below = at.astype(np.int64)
        one, other = travel_s[first + below], travel_s[first + np.minimum(below + 1, count - 1)]
        rows[name] = one + (other - one) * (at - below)  # type 7, as minutes have them
    return rows


def _finished(compiled: Compiled, rows: Columns, width_us: int, frontiers_us: Int64s, first_tick_us: int) -> Columns:
    """The rows with what is left to fill in; of sections that share an exit the first one is said."""
    for section in np.unique(rows["device"]).tolist():
        mine = rows["device"] == section
        behind = np.searchsorted(frontiers_us[1:, section].copy(), rows["start_us"][mine])
        rows["said_us"][mine] = first_tick_us + behind * SECOND_US
    exits = np.array(compiled.table(place_of_exit), np.int64)[rows["device"]]
    rows["device"], rows["lane"] = exits[:, 0], exits[:, 1]
    rows["metric"], rows["width_s"] = compiled.metric_code[METRIC], width_us // SECOND_US
    rows["start_us"] -= width_us
    rows["revision"], rows["place"], rows["added"] = 1, -1, rows["count"]
    for name in ("mean", "last"):
        rows[name] = rows["median"]  # the figure that a derived series is about
    for name in ("sd", "completeness", "added_sum"):
        rows[name] = np.nan
    said: Columns = rows[exits[:, 0] >= 0]
    return said
