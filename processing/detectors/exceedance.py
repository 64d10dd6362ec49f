"""A pollutant above its standard by the Thai AQI's rule for PM: the moving 24-hour mean ending at the report hour.

Source: Pollution Control Department, Thailand's air quality index B.E. 2566 (Royal Gazette vol. 140, special part 157,
3 July 2566, pp. 3-6): PM2.5 as a 24 h mean of one decimal, rounded half up; 37.5 ug/m3 is the standard. The gazette
does not say how complete a day must be: `min_hours` (18, the usual three quarters) and the rule that an hour counts
with three of its four quarter-hours are ours, and unverified.

A series is judged when its own stream has passed the hour, not when a clock has: a backlog is judged like live data.
"""

import math
from typing import Any, Final

import numpy as np

from contracts.city import Rule
from contracts.clock import HOUR_US, MINUTE_US, to_iso
from contracts.columns import Columns
from contracts.findings import Alarm, Because, Condition, finding_id
from processing.compiled import Compiled, pack_series
from processing.kernels.hours import DAY_HOURS, HOURS, day_mean, put
from processing.state import Exceedance, Flags, Int64s, State

KIND: Final = "exceedance"
MIN_HOURS: Final = 18.0
_QUARTER_US: Final = 15 * MINUTE_US


def watch(state: State, compiled: Compiled, windows: Columns) -> list[Alarm]:
    """Add closed windows to their hours; judge each hour that a series has left behind.

    `windows` holds what is new only (an amendment's late samples), sorted by series and start.
    """
    alarms: list[Alarm] = []
    series = pack_series(windows["device"], windows["metric"], windows["lane"])
    for rule in compiled.rules_of(KIND):
        mine = _watched(compiled, rule, series)
        if mine.any():
            hours = state.exceedance.setdefault(rule.id, Exceedance())
            places = hours.places(series[mine]).tolist()
            for place, window in zip(places, windows[mine], strict=True):
                alarms += _feed(compiled, rule, hours, place, window)
    return alarms


def retire(state: State, compiled: Compiled, now_us: int) -> list[Alarm]:
    """End the alarms of rules and stations that the city now in force does not watch; called when it comes into force.

    The hours stay: a series that is watched again is judged from the hour of its next sample on.
    """
    alarms: list[Alarm] = []
    in_force = {rule.id: rule for rule in compiled.rules_of(KIND)}
    listed = {rule.id: rule for rule in compiled.rules}
    for rule_id, hours in state.exceedance.items():
        rule = in_force.get(rule_id)
        watched = _watched(compiled, rule, hours.series) if rule else np.zeros(hours.series.size, np.bool_)
        hours.judging &= watched
        for place in np.flatnonzero(hours.active & ~watched).tolist():
            hours.active[place] = False
            hours.revision[place] += 1
            known = listed.get(rule_id) or Rule(id=rule_id, kind=KIND, enabled=False)
            because = _because_retired(compiled, known, hours, place)
            alarms.append(_alarm(compiled, known, hours, place, now_us, because))
    return alarms


def inherit(state: State, donor: State) -> None:
    """Take over the hours and the standing alarms of a past that another shard folded."""
    for rule, theirs in donor.exceedance.items():
        ours = state.exceedance.setdefault(rule, Exceedance())
        for index, place in enumerate(ours.places(theirs.series).tolist()):
            _inherit_series(ours, place, theirs, index)


def _watched(compiled: Compiled, rule: Rule, series: Int64s) -> Flags:
    """Which of these series the rule judges: its metric, at a device of the city in force."""
    if rule.metric is None:
        return np.zeros(series.size, np.bool_)
    device = series >> 32
    known = (device < compiled.size) & compiled.known[np.minimum(device, compiled.size - 1)]
    watched: Flags = known & ((series >> 16) & 0xFFFF == compiled.metric_code[rule.metric])
    return watched


def _feed(compiled: Compiled, rule: Rule, hours: Exceedance, place: int, window: Any) -> list[Alarm]:
    start_us = int(window["start_us"])
    hour = start_us // HOUR_US
    alarms: list[Alarm] = []
    if not hours.judging[place]:
        hours.judging[place] = True
        hours.current[place] = max(hour, hours.current[place])
    while hours.current[place] < hour:
        alarms += _judge(compiled, rule, hours, place, int(hours.current[place]))
        if not hours.active[place] and not _has_recent(hours, place):
            hours.current[place] = hour
        else:
            hours.current[place] += 1
    total = float(window["mean"]) * float(window["count"])
    quarter = start_us % HOUR_US // _QUARTER_US
    put(hours.ring, hours.ring_hour, place, hour, total, float(window["count"]), quarter)
    return alarms


def _has_recent(hours: Exceedance, place: int) -> bool:
    """Whether any hour of the last day is filled: else there is nothing to judge until the next sample."""
    held = hours.ring_hour[place * HOURS : (place + 1) * HOURS]
    return bool(np.any(held > hours.current[place] - DAY_HOURS))


