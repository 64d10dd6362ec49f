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
from processing.kernels.hours import day_mean, put
from processing.state import Exceedance, State

KIND: Final = "exceedance"
MIN_HOURS: Final = 18.0
_QUARTER_US: Final = 15 * MINUTE_US


def watch(state: State, compiled: Compiled, windows: Columns) -> list[Alarm]:
    """Add closed windows to their hours; judge each hour that a series has left behind.

    `windows` holds what is new only (an amendment's late samples), sorted by series and start.
    """
    alarms: list[Alarm] = []
    for rule in compiled.rules_of(KIND):
        if rule.metric is None or not windows.size:
            continue
        mine = windows[windows["metric"] == compiled.metric_code[rule.metric]]
        if not mine.size:
            continue
        hours = state.exceedance.setdefault(rule.id, Exceedance())
        places = {int(series): place for place, series in enumerate(hours.series)}
        for window in mine:
            series = int(pack_series(window["device"], window["metric"], window["lane"]))
            place = places.setdefault(series, -1)
            if place < 0:
                place = places[series] = hours.add(series)
            alarms += _feed(compiled, rule, hours, place, window)
    return alarms


def inherit(state: State, donor: State) -> None:
    """Take over the hours and the standing alarms of a past that another shard folded."""
    for rule, theirs in donor.exceedance.items():
        ours = state.exceedance.setdefault(rule, Exceedance())
        places = {int(series): place for place, series in enumerate(ours.series)}
        for index, series in enumerate(theirs.series):
            place = places.get(int(series), -1)
            if place < 0:
                place = ours.add(int(series))
            _inherit_series(ours, place, theirs, index)


def _feed(compiled: Compiled, rule: Rule, hours: Exceedance, place: int, window: Any) -> list[Alarm]:
    start_us = int(window["start_us"])
    hour = start_us // HOUR_US
    alarms: list[Alarm] = []
    if hours.current[place] < 0:
        hours.current[place] = hour
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
    width = hours.ring_hour.size // hours.series.size
    held = hours.ring_hour[place * width : (place + 1) * width]
    return bool(np.any(held > hours.current[place] - 24))


def _judge(compiled: Compiled, rule: Rule, hours: Exceedance, place: int, hour: int) -> list[Alarm]:
    out = np.empty(2, np.float64)
    day_mean(hours.ring, hours.ring_hour, place, hour, out)
    valid = int(out[1])
    if valid < rule.params.get("min_hours", MIN_HOURS):
        return []
    mean = _round_half_up(float(out[0]))
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
    return [_alarm(compiled, rule, hours, place, hour, mean, valid)]


def _round_half_up(mean: float) -> float:
    """To one decimal, half up; what summing in binary left beyond the seventh decimal is taken off first."""
    return math.floor(round(mean * 10, 6) + 0.5) / 10


def _alarm(compiled: Compiled, rule: Rule, hours: Exceedance, place: int, hour: int, mean: float, valid: int) -> Alarm:
    series = int(hours.series[place])
    device = compiled.devices.get(series >> 32)
    name = device.id if device else str(series >> 32)
    limit = rule.params["limit"]
    clear_below = rule.params.get("clear_below", limit)
    active = bool(hours.active[place])
    unit = next(metric.unit for metric in compiled.city.metrics if metric.key == rule.metric)
    threshold = clear_below if active and hours.revision[place] > 1 else limit
    return Alarm(
        id=finding_id(compiled.city.id, rule.id, name, series & 0xFFFF, int(hours.onset_hour[place])),
        revision=int(hours.revision[place]),
        kind=rule.id,
        rule=rule.id,
        rule_version=rule.version,
        subject=name,
        device=series >> 32,
        zone=device.zone if device else "",
        priority=compiled.priority(rule.id),
        condition=Condition.ACTIVE if active else Condition.NORMAL,
        onset_us=(int(hours.onset_hour[place]) + 1) * HOUR_US,
        changed_us=(hour + 1) * HOUR_US,
        because=Because(
            measured=mean,
            limit=limit,
            threshold=threshold,
            margin=mean - threshold,
            unit=unit,
            needed=f"24 h mean <= {limit:g}" if threshold == limit else f"24 h mean < {clear_below:g}",
            source=rule.law,
            inputs={"metric": rule.metric, "valid_hours": valid, "hour_ending": to_iso((hour + 1) * HOUR_US)},
        ),
    )


def _inherit_series(ours: Exceedance, place: int, theirs: Exceedance, index: int) -> None:
    width = theirs.ring_hour.size // theirs.series.size
    for at in range(width):
        hour = int(theirs.ring_hour[index * width + at])
        mine = place * width + at
        total, count, quarters = theirs.ring[(index * width + at) * 3 : (index * width + at) * 3 + 3]
        if hour > ours.ring_hour[mine]:
            ours.ring_hour[mine] = hour
            ours.ring[mine * 3 : mine * 3 + 3] = (total, count, quarters)
        elif hour == ours.ring_hour[mine] and hour >= 0:
            ours.ring[mine * 3] += total
            ours.ring[mine * 3 + 1] += count
            ours.ring[mine * 3 + 2] = float(int(ours.ring[mine * 3 + 2]) | int(quarters))
    if ours.current[place] < 0:
        ours.current[place] = theirs.current[index]
    if theirs.active[index] and not ours.active[place]:
        ours.active[place] = True
        ours.onset_hour[place] = theirs.onset_hour[index]
        ours.revision[place] = theirs.revision[index]
