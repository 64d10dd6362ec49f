"""Average speed over a section: from its entry to its exit in less time than the enforcement threshold allows.

Entry and exit are matched by the plate's hash, across midnight by that of the day before. Where one of the two was read
doubtfully, look-alikes match too: that makes a case for a second look, never a clear one. All other doubt is the
driver's: the section may be shorter than stated, and each of the two clocks may be wrong, so what is judged is the
lower bound

    (length - length uncertainty) / (time + uncertainty of both clocks)

which must lie above the threshold. The limit is the one posted for the section, else the higher of those that hold
where its cameras stand, for the class that each of them saw. A read that comes late is matched with the reads that are
remembered; each read is part of one case at most. How long vehicles took becomes the section's travel time.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US, to_iso
from contracts.columns import Batch, Columns
from contracts.findings import Because
from contracts.records import TimeQuality, VehicleClass
from contracts.roads import Section, SectionLimit
from contracts.rules import Rule
from processing.calendar import span_of
from processing.cases.case import Case, case, why_not
from processing.cases.passing import Passing
from processing.compiled import ANY, VEHICLES, Compiled, Limits, in_force_us
from processing.kernels.ordering import LAG_US
from processing.kernels.sightings import FACTS, NEED, NOBODY, VALUES, WHERE, WIDE, pair
from processing.kernels.speeding import find_limit
from processing.order.ordering import Groups, Heard, Offer, Taken, groups_of, take
from processing.order.sightings import Sightings, facts_of, passage_of, values_of
from processing.said import Said
from processing.state import Int64s, State
from processing.traffic.matched import Trips, tell
from processing.traffic.travel_time import key_of_section

KIND: Final = "section_speed"
TRIPS: Final = "section-trips"
LEAVING: Final = 1
"""The end of a section at its exit; its entry is 0."""
_FACTS: Final = ("device", "direction", "vehicle", "event_us")
"""What the limit for a read depends on."""
US_PER_H: Final = 3_600.0 * SECOND_US
M_PER_KM: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Ends:
    """The sections, in order of their groups: entry and exit. A camera may stand at the ends of several."""

    groups: Groups
    sections: tuple[Section, ...]
    first: Int64s
    section: Int64s
    """The sections that device d stands at an end of: section[first[d]:first[d + 1]]."""
    own: Limits
    """The sections' own limits, by section."""
    segment: Int64s
    """By device: the segment that it stands at, -1 for none."""
    least_m: npt.NDArray[np.float64]
    """By section: its length less the uncertainty."""
    slowest_kmh: float
    """The lowest threshold there is: whoever is slower is no case."""


def judge(state: State, compiled: Compiled, batch: Batch, seen: Passing, heard: Heard, said: Said) -> None:
    """The suspected violations that this batch decides."""
    memory, trips, rules = state.part(KIND, Sightings), state.part(TRIPS, Trips), compiled.rules_of(KIND)
    ends = compiled.table(_ends)
    if not rules or not ends.sections:
        for name in (KIND, TRIPS):
            state.parts.pop(name)
        return
    rule = rules[0]
    taken = take(memory, heard, ends.groups, _offer(ends, seen))
    rows, travel_us = taken.rows, np.zeros(taken.rows.size, np.int64)
    if rows.size:
        _look(memory, compiled, rule, ends, taken, travel_us, said)
    tell(trips, compiled, ends.groups.keys, taken, travel_us, said)


