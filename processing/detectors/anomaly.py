"""What is unusual for a series: a spike, which is over soon, or a level shift, which stays.

The mean of each minute goes through the arithmetic of kernels/stream.py, which knows what is usual for this series:
from the recent past, and from the hour of day once eight days are known. A minute is told where it is both unusual
(`on_strength`: so many times as far out as the extremes that the series has anyway) and worth telling (`min_deviation`
from its level, in the unit of the metric); or where a single sample went so far (`sure_deviation`) that the minute's
mean need not show it. It is over after `calm_minutes` without anything unusual, and counts as a
shift once it has lasted `shift_minutes`. Where stations of the same metric stand around, a minute counts only if it
is as far from what they did (processing/detectors/neighbours.py): what moves all of them is no station's anomaly.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import MINUTE_US, to_iso
from contracts.columns import Batch, Columns
from contracts.findings import Because
from processing.alarms.stage import Report
from processing.compiled import Compiled
from processing.detectors import neighbours
from processing.detectors.watched import Slots, Watches, watches_of
from processing.kernels.stream import (
    BLOCKS,
    DAY_PART,
    DRIFT_PART,
    FROZEN_PART,
    LONG_PART,
    OUT_STRIDE,
    REST,
    SHIFT_PART,
    SHORT_PART,
    STRIDE,
    score_many,
)
from processing.said import Said
from processing.state import Int64s, State, grown

KIND: Final = "anomaly"
NAME: Final = "anomaly"
SPIKE: Final = "anomaly-spike"
SHIFT: Final = "anomaly-shift"
CALM, SPIKING, SHIFTED = 0, 1, 2
ON_STRENGTH: Final = 1.5
CALM_MINUTES: Final = 5.0
SHIFT_MINUTES: Final = 15.0
BACK: Final = 0.5
"""Share of `min_deviation` within which a minute is back, even where the smoothed parts still remember a spike."""
NOTABLY: Final = 2.0
"""Figures that have doubled are told again."""
PARTS: Final = {
    LONG_PART: "recent level",
    SHORT_PART: "last minutes",
    SHIFT_PART: "recent level, smoothed",
    DAY_PART: "same hour of other days",
    DRIFT_PART: "same hour of other days, smoothed",
    FROZEN_PART: "standing still",
}
"""With what a value was compared, as `because.inputs` names it."""

SEEN: Final = np.dtype(
    [
        ("slot", "i8"),
        ("start_us", "i8"),
        ("tick_us", "i8"),
        ("device", "i8"),
        ("metric", "i8"),
        ("lane", "i8"),
        ("count", "i8"),
        ("part", "i8"),
        ("mean", "f8"),
        ("min", "f8"),
        ("max", "f8"),
        ("strength", "f8"),
        ("score", "f8"),
        ("measured", "f8"),
        ("low", "f8"),
        ("high", "f8"),
        ("level", "f8"),
        ("others", "f8"),
    ]
)
"""A minute with what the arithmetic makes of it. `score` as if nothing had happened before; `others`: the
median deviation of the neighbours from their own level, NaN where there are none."""


def _zeros() -> Int64s:
    return np.zeros(0, np.int64)


def _floats() -> Columns:
    return np.zeros(0, np.float64)


@dataclass(slots=True)
class Anomalies(Slots):
    """By slot: the arithmetic's state, what is told (CALM, SPIKING, SHIFTED), since when, how many minutes have been
    calm, and the strength that was reported. `waiting`: unusual minutes whose neighbours are not judged yet, SEEN."""

    numbers: Columns = field(default_factory=_floats)
    told: Int64s = field(default_factory=_zeros)
    since_us: Int64s = field(default_factory=_zeros)
    calm: Int64s = field(default_factory=_zeros)
    reported: Columns = field(default_factory=_floats)
    waiting: Columns = field(default_factory=lambda: np.empty(0, SEEN))

    def make_room(self) -> None:
        """Places for all slots."""
        self.numbers = grown(self.numbers, self.count * STRIDE)
        for name in ("told", "since_us", "calm", "reported"):
            setattr(self, name, grown(getattr(self, name), self.count))


def make_watches(compiled: Compiled) -> Watches:
    """Which metrics are watched."""
    return watches_of(compiled, KIND)


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Look at the minutes that were closed, each series by itself and beside its neighbours."""
    watches = compiled.table(make_watches)
    if not watches.rules or not said.closed.size:
        return
    held = state.part(NAME, Anomalies)
    rows = watches.pick(said)
    slot = held.of(rows)
    if not rows.size:
        return
    held.make_room()
    seen = _score(held, rows, slot)
    rule = watches.rule[seen["metric"]]
    unusual = _unusual(watches, seen, rule)
    beside = neighbours.fold(state, compiled, held, (seen, unusual), said)
    begun = _with_neighbours(held, seen[unusual], beside, watches)
    _follow(held, seen, begun, (compiled, watches), said)


