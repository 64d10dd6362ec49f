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
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from contracts.clock import TICK_US
from contracts.columns import Batch, Columns
from processing.kernels.ordering import NEVER, ROW_WIDTH, advance, enter, gather, put_in_order, release, remember
from processing.state import Flags, Int64s, State, grown
from processing.timeline import Arrivals

ROW: Final = np.dtype(
    [(name, "i8") for name in ("group", "time_us", "counted_us", "hold_us", "out_us", "late", "device")]
    + [(name, "i8") for name in ("source", "place")]
)
"""A record in the order, as the kernels have it. `group`: of the version in force; `time_us`: its place in the order;
`counted_us`: the first tick after its receipt; `hold_us`: how long it waits after that where it is late; `out_us`: the
tick at which it is handed out; `source`, `place`: where the record itself is."""
_IDENTITY: Final = ("part", "seq", "boot")
"""The rest of a record's identity beside its device and time, what decides least first."""

ALL: Final = slice(None)


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
    """One rule's groups, by `keys`: how far each has come, and what waits. A rule's own form has fields for the records
    that wait, one for each of its sources, named by `Offer.kept`. `members`: who was in which group (`Groups`)."""

    keys: Int64s = field(default_factory=_none)
    members: Int64s = field(default_factory=_none)
    frontier_us: Int64s = field(default_factory=_none)
    pending: Columns = field(default_factory=lambda: np.empty(0, ROW))


class Moments(Protocol):
    """Whose records they are, when it happened and when they came, int64 (n,) each."""

    @property
    def device(self) -> Int64s: ...
    @property
    def event_us(self) -> Int64s: ...
    @property
    def received_us(self) -> Int64s: ...


class Stamped(NamedTuple):
    """The moments of records of one kind."""

    device: Int64s
    event_us: Int64s
    received_us: Int64s


@dataclass(frozen=True, slots=True)
class Offer:
    """Records of a batch for a rule: those at `which`, each with its group; what waits is kept in the field `kept`.

    `shift_us`: how long after its event time each stands in the order; `hold_us`: how long it waits where it is late.
    """

    kept: str
    records: Columns
    moments: Moments
    which: Int64s
    group: Int64s
    shift_us: Int64s = field(default_factory=_none)
    hold_us: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What is handed out: ROWs in order, and by source the records that waited and those of the batch.

    `frontiers_us` int64 ((ticks + 1) * groups,): how far each group had come before the first tick and at each.
    """

    rows: Columns
    sources: tuple[tuple[Columns, Columns], ...]
    frontiers_us: Int64s
    first_tick_us: int

    def record(self, row: int) -> Any:
        """The record of a row."""
        waited, fresh = self.sources[self.rows["source"][row]]
        place = int(self.rows["place"][row])
        return waited[place] if place < waited.size else fresh[place - waited.size]

    def column(self, name: str, rows: Int64s | slice = ALL, source: int = 0) -> Columns:
        """A column of the records of these rows, which are all of one source."""
        waited, fresh = self.sources[source]
        return _joined(waited[name], fresh[name], self.rows["place"][rows])

    def records(self, rows: Int64s, source: int = 0) -> Columns:
        """The records of these rows, which are all of one source."""
        return _joined(*self.sources[source], self.rows["place"][rows])


def _joined(waited: Columns, fresh: Columns, place: Int64s) -> Columns:
    """What stands at these places of both, one after another: few waited, so both together are never copied."""
    values: Columns = fresh[np.clip(place - waited.size, 0, None)] if fresh.size else np.empty(place.size, fresh.dtype)
    old = np.flatnonzero(place < waited.size)
    values[old] = waited[place[old]]
    return values


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of devices. `keys` names each for ever; members of group g are `member[first[g]:first[g + 1]]`."""

    keys: Int64s
    first: Int64s
    member: Int64s

    @property
    def members(self) -> Int64s:
        """Every group with each of its devices, packed."""
        return _packed(np.repeat(np.arange(self.keys.size), np.diff(self.first)), self.member)


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