def _look(
    memory: Sightings, compiled: Compiled, rule: Rule, ends: Ends, taken: Taken, travel_us: Int64s, said: Said
) -> None:
    """Pair what is handed out with what is remembered; fill in how long each trip took."""
    rows, keep_s = taken.rows, rule.params["keep_s"]
    horizon_us = int(ends.least_m.max() * US_PER_H / M_PER_KM / ends.slowest_kmh)
    keep_us = horizon_us + LAG_US + round(keep_s * SECOND_US)
    end = np.where(rows["device"] == ends.groups.member[ends.groups.first[rows["group"]] + LEAVING], LEAVING, 0)
    values = values_of(taken, np.zeros(rows.size, np.int64))
    values[WHERE::VALUES] = ends.groups.keys[rows["group"]] * 2 + end
    values[NEED::VALUES] = _need_us(compiled, rule, ends, rows, values)
    partner = np.empty(rows.size, np.int64)
    bounds = memory.make_room(values, WIDE, keep_us, horizon_us, round(keep_s * SECOND_US))
    pair(memory.nodes, memory.head, bounds, values, np.empty(3, np.int64), partner, travel_us)
    for row in np.flatnonzero(partner != NOBODY).tolist():
        section, node, one = int(rows["group"][row]), memory.nodes[partner[row] * WIDE :][:WIDE], taken.record(row)
        other = passage_of(node, int(ends.groups.member[ends.groups.first[section] + node[WHERE] % 2]), one)
        reads = (other, one) if end[row] == LEAVING else (one, other)
        said.cases.append(_case(compiled, rule, ends, section, reads, int(rows["out_us"][row])))
    memory.forget(WIDE, keep_us, int(rows["out_us"][-1]))


