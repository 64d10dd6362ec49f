"""Air quality indexes by their tables (contracts/environment.py): each pollutant's sub-index, and the highest of them.

A concentration is rounded as the notice says and then looked up; a sub-index is linear within its band and rounded half
up to a whole number. A pollutant whose running figure has too few valid hours has no sub-index; the index is the
highest of the others. Of equal ones the pollutant that the table lists first has decided.
"""

from dataclasses import dataclass

import numpy as np

from contracts.clock import HOUR_US
from contracts.columns import Columns
from contracts.environment import AirIndex, Pollutant
from processing.compiled import Compiled, in_force_us
from processing.environment.derived import (
    Floats,
    Plan,
    Results,
    make_plans,
    moments,
    request_of,
    rounded,
    running_rows,
)
from processing.state import Int64s


@dataclass(frozen=True, slots=True)
class Looked:
    """A pollutant of an index: which request gives its figure, its metric, and the device's own pollutants' count."""

    pollutant: Pollutant
    request: int
    metric: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index as the fold uses it. `expected` by device: how many of its pollutants the device measures."""

    entry: AirIndex
    number: int
    main_number: int
    in_force_us: tuple[int, int]
    looked: tuple[Looked, ...]
    expected: Int64s


def make_indexes(compiled: Compiled) -> tuple[Index, ...]:
    """The city's indexes, laid out."""
    plan, codes = compiled.table(make_plans)[0], compiled.metric_code
    return tuple(
        Index(
            entry=entry,
            number=codes[entry.metric],
            main_number=codes[entry.main_metric] if entry.main_metric else 0,
            in_force_us=in_force_us(entry),
            looked=tuple(_looked(plan, codes, pollutant) for pollutant in entry.pollutants),
            expected=_expected(compiled, entry),
        )
        for entry in compiled.city.air_indexes
    )


def _looked(plan: Plan, codes: dict[str, int], pollutant: Pollutant) -> Looked:
    return Looked(pollutant, plan.places[request_of(codes, pollutant)], codes[pollutant.metric])


def _expected(compiled: Compiled, entry: AirIndex) -> Int64s:
    wanted = {pollutant.metric for pollutant in entry.pollutants}
    expected = np.zeros(compiled.size, np.int64)
    for no, device in compiled.devices.items():
        expected[no] = len(wanted & {series.metric for series in device.series})
    return expected


def sub_index(pollutant: Pollutant, truncate: bool, figures: Floats) -> Floats:
    """The sub-index of each running figure, NaN below the first band; both float64 (n,)."""
    table = np.array(pollutant.bands, np.float64)
    level = rounded(figures, pollutant.decimals, truncate)
    band = np.minimum(np.searchsorted(table[:, 3], level), len(table) - 1)
    index_low, index_high, low, high = table[band].T
    within = (index_high - index_low) / (high - low) * (level - low) + index_low
    out = rounded(within, 0)
    out[level > table[-1, 3]] = pollutant.above
    out[level < table[0, 2]] = np.nan
    return out


def indexes(compiled: Compiled, results: Results) -> list[Columns]:
    """The city's indexes at the hours of these results, MOMENT rows."""
    made: list[Columns] = []
    for index in compiled.table(make_indexes):
        found = [_of_pollutant(index, looked, results) for looked in index.looked]
        rows = np.concatenate([moments(0), *found])
        if rows.size:
            best = _highest(index, rows)
            made.append(best)
            if index.main_number:
                named = best.copy()
                named["figure"], named["value"] = index.main_number, best["main"]
                made.append(named)
    return made


def _of_pollutant(index: Index, looked: Looked, results: Results) -> Columns:
    """The sub-indexes of one pollutant, with its metric and concentration; `beside` is its place in the table."""
    until_us = (results.hour + 1) * HOUR_US
    mine = (results.request == looked.request) & (results.valid >= looked.pollutant.min_hours)
    begins_us, ends_us = index.in_force_us
    mine &= (until_us > begins_us) & (until_us <= ends_us)
    rows = running_rows(index.number, results.series[mine], until_us[mine], results.tick_us[mine])
    truncate = index.entry.truncate
    rows["value"] = sub_index(looked.pollutant, truncate, results.value[mine])
    rows["of"] = rounded(results.value[mine], looked.pollutant.decimals, truncate)
    rows["main"], rows["beside"] = looked.metric, index.looked.index(looked)
    kept: Columns = rows[np.isfinite(rows["value"])]
    return kept


def _highest(index: Index, rows: Columns) -> Columns:
    """The highest of each device, lane and hour; `valid` says of how many pollutants, `share` of which it measures."""
    rows = rows[np.lexsort((rows["beside"], -rows["value"], rows["until_us"], rows["lane"], rows["device"]))]
    place = np.stack([rows[name] for name in ("device", "lane", "until_us")])
    begins = np.ones(rows.size, np.bool_)
    begins[1:] = (np.diff(place) != 0).any(axis=0)
    best = rows[begins].copy()
    group = np.cumsum(begins) - 1
    pollutants = np.unique(np.stack([group, rows["main"]]), axis=1)
    best["valid"] = np.bincount(pollutants[0], minlength=best.size)
    device = np.minimum(best["device"], index.expected.size - 1)
    best["share"] = np.minimum(1.0, best["valid"] / np.maximum(1, index.expected[device]))
    best["beside"] = np.nan
    return best
