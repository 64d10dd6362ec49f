"""Records of several devices in the order in which things happened.

A rule over several devices declares its groups and reads their records in (event time, device, identity) order, behind
the least watermark of the members (kernels/ordering.py says who is left out). A record that comes when its group is
past it already is late: it is handed out a moment after it came, with what was late beside it, and marked. So what a
rule sees, and in which order, is a function of the log and the grid of ticks.

Records that wait are bounded by time: no frontier is further behind the engine's time than LAG_US.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np

from contracts.clock import TICK_US
from contracts.columns import Batch, Columns
from processing.kernels.ordering import NEVER, gather, release, remember
from processing.state import Int64s, State, grown
from processing.timeline import Arrivals, column

FIELDS: Final = [
    ("group", "i8"),
    ("time_us", "i8"),
    ("counted_us", "i8"),
    ("hold_us", "i8"),
    ("out_us", "i8"),
    ("late", "?"),
]
"""What every row that waits begins with; the columns of identity of `contracts/columns.py` follow.

`group`: of the version in force; `time_us`: its place in the order; `counted_us`: the first tick after receipt;
`hold_us`: how long it waits after that where it is late; `out_us`: the tick at which it is handed out."""


def _none() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Ears:
    """By device, us: the newest event heard, the tick of the last hearing, and the newest event not counted yet."""

    newest_us: Int64s = field(default_factory=_none)
    heard_us: Int64s = field(default_factory=_none)
    waiting_us: Int64s = field(default_factory=_none)


@dataclass(slots=True)
class Queue:
    """One rule's groups, by `keys`: how far each has come, and what waits.

    A rule's own form gives `pending` its dtype.
    """

    keys: Int64s = field(default_factory=_none)
    frontier_us: Int64s = field(default_factory=_none)
    pending: Columns = field(default_factory=lambda: np.empty(0, np.dtype(FIELDS)))


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of devices. `keys` names each for ever; members of group g are `member[first[g]:first[g + 1]]`."""

    keys: Int64s
    first: Int64s
    member: Int64s


@dataclass(frozen=True, slots=True)
class Heard:
    """Who was heard at which tick of this batch (tick, device, newest event; by tick), and what was known before."""

    first_tick_us: int
    last_tick_us: int
    listening_us: int
    rows: tuple[Int64s, Int64s, Int64s]
    newest_us: Int64s
    heard_us: Int64s


def key_of(name: str) -> int:
    """A key for a group that has a name: 63 bits of BLAKE2b."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def groups_of(members: Mapping[int, Sequence[int]]) -> Groups:
    """Groups from their members' numbers in the registry, by key, in order of the keys."""
    keys = sorted(members)
    sizes = [0, *(len(members[key]) for key in keys)]
    return Groups(
        np.array(keys, np.int64),
        np.cumsum(sizes).astype(np.int64),
        np.array([no for key in keys for no in members[key]], np.int64),
    )