def _score(held: Anomalies, rows: Columns, slot: Int64s) -> Columns:
    out = np.empty(rows.size * OUT_STRIDE)
    start_us = np.ascontiguousarray(rows["start_us"])
    score_many(slot, start_us, np.ascontiguousarray(rows["mean"]), held.numbers, out)
    table = out.reshape(-1, OUT_STRIDE)
    seen = np.zeros(rows.size, SEEN)
    for name in ("start_us", "device", "metric", "lane", "count", "mean", "min", "max"):
        seen[name] = rows[name]
    seen["slot"], seen["tick_us"], seen["others"] = slot, rows["said_us"], np.nan
    for at, name in enumerate(("strength", "part", "measured", "low", "high", "level"), start=1):
        seen[name] = table[:, at]
    seen["score"] = seen["strength"] / (seen["strength"] + REST)
    return seen


def _unusual(watches: Watches, seen: Columns, rule: Int64s) -> Columns:
    """Which minutes are unusual and worth telling."""
    reach = _reach(seen)
    strong = (seen["strength"] >= watches.param("on_strength", ON_STRENGTH)[rule]) & (seen["part"] != FROZEN_PART)
    sure = (reach >= watches.param("sure_deviation", np.inf)[rule]) & np.isfinite(seen["low"])
    out: Columns = (strong & (reach >= watches.param("min_deviation", 0.0)[rule])) | sure
    return out


def _reach(seen: Columns, others: Columns | float = 0.0) -> Columns:
    """How far the minute went from its level, or beyond what the others did; with its extremes, for a spike of seconds
    is small in the mean."""
    level = seen["level"] + others
    out: Columns = np.maximum(seen["max"] - level, level - seen["min"])
    return out


def _with_neighbours(held: Anomalies, unusual: Columns, beside: neighbours.Beside, watches: Watches) -> Columns:
    """The minutes that begin something: those without neighbours, and those that left theirs; the rest waits."""
    alone = ~beside.grouped[unusual["slot"]]
    waiting = np.concatenate((held.waiting, unusual[~alone]))
    begun = [unusual[alone]]
    if beside.candidates.size and waiting.size:
        places = {(row["slot"], row["start_us"]): at for at, row in enumerate(waiting[["slot", "start_us"]])}
        for slot, start_us, tick_us, others in beside.candidates.tolist():
            at = places.get((slot, start_us))
            if at is not None:
                row = waiting[at : at + 1].copy()
                row["tick_us"], row["others"] = tick_us, others
                begun.append(row)
    held.waiting = waiting[waiting["start_us"] > beside.judged_us[waiting["slot"]]]
    out = np.concatenate(begun)
    others = np.where(np.isnan(out["others"]), 0.0, out["others"])
    left = _reach(out, others) >= watches.param("min_deviation", 0.0)[watches.rule[out["metric"]]]
    found: Columns = out[left]
    return found


def _follow(held: Anomalies, seen: Columns, begun: Columns, city: tuple[Compiled, Watches], said: Said) -> None:
    """Go through the minutes of the series in question in order: what begins, lasts, and is over."""
    concerned = np.zeros(held.count, np.bool_)
    concerned[begun["slot"]] = True
    concerned |= held.told[: held.count] != CALM
    if not concerned.any():
        return
    rows = seen[concerned[seen["slot"]]]
    both = np.concatenate((rows, begun))
    begins = np.repeat((0, 1), (rows.size, begun.size))
    order = np.lexsort((both["start_us"], begins, both["tick_us"], both["slot"]))
    for at in order.tolist():
        if begins[at]:
            _begin(held, both[at], city, said)
        else:
            _go_on(held, both[at], city, said)


def _begin(held: Anomalies, row: Columns, city: tuple[Compiled, Watches], said: Said) -> None:
    slot = int(row["slot"])
    if held.told[slot] == CALM:
        held.told[slot], held.since_us[slot], held.calm[slot] = SPIKING, row["start_us"], 0
    elif row["strength"] < NOTABLY * held.reported[slot]:
        return
    held.reported[slot] = row["strength"]
    said.reports.append(_report(held, row, city, active=True))


