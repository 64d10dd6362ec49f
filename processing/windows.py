"""One-minute windows in event time: a window is a function of the set of its samples.

A window closes when its device's watermark (newest event less the reorder window) has passed its end, or when the
device has been idle long enough; both are looked at on ticks only, so how the stream is cut changes nothing. A sample
for a window that was said already makes a new revision of it while its samples are kept, and is told as late after.
Of samples of the same moment the greatest value is the last.
"""

import itertools
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.columns import DTYPES, LATE, WINDOW, Batch, Columns
from processing.compiled import Compiled, pack_series
from processing.kernels.timeline import by_device
from processing.kernels.windows import (
    BLOCK,
    BLOCK_SAMPLES,
    BLOCKS_AT,
    DEVICE,
    DEVICES_AT,
    DUE,
    END,
    EXPECTED,
    FLOOR,
    GIVEN,
    GIVEN_AT,
    GIVEN_BACK,
    HEAD,
    KEY,
    LIVE_BLOCKS,
    LIVE_WINDOWS,
    NEVER,
    NEWEST_SAID,
    NEXT_SERIES,
    OF_DEVICE,
    OPEN_END,
    OUT_HEAD,
    OWN,
    POOL_AT,
    POOLED,
    ROW,
    ROWS,
    ROWS_AT,
    SAMPLES,
    SAMPLES_AT,
    SERIES,
    SERIES_AT,
    SERIES_OF,
    UNSAID,
    walk,
)
from processing.said import Given, Said
from processing.series import Series, known, places
from processing.state import Int64s, State, grown

NAME: Final = "windows"
UNKNOWN: Final = -2
"""No city version, nor the lack of one."""
PLACE: Final = 17
"""Which value of a row is its series' place."""


def _blank() -> Int64s:
    memory = np.zeros(HEAD, np.int64)
    memory[[DEVICES_AT, SERIES_AT, POOL_AT, BLOCKS_AT, END]] = HEAD
    return memory


@dataclass(slots=True)
class Windows:
    """The memory of the walk (kernels/windows.py says what stands where). `config`: the city version that the samples
    expected of each series were taken from."""

    memory: Int64s = field(default_factory=_blank)
    config: int = UNKNOWN


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Take the batch's readings in and say the windows that its ticks close."""
    windows, arrivals = state.part(NAME, Windows), said.arrivals
    place = np.full(arrivals.device.size, -1, np.int64)
    value = np.zeros(arrivals.device.size, np.float64)
    readings = batch.readings
    if readings.size:
        # What is not a number never gets through ingest; a log that holds one all the same is folded without it.
        right = np.isfinite(readings["value"])
        keys = pack_series(readings["device"], readings["metric"], readings["lane"])
        place[arrivals.readings] = np.where(right, places(state, compiled, keys), -1)
        value[arrivals.readings] = readings["value"]
    named = known(state, compiled)
    _make_room(state, windows, named)
    late = np.zeros(arrivals.device.size, np.int64)
    rows, said.given = _walk(state, windows, said, (place, late), value, batch)
    said.closed = _by_place(named.count, rows)
    if late.any():
        said.late.append(_late(readings[late[arrivals.readings] > 0]))


def _make_room(state: State, windows: Windows, named: Series) -> None:
    """Places for the devices and series there are."""
    memory = windows.memory
    devices = int(memory[SERIES_AT] - memory[DEVICES_AT]) // DEVICE
    before = int(memory[POOL_AT] - memory[SERIES_AT]) // SERIES
    if devices < state.size or before < named.count:
        memory = windows.memory = _widened(memory, {SERIES_AT: state.size * DEVICE, POOL_AT: named.count * SERIES})
        fresh = memory[memory[DEVICES_AT] : memory[SERIES_AT]].reshape(-1, DEVICE)[devices:]
        fresh[:, DUE] = fresh[:, OPEN_END] = NEVER
        fresh = memory[memory[SERIES_AT] : memory[POOL_AT]].reshape(-1, SERIES)[before:]
        key = named.key[before : named.count]
        fresh[:, FLOOR], fresh[:, NEWEST_SAID], fresh[:, OF_DEVICE], fresh[:, KEY] = -1, -1, key >> 32, key
        for place, number in enumerate((key >> 32).tolist(), start=before):
            head = int(memory[DEVICES_AT]) + number * DEVICE + SERIES_OF
            memory[int(memory[SERIES_AT]) + place * SERIES + NEXT_SERIES] = memory[head]
            memory[head] = place + 1
        windows.config = UNKNOWN
    if windows.config != named.config:
        windows.config = named.config
        table = memory[memory[SERIES_AT] : memory[POOL_AT]].view(np.float64).reshape(-1, SERIES)
        table[:, EXPECTED] = named.expected


