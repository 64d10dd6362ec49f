"""One-minute windows in event time: a window is a function of the set of its samples.

A window closes when its device's watermark (newest event less the reorder window) has passed its end, or when the
device has been idle long enough; both are looked at on ticks only, so how the stream is cut changes nothing. A sample
for a window that was said already makes a new revision of it while its samples are kept, and is counted as late after.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import WINDOW, Columns
from processing.compiled import Compiled, pack_series
from processing.kernels.windows import summarise
from processing.state import SAMPLE, Int64s, State, by_minute

REORDER_US: Final = 2 * SECOND_US
"""Design section 2, law (c): a shuffle within two seconds changes no final finding."""
IDLE_US: Final = 30 * SECOND_US
"""A device unheard for so long has its past windows closed: half a minute keeps the page fresh, and is far beyond
what a healthy network delays."""
AMEND_US: Final = 600 * SECOND_US
"""For so long after it was first said, a window's samples are kept and late ones amend it; bounds the memory."""

_STATS: Final = ("mean", "min", "max", "sd", "median", "p85", "p95", "last", "completeness")


def absorb(state: State, readings: Columns) -> None:
    """Take readings in; nothing is said before the next tick."""
    if not readings.size:
        return
    windows = state.windows
    samples = np.zeros(readings.size, SAMPLE)
    samples["series"] = pack_series(readings["device"], readings["metric"], readings["lane"])
    for name in ("event_us", "boot", "seq", "part", "value"):
        samples[name] = readings[name]
    windows.open.append(samples)
    if not windows.overdue:
        windows.overdue = bool(np.any(samples["event_us"] < windows.boundary_us[readings["device"]]))


def close(state: State, compiled: Compiled, tick_us: int) -> tuple[Columns, Columns, int]:
    """Close what can be closed at this tick.

    Returns:
        the windows said (new and amended), the windows over what is new in them alone (for what adds them up), and how
        many samples came too late for any.
    """
    windows, clocks = state.windows, state.clocks
    idle = tick_us - clocks.heard_us >= IDLE_US
    newest = np.where(idle, tick_us, clocks.newest_us - REORDER_US)
    boundary = np.maximum(windows.boundary_us, newest - newest % MINUTE_US)
    moved = bool(np.any(boundary > windows.boundary_us))
    windows.boundary_us = boundary
    if not windows.open or not (moved or windows.overdue):
        return _nothing()
    windows.overdue = False
    samples = np.concatenate(windows.open) if len(windows.open) > 1 else windows.open[0]
    ready = samples["event_us"] < boundary[samples["series"] >> 32]
    windows.open = [] if ready.all() else [samples[~ready]]
    _forget(state, tick_us)
    if not ready.any():
        return _nothing()
    return _say(state, compiled, _ordered(samples[ready]), tick_us)


def due(state: State, tick_us: int) -> int:
    """The next tick at which a window can close without a new record, us."""
    if not state.windows.open:
        return np.iinfo(np.int64).max
    waits = state.clocks.heard_us + IDLE_US
    waits = waits[waits > tick_us]
    minute = tick_us - tick_us % MINUTE_US + MINUTE_US
    return min(minute, int(waits.min())) if waits.size else minute


def _nothing() -> tuple[Columns, Columns, int]:
    return np.empty(0, WINDOW), np.empty(0, WINDOW), 0


def _ordered(samples: Columns) -> Columns:
    order = np.lexsort([samples[name] for name in ("part", "seq", "boot", "event_us", "series")])
    ordered: Columns = samples[order]
    return ordered


def _forget(state: State, tick_us: int) -> None:
    """Give back the memory of windows that can no longer be amended."""
    closed = state.windows.closed
    while closed and int(closed[0]["closed_us"].max()) < tick_us - AMEND_US:
        closed.pop(0)


def _say(state: State, compiled: Compiled, fresh: Columns, tick_us: int) -> tuple[Columns, Columns, int]:
    """Windows of samples that are in order. Those behind what their series has said are amendments.

    A device whose clock is ahead closes its minute before the minute is over: amending ends no sooner than AMEND_US
    after the minute, so that a young window that is not kept was certainly never said.
    """
    windows = state.windows
    at = _series_places(state, fresh["series"])
    minutes = fresh["event_us"] // MINUTE_US
    behind = minutes <= windows.emitted[at]
    np.maximum.at(windows.emitted, at[~behind], minutes[~behind])
    fresh["closed_us"] = np.maximum(tick_us, (minutes + 1) * MINUTE_US)
    amended, added, late = _amend(state, compiled, fresh[behind], tick_us)
    first = fresh[~behind]
    first["revision"] = 1
    windows.closed += by_minute(first)
    first_said = _summaries(compiled, first)
    return np.concatenate((first_said, amended)), np.concatenate((added, first_said)), late


