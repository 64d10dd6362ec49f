"""Stations of one metric beside each other: the one that leaves the others, and all that leave their past together.

A city's rule says for which metric, and how near stations must be (`within_km`, from each to the next) to make a group.
A station whose deviation from its own recent level differs from that of the others by `min_deviation` for
`hold_minutes` disagrees with all around it: its sensor is at fault (`sensor-disagrees`), or drifts away from them where
that took `slow_minutes` or more (`drift`). Where the median of all deviations is as large, it is the city that moves
(`city-event`). See kernels/neighbours.py.
"""

from dataclasses import dataclass, field
from math import asin, cos, radians, sin, sqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from contracts.clock import MINUTE_US, to_iso
from contracts.columns import Columns
from contracts.devices import Device
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.alarms.stage import Report
from processing.compiled import FOR_EVER_US, Compiled, pack_series
from processing.kernels.neighbours import (
    AGREES,
    CANDIDATE,
    DRIFTS,
    EVENT,
    EVENT_ENDED,
    EVENT_STRIDE,
    FIGURE_STRIDE,
    FLOATS,
    GROUP_INTS,
    INTS,
    JUDGED,
    NEAR_AT,
    RING,
    RING_DEVIATION,
    SEEN,
    walk,
)
from processing.said import Said
from processing.state import Int64s, State, grown

if TYPE_CHECKING:
    from processing.detectors.anomaly import Anomalies

KIND: Final = "neighbours"
NAME: Final = "neighbours"
DISAGREES: Final = "sensor-disagrees"
DRIFT: Final = "drift"
CITY_EVENT: Final = "city-event"
MIN_MEMBERS: Final = 4.0
"""A station and three around it: with fewer nobody can say who is wrong."""
HOLD_MINUTES: Final = 15.0
SLOW_MINUTES: Final = 45.0
EARTH_KM: Final = 6_371.0
NOBODY_WAITS: Final = FOR_EVER_US // MINUTE_US
"""Up to which minute a series is judged that stands in no group, or in none any more."""


def _zeros() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Neighbours:
    """What the kernel remembers: `ints` and `floats` by slot, `group_ints` by group, whose names are `groups`."""

    ints: Int64s = field(default_factory=_zeros)
    floats: Columns = field(default_factory=lambda: np.zeros(0, np.float64))
    groups: Int64s = field(default_factory=_zeros)
    group_ints: Int64s = field(default_factory=_zeros)
    group_of: Int64s = field(default_factory=_zeros)
    first: Int64s = field(default_factory=_zeros)
    member: Int64s = field(default_factory=_zeros)
    """Group of each slot (-1: none), and the slots of group g, member[first[g]:first[g + 1]]."""


