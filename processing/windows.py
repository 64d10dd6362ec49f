"""One-minute windows in event time: a window is a function of the set of its samples.

A window closes when its device's watermark (newest event less the reorder window) has passed its end, or when the
device has been idle long enough; both are looked at on ticks only, so how the stream is cut changes nothing. A sample
for a window that was said already makes a new revision of it while its samples are kept, and is told as late after.
Of samples of the same moment the greatest value is the last.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.columns import DTYPES, LATE, WINDOW, Batch, Columns
from processing.compiled import Compiled, pack_series
from processing.kernels.timeline import by_device
from processing.kernels.windows import (
    BLOCK,
    BLOCK_SAMPLES,
    DEVICE,
    DUE,
    FLOOR,
    GIVEN,
    LIVE_BLOCKS,
    LIVE_WINDOWS,
    META,
    NEVER,
    NEWEST_SAID,
    NEXT_SERIES,
    OF_DEVICE,
    OPEN_END,
    OWN,
    POOLED,
    ROW,
    SERIES,
    SERIES_OF,
    UNSAID,
    walk,
)
from processing.said import Given, Said
from processing.series import NAME as SERIES_NAME
from processing.series import Series, known, places
from processing.state import Int64s, State, grown

NAME: Final = "windows"


@dataclass(slots=True)
class Windows:
    """The memory of the walk (kernels/windows.py): flat arrays, a `pool` of windows and `blocks` of further samples."""

    devices: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    series: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    pool: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    blocks: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    meta: Int64s = field(default_factory=lambda: np.zeros(META, np.int64))


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Take the batch's readings in and say the windows that its ticks close."""
    windows, arrivals = state.part(NAME, Windows), said.arrivals
    known(state, compiled)
    place = np.full(arrivals.device.size, -1, np.int64)
    value = np.zeros(arrivals.device.size, np.float64)
    readings = batch.readings
    if readings.size:
        # What is not a number never gets through ingest; a log that holds one all the same is folded without it.
        right = np.isfinite(readings["value"])
        keys = pack_series(readings["device"], readings["metric"], readings["lane"])
        place[arrivals.readings] = np.where(right, places(state, compiled, keys), -1)
        value[arrivals.readings] = readings["value"]
    _make_room(state, windows)
    late = np.zeros(arrivals.device.size, np.int64)
    rows, said.given = _walk(state, windows, said, (place, late), value, batch)
    said.closed = _by_place(state, rows)
    if late.any():
        said.late.append(_late(readings[late[arrivals.readings] > 0]))


def _make_room(state: State, windows: Windows) -> None:
    """Places for the devices and series there are."""
    devices = windows.devices.size // DEVICE
    if devices < state.size:
        windows.devices = grown(windows.devices, state.size * DEVICE)
        fresh = windows.devices.reshape(-1, DEVICE)[devices:]
        fresh[:, DUE] = fresh[:, OPEN_END] = NEVER
    named = state.part(SERIES_NAME, Series)
    before = windows.series.size // SERIES
    if before < named.count:
        windows.series = grown(windows.series, named.count * SERIES)
        fresh, device = windows.series.reshape(-1, SERIES)[before:], named.key[before : named.count] >> 32
        fresh[:, FLOOR], fresh[:, NEWEST_SAID], fresh[:, OF_DEVICE] = -1, -1, device
        for place, number in enumerate(device.tolist(), start=before):
            windows.series[place * SERIES + NEXT_SERIES] = windows.devices[number * DEVICE + SERIES_OF]
            windows.devices[number * DEVICE + SERIES_OF] = place + 1


def _walk(
    state: State, windows: Windows, said: Said, places: tuple[Int64s, Int64s], values: Columns, batch: Batch
) -> tuple[Columns, Given]:
    """Run the kernel; the rows said, and the windows given back."""
    arrivals, named = said.arrivals, state.part(SERIES_NAME, Series)
    live_windows, live_blocks = int(windows.meta[LIVE_WINDOWS]) + values.size, int(windows.meta[LIVE_BLOCKS])
    held = live_windows * OWN + (live_blocks + values.size) * BLOCK_SAMPLES
    rows = np.empty(int(windows.meta[UNSAID]) + values.size, WINDOW)
    given, sizes = np.empty(live_windows * GIVEN, np.int64), np.zeros(3, np.int64)
    samples, lasts, scratch = np.empty(held), np.empty(live_windows), np.empty(held)
    device, times = 0, np.array([batch.since_us, batch.now_us], np.int64)
    while True:
        device = walk(
            (windows.devices, windows.series, windows.pool, windows.blocks, windows.meta, named.key),
            (windows.pool.view(np.float64), windows.blocks.view(np.float64), named.expected),
            (arrivals.order, arrivals.first, arrivals.received_us, arrivals.event_us, *places),
            values,
            times,
            device,
            (rows.view(np.int64), given, sizes),
            (rows.view(np.float64), samples, lasts, scratch),
        )
        if device == state.size:
            break
        # Room for the samples of the device that did not fit, and a quarter more for those after it.
        coming = int(arrivals.first[device + 1] - arrivals.first[device])
        windows.pool = grown(windows.pool, _more(windows.meta[LIVE_WINDOWS] + coming) * POOLED)
        windows.blocks = grown(windows.blocks, _more(windows.meta[LIVE_BLOCKS] + coming) * BLOCK)
    table = given[: sizes[0] * GIVEN].reshape(-1, GIVEN)
    first = np.concatenate(([0], np.cumsum(table[:, 3])))
    return rows[: sizes[2]], Given(table, lasts[: sizes[0]], first, samples[: sizes[1]])


def _by_place(state: State, rows: Columns) -> Columns:
    """The rows by series; those of one series stay in the order in which they were said."""
    count = state.part(SERIES_NAME, Series).count
    order, first = np.empty(rows.size, np.int64), np.zeros(count + 1, np.int64)
    by_device(np.ascontiguousarray(rows["place"]), first, order)
    table = rows.view(np.int64).reshape(rows.size, ROW)
    sorted_rows: Columns = np.take(table, order, axis=0).reshape(-1).view(WINDOW)
    return sorted_rows


def _more(places: int) -> int:
    return int(places) + int(places) // 4


def _late(readings: Columns) -> Columns:
    out = np.empty(readings.size, LATE)
    out["kind"] = list(DTYPES).index("reading")
    for name in ("place", "device", "event_us"):
        out[name] = readings[name]
    return out