def take(queue: Queue, heard: Heard, groups: Groups, *offers: Offer) -> Taken:
    """What is handed out in this batch, by tick and then in order; what has to wait stays in the queue."""
    _regroup(queue, groups)
    sources = tuple((getattr(queue, offer.kept), offer.records) for offer in offers)
    rows = np.empty((queue.pending.size + sum(offer.which.size for offer in offers)) * ROW_WIDTH, np.int64)
    begin = queue.pending.size * ROW_WIDTH
    rows[:begin] = queue.pending.view(np.int64)
    for source, offer in enumerate(offers):
        about = np.array([offer.hold_us, source, sources[source][0].size], np.int64)
        moments = offer.moments.device, offer.moments.event_us, offer.moments.received_us
        enter(moments, offer.which, offer.group, offer.shift_us, about, rows[begin:])
        begin += offer.which.size * ROW_WIDTH
    span = np.array([heard.first_tick_us, heard.last_tick_us, heard.listening_us], np.int64)
    ticks = max(0, (heard.last_tick_us - heard.first_tick_us) // TICK_US + 1)
    frontiers_us = _frontiers(queue, heard, groups, span, ticks)
    release(frontiers_us, span, groups.keys.size, rows)
    order = np.empty(rows.size // ROW_WIDTH, np.int64)
    count = put_in_order(rows, span, np.zeros(ticks + 2, np.int64), order)
    made = rows.view(ROW)
    out, left = order[:count], np.flatnonzero(made["out_us"] > heard.last_tick_us)
    taken, kept = (Taken(_rows_at(made, rest), sources, frontiers_us, heard.first_tick_us) for rest in (out, left))
    _keep(queue, kept, offers)
    return _by_identity(taken)


def _words(rows: Columns) -> Int64s:
    """ROWs as whole numbers: those of named fields are gathered and joined one field after the other."""
    words: Int64s = rows.view(np.int64).reshape(-1, ROW_WIDTH)
    return words


def _rows_at(rows: Columns, places: Int64s) -> Columns:
    """The ROWs at these places."""
    taken: Columns = np.take(_words(rows), places, axis=0).ravel().view(ROW)
    return taken


def _keep(queue: Queue, left: Taken, offers: tuple[Offer, ...]) -> None:
    """Keep these rows and their records."""
    for source, offer in enumerate(offers):
        mine = np.flatnonzero(left.rows["source"] == source)
        setattr(queue, offer.kept, left.records(mine, source))
        left.rows["place"][mine] = np.arange(mine.size)
    queue.pending = left.rows


def _frontiers(queue: Queue, heard: Heard, groups: Groups, span: Int64s, ticks: int) -> Int64s:
    """The frontier of every group before the first tick and at each; the queue's are brought forward."""
    count = groups.keys.size
    frontiers_us = np.empty((ticks + 1) * count, np.int64)
    frontiers_us[:count] = queue.frontier_us
    ears = heard.newest_us.copy(), heard.heard_us.copy()
    advance(heard.rows, span, ears, (groups.first, groups.member), np.zeros(count, np.int64), frontiers_us)
    queue.frontier_us = frontiers_us[ticks * count :].copy()
    return frontiers_us


def _by_identity(taken: Taken) -> Taken:
    """Where tick, time and device are one, the rest of the identity decides, and then the group."""
    rows = taken.rows
    equal = rows["time_us"][1:] == rows["time_us"][:-1]
    for name in ("device", "out_us"):
        equal[equal] = rows[name][1:][equal] == rows[name][:-1][equal]
    tied = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False)) if equal.any() else _none()
    if tied.size:
        rest = np.empty((len(_IDENTITY), tied.size), np.int64)
        for source in range(len(taken.sources)):
            mine = np.flatnonzero(rows["source"][tied] == source)
            for at, name in enumerate(_IDENTITY):
                rest[at, mine] = taken.column(name, tied[mine], source)
        keys = [rows["group"][tied], *rest, *(rows[name][tied] for name in ("device", "time_us", "out_us"))]
        _words(rows)[tied] = _words(rows)[tied[np.lexsort(keys)]]
    return taken


def _regroup(queue: Queue, groups: Groups) -> None:
    """Groups as the version in force has them: those known before go on, what waits for one that left is dropped."""
    if not regrouped(queue, groups):
        return
    frontier_us, new = np.full(groups.keys.size, NEVER, np.int64), places(queue.keys, groups.keys)
    frontier_us[new[new >= 0]] = queue.frontier_us[new >= 0]
    queue.pending = moved(queue, groups, queue.pending)[0]
    queue.keys, queue.members, queue.frontier_us = groups.keys.copy(), groups.members, frontier_us


def regrouped(queue: Queue, groups: Groups) -> bool:
    """Whether these are other groups than the queue's, or have other members."""
    return not (np.array_equal(queue.keys, groups.keys) and np.array_equal(queue.members, groups.members))


def moved(queue: Queue, groups: Groups, rows: Columns) -> tuple[Columns, Flags]:
    """The ROWs of the queue's groups in these ones, and which they are: a device that has left its group says nothing
    there any more."""
    group = places(queue.keys, groups.keys)[rows["group"]]
    stays: Flags = (group >= 0) & np.isin(_packed(group, rows["device"]), groups.members)
    rows = rows[stays]
    rows["group"] = group[stays]
    return rows, stays


def _packed(group: Int64s, device: Int64s) -> Int64s:
    return group << 32 | device


def places(before: Int64s, after: Int64s) -> Int64s:
    """Where each key stands in other keys, -1 where it left; both are sorted."""
    at = np.searchsorted(after, before)
    at[(at == after.size) | (after[np.minimum(at, after.size - 1)] != before)] = -1
    return at