def _widened(memory: Int64s, sizes: dict[int, int]) -> Int64s:
    """The memory with room of so many values before each of these places; what is there stays, the rest is zero."""
    bounds = [int(memory[at]) for at in (DEVICES_AT, SERIES_AT, POOL_AT, BLOCKS_AT, END)]
    parts = [memory[:HEAD].copy()]
    for at, (first, last) in zip((SERIES_AT, POOL_AT, BLOCKS_AT, END), itertools.pairwise(bounds), strict=True):
        parts.append(grown(memory[first:last], sizes.get(at, 0)))
    parts[0][DEVICES_AT] = HEAD
    for at, end in zip((SERIES_AT, POOL_AT, BLOCKS_AT, END), np.cumsum([part.size for part in parts])[1:], strict=True):
        parts[0][at] = end
    return np.concatenate(parts)


def _walk(
    state: State, windows: Windows, said: Said, places: tuple[Int64s, Int64s], samples: Columns, batch: Batch
) -> tuple[Columns, Given]:
    """Run the kernel; the rows said, and the windows given back."""
    arrivals, memory = said.arrivals, windows.memory
    live = int(memory[LIVE_WINDOWS]) + samples.size
    held = live * OWN + (int(memory[LIVE_BLOCKS]) + samples.size) * BLOCK_SAMPLES
    bounds = np.cumsum((OUT_HEAD, (int(memory[UNSAID]) + samples.size) * ROW, live * GIVEN, held, held))
    out = np.empty(int(bounds[-1]), np.int64)
    out[:OUT_HEAD] = (0, 0, 0, *bounds[:4], 0)
    device, times = 0, np.array([batch.since_us, batch.now_us], np.int64)
    records = (arrivals.order, arrivals.first, arrivals.received_us, arrivals.event_us, *places)
    while True:
        device = walk(memory, memory.view(np.float64), records, samples, times, device, out, out.view(np.float64))
        if device == state.size:
            break
        # Room for the samples of the device that did not fit, and half as much again for those after it.
        coming = int(arrivals.first[device + 1] - arrivals.first[device])
        windows_then, blocks_then = (int(memory[live]) * 3 // 2 + coming for live in (LIVE_WINDOWS, LIVE_BLOCKS))
        memory = windows.memory = _widened(memory, {BLOCKS_AT: windows_then * POOLED, END: blocks_then * BLOCK})
    rows = out[out[ROWS_AT] : out[ROWS_AT] + out[ROWS] * ROW].reshape(-1, ROW)
    given = out[out[GIVEN_AT] : out[GIVEN_AT] + out[GIVEN_BACK] * GIVEN].reshape(-1, GIVEN)
    values = out[out[SAMPLES_AT] : out[SAMPLES_AT] + out[SAMPLES]].view(np.float64)
    return rows, Given(given, np.concatenate(([0], np.cumsum(given[:, 3]))), values)


def _by_place(series: int, rows: Int64s) -> Columns:
    """The rows by series, as WINDOW; those of one series stay in the order in which they were said."""
    order, first = np.empty(rows.shape[0], np.int64), np.zeros(series + 1, np.int64)
    by_device(np.ascontiguousarray(rows[:, PLACE]), first, order)
    said: Columns = np.take(rows, order, axis=0).reshape(-1).view(WINDOW)
    return said


def _late(readings: Columns) -> Columns:
    out = np.empty(readings.size, LATE)
    out["kind"] = list(DTYPES).index("reading")
    for name in ("place", "device", "event_us"):
        out[name] = readings[name]
    return out
