"""The flow of traffic: volume, passenger-car units, mean speeds, V85, headway and level of service, as derived windows.

Vehicles that were seen one by one and the counts of an interval go into cells of whole numbers (kernels/flow.py), so
that a window is a function of the set of what it holds. A window is first said 30 s after its end by the engine's time
(`HOLD_US`) and again whenever more came; what comes ten minutes after its minute ended, when its lane has come further
already, is late and in no window. Volume and PCU of a lane come from interval counts where the city lists such series,
else from passages; speeds, V85 and headway only from passages. Levels of service are of a direction.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import MINUTE_US, TICK_US
from contracts.columns import DTYPES, LATE, Batch, Columns
from processing.compiled import Compiled
from processing.kernels.flow import ADDED, AMEND_US, COUNTED_WIDE, SEEN_WIDE, WAY_WIDE
from processing.kernels.flow_new import (
    EVENT_US,
    NEW,
    PLACE,
    RECEIVED_US,
    SPEED,
    WAITING,
    find_counts,
    join_counts,
    lead_on,
    line_up,
    weigh,
)
from processing.kernels.timeline import by_device
from processing.said import Said
from processing.state import Int64s, State
from processing.timeline import column
from processing.traffic import minutes
from processing.traffic import rows as flow_rows
from processing.traffic import watch as traffic_watch
from processing.traffic.cells import Cells, Counted, Seen, Ways, in_order, pack_unit
from processing.traffic.speeds import Speeds
from processing.traffic.tables import WHOLE, Tables, make_tables

_TICK: Final = 0
_MINUTE: Final = 1
"""Where a new row says when it counts, and for which minute."""
_ADDED: Final = ADDED + SEEN_WIDE


@dataclass(slots=True)
class Waiting:
    """Passages received after the last tick, int64 (n * WAITING,)."""

    rows: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Say the windows of the flow that are due in this batch, and report where traffic is congested."""
    tables = compiled.table(make_tables)
    if not np.any(tables.metrics >= 0) and not traffic_watch.watches(compiled):
        return
    until_us = batch.now_us // TICK_US * TICK_US
    seen, counted = state.part("flow-passed", Seen), state.part("flow-counted", Counted)
    ways, speeds = state.part("flow-ways", Ways), state.part("flow-speeds", Speeds)
    of_seen = _settle_seen(state, tables, seen, speeds, batch, said, until_us)
    ranks = speeds.ranks(seen, of_seen)
    of_counted = _settle_counted(tables, counted, said, until_us)
    of_ways = _settle_ways(tables, ways, ((seen, of_seen), (counted, of_counted)), until_us)
    rows = [
        flow_rows.of_seen(tables, seen, of_seen, ranks),
        flow_rows.of_counted(tables, counted, of_counted),
        flow_rows.of_ways(tables, ways, of_ways),
    ]
    said.windows += [row for row in rows if row.size]
    traffic_watch.fold(state, compiled, ways, of_ways, batch, said)


