"""A figure above its limit: of a measured series, minute by minute, or of one that the city makes of it (derived.py).

A condition begins when figures lie above the limit for `on_delay_s`, and ends when they lie below `clear_below` for
`off_delay_s`, both in event time: a backlog is judged like live data. What was too incomplete (`min_hours`,
`min_completeness`) is not judged: it neither begins nor ends anything. Of a measured series the first revision of each
minute is judged.

A rule with `min_hours` on a measured metric judges its moving 24-hour mean ending at the report hour, as the Thai AQI
does for PM: mean of the valid hourly means, rounded half up to the metric's decimals (Pollution Control Department,
Royal Gazette vol. 140, special part 157, 3 July 2566, pp. 3-6). The gazette does not say how complete a day must be:
18 hours, and that an hour counts with three of its four quarter-hours, are ours, and unverified.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import HOUR_US, MINUTE_US, SECOND_US, to_iso
from contracts.columns import Columns
from contracts.environment import Grade
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.alarms.stage import Report
from processing.compiled import Compiled, in_force_us, pack_series
from processing.environment.derived import Floats, made_metrics, make_plans, moments
from processing.environment.runs import chosen
from processing.kernels.thresholds import BEGAN, ENDED, NEVER, NOTHING, judge
from processing.said import Said
from processing.state import Int64s, State

KIND: Final = "exceedance"
NAME: Final = "exceedance"
SEEN_US: Final = 5 * MINUTE_US
"""Beyond twice a figure's own width and this much, a delay does not go on through what was not seen."""
HOUR_S, DAY_S = 3_600, 86_400
_REMEMBERED: Final = ("active", "began_us", "ending_us", "last_us", "reported")


def _zeros() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Exceeding:
    """The conditions of rules on series (kernels/thresholds.py), sorted by `rule` (a hash of its id) and `series`."""

    rule: Int64s = field(default_factory=_zeros)
    series: Int64s = field(default_factory=_zeros)
    active: Int64s = field(default_factory=_zeros)
    began_us: Int64s = field(default_factory=_zeros)
    ending_us: Int64s = field(default_factory=_zeros)
    last_us: Int64s = field(default_factory=_zeros)
    reported: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))

    def slots(self, rule: int, series: Int64s) -> Int64s:
        """The slot of each of these series under a rule; room is made for the new ones, all at once."""
        begin, end = np.searchsorted(self.rule, [rule, rule + 1]).tolist()
        if end > begin:
            found: Int64s = np.minimum(begin + np.searchsorted(self.series[begin:end], series), end - 1)
            if (self.series[found] == series).all():
                return found
        new = np.setdiff1d(series, self.series[begin:end])
        if new.size:
            at = begin + np.searchsorted(self.series[begin:end], new)
            self.rule = np.insert(self.rule, at, rule)
            self.series = np.insert(self.series, at, new)
            for name in _REMEMBERED:
                setattr(self, name, np.insert(getattr(self, name), at, 0))
            end += new.size
        found = begin + np.searchsorted(self.series[begin:end], series)
        return found


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule at work. `figure`: what it looks at among what is made, 0 for the measured minutes of `metric`.

    `limits` and `clears` by device, NaN where the rule watches none.
    """

    rule: Rule
    number: int
    metric: int
    figure: int
    limits: Floats
    clears: Floats
    unit: str
    what: str
    period_s: int
    step_s: int

    def seconds_us(self, param: str) -> int:
        """A delay of the rule, us."""
        return int(self.rule.params.get(param, 0.0) * SECOND_US)


def make_watches(compiled: Compiled) -> tuple[Watch, ...]:
    """The enabled rules of this kind."""
    return tuple(_watch(compiled, rule) for rule in compiled.rules_of(KIND) if rule.metric)


def _watch(compiled: Compiled, rule: Rule) -> Watch:
    plans, city = compiled.table(make_plans), compiled.city
    by_rule = plans[0].by_rule
    code = compiled.metric_code[rule.metric or ""]
    made = {compiled.metric_code[metric] for metric in made_metrics(city)}
    limit = rule.params.get("limit", np.nan)
    limits = np.where(compiled.known, limit, np.nan)
    clears = np.where(compiled.known, rule.params.get("clear_below", limit), np.nan)
    numbers = {device.id: device.no for device in city.devices}
    for threshold in city.thresholds:
        if threshold.rule == rule.id:
            limits[numbers[threshold.device]] = threshold.limit
            clears[numbers[threshold.device]] = threshold.clear_below
    entry = next((entry for entry in city.derived if entry.metric == rule.metric), None)
    return Watch(
        rule=rule,
        number=number_of(rule.id),
        metric=code,
        figure=by_rule.get(rule.id, code if code in made else 0),
        limits=limits,
        clears=clears,
        unit=next(metric.unit for metric in city.metrics if metric.code == code),
        what="24 h mean" if rule.id in by_rule else str(rule.metric),
        period_s=DAY_S if rule.id in by_rule else entry.period_s if entry else 0,
        step_s=entry.step_s if entry else HOUR_S,
    )


def number_of(rule: str) -> int:
    """A rule's number in the state: a hash of its id, for it outlives versions of the city."""
    return int.from_bytes(blake2b(rule.encode(), digest_size=7).digest(), "big")


