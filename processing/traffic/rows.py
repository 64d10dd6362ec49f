"""The windows that the cells of traffic flow are said as."""

from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US
from contracts.columns import WINDOW, Columns
from processing.kernels.flow import (
    FASTEST,
    FIRST_US,
    LAST_US,
    PACE_AT_001_KMH,
    PACE_SUM,
    PASSED,
    PCU,
    SAMPLES,
    SLOWEST,
    SPEED_SUM,
    SPEEDS,
    SQUARES,
    VEHICLES,
    tell,
)
from processing.state import Int64s
from processing.traffic.cells import Cells, Floats, before_of, now_of
from processing.traffic.tables import ONE_CAR, Tables

_KMH: Final = 100.0
"""Hundredths of km/h in one."""


def of_passages(tables: Tables, cells: Cells, sayings: Int64s, ranks: Floats) -> Columns:
    """Windows of what was seen vehicle by vehicle: speeds, V85, headway, and volume and PCU where nothing else counts.

    `ranks` float64 (m, 3): median, 85th and 95th percentile of whole km/h, by nearest rank.
    """
    now = now_of(sayings)
    has, gaps = now[:, SPEEDS] > 0, now[:, PASSED] > 1
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = now[:, SPEED_SUM] / now[:, SPEEDS] / _KMH
        space = PACE_AT_001_KMH / (now[:, PACE_SUM] / now[:, SPEEDS]) / _KMH
        headway = (now[:, LAST_US] - now[:, FIRST_US]) / (now[:, PASSED] - 1) / SECOND_US
    made = [
        _vehicles(tables, cells, sayings, now[:, VEHICLES] > 0, PASSED),
        _rows(tables, cells, sayings, "speed-time-mean", mean, has, SPEEDS),
        _rows(tables, cells, sayings, "speed-space-mean", space, has, SPEEDS),
        _rows(tables, cells, sayings, "v85", ranks[:, 1], has, SPEEDS),
        _rows(tables, cells, sayings, "headway_s", headway, gaps, PASSED),
    ]
    if made[1].size:
        said = has & _changed(sayings, SPEEDS)
        _spread(made[1], now[said], ranks[said])
    return np.concatenate(made)


def of_counts(tables: Tables, cells: Cells, sayings: Int64s) -> Columns:
    """Windows of interval counts: volume and PCU, with the share of the counts due that came."""
    rows = _vehicles(tables, cells, sayings, now_of(sayings)[:, SAMPLES] > 0, SAMPLES)
    if rows.size:
        lane, known = tables.lanes.find((rows["device"] << 32) | rows["lane"])
        due = np.where(known, tables.lanes.due[lane], np.nan) * rows["width_s"] / 60.0
        rows["completeness"] = np.minimum(1.0, rows["count"] / np.where(due > 0, due, np.nan))
    return rows


def of_directions(tables: Tables, cells: Cells, sayings: Int64s) -> Columns:
    """Levels of service, 1 (A) to 6 (F), of directions whose free-flow speed and mean speed are known."""
    now = now_of(sayings)
    free_kmh = tables.free_kmh[np.minimum(cells.key[sayings[:, 0]] >> 32, tables.free_kmh.size - 1)]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = now[:, SPEED_SUM] / now[:, SPEEDS] / _KMH / free_kmh
    level = 1.0 + np.count_nonzero(share[:, None] <= tables.above_share[None, :], axis=1)
    known = (now[:, SPEEDS] > 0) & ~np.isnan(free_kmh) & (tables.above_share.size > 0)
    return _rows(tables, cells, sayings, "los", level, known, SPEEDS, SPEED_SUM)


def _vehicles(tables: Tables, cells: Cells, sayings: Int64s, chosen: npt.NDArray[np.bool_], count: int) -> Columns:
    now = now_of(sayings)
    volume = _rows(tables, cells, sayings, "volume", now[:, VEHICLES].astype(np.float64), chosen, count)
    pcu = _rows(tables, cells, sayings, "pcu", now[:, PCU] / ONE_CAR, chosen, count)
    return np.concatenate((volume, pcu))


def _rows(
    tables: Tables,
    cells: Cells,
    sayings: Int64s,
    metric: str,
    value: Floats,
    chosen: npt.NDArray[np.bool_],
    count: int,
    *others: int,
) -> Columns:
    """Windows of one metric with one figure each; `count`: which value says how much stands behind it.

    One whose `count` and `others` are the same as when it was said before is not said again.
    """
    if metric not in tables.code:
        return np.empty(0, WINDOW)
    mine = np.flatnonzero(chosen & _changed(sayings, count, *others))
    out = np.empty(mine.size, WINDOW)
    figures = np.ascontiguousarray(value[mine])
    flat = np.ascontiguousarray(sayings).reshape(-1)
    tell(flat, cells.key, mine, figures, tables.code[metric], count, out.view(np.int64), out.view(np.float64))
    return out


def _changed(sayings: Int64s, *values: int) -> npt.NDArray[np.bool_]:
    """Which sayings differ in these values from what was said before."""
    changed: npt.NDArray[np.bool_] = np.any(now_of(sayings)[:, values] != before_of(sayings)[:, values], axis=1)
    return changed


def _spread(rows: Columns, now: Int64s, ranks: Floats) -> None:
    """Fill in what single speeds allow to say besides their mean; there is no last one, for order says nothing here."""
    count, total = now[:, SPEEDS], now[:, SPEED_SUM]
    rows["min"], rows["max"], rows["last"] = now[:, SLOWEST] / _KMH, now[:, FASTEST] / _KMH, np.nan
    rows["median"], rows["p85"], rows["p95"] = ranks[:, 0], ranks[:, 1], ranks[:, 2]
    squares = (count * now[:, SQUARES] - total * total).astype(np.float64)
    several = count > 1
    rows["sd"][several] = np.sqrt(squares[several] / (count[several] * (count[several] - 1.0))) / _KMH
