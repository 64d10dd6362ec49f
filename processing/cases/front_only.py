"""Motorcycles seen only from the front, by camera and hour, so that the city knows where a rear view is missing.

A Thai motorcycle carries its plate at the rear alone. Its cases are kept, not chargeable, with their reason; here they
are counted: `count` is how many motorcycles a camera saw so in the hour, the value how many of them made a case.

An hour is told at the first whole minute of the engine's time that is a minute past its end, whether its camera is
heard or idle; what comes later amends it, once a minute at most, for a day. After that it is told as late.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import HOUR_US, MINUTE_US, SECOND_US
from contracts.columns import DTYPES, LATE, PASSAGE, WINDOW, Batch, Columns
from processing.cases.case import FRONT_VIEW
from processing.compiled import Compiled
from processing.said import Said
from processing.state import State

METRIC: Final = "front-only-motorcycles"
KEPT_US: Final = 24 * HOUR_US
"""For so long after its end an hour can be amended: bounds the memory to a day of rows a camera."""

HOUR: Final = np.dtype(
    [(name, "i8") for name in ("device", "start_us", "due_us", "seen", "cases", "revision", "added")]
)
"""`due_us`: the minute at which it is told (again), 0 when nothing is new. `added`: seen since it was last told."""


@dataclass(slots=True)
class FrontOnly:
    """The hours that can still be amended, HOUR, by start and device."""

    hours: Columns = field(default_factory=lambda: np.empty(0, HOUR))


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """The stage after all rules: count, and tell the hours that are due."""
    metric = compiled.metric_code.get(METRIC)
    if metric is None:
        return
    part = state.part("front_only", FrontOnly)
    new = _counted(said)
    due = part.hours[(part.hours["due_us"] > 0) & (part.hours["due_us"] <= batch.now_us)]
    if not (new.size or due.size):
        return
    hours = {(int(row["start_us"]), int(row["device"])): row for row in part.hours.copy()}
    told = []
    for row in new:
        key = int(row["start_us"]), int(row["device"])
        held = hours.get(key)
        if held is not None and 0 < held["due_us"] < row["due_us"]:
            told.append(_tell(held, metric))
        hours[key] = _joined(held, row)
    told += [_tell(row, metric) for row in hours.values() if 0 < row["due_us"] <= batch.now_us]
    kept = [hours[key] for key in sorted(hours) if hours[key]["due_us"] or key[0] + HOUR_US + KEPT_US > batch.now_us]
    part.hours = np.array(kept, HOUR)
    if told:
        said.windows.append(np.concatenate(told))


def _counted(said: Said) -> Columns:
    """What is new, by minute of telling, hour and camera; one row each, HOUR."""
    seen = said.passing
    rows = seen.rows[np.flatnonzero(seen.front_only)] if seen else np.empty(0, PASSAGE)
    cases = [case for case in said.cases if case.violation.reason == FRONT_VIEW]
    moments = np.zeros(rows.size + len(cases), HOUR)
    if not moments.size:
        return moments
    moments["device"][: rows.size], moments["start_us"][: rows.size] = rows["device"], rows["event_us"]
    moments["due_us"][: rows.size], moments["seen"][: rows.size] = rows["received_us"], 1
    for at, case in enumerate(cases, start=rows.size):
        violation = case.violation
        moments[at] = (violation.device, violation.occurred_us, case.tick_us or case.received_us, 0, 1, 0, 0)
    moments["start_us"] -= moments["start_us"] % HOUR_US
    ends = moments["start_us"] + HOUR_US
    late = moments["due_us"] > ends + KEPT_US
    if late.any():
        said.late.append(_late(rows[late[: rows.size]]))
    moments["due_us"] = np.maximum(moments["due_us"] // MINUTE_US * MINUTE_US, ends) + MINUTE_US
    moments = moments[~late]
    keys, of = np.unique(moments[["due_us", "start_us", "device"]], return_inverse=True)
    out = np.zeros(keys.size, HOUR)
    for name in ("due_us", "start_us", "device"):
        out[name] = keys[name]
    np.add.at(out["seen"], of, moments["seen"])
    np.add.at(out["cases"], of, moments["cases"])
    out["added"] = out["seen"]
    return out


def _late(rows: Columns) -> Columns:
    late = np.zeros(rows.size, LATE)
    late["kind"] = list(DTYPES).index("passage")
    for name in ("place", "device", "event_us"):
        late[name] = rows[name]
    return late


def _joined(held: Columns | None, row: Columns) -> Columns:
    if held is None:
        return row.copy()
    for name in ("seen", "cases", "added"):
        held[name] += row[name]
    held["due_us"] = row["due_us"]
    return held


def _tell(row: Columns, metric: int) -> Columns:
    """The next revision of an hour, WINDOW (1,); nothing is new in it from here on."""
    row["revision"] += 1
    window = np.zeros(1, WINDOW)
    for name in ("device", "start_us", "revision", "added"):
        window[name] = row[name]
    window["metric"], window["width_s"], window["count"] = metric, HOUR_US // SECOND_US, row["seen"]
    for name in ("mean", "min", "max", "median", "p85", "p95", "last"):
        window[name] = row["cases"]
    window["sd"], window["completeness"] = np.nan, np.nan
    row["due_us"] = row["added"] = 0
    return window
