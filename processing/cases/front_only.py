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
from contracts.columns import DTYPES, LATE, WINDOW, Batch, Columns
from processing.cases.case import FRONT_VIEW
from processing.compiled import Compiled
from processing.said import Said
from processing.state import Int64s, State

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
    new, due_us = _counted(said), part.hours["due_us"]
    if not (new.size or ((due_us > 0) & (due_us <= batch.now_us)).any()):
        return
    hours, at = _with_room(part.hours, new)
    for place, row in zip(at.tolist(), new, strict=True):
        if 0 < hours["due_us"][place] < row["due_us"]:
            said.windows.append(_tell(hours, np.array([place]), metric))
        for name in ("seen", "cases", "added"):
            hours[name][place] += row[name]
        hours["due_us"][place] = row["due_us"]
    due = np.flatnonzero((hours["due_us"] > 0) & (hours["due_us"] <= batch.now_us))
    if due.size:
        said.windows.append(_tell(hours, due, metric))
    part.hours = hours[(hours["due_us"] > 0) | (hours["start_us"] + HOUR_US + KEPT_US > batch.now_us)]


def _counted(said: Said) -> Columns:
    """What is new, by minute of telling, hour and camera; one row each, HOUR."""
    seen = said.passing
    front = np.flatnonzero(seen.front_only) if seen else np.empty(0, np.int64)
    cases = [case for case in said.cases if case.violation.reason == FRONT_VIEW]
    moments = np.zeros(front.size + len(cases), HOUR)
    if not moments.size:
        return moments
    if seen:
        moments["device"][: front.size], moments["start_us"][: front.size] = seen.device[front], seen.event_us[front]
        moments["due_us"][: front.size], moments["seen"][: front.size] = seen.rows["received_us"][front], 1
    for at, case in enumerate(cases, start=front.size):
        violation = case.violation
        moments[at] = (violation.device, violation.occurred_us, case.tick_us or case.received_us, 0, 1, 0, 0)
    moments["start_us"] -= moments["start_us"] % HOUR_US
    ends = moments["start_us"] + HOUR_US
    late = moments["due_us"] > ends + KEPT_US
    if seen and late.any():
        said.late.append(_late(seen.rows[front[late[: front.size]]]))
    moments["due_us"] = np.maximum(moments["due_us"] // MINUTE_US * MINUTE_US, ends) + MINUTE_US
    return _summed(moments[~late])


def _summed(moments: Columns) -> Columns:
    """One row for each minute of telling, hour and camera, in this order; all that was seen is new."""
    keys = [moments[name] for name in ("device", "start_us", "due_us")]
    order = np.lexsort(keys)
    changed = np.ones(order.size, np.bool_)
    changed[1:] = np.any([key[order[1:]] != key[order[:-1]] for key in keys], axis=0)
    starts = np.flatnonzero(changed)
    out: Columns = moments[order[starts]]
    if starts.size:
        for name in ("seen", "cases"):
            out[name] = np.add.reduceat(moments[name][order], starts)
    out["added"] = out["seen"]
    return out


def _with_room(hours: Columns, new: Columns) -> tuple[Columns, Int64s]:
    """The hours with a place for each of the new, by start and device, and the places of the new."""
    both = np.concatenate((hours, np.zeros(new.size, HOUR)))
    for name in ("start_us", "device"):
        both[name][hours.size :] = new[name]
    order = np.lexsort((both["device"], both["start_us"]))  # stable: what is held stands before what is new
    start_us, device = both["start_us"][order], both["device"][order]
    first = np.ones(order.size, np.bool_)
    first[1:] = (start_us[1:] != start_us[:-1]) | (device[1:] != device[:-1])
    place = np.empty(order.size, np.int64)
    place[order] = np.cumsum(first) - 1
    return both[order[first]], place[hours.size :]


def _late(rows: Columns) -> Columns:
    late = np.zeros(rows.size, LATE)
    late["kind"] = list(DTYPES).index("passage")
    for name in ("place", "device", "event_us"):
        late[name] = rows[name]
    return late


def _tell(hours: Columns, at: Int64s, metric: int) -> Columns:
    """The next revision of these hours; nothing is new in them from here on."""
    hours["revision"][at] += 1
    windows = np.zeros(at.size, WINDOW)
    for name in ("device", "start_us", "revision", "added"):
        windows[name] = hours[name][at]
    windows["metric"], windows["width_s"], windows["count"] = metric, HOUR_US // SECOND_US, hours["seen"][at]
    for name in ("mean", "min", "max", "median", "p85", "p95", "last"):
        windows[name] = hours["cases"][at]
    windows["sd"], windows["completeness"] = np.nan, np.nan
    hours["due_us"][at] = hours["added"][at] = 0
    return windows
