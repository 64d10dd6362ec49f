"""One-minute windows in event time: a window is a function of the set of its samples.

A window closes when its device's watermark (newest event less the reorder window) has passed its end, or when the
device has been idle long enough; both are looked at on ticks only, so how the stream is cut changes nothing. A sample
for a window that was said already makes a new revision of it while its samples are kept, and is counted as late after.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import WINDOW, Columns
from processing.compiled import Compiled, pack_series
from processing.kernels.windows import summarise
from processing.state import AMENDED, SAMPLE, State

REORDER_US: Final = 2 * SECOND_US
"""Design section 2, law (c): a shuffle within two seconds changes no final finding."""
IDLE_US: Final = 30 * SECOND_US
"""A device unheard for so long has its past windows closed: half a minute keeps the page fresh, and is far beyond
what a healthy network delays."""
AMEND_US: Final = 600 * SECOND_US
"""For so long after closing, a window's samples are kept and late ones amend it; bounds the memory."""

_STATS: Final = ("mean", "min", "max", "sd", "median", "p85", "p95", "last", "completeness")

Int64s = npt.NDArray[np.int64]


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
    """Let go of samples whose windows can no longer be amended."""
    windows = state.windows
    while windows.closed and int(windows.closed[0]["closed_us"].max()) < tick_us - AMEND_US:
        windows.closed.pop(0)
    if windows.amended.size:
        windows.amended = windows.amended[windows.amended["closed_us"] >= tick_us - AMEND_US]


def _say(state: State, compiled: Compiled, fresh: Columns, tick_us: int) -> tuple[Columns, Columns, int]:
    """Windows of samples that are in order. Those behind what their series has said are amendments."""
    windows = state.windows
    at = _series_places(state, fresh["series"])
    minutes = fresh["event_us"] // MINUTE_US
    behind = minutes <= windows.emitted[at]
    first_said = _summaries(compiled, fresh[~behind])
    np.maximum.at(windows.emitted, at[~behind], minutes[~behind])
    amended, added, late = _amend(state, compiled, fresh[behind], tick_us)
    fresh["closed_us"] = tick_us
    windows.closed.append(fresh)
    said = np.concatenate((first_said, amended))
    return said, np.concatenate((added, first_said)), late


def _amend(state: State, compiled: Compiled, behind: Columns, tick_us: int) -> tuple[Columns, Columns, int]:
    """New revisions of windows whose samples are still here; the rest is late for good."""
    if not behind.size:
        return _nothing()
    windows = state.windows
    wanted = np.unique(_window_ids(behind))
    kept = np.concatenate(windows.closed) if windows.closed else np.empty(0, SAMPLE)
    kept = kept[np.isin(_window_ids(kept), wanted)]
    here = np.isin(_window_ids(behind), _window_ids(kept))
    here |= (behind["event_us"] // MINUTE_US + 1) * MINUTE_US > tick_us - AMEND_US
    late = int(np.count_nonzero(~here))
    behind = behind[here]
    if not behind.size:
        return np.empty(0, WINDOW), np.empty(0, WINDOW), late
    said = _summaries(compiled, _ordered(np.concatenate((kept, behind))))
    said["revision"] = [_next_revision(state, row, kept, tick_us) for row in said]
    return said, _summaries(compiled, behind), late


def _next_revision(state: State, window: Any, kept: Columns, tick_us: int) -> int:
    windows = state.windows
    series = int(pack_series(window["device"], window["metric"], window["lane"]))
    minute = int(window["start_us"]) // MINUTE_US
    known = (windows.amended["series"] == series) & (windows.amended["minute"] == minute)
    if known.any():
        windows.amended["revision"][known] += 1
        windows.amended["closed_us"][known] = tick_us
        return int(windows.amended["revision"][known][0])
    said_before = bool(np.any((kept["series"] == series) & (kept["event_us"] // MINUTE_US == minute)))
    revision = 2 if said_before else 1
    windows.amended = np.append(windows.amended, np.array([(series, minute, revision, tick_us)], AMENDED))
    return revision


def _window_ids(samples: Columns) -> npt.NDArray[Any]:
    """Series and minute of each sample as one comparable value."""
    ids = np.empty(samples.size, np.dtype([("series", "i8"), ("minute", "i8")]))
    ids["series"] = samples["series"]
    ids["minute"] = samples["event_us"] // MINUTE_US
    return ids


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
    minutes = samples["event_us"] // MINUTE_US
    starts = np.flatnonzero(
        np.concatenate(([True], (np.diff(samples["series"]) != 0) | (np.diff(minutes) != 0)))
    ).astype(np.int64)
    series = samples["series"][starts]
    out = np.empty(starts.size, WINDOW)
    out["device"], out["metric"], out["lane"] = series >> 32, (series >> 16) & 0xFFFF, series & 0xFFFF
    out["start_us"] = minutes[starts] * MINUTE_US
    out["revision"] = 1
    bounds = np.append(starts, samples.size)
    out["count"] = np.diff(bounds)
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