def inherit(state: State, donor: State, now_us: int) -> None:
    """Take over what figures of a past that another shard folded are still being made, and its last minutes."""
    tick_us = (now_us // TICK_US + 1) * TICK_US
    seen, before = state.part("flow-passed", Seen), donor.part("flow-passed", Seen)
    taken = seen.inherit(before, tick_us)
    state.part("flow-speeds", Speeds).inherit(donor.part("flow-speeds", Speeds), seen, before, taken)
    state.part("flow-counted", Counted).inherit(donor.part("flow-counted", Counted), tick_us)
    state.part("flow-ways", Ways).inherit(donor.part("flow-ways", Ways), tick_us)
    minutes.inherit(state, donor, now_us)


def _settle_seen(
    state: State, tables: Tables, seen: Cells, speeds: Speeds, batch: Batch, said: Said, until_us: int
) -> Int64s:
    """What is said of vehicles seen one by one."""
    waiting = state.part("flow-waiting", Waiting)
    before = waiting.rows.reshape(-1, WAITING)
    rows = np.concatenate((before, _passages(tables, seen, batch, said))) if batch.passages.size else before
    due = int(np.searchsorted(rows[:, RECEIVED_US], until_us))
    order, into, begins = np.empty(due, np.int64), np.empty(due, np.int64), np.zeros(seen.count + 1, np.int64)
    by_device(rows[:due, PLACE].copy(), begins.copy(), order)
    added, fast = np.empty(due * _ADDED, np.int64), np.empty(due * NEW, np.int64)
    made, has_speed = weigh(order, rows[:due].reshape(-1), seen.form.hold_us, begins, into, added, fast)
    sayings = seen.settle(begins, added[: made * _ADDED], until_us)
    is_late = (added[_MINUTE : made * _ADDED : _ADDED] < 0)[into]
    fast = fast[: has_speed * NEW]
    if is_late.any():
        fast = fast.reshape(-1, NEW)[~is_late[rows[order, SPEED] >= 0]].reshape(-1)
    speeds.add(fast)
    # What waits for a tick beyond the batch: everything before that tick is known, so is what comes too late for it.
    left = rows[due:]
    minute = left[:, EVENT_US] // MINUTE_US
    too_late = (minute < seen.newest(left[:, PLACE])) & (_tick_us(left) >= (minute + 1) * MINUTE_US + AMEND_US)
    waiting.rows = left[~too_late].reshape(-1)
    late = np.concatenate((order[is_late], due + np.flatnonzero(too_late))) - len(before)
    if late.size:
        said.late.append(_late(batch.passages[np.sort(late)]))
    return sayings


def _passages(tables: Tables, seen: Cells, batch: Batch, said: Said) -> Int64s:
    """The batch's passages as rows that wait for their tick, int64 (n, WAITING)."""
    passing = said.passing
    assert passing is not None, "the rules on single passages come first"
    place = seen.places(pack_unit(passing.device, passing.lane))
    is_counted = 1 - (tables.lanes.pick(tables.lanes.due, seen.key, 0.0) > 0)
    rows = np.empty((place.size, WAITING), np.int64)
    passages = place, passing.event_us, column(batch.passages, "received_us"), passing.vehicle
    line_up(passages, passing.speed_kmh, (tables.pcu, is_counted), rows.reshape(-1))
    return rows


def _tick_us(rows: Int64s) -> Int64s:
    """The first tick after each receipt."""
    tick_us: Int64s = (rows[:, RECEIVED_US] // TICK_US + 1) * TICK_US
    return tick_us


def _late(passages: Columns) -> Columns:
    out = np.empty(passages.size, LATE)
    out["kind"] = list(DTYPES).index("passage")
    for name in ("place", "device", "event_us"):
        out[name] = passages[name]
    return out


def _settle_counted(tables: Tables, counted: Cells, said: Said, until_us: int) -> Int64s:
    """What is said of interval counts. A late reading was counted as late by its own window, and is not again here."""
    rows, figures = said.closed.view(np.int64), said.closed.view(np.float64)
    found = tuple(np.empty(said.closed.size, np.int64) for _ in range(4))
    series = find_counts(rows, tables.role, found)
    first, behind, key, role = (column[:series] for column in found)
    place = counted.places(key)
    begins = np.zeros(counted.count + 1, np.int64)
    added = np.empty(int((behind - first).sum()) * (ADDED + COUNTED_WIDE), np.int64)
    order, groups = np.argsort(place, kind="stable"), (first, behind, place, role)
    count = join_counts(order, groups, rows, figures, begins, added)
    added = added[: abs(count) * (ADDED + COUNTED_WIDE)]
    if count < 0:
        table = added.reshape(-1, ADDED + COUNTED_WIDE)
        of_lane = np.repeat(np.arange(counted.count), np.diff(begins))
        added = table[in_order(of_lane, table[:, _TICK], table[:, _MINUTE])].reshape(-1)
    return counted.settle(begins, added, until_us)


def _settle_ways(tables: Tables, ways: Cells, lanes: tuple[tuple[Cells, Int64s], ...], until_us: int) -> Int64s:
    """What is said of directions, by the minutes that were said of their lanes."""
    parts = []
    for cells, sayings in lanes:
        brings = np.ones(cells.count, np.int64)
        if isinstance(cells, Seen):
            brings -= tables.lanes.pick(tables.lanes.has_speed, cells.key, False)
        out = np.empty(len(sayings) * (1 + ADDED + WAY_WIDE), np.int64)
        made = lead_on(sayings.reshape(-1), cells.form.wide, (_way(tables, ways, cells), brings), out)
        parts.append(out[: made * (1 + ADDED + WAY_WIDE)])
    rows = np.concatenate(parts).reshape(-1, 1 + ADDED + WAY_WIDE)
    order = in_order(rows[:, 0], rows[:, 1 + _TICK], rows[:, 1 + _MINUTE])
    first = np.append(0, np.cumsum(np.bincount(rows[:, 0], minlength=ways.count)))
    return ways.settle(first, rows[order, 1:].reshape(-1), until_us)


def _way(tables: Tables, ways: Cells, cells: Cells) -> Int64s:
    """The place of the direction of each lane, int64 (count,), -1 for a lane that the city does not know."""
    direction = tables.lanes.pick(tables.lanes.direction, cells.key, -1)
    known = np.flatnonzero(direction >= 0)
    way = np.full(cells.count, -1, np.int64)
    way[known] = ways.places(pack_unit(cells.key[known] >> 32, WHOLE + direction[known]))
    return way