def _amend(state: State, compiled: Compiled, behind: Columns, tick_us: int) -> tuple[Columns, Columns, int]:
    """New revisions of windows whose samples are still here, first ones of young windows; the rest is late for good.

    A late sample joins its window for as long as the window's first samples are kept: all of it is forgotten at once.
    """
    if not behind.size:
        return _nothing()
    samples = _ordered(np.concatenate((_kept_beside(state, behind, tick_us), behind)))
    starts = _window_starts(samples)
    revision = np.maximum.reduceat(samples["revision"], starts)
    young = samples["event_us"][starts] // MINUTE_US * MINUTE_US + MINUTE_US > tick_us - AMEND_US
    amendable = (revision > 0) | young
    sizes = np.diff(np.append(starts, samples.size))
    here, new = np.repeat(amendable, sizes), samples["revision"] == 0
    samples["closed_us"] = np.repeat(np.minimum.reduceat(samples["closed_us"], starts), sizes)
    samples["revision"][new] = np.repeat(revision + 1, sizes)[new]
    said = _summaries(compiled, samples[here])
    said["revision"] = revision[amendable] + 1
    joined = samples[here & new]
    state.windows.closed += by_minute(joined)
    return said, _summaries(compiled, joined), int(np.count_nonzero(~here))


def _kept_beside(state: State, behind: Columns, tick_us: int) -> Columns:
    """The kept samples of the windows that these samples, in order of series, belong to."""
    minutes = behind["event_us"] // MINUTE_US
    wanted = {int(minute): behind["series"][minutes == minute] for minute in np.unique(minutes)}
    found = [np.empty(0, SAMPLE)]
    for run in state.windows.closed:
        series = wanted.get(int(run["event_us"][0]) // MINUTE_US)
        if series is not None:
            places = np.minimum(np.searchsorted(series, run["series"]), series.size - 1)
            found.append(run[(series[places] == run["series"]) & (run["closed_us"] >= tick_us - AMEND_US)])
    return np.concatenate(found)


def _window_starts(samples: Columns) -> Int64s:
    """Where each window begins in samples that are in order."""
    minutes = samples["event_us"] // MINUTE_US
    begins = np.ones(samples.size, np.bool_)
    begins[1:] = (np.diff(samples["series"]) != 0) | (np.diff(minutes) != 0)
    return np.flatnonzero(begins).astype(np.int64)


def _series_places(state: State, series: Int64s) -> Int64s:
    """The place of each series in the sorted list of those known; new ones are put in."""
    windows = state.windows
    new = np.setdiff1d(series, windows.series)
    if new.size:
        places = np.searchsorted(windows.series, new)
        windows.series = np.insert(windows.series, places, new)
        windows.emitted = np.insert(windows.emitted, places, -1)
    return np.searchsorted(windows.series, series)


def _summaries(compiled: Compiled, samples: Columns) -> Columns:
    """Windows (revision 1) over samples in order."""
    if not samples.size:
        return np.empty(0, WINDOW)
    starts = _window_starts(samples)
    series = samples["series"][starts]
    out = np.empty(starts.size, WINDOW)
    out["device"], out["metric"], out["lane"] = series >> 32, (series >> 16) & 0xFFFF, series & 0xFFFF
    out["start_us"] = samples["event_us"][starts] // MINUTE_US * MINUTE_US
    out["revision"], out["width_s"] = 1, 60
    bounds = np.append(starts, samples.size)
    out["count"] = out["added"] = np.diff(bounds)
    stats = np.empty(starts.size * len(_STATS), np.float64)
    summarise(np.ascontiguousarray(samples["value"]), bounds, _expected(compiled, series), stats)
    table = stats.reshape(starts.size, len(_STATS))
    for column, name in enumerate(_STATS):
        out[name] = table[:, column]
    return out


def _expected(compiled: Compiled, series: Int64s) -> npt.NDArray[np.float64]:
    """Samples due in a minute by series, NaN where the city does not say."""
    if not compiled.series_key.size:
        return np.full(series.size, np.nan)
    places = np.minimum(np.searchsorted(compiled.series_key, series), compiled.series_key.size - 1)
    known = compiled.series_key[places] == series
    return np.where(known, compiled.series_expected[places], np.nan)
