"""What a city makes of what it measures: which figures run over which series, and the windows they are said as.

A running figure is said at each full hour that the device's own windows have left behind, as a window of that hour
(`width_s` 3600) whose `mean` is the figure; a backlog is therefore judged like live data. `completeness` is the share
of the period that was seen: of a mean its valid hours, of a sum its quarter-hours, of an index its pollutants.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.clock import SECOND_US
from contracts.columns import WINDOW, Columns
from contracts.environment import Derived, Pollutant
from processing.compiled import Compiled
from processing.environment.runs import chosen
from processing.kernels.levels import to_level
from processing.kernels.running import ENERGY_MEAN, MEAN, NOWCAST, NOWCAST_HOURS, SPARE_HOURS, SUM
from processing.state import Flags, Int64s

Floats = npt.NDArray[np.float64]
Asked = tuple[int, int, int, int]
"""Code of the metric, method, steps, Thai hour at which alone it is said (-1 each hour)."""

HOUR_S: Final = 3600
DAY_HOURS: Final = 24
_METHODS: Final = {"mean": MEAN, "energy-mean": ENERGY_MEAN, "sum": SUM, "nowcast": NOWCAST}
EXCEEDANCE: Final = "exceedance"
HEAT_INDEX: Final = "heat-index"
MOST: Final = 1e9
"""Figures and a minute's sums are held within this: no sensor comes near, and days of minutes fit in millionths."""

