"""The hours behind every running figure: sums of the series that a city makes figures of (kernels/running.py).

An hour is judged when the device's own windows have left it behind, never by a clock. Samples that come for an hour
later, while it is held, still count in what is judged after. No hour is judged twice.

Decibels are added as energies, sample by sample, for a minute's arithmetic mean says too little about them.
"""

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np

from contracts.clock import SECOND_US, TICK_US
from contracts.columns import Batch, Columns
from processing.compiled import Compiled, pack_series
from processing.environment.derived import MOST, Floats, Plan, Results, make_plans
from processing.environment.runs import by_device, chosen
from processing.kernels.levels import to_energy
from processing.kernels.running import FACTS, FIGURES, MILLIONTHS, SCRATCH, put, walk
from processing.series import places
from processing.state import Int64s, State, grown

NAME: Final = "hours"
UNKNOWN: Final = -2
UNWATCHED: Final = -1
RESULTS: Final = 1024
"""Room for results in one call of the walk; it is called again while there are more."""
_BY_DEVICE: Final = {"current": 0, "judging": 0, "heading": -1}


def _zeros() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Hours:
    """See kernels/running.py. `slot_of`: the slot of each series place, UNWATCHED, or UNKNOWN until it is looked up;
    `series`, `metric`, `first`, `length`, `newest`, `following` by slot; `current`, `judging`, `heading` by device."""

    slot_of: Int64s = field(default_factory=_zeros)
    series: Int64s = field(default_factory=_zeros)
    metric: Int64s = field(default_factory=_zeros)
    first: Int64s = field(default_factory=_zeros)
    length: Int64s = field(default_factory=_zeros)
    newest: Int64s = field(default_factory=_zeros)
    following: Int64s = field(default_factory=_zeros)
    ring: Int64s = field(default_factory=_zeros)
    current: Int64s = field(default_factory=_zeros)
    judging: Int64s = field(default_factory=_zeros)
    heading: Int64s = field(default_factory=_zeros)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for the walk, int64 (n,) each. Those of one `run` stand together, by tick and start."""

    run: Int64s
    device: Int64s
    slot: Int64s
    tick_us: Int64s
    start_us: Int64s
    first: Int64s
    count: Int64s
    total: Int64s

    def columns(self) -> tuple[Int64s, ...]:
        """All of them."""
        return self.run, self.device, self.slot, self.tick_us, self.start_us, self.first, self.count, self.total


def fold(state: State, compiled: Compiled, plan: Plan, batch: Batch, closed: Columns) -> Results | None:
    """Add the batch's closed windows and decibels to their hours; what those left behind give, None if none was."""
    if not plan.places:
        return None
    hours = state.part(_name(plan), Hours)
    for name, blank in _BY_DEVICE.items():
        setattr(hours, name, grown(getattr(hours, name), state.size, blank))
    rows = _joined(_of_windows(compiled, plan, hours, closed), _of_levels(state, compiled, plan, hours, batch))
    if not rows.device.size:
        return None
    hour = rows.start_us // plan.step_us
    leaving = (rows.first == 1) & ((hours.judging[rows.device] == 0) | (hour > hours.current[rows.device]))
    if leaving.any():  # judging must see what came before; without it whole numbers add up in any order
        order = by_device(rows.run, rows.device, rows.tick_us, rows.start_us)
    else:
        order = np.arange(rows.device.size, dtype=np.int64)
    return _walk(plan, hours, rows, order)


def enter(state: State, compiled: Compiled) -> None:
    """A city version comes into force: series are looked up anew, and devices that it does not watch are not judged."""
    for plan in compiled.table(make_plans):
        _enter(compiled, plan, state.part(_name(plan), Hours))


def _name(plan: Plan) -> str:
    """The state's part for the steps of a plan."""
    return f"{NAME}-{plan.step_us // SECOND_US}"


def _enter(compiled: Compiled, plan: Plan, hours: Hours) -> None:
    hours.slot_of[:] = UNKNOWN
    watched = _watched(compiled, plan, hours.series)
    held = np.zeros(hours.judging.size, np.bool_)
    held[hours.series[watched] >> 32] = True
    hours.judging[~held] = 0
    needed = np.where(hours.metric < plan.length.size, plan.length[np.minimum(hours.metric, plan.length.size - 1)], 0)
    for slot in np.flatnonzero(needed > hours.length).tolist():
        _stretch(hours, slot, int(needed[slot]))


