"""One-minute windows in event time: a window is a function of the set of its samples.

A window closes when its device's watermark (newest event less the reorder window) has passed its end, or when the
device has been idle long enough (while we did not listen nobody is); both are looked at on ticks only, so how the
stream is cut changes nothing. A sample for a window that was said already makes a new revision of it while its samples
are kept, and is told as late after. Of samples of the same moment the greatest value is the last.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.columns import DTYPES, LATE, WINDOW, Batch, Columns
from processing.compiled import Compiled
from processing.kernels.timeline import by_device
from processing.kernels.windows import (
    BLOCK,
    COUNTERS,
    DEVICE,
    GIVEN,
    GIVEN_BACK,
    HELD,
    LIVE_BLOCKS,
    LIVE_WINDOWS,
    NEVER,
    PROGRESS,
    ROWS,
    SAMPLES,
    SERIES,
    UNSAID,
    walk,
)
from processing.said import Given, Said
from processing.series import Series, known, places_of
from processing.state import Int64s, State, grown

NAME: Final = "windows"
UNKNOWN: Final = -2
"""No city version, nor the lack of one."""
LEAST_ROOM: Final = 64


@dataclass(slots=True)
class Windows:
    """The memory of the walk (kernels/windows.py says what stands where). `config`: the city version that the samples
    expected of each series were taken from."""

    counters: Int64s = field(default_factory=lambda: np.zeros(COUNTERS, np.int64))
    devices: Columns = field(default_factory=lambda: np.zeros(0, DEVICE))
    due_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    series: Columns = field(default_factory=lambda: np.zeros(0, SERIES))
    pool: Columns = field(default_factory=lambda: np.zeros(0, HELD))
    chain: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    samples: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    config: int = UNKNOWN


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Take the batch's readings in and say the windows that its ticks close."""
    windows, readings = state.part(NAME, Windows), batch.readings
    places = places_of(state, compiled, readings)
    named = known(state, compiled)
    _know(windows, state.size, named)
    late = np.zeros(readings.size, np.int64)
    times = np.array([batch.since_us, batch.now_us, state.moments.listening_us], np.int64)
    rows, said.given = _walk(windows, said, readings, places, late, times)
    said.closed, said.closed_first = _by_place(named.count, rows)
    if late.any():
        said.late.append(_late(readings[late > 0]))


def _know(windows: Windows, devices: int, named: Series) -> None:
    """Have rows for the devices and series there are."""
    before = windows.devices.size
    if before < devices:
        windows.devices = grown(windows.devices, devices)
        windows.due_us = grown(windows.due_us, devices, NEVER)
        windows.devices["open_end_us"][before:] = NEVER
    before = windows.series.size
    if before < named.count:
        windows.series = grown(windows.series, named.count)
        fresh, key = windows.series[before:], named.key[before : named.count]
        fresh["key"], fresh["device"], fresh["back_us"] = key, key >> 32, NEVER
        fresh["newest_said_us"] = fresh["floor_us"] = -1
        first = windows.devices["first_series"]
        for place, device in enumerate((key >> 32).tolist(), start=before):
            windows.series[place]["following"] = first[device]
            first[device] = place + 1
        windows.config = UNKNOWN
    if windows.config != named.config:
        windows.config = named.config
        windows.series["expected"] = named.expected


def _walk(
    windows: Windows, said: Said, readings: Columns, places: Int64s, late: Int64s, times: Int64s
) -> tuple[Columns, Given]:
    """Run the kernel; the rows said, and the windows given back."""
    arrivals, counters = said.arrivals, windows.counters
    live = int(counters[LIVE_WINDOWS]) + readings.size
    held = live + (int(counters[LIVE_BLOCKS]) + readings.size) * BLOCK
    progress, rows = np.zeros(PROGRESS, np.int64), np.empty(int(counters[UNSAID]) + readings.size, WINDOW)
    given, values, scratch, spare = np.empty(live * GIVEN, np.int64), *(np.empty(held) for _ in range(3))
    records = (arrivals.device, arrivals.received_us, arrivals.event_us, arrivals.reading, places, late)
    out = (progress, rows, given, given.view(np.float64), values, scratch, spare)
    touched = np.empty(windows.devices.size, np.int64)
    while not walk(_memory(windows), records, readings, times, touched, out):
        _make_room(windows)
    backs = given[: progress[GIVEN_BACK] * GIVEN].reshape(-1, GIVEN)
    first = np.concatenate(([0], np.cumsum(backs[:, 3])))
    return rows[: progress[ROWS]], Given(backs, first, values[: progress[SAMPLES]])


def _memory(windows: Windows) -> tuple[Any, ...]:
    lists = windows.series, windows.pool, windows.chain, windows.samples
    return (windows.counters, windows.devices, windows.due_us, *lists)


def _make_room(windows: Windows) -> None:
    """Room for a quarter more windows and blocks than there are, where they are used up."""
    if windows.counters[LIVE_WINDOWS] == windows.pool.size:
        windows.pool = grown(windows.pool, windows.pool.size * 5 // 4 + LEAST_ROOM)
    if windows.counters[LIVE_BLOCKS] == windows.chain.size:
        windows.chain = grown(windows.chain, windows.chain.size * 5 // 4 + LEAST_ROOM)
        windows.samples = grown(windows.samples, windows.chain.size * BLOCK)


def _by_place(series: int, rows: Columns) -> tuple[Columns, Int64s]:
    """The rows by series, and where those of each begin; they stay in the order in which they were said."""
    order, first = np.empty(rows.size, np.int64), np.zeros(series + 1, np.int64)
    by_device(np.ascontiguousarray(rows["place"]), first, order)
    # As whole numbers: rows of named fields are copied one field after the other, ten times as slowly.
    words = rows.view(np.int64).reshape(-1, WINDOW.itemsize // 8)
    said: Columns = np.take(words, order, axis=0).reshape(-1).view(WINDOW)
    return said, first


def _late(readings: Columns) -> Columns:
    out = np.empty(readings.size, LATE)
    out["kind"] = list(DTYPES).index("reading")
    for name in ("place", "device", "event_us"):
        out[name] = readings[name]
    return out