def _go_on(held: Anomalies, row: Columns, city: tuple[Compiled, Watches], said: Said) -> None:
    slot = int(row["slot"])
    if held.told[slot] == CALM or row["start_us"] <= held.since_us[slot]:
        return
    rule = city[1].rules[int(city[1].rule[row["metric"]])]
    back = abs(row["mean"] - row["level"]) < BACK * rule.params["min_deviation"]
    held.calm[slot] = held.calm[slot] + 1 if back or row["strength"] < 1.0 else 0
    lasted_us = row["start_us"] + MINUTE_US - held.since_us[slot]
    if held.calm[slot] >= rule.params.get("calm_minutes", CALM_MINUTES):
        said.reports.append(_report(held, row, city, active=False))
        held.told[slot] = CALM
    elif held.told[slot] == SPIKING and lasted_us >= rule.params.get("shift_minutes", SHIFT_MINUTES) * MINUTE_US:
        said.reports.append(_report(held, row, city, active=False))
        held.told[slot], held.reported[slot] = SHIFTED, row["strength"]
        said.reports.append(_report(held, row, city, active=True))


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """What no rule of the new version watches is calm; its alarm ends with the rule."""
    held, watches = state.part(NAME, Anomalies), compiled.table(make_watches)
    code = (held.key[: held.told.size] >> 16) & 0xFFFF
    inside = code < watches.rule.size
    held.told[~(inside & (watches.rule[np.where(inside, code, 0)] >= 0))] = CALM
    neighbours.enter(state, compiled, held)


def inherit(state: State, donor: State) -> None:
    """Take over what a past that another shard folded knows of each series, where ours knows less; no alarm of it."""
    ours, theirs = state.part(NAME, Anomalies), donor.part(NAME, Anomalies)
    taken = ours.named(theirs.key[: theirs.count])
    ours.make_room()
    mine, others = ours.numbers.reshape(-1, STRIDE), theirs.numbers.reshape(-1, STRIDE)
    more = np.flatnonzero(others[: taken.size, BLOCKS] > mine[taken, BLOCKS])
    mine[taken[more]] = others[more]
    neighbours.inherit(state, donor, taken, ours.count)


def _report(held: Anomalies, row: Columns, city: tuple[Compiled, Watches], active: bool) -> Report:
    compiled, watches = city
    at = int(watches.rule[row["metric"]])
    slot, number, rule = int(row["slot"]), int(row["device"]), watches.rules[at]
    device = compiled.devices.get(number)
    return Report(
        kind=SHIFT if held.told[slot] == SHIFTED else SPIKE,
        rule=rule,
        key=(int(held.key[slot]),),
        subject=device.id if device else str(number),
        device=number,
        zone=device.zone if device else "",
        active=active,
        at_us=int(row["tick_us"]),
        since_us=int(held.since_us[slot]) if active else int(row["start_us"]),
        because=_because(row, rule.metric or "", watches.units[at], rule.law),
    )


def _because(row: Columns, metric: str, unit: str, source: str) -> Because:
    """The measured value against the nearer edge of the band within which the extremes of this series usually lie."""
    measured, low, high = float(row["measured"]), float(row["low"]), float(row["high"])
    above = measured - high >= low - measured
    edge = high if above else low
    if not np.isfinite(edge):
        edge, low, high = measured, measured, measured
    return Because(
        measured=measured,
        limit=edge,
        threshold=edge,
        margin=measured - edge if above else edge - measured,
        unit=unit,
        needed=f"{low:.6g} <= {metric} <= {high:.6g}",
        source=source,
        inputs={
            "metric": metric,
            "lane": int(row["lane"]),
            "score": round(float(row["score"]), 3),
            "times_the_usual_extremes": round(float(row["strength"]), 2),
            "compared_with": PARTS.get(int(row["part"]), ""),
            "band_low": low,
            "band_high": high,
            "usual_level": float(row["level"]),
            "mean": float(row["mean"]),
            "min": float(row["min"]),
            "max": float(row["max"]),
            "samples": int(row["count"]),
            "deviation_of_the_others": None if np.isnan(row["others"]) else float(row["others"]),
            "from": to_iso(int(row["start_us"])),
            "until": to_iso(int(row["start_us"]) + MINUTE_US),
        },
    )