def inherit(state: State, donor: State, compiled: Compiled) -> None:
    """Take over the hours of a past that another shard folded: their samples are added to ours."""
    for plan in compiled.table(make_plans):
        _inherit(state, state.part(_name(plan), Hours), donor.part(_name(plan), Hours))


def _inherit(state: State, ours: Hours, theirs: Hours) -> None:
    size = max(state.size, theirs.current.size)
    for name, blank in _BY_DEVICE.items():
        setattr(ours, name, grown(getattr(ours, name), size, blank))
        setattr(theirs, name, grown(getattr(theirs, name), size, blank))
    slots = _slots(ours, theirs.series, theirs.length)
    for theirs_at, slot in enumerate(slots.tolist()):
        if ours.length[slot] < theirs.length[theirs_at]:
            _stretch(ours, slot, int(theirs.length[theirs_at]))
        for hour, total, packed in _held(theirs, theirs_at):
            put(ours.ring, ours.first[slot], ours.length[slot], ours.newest, slot, hour, packed, total)
    fresh = ours.judging == 0
    ours.current[fresh] = np.maximum(ours.current, theirs.current)[fresh]
    ours.judging[fresh] = theirs.judging[fresh]
    ours.slot_of[:] = UNKNOWN


def _held(hours: Hours, slot: int) -> list[tuple[int, int, int]]:
    """The hours that a slot holds, oldest first: hour, total, packed count."""
    first, length, newest = (int(getattr(hours, name)[slot]) for name in ("first", "length", "newest"))
    places = [(hour, (first + hour % length) * 2) for hour in range(max(0, newest - length + 1), newest + 1)]
    return [(hour, int(hours.ring[at]), int(hours.ring[at + 1])) for hour, at in places if hours.ring[at + 1]]


def _stretch(hours: Hours, slot: int, length: int) -> None:
    """Give a slot a longer ring, at the end; the old place stays unused until the state is folded anew."""
    held = _held(hours, slot)
    hours.first[slot], hours.length[slot], hours.newest[slot] = hours.ring.size // 2, length, -1
    hours.ring = np.concatenate((hours.ring, np.zeros(2 * length, np.int64)))
    for hour, total, packed in held:
        put(hours.ring, hours.first[slot], length, hours.newest, slot, hour, packed, total)


def _watched(compiled: Compiled, plan: Plan, series: Int64s) -> Columns:
    """Which series, packed (n,), the city makes figures of: a metric of its plan at a device that it knows."""
    device, metric = series >> 32, (series >> 16) & 0xFFFF
    known = (device < compiled.size) & compiled.known[np.minimum(device, compiled.size - 1)]
    planned = plan.length[np.minimum(metric, plan.length.size - 1)] > 0
    watched: Columns = known & (metric < plan.length.size) & planned
    return watched


def _slots(hours: Hours, series: Int64s, length: Int64s) -> Int64s:
    """The slot of each of these different series, packed (n,); new ones are made with rings of this length."""
    order = np.argsort(hours.series)
    out = np.full(series.size, -1, np.int64)
    if order.size:
        found = order[np.minimum(np.searchsorted(hours.series, series, sorter=order), order.size - 1)]
        out = np.where(hours.series[found] == series, found, -1)
    new = out < 0
    if new.any():
        out[new] = np.arange(hours.series.size, hours.series.size + np.count_nonzero(new))
        ends = np.cumsum(length[new])
        begins = hours.ring.size // 2 + ends - length[new]
        added = {
            "series": series[new],
            "metric": (series[new] >> 16) & 0xFFFF,
            "first": begins,
            "length": length[new],
            "newest": np.full(ends.size, -1, np.int64),
            "following": np.full(ends.size, -1, np.int64),
            "ring": np.zeros(2 * int(ends[-1]), np.int64),
        }
        for entry in fields(hours):
            if entry.name in added:
                setattr(hours, entry.name, np.concatenate((getattr(hours, entry.name), added[entry.name])))
        for slot, device in zip(out[new].tolist(), (series[new] >> 32).tolist(), strict=True):
            hours.following[slot], hours.heading[device] = hours.heading[device], slot
    return out