def fold(state: State, compiled: Compiled, said: Said, closed: Columns, made: Columns) -> None:
    """Judge these minutes, those that were said for the first time, and what was made of them (MOMENT rows)."""
    watches = compiled.table(make_watches)
    for watch in watches:
        rows = chosen(made, made["figure"] == watch.figure) if watch.figure else _minutes(watch, closed)
        if rows.size:
            _judge(state, compiled, said, watch, rows)


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """A city version comes into force: what it does not watch any more ends, under the names it stood under."""
    held = state.part(NAME, Exceeding)
    watched = np.zeros(held.rule.size, np.bool_)
    for watch in compiled.table(make_watches):
        watched |= (held.rule == watch.number) & _is_watched(watch, held.series)
    former = {watch.number: watch for watch in (before or compiled).table(make_watches)}
    for slot in np.flatnonzero((held.active == 1) & ~watched).tolist():
        was = former.get(int(held.rule[slot]))
        if was is not None:
            said.reports.append(_retired(before or compiled, was, held, slot, now_us))
    held.active[~watched] = 0
    held.began_us[~watched] = NEVER


def inherit(state: State, donor: State) -> None:
    """Take over the conditions of a past that another shard folded, where ours has seen nothing later."""
    ours, theirs = state.part(NAME, Exceeding), donor.part(NAME, Exceeding)
    for rule in np.unique(theirs.rule).tolist():
        at = np.flatnonzero(theirs.rule == rule)
        slots = ours.slots(rule, theirs.series[at])
        later = theirs.last_us[at] > ours.last_us[slots]
        for name in _REMEMBERED:
            getattr(ours, name)[slots[later]] = getattr(theirs, name)[at[later]]


def _is_watched(watch: Watch, series: Int64s) -> npt.NDArray[np.bool_]:
    device = series >> 32
    inside = device < watch.limits.size
    limits = watch.limits[np.minimum(device, watch.limits.size - 1)]
    watched: npt.NDArray[np.bool_] = inside & ~np.isnan(limits) & (((series >> 16) & 0xFFFF) == watch.metric)
    return watched


def _minutes(watch: Watch, closed: Columns) -> Columns:
    """First revisions of the rule's metric, as MOMENT rows."""
    minutes = chosen(closed, (closed["metric"] == watch.metric) & (closed["revision"] == 1))
    rows = moments(minutes.size)
    for name in ("device", "lane", "start_us"):
        rows[name] = minutes[name]
    rows["since_us"] = minutes["start_us"]
    rows["until_us"] = minutes["start_us"] + MINUTE_US
    rows["tick_us"], rows["valid"] = minutes["said_us"], minutes["count"]
    rows["value"], rows["share"] = minutes[watch.rule.statistic], minutes["completeness"]
    return rows


def _judge(state: State, compiled: Compiled, said: Said, watch: Watch, rows: Columns) -> None:
    params = watch.rule.params
    series = pack_series(rows["device"], watch.metric, rows["lane"])
    incomplete = rows["share"] < params.get("min_completeness", 0.0)
    if watch.figure:
        incomplete |= rows["valid"] < params.get("min_hours", 0.0)
    mine = _is_watched(watch, series) & ~incomplete & np.isfinite(rows["value"])
    rows, series = chosen(rows, mine), series[mine]
    if not rows.size:
        return
    held = state.part(NAME, Exceeding)
    slots = held.slots(watch.number, series)
    hourly = rows["until_us"] - rows["start_us"] >= HOUR_US
    figures = (np.ascontiguousarray(rows["value"]), watch.limits[rows["device"]], watch.clears[rows["device"]])
    width_us = int((rows["until_us"] - rows["start_us"]).max())
    out = np.empty(2 * rows.size, np.int64)
    judge(
        (
            slots,
            np.ascontiguousarray(rows["since_us"]),
            np.ascontiguousarray(rows["until_us"]),
            hourly.astype(np.int64),
        ),
        figures,
        (held.active, held.began_us, held.ending_us, held.last_us),
        held.reported,
        (watch.seconds_us("on_delay_s"), watch.seconds_us("off_delay_s"), 2 * width_us + SEEN_US),
        out,
    )
    for at in np.flatnonzero(out[::2] != NOTHING).tolist():
        what, began_us = int(out[2 * at]), int(out[2 * at + 1])
        row = rows[at]
        because = _because(compiled, watch, row, what, (float(figures[1][at]), float(figures[2][at])))
        said.reports.append(
            _report(compiled, watch, int(series[at]), what != ENDED, int(row["tick_us"]), began_us, because)
        )


