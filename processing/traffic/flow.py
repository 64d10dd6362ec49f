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

from contracts.clock import MINUTE_US, SECOND_US, TICK_US
from contracts.columns import DTYPES, LATE, Batch, Columns
from processing.compiled import Compiled
from processing.kernels.flow import (
    ADDED,
    AMEND_US,
    FASTEST,
    FIRST_US,
    LAST_US,
    MOST_KMH,
    NOTHING,
    OCCUPANCIES,
    OCCUPIED,
    PCU,
    SAMPLES,
    SLOWEST,
    SPEED_SUM,
    SPEEDS,
    VEHICLES,
    WIDTH,
    join_counts,
    weigh,
)
from processing.said import Said
from processing.state import Int64s, State
from processing.traffic import rows as flow_rows
from processing.traffic import watch as traffic_watch
from processing.traffic.cells import Cells, Speeds, before_of, now_of, pack_unit
from processing.traffic.cells import fold as settle_cells
from processing.traffic.minutes import DIRECTION_HOLD_US
from processing.traffic.tables import WHOLE, Tables, make_tables

HOLD_US: Final = 30 * SECOND_US
"""As long as windows wait for an idle device: far beyond what a healthy network delays."""
SPEED_UNIT: Final = 100
"""Speeds are counted in hundredths of km/h, rounded half up; a histogram in whole km/h, rounded half up again."""
COUNTED_AT_ONCE: Final = 1 << 18
"""Readings of interval counts joined in one go: bounds the hash table."""
_WAITING: Final = 6
"""Of a passage that no tick has reached: unit, event time, speed, PCU, whether it is counted here, receipt."""