def listen(state: State, batch: Batch, arrivals: Arrivals) -> Heard:
    """Who was heard when in this batch, for `take`; once for each batch."""
    ears = state.part("ears", Ears)
    for name, blank in (("newest_us", NEVER), ("heard_us", 0), ("waiting_us", NEVER)):
        setattr(ears, name, grown(getattr(ears, name), state.size, blank))
    first_us = (batch.since_us // TICK_US + 1) * TICK_US
    last_us = batch.now_us // TICK_US * TICK_US
    waited = np.flatnonzero(ears.waiting_us > NEVER) if last_us >= first_us else _none()
    rows = _hearings(arrivals, first_us, state.size, waited, ears.waiting_us[waited])
    heard = Heard(first_us, last_us, state.moments.listening_us, rows, ears.newest_us.copy(), ears.heard_us.copy())
    ears.waiting_us[waited] = NEVER
    remember(rows, last_us, (ears.newest_us, ears.heard_us, ears.waiting_us))
    return heard


def _hearings(
    arrivals: Arrivals, first_us: int, size: int, waited: Int64s, waited_us: Int64s
) -> tuple[Int64s, Int64s, Int64s]:
    """Tick, device and newest event by tick: those that waited for the first tick before those of the batch."""
    heard = (np.empty(arrivals.device.size, np.int64), *(np.empty(arrivals.device.size, np.int64) for _ in range(2)))
    records = arrivals.device, arrivals.received_us, arrivals.event_us
    count = gather(records, first_us, np.full(size, -1, np.int64), heard)
    before = np.full(waited.size, first_us, np.int64), waited, waited_us
    tick, device, event = (np.concatenate((old, new[:count])) for old, new in zip(before, heard, strict=True))
    return tick, device, event


def rows_of(records: Columns, group: Int64s, form: np.dtype[np.void], shift_us: int = 0, hold_us: int = 0) -> Columns:
    """Records as rows of this form, each of one group; columns that the record lacks are 0.

    `shift_us`: how long after its event time a record stands in the order.
    """
    rows = np.zeros(records.size, form)
    for name in set(form.names or ()) & set(records.dtype.names or ()):
        rows[name] = records[name]
    rows["group"], rows["time_us"], rows["hold_us"] = group, records["event_us"] + shift_us, hold_us
    rows["counted_us"] = (records["received_us"] // TICK_US + 1) * TICK_US
    return rows


def take(queue: Queue, heard: Heard, groups: Groups, rows: Columns) -> Columns:
    """What is handed out in this batch, by tick and then in order; what has to wait stays in the queue."""
    _regroup(queue, groups)
    if not groups.keys.size:
        return rows[:0]
    rows["counted_us"] = np.maximum(rows["counted_us"], heard.first_tick_us)
    waiting = joined(queue.pending, rows)
    waiting = waiting[np.lexsort((waiting["time_us"], waiting["group"]))]
    behind_us = np.empty(waiting.size, np.int64)
    row_first = np.searchsorted(waiting["group"], np.arange(groups.keys.size + 1)).astype(np.int64)
    release(
        heard.rows,
        np.array([heard.first_tick_us, heard.last_tick_us, heard.listening_us], np.int64),
        (heard.newest_us.copy(), heard.heard_us.copy()),
        (groups.first, groups.member),
        queue.frontier_us,
        (row_first, column(waiting, "time_us")),
        behind_us,
    )
    waiting["late"] |= behind_us < waiting["counted_us"]
    in_order = np.maximum(behind_us, waiting["counted_us"])
    waiting["out_us"] = np.where(waiting["late"], waiting["counted_us"] + waiting["hold_us"], in_order)
    out = waiting["out_us"] <= heard.last_tick_us
    queue.pending = waiting[~out]
    taken = waiting[out]
    ordered: Columns = taken[
        np.lexsort([taken[name] for name in ("part", "seq", "boot", "device", "time_us", "out_us")])
    ]
    return ordered


def joined(first: Columns, second: Columns) -> Columns:
    """Rows of one form, one after another; quicker than NumPy's own, which looks for a common form."""
    rows = np.empty(first.size + second.size, second.dtype)
    rows[: first.size], rows[first.size :] = first, second
    return rows


def _regroup(queue: Queue, groups: Groups) -> None:
    """Groups as the version in force has them: those known before go on, what waits for one that left is dropped."""
    if np.array_equal(queue.keys, groups.keys):
        return
    frontier_us = np.full(groups.keys.size, NEVER, np.int64)
    _, old, new = np.intersect1d(queue.keys, groups.keys, return_indices=True)
    frontier_us[new] = queue.frontier_us[old]
    queue.pending = regrouped(queue.pending, queue.keys, groups.keys)
    queue.keys, queue.frontier_us = groups.keys.copy(), frontier_us


def regrouped(rows: Columns, before: Int64s, after: Int64s) -> Columns:
    """The rows with their `group` counted in other keys; those whose group left are dropped."""
    _, old, new = np.intersect1d(before, after, return_indices=True)
    place = np.full(before.size, -1, np.int64)
    place[old] = new
    moved = place[rows["group"]]
    kept: Columns = rows[moved >= 0]
    kept["group"] = moved[moved >= 0]
    return kept