def _report(
    compiled: Compiled, watch: Watch, series: int, active: bool, at_us: int, since_us: int, because: Because
) -> Report:
    number = series >> 32
    device = compiled.devices.get(number)
    return Report(
        kind=watch.rule.id,
        rule=watch.rule,
        key=(series,),
        subject=device.id if device else str(number),
        device=number,
        zone=device.zone if device else "",
        active=active,
        at_us=at_us,
        since_us=since_us,
        because=because,
    )


def _because(compiled: Compiled, watch: Watch, row: Columns, what: int, edges: tuple[float, float]) -> Because:
    """What was measured against what. Once a condition stands, it is measured against the level below which it ends."""
    limit, clear = edges
    measured = float(row["value"])
    threshold = limit if what == BEGAN else clear
    needed = f"{watch.what} <= {limit:g}" if what == BEGAN else f"{watch.what} < {clear:g}"
    return Because(
        measured=measured,
        limit=limit,
        threshold=threshold,
        margin=round(measured - threshold, 6),
        unit=watch.unit,
        needed=needed,
        source=_source(compiled, watch, int(row["device"])),
        inputs=_inputs(compiled, watch, row),
    )


def _source(compiled: Compiled, watch: Watch, number: int) -> str:
    """The rule's law, or where the limit of this one device comes from."""
    device = compiled.devices.get(number)
    for threshold in compiled.city.thresholds:
        if device and (threshold.rule, threshold.device) == (watch.rule.id, device.id):
            return threshold.source
    return watch.rule.law


def _inputs(compiled: Compiled, watch: Watch, row: Columns) -> dict[str, Scalar]:
    """Every figure that a person needs to follow it."""
    names = {metric.code: metric for metric in compiled.city.metrics}
    inputs: dict[str, Scalar] = {"metric": watch.rule.metric}
    main, running = names.get(int(row["main"])), bool(row["since_us"] == row["until_us"])
    if main:
        inputs |= {"pollutant": main.key, "pollutant_value": float(row["of"]), "pollutant_unit": main.unit}
        inputs["pollutants"] = int(row["valid"])
    elif running and watch.step_s == HOUR_S:
        inputs["valid_hours"] = int(row["valid"])
    if running:
        inputs["hour_ending" if watch.step_s == HOUR_S else "ending"] = to_iso(int(row["until_us"]))
        if watch.period_s:
            inputs["period_hours"] = watch.period_s // HOUR_S
    else:
        inputs |= {"from": to_iso(int(row["start_us"])), "until": to_iso(int(row["until_us"]))}
    if watch.figure == 0:
        inputs |= {"statistic": watch.rule.statistic, "samples": int(row["valid"])}
    elif not main and np.isfinite(row["of"]):
        inputs |= {"temperature_c": float(row["of"]), "humidity_percent": float(row["beside"])}
    if np.isfinite(row["share"]) and not main:
        inputs["completeness"] = round(float(row["share"]), 3)
    grade = grade_of(compiled, watch.rule.metric or "", float(row["value"]), int(row["until_us"]))
    if grade:
        inputs |= {"grade": grade.key, "grade_en": grade.name_en, "grade_th": grade.name_th}
    return inputs


def grade_of(compiled: Compiled, metric: str, value: float, at_us: int) -> Grade | None:
    """What people call this figure at this time by the city's scales."""
    for scale in compiled.city.scales:
        begins_us, ends_us = in_force_us(scale)
        if scale.metric == metric and begins_us <= at_us < ends_us:
            return next((grade for grade in reversed(scale.grades) if value >= grade.least), None)
    return None


def _retired(compiled: Compiled, watch: Watch, held: Exceeding, slot: int, now_us: int) -> Report:
    """The end of a condition that nobody watches any more, with the last figure that was reported."""
    series, measured = int(held.series[slot]), float(held.reported[slot])
    number = series >> 32
    limit = float(watch.limits[number]) if number < watch.limits.size else measured
    because = Because(
        measured=measured,
        limit=limit,
        threshold=limit,
        margin=measured - limit,
        unit=watch.unit,
        needed="nothing: the rule no longer watches this series",
        source=_source(compiled, watch, number),
        inputs={"metric": watch.rule.metric, "last_judged": to_iso(int(held.last_us[slot]))},
    )
    return _report(compiled, watch, series, False, now_us, int(held.began_us[slot]), because)
