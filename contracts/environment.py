"""Air, noise, rain and heat as a city's data: what is made of what is measured, by which tables, and since when.

A table that a law or an office gives carries its source and its dates; nothing of it stands in code.
"""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta

from contracts.entry import Entry, Slug, check_known, check_unique
from contracts.errors import ConfigError

HOUR_S = 3600


class Derived(Entry, frozen=True):
    """A series made of others of the same device and kept under `metric`, from `of` over `period_s`.

    `mean` is that of the hourly means, `energy-mean` that of decibels, `sum` counts what fell, `nowcast` weighs twelve
    hourly means; all of them run up to each full hour. A sum may run by a shorter step (`step_s`). With `day_from_hour`
    it is said once a day instead, for the 24 hours up to that Thai hour. `heat-index` takes air temperature `of` and
    relative humidity `beside` in blocks of `period_s`. A figure is rounded half up to `decimals`, or cut off there
    (`truncate`).
    """

    metric: Slug
    of: Slug
    method: Literal["mean", "energy-mean", "sum", "nowcast", "heat-index"]
    period_s: Annotated[int, Meta(ge=60, le=72 * 3600)]
    step_s: Annotated[int, Meta(ge=60, le=3600)] = 3600
    beside: Slug | None = None
    decimals: Annotated[int, Meta(ge=0, le=3)] = 1
    truncate: bool = False
    day_from_hour: Annotated[int, Meta(ge=0, le=23)] | None = None
    source: str = ""
    verified: bool = False


class Pollutant(Entry, frozen=True):
    """How an air index looks at one pollutant: the running figure, its rounding and the table.

    `bands` are rows of index low, index high, concentration low, concentration high, rising, each beginning one unit of
    the last decimal above the one before. Above the last one the sub-index is `above`; below the first there is none.
    """

    metric: Slug
    hours: Annotated[int, Meta(ge=1, le=24)]
    min_hours: Annotated[int, Meta(ge=1, le=24)]
    decimals: Annotated[int, Meta(ge=0, le=3)]
    bands: tuple[tuple[float, float, float, float], ...]
    above: float
    method: Literal["mean", "nowcast"] = "mean"
    source: str = ""
    verified: bool = False


class AirIndex(Entry, frozen=True):
    """An air quality index as its notice has it, from a day until a day: the highest sub-index at each full hour.

    `main_metric` keeps which pollutant that was, as the code of its metric. Concentrations are rounded half up before
    the table, or cut off (`truncate`).
    """

    metric: Slug
    pollutants: tuple[Pollutant, ...]
    main_metric: Slug | None = None
    truncate: bool = False
    valid_from: date = date(1970, 1, 1)
    valid_until: date | None = None
    source: str = ""
    verified: bool = False


class Grade(Entry, frozen=True):
    """One class of a scale: it begins at `least` and ends where the next one begins. `colour` is #rrggbb."""

    key: Slug
    least: float
    name_en: str
    name_th: str
    colour: str = ""


class Scale(Entry, frozen=True):
    """How people call the figures of a metric (rain classes, heat warnings, colours of an index), by their dates."""

    metric: Slug
    grades: tuple[Grade, ...]
    valid_from: date = date(1970, 1, 1)
    valid_until: date | None = None
    source: str = ""
    verified: bool = False


def check_environment(
    derived: Iterable[Derived],
    indexes: Iterable[AirIndex],
    scales: Iterable[Scale],
    metrics: set[str],
    measured: set[str],
) -> None:
    """Check what is made of what is measured. `metrics`: those of the city; `measured`: those that devices send.

    Raises:
        ConfigError: names the entry, what is wrong with it and what is allowed.
    """
    made = [entry.metric for entry in derived]
    check_unique("derived.metric", made)
    check_known("derived.metric", ((name, name) for name in made), metrics)
    made += [index.metric for index in indexes]
    for entry in derived:
        check_known(
            "derived.of", [(entry.metric, entry.of), (entry.metric, entry.beside or entry.of)], metrics - set(made)
        )
        _check_period(entry)
    if sum(entry.method == "heat-index" for entry in derived) > 1:
        raise ConfigError("derived.method", "heat-index", "one of it is allowed")
    for name in sorted(set(made) & measured):
        raise ConfigError("derived.metric", name, "a device measures it; give what is made a metric of its own")
    for index in indexes:
        _check_index(index, metrics)
    for scale in scales:
        check_known("scales.metric", [(scale.metric, scale.metric)], metrics)
        _check_rising("scales.grades", scale.metric, [grade.least for grade in scale.grades])


def _check_period(entry: Derived) -> None:
    heat = entry.method == "heat-index"
    if heat != (entry.beside is not None):
        raise ConfigError("derived.beside", entry.metric, "a heat index needs it, and nothing else takes it")
    step_s = entry.step_s
    if step_s != HOUR_S and (
        entry.method != "sum" or entry.day_from_hour is not None or HOUR_S % step_s or step_s % 60
    ):
        allowed = "an hour is; of a sum also whole minutes into which an hour divides"
        raise ConfigError("derived.step_s", step_s, f"not allowed for {entry.metric}; {allowed}")
    allowed = "whole hours"
    wrong = entry.period_s % HOUR_S != 0
    if heat:
        allowed, wrong = (
            "whole minutes into which an hour divides",
            HOUR_S % entry.period_s != 0 or entry.period_s % 60 != 0,
        )
    elif entry.method == "nowcast":
        allowed, wrong = "twelve hours", entry.period_s != 12 * HOUR_S
    elif entry.day_from_hour is not None:
        allowed, wrong = "24 hours of a day", entry.period_s != 24 * HOUR_S
    if wrong:
        raise ConfigError("derived.period_s", entry.period_s, f"not allowed for {entry.metric}; {allowed} are")


def _check_index(index: AirIndex, metrics: set[str]) -> None:
    names = [index.metric, index.main_metric or index.metric, *(pollutant.metric for pollutant in index.pollutants)]
    check_known("air_indexes", ((index.metric, name) for name in names), metrics)
    for pollutant in index.pollutants:
        where = f"{index.metric} of {pollutant.metric}"
        _check_rising("air_indexes.bands", where, [edge for *_, low, high in pollutant.bands for edge in (low, high)])
        step = 10.0**-pollutant.decimals
        for (*_, high), (_, _, low, _) in pairwise(pollutant.bands):
            if abs(low - high - step) > step / 100:
                raise ConfigError("air_indexes.bands", low, f"{where}: it must follow {high:g} by {step:g}")
        if pollutant.min_hours > pollutant.hours:
            raise ConfigError("air_indexes.min_hours", pollutant.min_hours, f"{where}: lies above its hours")


def _check_rising(what: str, where: str, edges: list[float]) -> None:
    if not edges or any(after <= before for before, after in pairwise(edges)):
        raise ConfigError(what, where, "its edges must be there and rise")
