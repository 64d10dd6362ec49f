"""A value that stands still: an instrument that says the same figure minute after minute.

Only metrics that always move are watched, each with its own patience by the city's rule (`after_s`); a value that may
stand for ever (`except_value`: no vehicle at night, air saturated with water) is nobody's fault. A series that stood
still before and moved again, is given twice its longest time.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import MINUTE_US, SECOND_US, to_iso
from contracts.columns import Batch, Columns
from contracts.findings import Because
from processing.alarms.stage import Report
from processing.compiled import Compiled, pack_series
from processing.detectors.watched import Slots, Watches, first_sight, watches_of
from processing.kernels.frozen import BEGAN, MARGIN, NOTHING, OUT_STRIDE, stand
from processing.said import Said
from processing.state import Int64s, State, grown

KIND: Final = "frozen"
ALARM: Final = "frozen-value"
NAME: Final = "frozen"


def _zeros() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Frozen(Slots):
    """By slot: where the run began (us), its value, the longest run that ended (us), and 1 while it is told."""

    since_us: Int64s = field(default_factory=_zeros)
    longest_us: Int64s = field(default_factory=_zeros)
    active: Int64s = field(default_factory=_zeros)
    last: Columns = field(default_factory=lambda: np.zeros(0, np.float64))


def make_watches(compiled: Compiled) -> Watches:
    """Which metrics are watched."""
    return watches_of(compiled, KIND)


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Look at the minutes that were closed."""
    watches = compiled.table(make_watches)
    if not watches.rules or not said.closed.size:
        return
    held = state.part(NAME, Frozen)
    rows, slot = first_sight(held, watches.pick(said))
    if not rows.size:
        return
    for name in ("since_us", "longest_us", "active", "last"):
        setattr(held, name, grown(getattr(held, name), held.count))
    rule = watches.rule[rows["metric"]]
    allowed_us = np.zeros(held.count, np.int64)
    allowed_us[slot] = (watches.param("after_s", np.inf)[rule] * SECOND_US).astype(np.int64)
    start_us = np.ascontiguousarray(rows["start_us"])
    figures = (rows["min"], rows["max"], watches.param("except_value", np.nan)[rule])
    out = np.empty(rows.size * OUT_STRIDE, np.int64)
    stand(
        (slot, start_us, start_us + MINUTE_US),
        tuple(np.ascontiguousarray(figure, np.float64) for figure in figures),
        (held.since_us, held.longest_us, held.active, allowed_us),
        held.last,
        out,
    )
    table = out.reshape(-1, OUT_STRIDE)
    for at in np.flatnonzero(table[:, 0] != NOTHING).tolist():
        said.reports.append(_report(compiled, watches, rows[at], table[at].tolist()))


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """What no rule of the new version watches begins again when one does; its alarm ends with the rule."""
    held, watches = state.part(NAME, Frozen), compiled.table(make_watches)
    code = (held.key[: held.active.size] >> 16) & 0xFFFF
    inside = code < watches.rule.size
    watched = inside & (watches.rule[np.where(inside, code, 0)] >= 0)
    held.active[~watched] = 0
    held.since_us[: watched.size][~watched] = 0


def inherit(state: State, donor: State) -> None:
    """Take over how long series ever stood still in a past that another shard folded, and since when they stand where
    ours has not seen them yet; no alarm of it."""
    ours, theirs = state.part(NAME, Frozen), donor.part(NAME, Frozen)
    taken = ours.named(theirs.key[: theirs.count])
    for name in ("since_us", "longest_us", "active", "last"):
        setattr(ours, name, grown(getattr(ours, name), ours.count))
    ours.longest_us[taken] = np.maximum(ours.longest_us[taken], theirs.longest_us[: taken.size])
    unseen = np.flatnonzero(ours.newest_us[taken] == 0)
    for name in ("since_us", "last", "newest_us"):
        getattr(ours, name)[taken[unseen]] = getattr(theirs, name)[unseen]


def _report(compiled: Compiled, watches: Watches, minute: Columns, told: list[int]) -> Report:
    what, since_us, longest_us = told
    active = what == BEGAN
    rule = watches.rules[int(watches.rule[minute["metric"]])]
    number = int(minute["device"])
    device = compiled.devices.get(number)
    end_us = int(minute["start_us"]) + MINUTE_US
    still_s = (end_us - since_us) / SECOND_US if active else 0.0
    longest_s = longest_us / SECOND_US
    allowed_s = max(rule.params.get("after_s", 0.0), MARGIN * longest_s)
    value = float(minute["last"])
    because = Because(
        measured=still_s,
        limit=rule.params.get("after_s", 0.0),
        threshold=allowed_s,
        margin=still_s - allowed_s,
        unit="s",
        needed=f"{rule.metric} moves within {allowed_s:g} s",
        source=rule.law,
        inputs={
            "metric": rule.metric,
            "lane": int(minute["lane"]),
            "score": round(still_s / (still_s + allowed_s), 3) if active else 0.0,
            "value": value,
            "value_unit": watches.units[int(watches.rule[minute["metric"]])],
            "band_low": float(minute["min"]),
            "band_high": float(minute["max"]),
            "still_s": still_s,
            "longest_before_s": longest_s,
            "from": to_iso(since_us),
            "until": to_iso(end_us),
        },
    )
    return Report(
        kind=ALARM,
        rule=rule,
        key=(int(pack_series(number, minute["metric"], minute["lane"])),),
        subject=device.id if device else str(number),
        device=number,
        zone=device.zone if device else "",
        active=active,
        at_us=int(minute["said_us"]),
        since_us=since_us if active else int(minute["start_us"]),
        because=because,
    )
