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
    BLOCK_COUNT,
    DEVICE,
    DUE,
    FLOOR,
    GIVEN,
    META,
    NEVER,
    NEXT_SERIES,
    OF_DEVICE,
    OLDEST,
    OPEN_END,
    POOLED,
    SERIES,
    SERIES_OF,
    UNSAID,
    WINDOWS,
    walk,
)
from processing.said import Given, Said
from processing.series import NAME as SERIES_NAME
from processing.series import Series, known, places
from processing.state import Int64s, State, grown

NAME: Final = "windows"


@dataclass(slots=True)
class Windows:
    """The memory of the walk (kernels/windows.py): flat arrays, `pool` of windows, `links` and `blocks` of samples."""

    devices: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    series: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    pool: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    links: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    meta: Int64s = field(default_factory=lambda: np.zeros(META, np.int64))
    blocks: Columns = field(default_factory=lambda: np.zeros(0, np.float64))
    lasts: Columns = field(default_factory=lambda: np.zeros(0, np.float64))


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
    _make_room(state, windows, int(readings.size))
    late = np.zeros(arrivals.device.size, np.int64)
    rows, said.given = _walk(state, windows, said, (place, late), value, batch)
    said.closed = _by_place(state, rows)
    if late.any():
        said.late.append(_late(readings[late[arrivals.readings] > 0]))


def _make_room(state: State, windows: Windows, samples: int) -> None:
    """Places for the devices and series there are, and for so many samples, each in a window of its own at worst."""
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
        fresh[:, FLOOR], fresh[:, OLDEST], fresh[:, OF_DEVICE] = -1, NEVER, device
        for place, number in enumerate(device.tolist(), start=before):
            windows.series[place * SERIES + NEXT_SERIES] = windows.devices[number * DEVICE + SERIES_OF]
            windows.devices[number * DEVICE + SERIES_OF] = place + 1
    pools, blocks = (int(windows.meta[at]) + samples for at in (WINDOWS, BLOCK_COUNT))
    if windows.lasts.size < pools:
        windows.pool, windows.lasts = grown(windows.pool, 2 * pools * POOLED), grown(windows.lasts, 2 * pools)
    if windows.links.size < blocks:
        windows.links, windows.blocks = grown(windows.links, 2 * blocks), grown(windows.blocks, 2 * blocks * BLOCK)


def _walk(
    state: State, windows: Windows, said: Said, places: tuple[Int64s, Int64s], values: Columns, batch: Batch
) -> tuple[Columns, Given]:
    """Run the kernel; the rows said, and the windows given back."""
    arrivals, named = said.arrivals, state.part(SERIES_NAME, Series)
    unsaid = int(windows.meta[UNSAID]) + values.size
    held = int(windows.meta[BLOCK_COUNT]) * BLOCK + values.size
    pools = int(windows.meta[WINDOWS]) + values.size
    rows = np.empty(unsaid, WINDOW)
    given, sizes = np.empty(pools * GIVEN, np.int64), np.zeros(3, np.int64)
    samples, lasts, scratch = np.empty(held), np.empty(pools), np.empty(held)
    nothing = np.empty(0, np.int64)
    walk(
        (windows.devices, windows.series, windows.pool, windows.links, windows.meta, named.key),
        (windows.blocks, windows.lasts, named.expected),
        (arrivals.order, arrivals.first, arrivals.received_us, arrivals.event_us, *places),
        values,
        batch.since_us,
        batch.now_us,
        (rows.view(np.int64), given, sizes, nothing),
        (rows.view(np.float64), samples, lasts, scratch, np.empty(0)),
    )
    table = given[: sizes[0] * GIVEN].reshape(-1, GIVEN)
    first = np.concatenate(([0], np.cumsum(table[:, 3])))
    return rows[: sizes[2]], Given(table, lasts[: sizes[0]], first, samples[: sizes[1]])


def _by_place(state: State, rows: Columns) -> Columns:
    """The rows by series; those of one series stay in the order in which they were said."""
    count = state.part(SERIES_NAME, Series).count
    order, first = np.empty(rows.size, np.int64), np.zeros(count + 1, np.int64)
    by_device(np.ascontiguousarray(rows["place"]), first, order)
    sorted_rows: Columns = rows[order]
    return sorted_rows


def _late(readings: Columns) -> Columns:
    out = np.empty(readings.size, LATE)
    out["kind"] = list(DTYPES).index("reading")
    for name in ("place", "device", "event_us"):
        out[name] = readings[name]
    return out