@dataclass(frozen=True, slots=True)
class Group:
    """Stations that measure the same near each other. `key` names it for ever: its metric and its first device."""

    key: int
    rule: Rule
    unit: str
    series: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What the neighbours say: candidates (slot, start_us, tick_us, deviation of the others) that were judged, whether
    a slot has neighbours, and by slot up to which minute (us) its group is judged."""

    candidates: Columns
    grouped: Columns
    judged_us: Int64s


CANDIDATES: Final = np.dtype([("slot", "i8"), ("start_us", "i8"), ("tick_us", "i8"), ("others", "f8")])


def make_groups(compiled: Compiled) -> tuple[Group, ...]:
    """The groups of a city version, by key."""
    units = {metric.key: metric.unit for metric in compiled.city.metrics}
    groups = []
    for rule in compiled.rules_of(KIND):
        metric = rule.metric or ""
        code = compiled.metric_code[metric]
        members = [
            (device, int(pack_series(no, code, series.lane)))
            for no, device in sorted(compiled.devices.items())
            for series in device.series
            if series.metric == metric
        ]
        for chain in _chains(members, rule.params["within_km"]):
            if len(chain) >= rule.params.get("min_members", MIN_MEMBERS):
                key = (code << 32) | chain[0][0].no
                groups.append(Group(key, rule, units[metric], tuple(series for _, series in chain)))
    return tuple(sorted(groups, key=lambda group: group.key))


def _chains(members: list[tuple[Device, int]], within_km: float) -> list[list[tuple[Device, int]]]:
    """Members joined where one is near the next."""
    left, chains = list(members), []
    while left:
        chain = [left.pop(0)]
        for one in chain:
            near = [other for other in left if distance_km(one[0], other[0]) <= within_km]
            chain += near
            left = [other for other in left if other not in near]
        chains.append(sorted(chain, key=lambda member: member[1]))
    return chains


def distance_km(one: Device, other: Device) -> float:
    """Along the great circle (haversine)."""
    north, east = radians(other.lat - one.lat), radians(other.lon - one.lon)
    a = sin(north / 2) ** 2 + cos(radians(one.lat)) * cos(radians(other.lat)) * sin(east / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(a)))


def fold(state: State, compiled: Compiled, slots: "Anomalies", minutes: tuple[Columns, Columns], said: Said) -> Beside:
    """Judge the groups up to where all their members have come. `minutes`: SEEN, and which of them are unusual."""
    seen, unusual = minutes
    groups = compiled.table(make_groups)
    held = state.part(NAME, Neighbours)
    held.ints = grown(held.ints, slots.count * INTS)
    held.floats = grown(held.floats, slots.count * FLOATS)
    if held.group_of.size != slots.count:
        _regroup(held, groups, slots)
    group_of = held.group_of
    grouped = group_of >= 0
    rows = seen[grouped[seen["slot"]]]
    if not rows.size:
        return Beside(np.empty(0, CANDIDATES), grouped, _judged(held))
    events, figures = _walk(held, groups, rows, unusual[grouped[seen["slot"]]])
    candidates = []
    for event, figure in zip(events.tolist(), figures.tolist(), strict=True):
        tick_us, what, who, minute, _ = event
        if what == CANDIDATE:
            candidates.append((who, minute * MINUTE_US, tick_us, figure[1] if figure[2] > 1 else np.nan))
        elif what in (EVENT, EVENT_ENDED):
            said.reports.append(_of_group(compiled, groups[-1 - who], event, figure))
        else:
            said.reports += _of_member(compiled, groups[int(group_of[who])], int(slots.key[who]), event, figure)
    return Beside(np.array(candidates, CANDIDATES), grouped, _judged(held))


def _walk(held: Neighbours, groups: tuple[Group, ...], rows: Columns, flagged: Columns) -> tuple[Int64s, Columns]:
    group_of, first, member = held.group_of, held.first, held.member
    order = np.lexsort((rows["slot"], rows["start_us"], rows["tick_us"], group_of[rows["slot"]]))
    rows, flagged = rows[order], flagged[order]
    slot = np.ascontiguousarray(rows["slot"])
    deviation = np.where(np.isfinite(rows["low"]), rows["mean"] - rows["level"], np.nan)
    least = min(group.rule.params.get("min_members", MIN_MEMBERS) for group in groups)
    group_ints = np.append(held.group_ints, int(least))
    most = 3 * rows.size + 3 * RING * member.size + 2 * RING
    out, figures = np.zeros(most * EVENT_STRIDE + 1, np.int64), np.zeros(most * FIGURE_STRIDE)
    patience = [
        np.array([group.rule.params.get(name, default) for group in groups]).astype(np.int64)
        for name, default in (("hold_minutes", HOLD_MINUTES), ("slow_minutes", SLOW_MINUTES))
    ]
    walk(
        (
            np.ascontiguousarray(group_of[slot]),
            slot,
            np.ascontiguousarray(rows["start_us"] // MINUTE_US),
            np.ascontiguousarray(rows["tick_us"]),
            flagged.astype(np.int64),
        ),
        deviation,
        (held.ints, group_ints, out),
        (held.floats, np.empty(max(member.size, 1)), figures),
        (first, member),
        tuple(patience),
        np.array([group.rule.params["min_deviation"] for group in groups]),
    )
    held.group_ints = group_ints[:-1]
    told = int(out[-1])
    return (
        out[: told * EVENT_STRIDE].reshape(-1, EVENT_STRIDE),
        figures[: told * FIGURE_STRIDE].reshape(-1, FIGURE_STRIDE),
    )


def _judged(held: Neighbours) -> Int64s:
    judged = np.append(held.group_ints.reshape(-1, GROUP_INTS)[:, JUDGED], NOBODY_WAITS)
    out: Int64s = judged[held.group_of] * MINUTE_US
    return out


def _regroup(held: Neighbours, groups: tuple[Group, ...], slots: "Anomalies") -> None:
    """Groups as the version in force has them, with the members that were heard; those known before go on."""
    keys = np.array([group.key for group in groups], np.int64)
    fresh = np.zeros((keys.size, GROUP_INTS), np.int64)
    _, old, new = np.intersect1d(held.groups, keys, return_indices=True)
    fresh[new] = held.group_ints.reshape(-1, GROUP_INTS)[old]
    held.groups, held.group_ints = keys, fresh.ravel()
    slot_of = {key: slot for slot, key in enumerate(slots.key[: slots.count].tolist())}
    held.group_of = np.full(slots.count, -1, np.int64)
    sizes: list[int] = [0]
    member: list[int] = []
    for number, group in enumerate(groups):
        mine = [slot_of[key] for key in group.series if key in slot_of]
        held.group_of[mine] = number
        member += mine
        sizes.append(len(member))
    held.first, held.member = np.array(sizes, np.int64), np.array(member, np.int64)


def enter(state: State, compiled: Compiled, slots: "Anomalies") -> None:
    """What stands in no group any more disagrees with nobody; its alarm ends with the rule."""
    held = state.part(NAME, Neighbours)
    held.ints = grown(held.ints, slots.count * INTS)
    held.floats = grown(held.floats, slots.count * FLOATS)
    _regroup(held, compiled.table(make_groups), slots)
    alone = np.flatnonzero(held.group_of < 0)
    held.ints.reshape(-1, INTS)[alone] = 0
    held.floats.reshape(-1, FLOATS)[alone] = 0.0


def inherit(state: State, donor: State, taken: Int64s, count: int) -> None:
    """Take over how far from each other stations usually are, by a past that another shard folded, where ours knows
    less. `taken`: our slot, of `count`, for each of theirs."""
    ours, theirs = state.part(NAME, Neighbours), donor.part(NAME, Neighbours)
    ours.ints, ours.floats = grown(ours.ints, count * INTS), grown(ours.floats, count * FLOATS)
    mine, others = ours.ints.reshape(-1, INTS), theirs.ints.reshape(-1, INTS)
    more = np.flatnonzero(others[:, SEEN] > mine[taken[: len(others)], SEEN])
    mine[taken[more], SEEN], mine[taken[more], NEAR_AT] = others[more, SEEN], others[more, NEAR_AT]
    ours.floats.reshape(-1, FLOATS)[taken[more], :RING_DEVIATION] = theirs.floats.reshape(-1, FLOATS)[
        more, :RING_DEVIATION
    ]


def _of_member(compiled: Compiled, group: Group, series: int, event: list[int], figure: list[float]) -> list[Report]:
    """The report of one that disagrees or drifts; where it agrees again, both ends, for either may stand."""
    tick_us, what, _, minute, since = event
    number = series >> 32
    device = compiled.devices.get(number)
    kinds = [DRIFT if what == DRIFTS else DISAGREES] if what != AGREES else [DISAGREES, DRIFT]
    return [
        Report(
            kind=kind,
            rule=group.rule,
            key=(series,),
            subject=device.id if device else str(number),
            device=number,
            zone=device.zone if device else "",
            active=what != AGREES,
            at_us=tick_us,
            since_us=since * MINUTE_US,
            because=_because(group, minute, figure, "the other stations"),
        )
        for kind in kinds
    ]


def _of_group(compiled: Compiled, group: Group, event: list[int], figure: list[float]) -> Report:
    tick_us, what, _, minute, since = event
    because = _because(group, minute, figure, "their own recent level")
    names = [compiled.devices[series >> 32].id for series in group.series]
    return Report(
        kind=CITY_EVENT,
        rule=group.rule,
        key=(group.key,),
        subject=str(group.rule.metric),
        device=-1,
        zone="",
        active=what == EVENT,
        at_us=tick_us,
        since_us=since * MINUTE_US,
        because=Because(
            measured=because.measured,
            limit=because.limit,
            threshold=because.threshold,
            margin=because.margin,
            unit=because.unit,
            needed=because.needed,
            source=because.source,
            inputs={**because.inputs, "devices": ", ".join(names)},
        ),
    )


def _because(group: Group, minute: int, figure: list[float], compared_with: str) -> Because:
    gap, others, members = figure
    limit = group.rule.params["min_deviation"]
    inputs: dict[str, Scalar] = {
        "metric": group.rule.metric,
        "score": round(abs(gap) / (abs(gap) + limit), 3),
        "compared_with": compared_with,
        "band_low": others - limit if compared_with == "the other stations" else -limit,
        "band_high": others + limit if compared_with == "the other stations" else limit,
        "deviation": gap + others if compared_with == "the other stations" else gap,
        "deviation_of_the_others": others,
        "stations": int(members),
        "within_km": group.rule.params["within_km"],
        "until": to_iso((minute + 1) * MINUTE_US),
    }
    return Because(
        measured=abs(gap),
        limit=limit,
        threshold=limit,
        margin=abs(gap) - limit,
        unit=group.unit,
        needed=f"|deviation| < {limit:g} {group.unit}",
        source=group.rule.law,
        inputs=inputs,
    )