MOMENT: Final = np.dtype(
    [
        ("figure", "i8"),
        ("device", "i8"),
        ("lane", "i8"),
        ("start_us", "i8"),
        ("until_us", "i8"),
        ("since_us", "i8"),
        ("tick_us", "i8"),
        ("valid", "i8"),
        ("main", "i8"),
        ("value", "f8"),
        ("share", "f8"),
        ("beside", "f8"),
        ("of", "f8"),
    ]
)
"""A figure of a device as it was made. `figure`: the code of its metric, negative where only a rule looks at it.
`since_us`: from when on it speaks: its start or, of what ran up to it, its end. `valid`: valid hours, or samples.
`main`: of an index, the metric that decided, 0 else, and `of` its concentration; of a heat index `of` is the
temperature and `beside` the humidity."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A running figure: its number, which request gives it, over how long, and how it is rounded."""

    number: int
    request: int
    period_s: int
    width_s: int
    decimals: int
    truncate: bool
    energy: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests of a city version with the same step, mostly the hour.

    Those of metric m are `first[m]:first[m + 1]`, three numbers each in `requests` (method, steps, Thai hour or -1).
    `length[m]`: steps of metric m that are kept, 0 where none is.
    """

    step_us: int
    first: Int64s
    requests: Int64s
    length: Int64s
    energy: Flags
    figures: tuple[Figure, ...]
    by_rule: dict[str, int]
    """The figure that a rule alone looks at: the 24 h mean of its metric."""
    places: dict[Asked, int]


@dataclass(frozen=True, slots=True)
class Results:
    """What the requests of a plan gave, int64 or float64 (n,) each: in order of device and hour."""

    plan: Plan
    request: Int64s
    series: Int64s
    hour: Int64s
    valid: Int64s
    tick_us: Int64s
    value: Floats
    share: Floats


def make_plans(compiled: Compiled) -> tuple[Plan, ...]:
    """Every running figure that the city's derived series, indexes and rules ask for, each once; the hour's plan first,
    which is there even if it is empty."""
    running = [entry for entry in compiled.city.derived if entry.method != HEAT_INDEX]
    steps = sorted({entry.step_s for entry in running} - {HOUR_S})
    return tuple(_plan(compiled, step_s) for step_s in (HOUR_S, *steps))


def _plan(compiled: Compiled, step_s: int) -> Plan:
    city, codes = compiled.city, compiled.metric_code
    running = [entry for entry in city.derived if entry.method != HEAT_INDEX and entry.step_s == step_s]
    asked = {_asked(codes, entry) for entry in running}
    looked_at = _looked_at(city) if step_s == HOUR_S else {}
    if step_s == HOUR_S:
        asked |= {(codes[metric], MEAN, DAY_HOURS, -1) for metric in looked_at.values()}
        asked |= {request_of(codes, pollutant) for index in city.air_indexes for pollutant in index.pollutants}
    ordered = sorted(asked)
    places = {request: place for place, request in enumerate(ordered)}
    figures = [
        Figure(
            number=codes[entry.metric],
            request=places[_asked(codes, entry)],
            period_s=entry.period_s,
            width_s=step_s if entry.day_from_hour is None else DAY_HOURS * HOUR_S,
            decimals=entry.decimals,
            truncate=entry.truncate,
            energy=entry.method == "energy-mean",
        )
        for entry in running
    ]
    decimals = {metric.key: metric.decimals for metric in city.metrics}
    by_rule = {}
    for number, (rule, metric) in enumerate(sorted(looked_at.items()), start=1):
        by_rule[rule] = -number
        place = places[(codes[metric], MEAN, DAY_HOURS, -1)]
        figures.append(Figure(-number, place, DAY_HOURS * HOUR_S, HOUR_S, decimals[metric], False, False))
    highest = max(codes.values(), default=0)
    return Plan(step_s * SECOND_US, *_laid_out(ordered, highest), tuple(figures), by_rule, places)


def _laid_out(ordered: list[Asked], highest: int) -> tuple[Int64s, Int64s, Int64s, Flags]:
    """`first`, `requests`, `length` and `energy` of a plan."""
    length = np.zeros(highest + 1, np.int64)
    energy = np.zeros(highest + 1, np.bool_)
    count = np.zeros(highest + 2, np.int64)
    for code, method, steps, _ in ordered:
        length[code] = max(length[code], steps + SPARE_HOURS)
        energy[code] |= method == ENERGY_MEAN
        count[code + 1] += 1
    requests = np.array([number for request in ordered for number in request[1:]], np.int64)
    return np.cumsum(count), requests, length, energy


def _asked(codes: dict[str, int], entry: Derived) -> Asked:
    from_hour = -1 if entry.day_from_hour is None else entry.day_from_hour
    return codes[entry.of], _METHODS[entry.method], entry.period_s // entry.step_s, from_hour


def request_of(codes: dict[str, int], pollutant: Pollutant) -> Asked:
    """What an index asks for of a pollutant."""
    hours = NOWCAST_HOURS if pollutant.method == "nowcast" else pollutant.hours
    return codes[pollutant.metric], _METHODS[pollutant.method], hours, -1


def made_metrics(city: City) -> set[str]:
    """The metrics that the city makes of what it measures."""
    indexes = {name for index in city.air_indexes for name in (index.metric, index.main_metric) if name}
    return {entry.metric for entry in city.derived} | indexes


def _looked_at(city: City) -> dict[str, str]:
    """Rules that judge the 24 h mean of a measured metric, and the metric: those with `min_hours` on one measured."""
    made = made_metrics(city)
    return {
        rule.id: rule.metric
        for rule in city.rules
        if rule.kind == EXCEEDANCE and rule.enabled and "min_hours" in rule.params and rule.metric
        if rule.metric not in made
    }


def rounded(values: Floats, decimals: int, truncate: bool = False) -> Floats:
    """Half up to so many decimals, or cut off; what binary sums leave beyond six more digits is taken off first."""
    scale = 10.0**decimals
    within = np.clip(values, -MOST, MOST)
    out: Floats = np.floor(np.round(within * scale, 6) + (0.0 if truncate else 0.5)) / scale
    return out


def moments(count: int) -> Columns:
    """So many blank rows, MOMENT."""
    rows = np.zeros(count, MOMENT)
    rows["of"] = rows["beside"] = np.nan
    return rows


def running_rows(figure: int, series: Int64s, until_us: Int64s, tick_us: Int64s, width_s: int = HOUR_S) -> Columns:
    """Moments of a figure that ran up to `until_us`, from when on it speaks; `series` packed (n,)."""
    rows = moments(series.size)
    rows["figure"], rows["tick_us"] = figure, tick_us
    rows["device"], rows["lane"] = series >> 32, series & 0xFFFF
    rows["until_us"] = rows["since_us"] = until_us
    rows["start_us"] = until_us - width_s * SECOND_US
    return rows


def figures(results: Results) -> list[Columns]:
    """The running figures that these results are, MOMENT rows."""
    made: list[Columns] = []
    for figure in results.plan.figures:
        mine = results.request == figure.request
        if mine.any():
            value = results.value[mine]
            if figure.energy:
                level = np.empty_like(value)
                to_level(value, level)
                value = level
            series, until_us = results.series[mine], (results.hour[mine] + 1) * results.plan.step_us
            rows = running_rows(figure.number, series, until_us, results.tick_us[mine], figure.width_s)
            rows["value"] = rounded(value, figure.decimals, figure.truncate)
            rows["valid"], rows["share"] = results.valid[mine], results.share[mine]
            made.append(rows)
    return made


def windows_of(rows: Columns) -> Columns:
    """The windows that moments are said as, WINDOW; a figure that only a rule looks at is not said."""
    said = chosen(rows, rows["figure"] > 0)
    out = np.zeros(said.size, WINDOW)
    out["device"], out["metric"], out["lane"] = said["device"], said["figure"], said["lane"]
    out["start_us"], out["revision"] = said["start_us"], 1
    out["width_s"] = (said["until_us"] - said["start_us"]) // SECOND_US
    out["count"] = out["added"] = said["valid"]
    for name in ("mean", "min", "max", "median", "last"):
        out[name] = said["value"]
    for name in ("sd", "p85", "p95"):
        out[name] = np.nan
    out["completeness"] = said["share"]
    return out