@dataclass(slots=True)
class Waiting:
    """Passages received after the last tick, int64 (n * 6,)."""

    rows: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Say the windows of the flow that are due in this batch, and report where traffic is congested."""
    tables = compiled.table(make_tables)
    if not tables.code and not traffic_watch.watches(compiled):
        return
    until_us = batch.now_us // TICK_US * TICK_US
    passed, counted, ways = (state.part(f"flow-{name}", Cells) for name in ("passed", "counted", "ways"))
    speeds = state.part("flow-speeds", Speeds)
    seen = _seen(state, tables, passed, speeds, batch, said, until_us)
    ranks = speeds.ranks(passed, seen, HOLD_US)
    come = _counted(tables, counted, said, until_us)
    keys, added = _of_directions(tables, (passed, seen), (counted, come))
    whole, _late = settle_cells(ways, ways.places(keys), added, DIRECTION_HOLD_US, until_us)
    rows = [
        flow_rows.of_passages(tables, passed, seen, ranks),
        flow_rows.of_counts(tables, counted, come),
        flow_rows.of_directions(tables, ways, whole),
    ]
    said.windows += [row for row in rows if row.size]
    traffic_watch.fold(state, compiled, ways, whole, batch, said)


def _seen(
    state: State, tables: Tables, passed: Cells, speeds: Speeds, batch: Batch, said: Said, until_us: int
) -> Int64s:
    """What is said of vehicles seen one by one."""
    waiting = state.part("flow-waiting", Waiting)
    before = waiting.rows.reshape(-1, _WAITING)
    rows = np.concatenate((before, _passages(tables, batch.passages))) if batch.passages.size else before
    tick_us = (rows[:, 5] // TICK_US + 1) * TICK_US
    now = tick_us <= until_us
    added, speed = _vehicles(rows[now], tick_us[now]), rows[now, 2]
    places = passed.places(rows[:, 0])
    sayings, late = settle_cells(passed, places[now], added, HOLD_US, until_us)
    has = speed >= 0
    has[late] = False
    kmh = (speed[has] + SPEED_UNIT // 2) // SPEED_UNIT
    speeds.add(places[now][has], added[has, 1], added[has, 0], kmh)
    # What waits for a tick beyond the batch: everything before that tick is known, so is what comes too late for it.
    minute = rows[~now, 1] // MINUTE_US
    too_late = (minute < passed.newest(places[~now])) & (tick_us[~now] >= (minute + 1) * MINUTE_US + AMEND_US)
    waiting.rows = rows[~now][~too_late].reshape(-1)
    new = np.concatenate((np.flatnonzero(now)[late], np.flatnonzero(~now)[too_late])) - len(before)
    if new.size:
        said.late.append(_late(batch.passages[np.sort(new)]))
    return sayings


def _passages(tables: Tables, passages: Columns) -> Int64s:
    """Passages as rows that wait for their tick."""
    rows = np.empty((passages.size, _WAITING), np.int64)
    rows[:, 0] = pack_unit(passages["device"].astype(np.int64), passages["lane"].astype(np.int64))
    rows[:, 1], rows[:, 5] = passages["event_us"], passages["received_us"]
    speed = passages["speed_kmh"]
    believed = (speed >= 0.0) & (speed <= MOST_KMH)
    rows[:, 2] = np.floor(np.where(believed, speed, -1.0) * SPEED_UNIT + 0.5)
    rows[~believed, 2] = -1
    rows[:, 3] = tables.pcu[passages["vehicle"]]
    lane, known = tables.lanes.find(rows[:, 0])
    rows[:, 4] = ~(known & (tables.lanes.due[lane] > 0)) if known.any() else 1
    return rows


def _vehicles(rows: Int64s, tick_us: Int64s) -> Int64s:
    """New rows of cells, a vehicle each, int64 (n, ADDED)."""
    out = np.empty((len(rows), ADDED), np.int64)
    out[:, 0], out[:, 1] = tick_us, rows[:, 1] // MINUTE_US
    event_us, speed, pcu, counted = (np.ascontiguousarray(rows[:, column]) for column in (1, 2, 3, 4))
    weigh(event_us, speed, pcu, counted, out.reshape(-1))
    return out


def _late(passages: Columns) -> Columns:
    out = np.empty(passages.size, LATE)
    out["kind"] = list(DTYPES).index("passage")
    for name in ("place", "device", "event_us"):
        out[name] = passages[name]
    return out


def _counted(tables: Tables, counted: Cells, said: Said, until_us: int) -> Int64s:
    """What is said of interval counts. A late reading was counted as late by its own window, and is not again here."""
    joined = [
        _joined(tables, said.closed[at : at + COUNTED_AT_ONCE]) for at in range(0, len(said.closed), COUNTED_AT_ONCE)
    ]
    rows = np.concatenate(joined) if joined else np.zeros((0, 1 + ADDED), np.int64)
    sayings, _late_rows = settle_cells(counted, counted.places(rows[:, 0]), rows[:, 1:], HOLD_US, until_us)
    return sayings


def _joined(tables: Tables, closed: Columns) -> Int64s:
    """The windows of interval counts, brought together by lane, minute and tick: int64 (n, 1 + ADDED), unit first."""
    slots = np.zeros(1 << (2 * len(closed)).bit_length(), np.int64)
    out = np.empty(len(closed) * (1 + ADDED), np.int64)
    count = join_counts(closed.view(np.int64), closed.view(np.float64), tables.role, slots, out)
    return out[: count * (1 + ADDED)].reshape(-1, 1 + ADDED)


def _of_directions(tables: Tables, seen: tuple[Cells, Int64s], come: tuple[Cells, Int64s]) -> tuple[Int64s, Int64s]:
    """What the minutes of lanes that were said add to their directions: keys int64 (n,), rows int64 (n, ADDED)."""
    keys, parts = [], []
    for (cells, sayings), is_counted in ((seen, False), (come, True)):
        minutes = sayings[sayings[:, 1] == 0]
        key = cells.key[minutes[:, 0]]
        lane, known = tables.lanes.find(key)
        minutes, key, lane = minutes[known], key[known], lane[known]
        alone = np.ones(lane.size, np.bool_) if is_counted else ~tables.lanes.has_speed[lane]
        added = np.zeros((len(minutes), ADDED), np.int64)
        added[:, 0], added[:, 1] = minutes[:, 3], minutes[:, 2]
        added[:, 2:] = _share(now_of(minutes), is_counted, alone) - _share(before_of(minutes), is_counted, alone)
        added[:, [2 + SLOWEST, 2 + FIRST_US]], added[:, [2 + FASTEST, 2 + LAST_US]] = NOTHING, -1
        keys.append(pack_unit(key >> 32, WHOLE + tables.lanes.direction[lane]))
        parts.append(added)
    return np.concatenate(keys), np.concatenate(parts)


def _share(values: Int64s, is_counted: bool, brings_speed: Columns) -> Int64s:
    """What a lane's minute adds to its direction, int64 (n, WIDTH): its mean speed weighs as its vehicles do."""
    out = np.zeros((len(values), WIDTH), np.int64)
    for column in (VEHICLES, PCU, OCCUPIED, OCCUPANCIES, SAMPLES):
        out[:, column] = values[:, column]
    if is_counted:
        samples = values[:, SPEEDS]
        mean = (values[:, SPEED_SUM] + samples // 2) // np.maximum(samples, 1)
        weight = np.where(samples > 0, np.maximum(values[:, VEHICLES], 1), 0)
        out[:, SPEEDS], out[:, SPEED_SUM] = weight, weight * mean
    else:
        out[:, SPEEDS], out[:, SPEED_SUM] = values[:, SPEEDS] * brings_speed, values[:, SPEED_SUM] * brings_speed
    return out