def _look_up(compiled: Compiled, plan: Plan, hours: Hours, place: Int64s, rows: Columns) -> Int64s:
    """The slot of each row by its series place, UNWATCHED for the rest; places not seen before are looked up once."""
    if not place.size:
        return place
    hours.slot_of = grown(hours.slot_of, int(place.max()) + 1, UNKNOWN)
    slots = hours.slot_of[place]
    unknown = slots == UNKNOWN
    if unknown.any():
        new, at = np.unique(place[unknown], return_index=True)
        first = rows[np.flatnonzero(unknown)[at]]
        keys = pack_series(first["device"], first["metric"], first["lane"])
        watched = _watched(compiled, plan, keys)
        hours.slot_of[new] = UNWATCHED
        metric = (keys[watched] >> 16) & 0xFFFF
        hours.slot_of[new[watched]] = _slots(hours, keys[watched], plan.length[metric])
        slots = hours.slot_of[place]
    return slots


def _of_windows(compiled: Compiled, plan: Plan, hours: Hours, closed: Columns) -> Rows:
    rows, place = closed, np.ascontiguousarray(closed["place"])
    slot = _look_up(compiled, plan, hours, place, closed)
    mine = slot >= 0
    if not mine.all():
        rows, place, slot = chosen(closed, mine), place[mine], slot[mine]
    energy = plan.energy[rows["metric"]]
    total = np.rint(np.clip(np.nan_to_num(rows["added_sum"]), -MOST, MOST) * MILLIONTHS).astype(np.int64)
    return Rows(
        run=place,
        device=np.ascontiguousarray(rows["device"]),
        slot=slot,
        tick_us=np.ascontiguousarray(rows["said_us"]),
        start_us=np.ascontiguousarray(rows["start_us"]),
        first=(rows["revision"] == 1).astype(np.int64),
        count=np.where(energy, 0, rows["added"]),
        total=total,
    )


def _of_levels(state: State, compiled: Compiled, plan: Plan, hours: Hours, batch: Batch) -> Rows:
    """The batch's decibels as energies; a reading counts from the first tick after its receipt on."""
    readings = batch.readings
    if readings.size and plan.energy.any():
        readings = chosen(readings, plan.energy[np.minimum(readings["metric"], plan.energy.size - 1)])
        readings = chosen(readings, np.isfinite(readings["value"]))
    else:
        readings = readings[:0]
    series = pack_series(readings["device"], readings["metric"], readings["lane"])
    slot = _look_up(compiled, plan, hours, places(state, compiled, series), readings) if series.size else series
    readings, slot = chosen(readings, slot >= 0), slot[slot >= 0]
    tick_us = (readings["received_us"] // TICK_US + 1) * TICK_US
    order = np.lexsort((readings["event_us"], tick_us, readings["device"]))
    readings = readings.take(order)
    energy = np.empty(readings.size, np.int64)
    to_energy(np.ascontiguousarray(readings["value"]), energy)
    device = readings["device"].astype(np.int64)
    return Rows(
        run=-1 - device,
        device=device,
        slot=slot[order],
        tick_us=tick_us[order],
        start_us=np.ascontiguousarray(readings["event_us"]),
        first=np.zeros(readings.size, np.int64),
        count=np.ones(readings.size, np.int64),
        total=energy,
    )


def _joined(one: Rows, other: Rows) -> Rows:
    if not other.device.size:
        return one
    return Rows(*(np.concatenate(pair) for pair in zip(one.columns(), other.columns(), strict=True)))


def _walk(plan: Plan, hours: Hours, rows: Rows, order: Int64s) -> Results | None:
    cursor, room = np.zeros(2, np.int64), RESULTS
    devices = (hours.current, hours.judging, hours.heading)
    slots = (hours.metric, hours.first, hours.length, hours.newest, hours.following)
    tables = (plan.first, plan.requests, np.array([plan.step_us], np.int64))
    facts, figures = np.empty(room * FACTS, np.int64), np.empty(room * FIGURES + SCRATCH, np.float64)
    found: list[tuple[Int64s, Floats]] = []
    while cursor[0] < rows.device.size:
        cursor[1] = 0
        walk((order, *rows.columns()[1:]), devices, slots, hours.ring, tables, facts, figures, cursor)
        count = int(cursor[1])
        if count:
            found.append((facts[: count * FACTS].copy(), figures[: count * FIGURES].copy()))
        elif cursor[0] < rows.device.size:  # one device's hour gives more than there is room for
            room *= 2
            facts, figures = np.empty(room * FACTS, np.int64), np.empty(room * FIGURES + SCRATCH, np.float64)
    if not found:
        return None
    request, slot, hour, valid, tick_us = np.concatenate([pair[0] for pair in found]).reshape(-1, FACTS).T
    value, share = np.concatenate([pair[1] for pair in found]).reshape(-1, FIGURES).T
    return Results(plan, request, hours.series[slot], hour, valid, tick_us, value.copy(), share)