def _judge(compiled: Compiled, rule: Rule, hours: Exceedance, place: int, hour: int) -> list[Alarm]:
    mean, valid = _day(hours, place, hour)
    if valid < rule.params.get("min_hours", MIN_HOURS):
        return []
    limit = rule.params["limit"]
    clear_below = rule.params.get("clear_below", limit)
    was = bool(hours.active[place])
    hours.active[place] = mean > limit or (was and mean >= clear_below)
    if not was and not hours.active[place]:
        return []
    if not was:
        hours.onset_hour[place] = hour
        hours.revision[place] = 0
    hours.revision[place] += 1
    because = _because_judged(compiled, rule, hours, place, hour, mean, valid)
    return [_alarm(compiled, rule, hours, place, (hour + 1) * HOUR_US, because)]


def _day(hours: Exceedance, place: int, hour: int) -> tuple[float, int]:
    """The mean of the 24 hours up to this one, and of how many valid hours; 0 where there is none."""
    out = np.empty(2, np.float64)
    day_mean(hours.ring, hours.ring_hour, place, hour, out)
    return (_round_half_up(float(out[0])), int(out[1])) if out[1] else (0.0, 0)


def _round_half_up(mean: float) -> float:
    """To one decimal, half up; what summing in binary left beyond the seventh decimal is taken off first."""
    return math.floor(round(mean * 10, 6) + 0.5) / 10


def _because_judged(
    compiled: Compiled, rule: Rule, hours: Exceedance, place: int, hour: int, mean: float, valid: int
) -> Because:
    limit = rule.params["limit"]
    clear_below = rule.params.get("clear_below", limit)
    threshold = clear_below if hours.active[place] and hours.revision[place] > 1 else limit
    return Because(
        measured=mean,
        limit=limit,
        threshold=threshold,
        margin=mean - threshold,
        unit=_unit(compiled, int(hours.series[place])),
        needed=f"24 h mean <= {limit:g}" if threshold == limit else f"24 h mean < {clear_below:g}",
        source=rule.law,
        inputs={"metric": rule.metric, "valid_hours": valid, "hour_ending": to_iso((hour + 1) * HOUR_US)},
    )


def _because_retired(compiled: Compiled, rule: Rule, hours: Exceedance, place: int) -> Because:
    """The day up to the last hour that was judged; the limit is 0 where the city has forgotten the rule."""
    last = int(hours.current[place]) - 1
    mean, valid = _day(hours, place, last)
    limit = rule.params.get("limit", 0.0)
    return Because(
        measured=mean,
        limit=limit,
        threshold=limit,
        margin=mean - limit,
        unit=_unit(compiled, int(hours.series[place])),
        needed="nothing: the rule no longer watches this series",
        source=rule.law,
        inputs={"metric": rule.metric, "valid_hours": valid, "hour_ending": to_iso((last + 1) * HOUR_US)},
    )


def _unit(compiled: Compiled, series: int) -> str:
    return next((metric.unit for metric in compiled.city.metrics if metric.code == (series >> 16) & 0xFFFF), "")


def _alarm(compiled: Compiled, rule: Rule, hours: Exceedance, place: int, changed_us: int, because: Because) -> Alarm:
    """The alarm as it stands. Its id is of numbers, for it may outlive the device's entry in the city."""
    series, onset_hour = int(hours.series[place]), int(hours.onset_hour[place])
    number = series >> 32
    device = compiled.devices.get(number)
    return Alarm(
        id=finding_id(compiled.city.id, rule.id, series, onset_hour),
        revision=int(hours.revision[place]),
        kind=rule.id,
        rule=rule.id,
        rule_version=rule.version,
        subject=device.id if device else str(number),
        device=number,
        zone=device.zone if device else "",
        priority=compiled.priority(rule.id),
        condition=Condition.ACTIVE if hours.active[place] else Condition.NORMAL,
        onset_us=(onset_hour + 1) * HOUR_US,
        changed_us=changed_us,
        because=because,
    )


def _inherit_series(ours: Exceedance, place: int, theirs: Exceedance, index: int) -> None:
    for at in range(HOURS):
        mine, other = place * HOURS + at, index * HOURS + at
        hour = int(theirs.ring_hour[other])
        total, count, quarters = theirs.ring[other * 3 : other * 3 + 3]
        if hour > ours.ring_hour[mine]:
            ours.ring_hour[mine] = hour
            ours.ring[mine * 3 : mine * 3 + 3] = (total, count, quarters)
        elif hour == ours.ring_hour[mine] and hour >= 0:
            ours.ring[mine * 3] += total
            ours.ring[mine * 3 + 1] += count
            ours.ring[mine * 3 + 2] = float(int(ours.ring[mine * 3 + 2]) | int(quarters))
    if not ours.judging[place]:
        ours.judging[place] = theirs.judging[index]
        ours.current[place] = max(ours.current[place], theirs.current[index])
    if theirs.active[index] and not ours.active[place]:
        ours.active[place] = True
        ours.onset_hour[place] = theirs.onset_hour[index]
        ours.revision[place] = theirs.revision[index]