def _ends(compiled: Compiled) -> Ends:
    numbers = {device.id: no for no, device in compiled.devices.items()}
    segments = {segment.id: place for place, segment in enumerate(compiled.city.segments)}
    by_key = {key_of_section(section): section for section in compiled.city.sections}
    groups = groups_of({key: (numbers[one.entry], numbers[one.exit]) for key, one in by_key.items()})
    sections = tuple(by_key[key] for key in groups.keys.tolist())
    segment = np.full(compiled.size, -1, np.int64)
    for no, device in compiled.devices.items():
        segment[no] = segments[device.segment] if device.segment else -1
    order = np.argsort(groups.member, kind="stable")
    own = _own_limits(sections)
    thresholds = np.concatenate((own.threshold_kmh, compiled.limits.threshold_kmh))
    return Ends(
        groups=groups,
        sections=sections,
        first=np.searchsorted(groups.member[order], np.arange(compiled.size + 1)),
        section=(order // 2).astype(np.int64),
        own=own,
        segment=segment,
        least_m=np.array([one.length_m - one.length_uncertainty_m for one in sections], np.float64),
        slowest_kmh=float(thresholds.min()) if thresholds.size else float("inf"),
    )


def _own_limits(sections: tuple[Section, ...]) -> Limits:
    rows: list[SectionLimit] = [limit for section in sections for limit in section.limits]
    when = [(*in_force_us(row), *span_of(None)) for row in rows]
    return Limits(
        first=np.cumsum([0, *(len(section.limits) for section in sections)]).astype(np.int64),
        direction=np.full(len(rows), ANY, np.int64),
        vehicle=np.array([VEHICLES[row.vehicle] for row in rows], np.int64),
        when=np.array(when, np.int64).ravel(),
        limit_kmh=np.array([row.limit_kmh for row in rows], np.float64),
        threshold_kmh=np.array([row.threshold_kmh for row in rows], np.float64),
        source=tuple(row.source for row in rows),
    )


def _offer(ends: Ends, seen: Passing) -> Offer:
    """The batch's reads of plates at the ends of sections, once for each section; only with the camera's own time."""
    read = np.flatnonzero((seen.plate_state > 0) & (seen.quality == TimeQuality.DEVICE))
    read = read[ends.first[seen.device[read]] < ends.first[seen.device[read] + 1]]
    first = ends.first[seen.device[read]]
    many = ends.first[seen.device[read] + 1] - first
    place = np.repeat(first - np.concatenate(([0], np.cumsum(many)[:-1])), many) + np.arange(many.sum())
    return Offer("passages", seen.rows, seen, np.repeat(read, many), ends.section[place])


def _need_us(compiled: Compiled, rule: Rule, ends: Ends, reads: Columns, values: Int64s) -> Int64s:
    """By read: how long the section takes at the threshold for its class, less what the clocks may be wrong by, us."""
    group, seen = reads["group"], facts_of(values[FACTS::VALUES])
    facts = np.stack([reads["device"], seen["direction"], seen["vehicle"], reads["time_us"]], axis=1)
    rows, own = _limits_of(compiled, ends, group, facts)
    need_us = np.zeros(group.size, np.int64)
    for limits, which in ((ends.own, own & (rows >= 0)), (compiled.limits, ~own & (rows >= 0))):
        threshold = limits.threshold_kmh[rows[which]]
        need_us[which] = (ends.least_m[group[which]] * US_PER_H / M_PER_KM / threshold).astype(np.int64)
    return need_us - 2 * round(rule.params["clock_uncertainty_s"] * SECOND_US)


def _limits_of(compiled: Compiled, ends: Ends, section: Int64s, facts: Int64s) -> tuple[Int64s, npt.NDArray[np.bool_]]:
    """The row of the limit for each read, -1 for none, and whether it is one of the section's own limits.

    `facts` int64 (n, 4): _FACTS of each.
    """
    found = []
    for where, limits in ((section, ends.own), (ends.segment[facts[:, 0]], compiled.limits)):
        asked = facts.copy()
        asked[:, 0] = where
        rows = np.empty(section.size, np.int64)
        find_limit(asked.ravel(), limits.first, limits.direction, limits.vehicle, limits.when, rows)
        found.append(rows)
    return np.where(found[0] >= 0, found[0], found[1]), found[0] >= 0


def _limit(compiled: Compiled, ends: Ends, section: int, reads: tuple[Any, Any]) -> tuple[float, float, str]:
    """Limit, threshold and source for two reads: the higher one."""
    facts = np.array([[int(read[name]) for name in _FACTS] for read in reads], np.int64)
    rows, own = _limits_of(compiled, ends, np.full(2, section, np.int64), facts)
    tables = [ends.own if one else compiled.limits for one in own]
    held = [
        (float(table.threshold_kmh[row]), float(table.limit_kmh[row]), table.source[row])
        for table, row in zip(tables, rows, strict=True)
    ]
    threshold, limit, source = max(held)
    return limit, threshold, source


def _case(compiled: Compiled, rule: Rule, ends: Ends, section: int, reads: tuple[Any, Any], tick_us: int) -> Case:
    entry, leave = reads
    stretch, unsure_s = ends.sections[section], 2 * rule.params["clock_uncertainty_s"]
    limit, threshold, source = _limit(compiled, ends, section, reads)
    travel_s = int(leave["event_us"] - entry["event_us"]) / SECOND_US
    bound = (stretch.length_m - stretch.length_uncertainty_m) / (travel_s + unsure_s) * 3.6
    because = Because(
        measured=bound,
        limit=limit,
        threshold=threshold,
        margin=bound - threshold,
        unit="km/h",
        needed=f"at_least_kmh <= {threshold:g}",
        source=source,
        inputs={
            "section": stretch.id,
            "average_kmh": stretch.length_m / travel_s * 3.6 if travel_s > 0 else None,  # clocks that are apart
            "at_least_kmh": bound,
            "limit_kmh": limit,
            "enforced_above_kmh": threshold,
            "length_m": stretch.length_m,
            "length_uncertainty_m": stretch.length_uncertainty_m,
            "travel_s": travel_s,
            "clock_uncertainty_s": unsure_s,
            "entry_device": stretch.entry,
            "exit_device": stretch.exit,
            "entered_at": to_iso(int(entry["event_us"])),
            "entry_class": VehicleClass(int(entry["vehicle"])).name.lower(),
        },
    )
    made = case(compiled, rule, KIND, leave, because, entry, tick_us=tick_us)
    reason = made.violation.reason or why_not(compiled, entry)
    if not reason and entry["vehicle"] != leave["vehicle"]:
        reason = "class_differs"
    return replace(made, violation=msgspec.structs.replace(made.violation, chargeable=not reason, reason=reason))
