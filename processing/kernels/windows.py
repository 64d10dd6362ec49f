"""One-minute windows: which sample belongs to which, when each is said, and its statistics.

The walk goes device by device through a batch, for windows of different devices have nothing to do with each other. All
memory is in flat arrays: places of a few values each, chained by index + 1 (0 ends a chain). `ints` is (devices, series,
windows, links, meta, keys of the series), `floats` is (blocks, lasts, samples expected a minute by series); what stands
where is named below. Samples of a window lie in blocks of BLOCK values, the newest first. Every figure is a function of
the set of a window's samples, in whatever order they came: they are sorted before they are added up.
"""

import math
from typing import Any, Final

import numpy as np

from contracts.jit import kernel

MINUTE_US: Final = 60_000_000
TICK_US: Final = 1_000_000
NEVER: Final = 2**62
REORDER_US: Final = 2_000_000
"""Design section 2, law (c): a shuffle within two seconds changes no final finding."""
IDLE_US: Final = 30_000_000
"""A device unheard for so long has its past windows closed: half a minute keeps the page fresh, and is far beyond
what a healthy network delays."""
AMEND_US: Final = 600_000_000
"""For so long after it was first said, a window's samples are kept and late ones amend it; bounds the memory."""
KEPT: Final = 128
"""Samples of said windows kept a series at most, for a sensor that speaks every second: it is amended for a shorter
time, and no series holds more than about 3 KiB."""
SWEEP_US: Final = 60_000_000
"""How often windows that can no longer be amended are given back, on the grid of ticks."""

DEVICE: Final = 6
NEWEST, HEARD, BOUNDARY, DUE, SERIES_OF, OPEN_END = 0, 1, 2, 3, 4, 5
"""Newest event; last receipt; up to where windows are closed; when to look without a record (NEVER); first of its
series; end of the oldest window that holds something unsaid (NEVER: none)."""
SERIES: Final = 6
NEXT_SERIES, HEAD, FLOOR, HELD, OLDEST, OF_DEVICE = 0, 1, 2, 3, 4, 5
"""Next series of the device; newest window; last minute given back; samples held in said windows; when the longest
said one of them was said (NEVER: none); device."""
POOLED: Final = 8
MINUTE, COUNT, FRESH, REVISION, CLOSED, BLOCKS, OLDER, LAST_US = 0, 1, 2, 3, 4, 5, 6, 7
"""Minute since 1970; samples; of these not said yet; revision said, 0 before; when it was first said, at the earliest
its end; newest block; next older window; event time of the last sample."""
BLOCK: Final = 4
META: Final = 5
FREE_WINDOW, WINDOWS, FREE_BLOCK, BLOCK_COUNT, UNSAID = 0, 1, 2, 3, 4
"""Heads of the free chains, how many places were ever used, and samples that are in no said window yet."""

ROW: Final = 20
"""Values of a row of `contracts.columns.WINDOW`: eight integers, nine statistics, and the engine's own."""
GIVEN: Final = 5
"""Values of a window given back: place, minute, tick (us), count, event time of its last sample (us)."""


@kernel("f8(f8[::1], f8, i8)", inner=True)
def quantile(ordered: Any, share: float, count: int) -> float:
    """Linear interpolation between the two nearest order statistics (Hyndman and Fan 1996, type 7)."""
    place = share * (count - 1)
    below = int(place)
    if below + 1 >= count:
        return float(ordered[count - 1])
    return float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))


@kernel("void(f8[::1], i8)", inner=True)
def sort(values: Any, count: int) -> None:
    """Sort the first values in place: by insertion while they are few, as the samples of a minute are."""
    if count > 48:
        values[:count] = np.sort(values[:count])
        return
    for at in range(1, count):
        value = values[at]
        place = at - 1
        while place >= 0 and values[place] > value:
            values[place + 1] = values[place]
            place -= 1
        values[place + 1] = value


@kernel("i8(i8[::1], i8[::1], i8[::1], i8, i8)", inner=True)
def find(series: Any, windows: Any, meta: Any, place: int, minute: int) -> int:
    """The window of this minute, made where there is none yet; -1 where it was given back already."""
    before, window = -1, series[place * SERIES + HEAD] - 1
    while window >= 0 and windows[window * POOLED + MINUTE] > minute:
        before, window = window, windows[window * POOLED + OLDER] - 1
    if window >= 0 and windows[window * POOLED + MINUTE] == minute:
        return window
    if minute <= series[place * SERIES + FLOOR]:
        return -1
    if meta[FREE_WINDOW] > 0:
        made = meta[FREE_WINDOW] - 1
        meta[FREE_WINDOW] = windows[made * POOLED + OLDER]
    else:
        made = meta[WINDOWS]
        meta[WINDOWS] += 1
    for field in range(POOLED):
        windows[made * POOLED + field] = 0
    windows[made * POOLED + MINUTE] = minute
    windows[made * POOLED + OLDER] = window + 1
    if before >= 0:
        windows[before * POOLED + OLDER] = made + 1
    else:
        series[place * SERIES + HEAD] = made + 1
    return made


@kernel("i8(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, i8, f8)", inner=True)
def put(ints: Any, floats: Any, place: int, event_us: int, tick_us: int, value: float) -> int:
    """Put a sample into its window; 0 where it came too late for it."""
    _, series, windows, links, meta, _ = ints
    blocks, lasts, _ = floats
    window = find(series, windows, meta, place, event_us // MINUTE_US)
    if window < 0:
        return 0
    base = window * POOLED
    if windows[base + REVISION] > 0 and windows[base + CLOSED] < tick_us - AMEND_US:
        return 0
    if windows[base + COUNT] % BLOCK == 0:
        if meta[FREE_BLOCK] > 0:
            block = meta[FREE_BLOCK] - 1
            meta[FREE_BLOCK] = links[block]
        else:
            block = meta[BLOCK_COUNT]
            meta[BLOCK_COUNT] += 1
        links[block] = windows[base + BLOCKS]
        windows[base + BLOCKS] = block + 1
    block = windows[base + BLOCKS] - 1
    blocks[block * BLOCK + windows[base + COUNT] % BLOCK] = value
    newer = event_us > windows[base + LAST_US]
    if windows[base + COUNT] == 0 or newer or (event_us == windows[base + LAST_US] and value > lasts[window]):
        windows[base + LAST_US] = event_us
        lasts[window] = value
    windows[base + COUNT] += 1
    windows[base + FRESH] += 1
    meta[UNSAID] += 1
    return 1


@kernel("void(i8[::1], i8[::1], f8[::1], i8, f8[::1])", inner=True)
def collect(windows: Any, links: Any, blocks: Any, window: int, out: Any) -> None:
    """The samples of a window, the newest first."""
    left, block = windows[window * POOLED + COUNT], windows[window * POOLED + BLOCKS] - 1
    at, held = 0, (left - 1) % BLOCK + 1
    while left > 0:
        for back in range(held):
            out[at] = blocks[block * BLOCK + held - 1 - back]
            at += 1
        left -= held
        held = BLOCK
        block = links[block] - 1


@kernel("void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, i8, i8[::1], f8[::1], f8[::1])", inner=True)
def say(
    ints: Any, floats: Any, place: int, window: int, tick_us: int, out_ints: Any, out_floats: Any, scratch: Any
) -> None:
    """Write a window's row as it stands now; it is said from then on."""
    _, series, windows, links, meta, keys = ints
    blocks, lasts, expected = floats
    base, count, fresh = window * POOLED, windows[window * POOLED + COUNT], windows[window * POOLED + FRESH]
    collect(windows, links, blocks, window, scratch)
    added = 0.0
    if fresh < count:
        sort(scratch, fresh)
        for at in range(fresh):
            added += scratch[at]
    sort(scratch, count)
    total = 0.0
    for at in range(count):
        total += scratch[at]
    mean, squares = total / count, 0.0
    for at in range(count):
        squares += (scratch[at] - mean) * (scratch[at] - mean)
    if windows[base + REVISION] == 0:
        windows[base + CLOSED] = max(tick_us, (windows[base + MINUTE] + 1) * MINUTE_US)
        series[place * SERIES + OLDEST] = min(series[place * SERIES + OLDEST], windows[base + CLOSED])
    windows[base + REVISION] += 1
    windows[base + FRESH] = 0
    series[place * SERIES + HELD] += fresh
    meta[UNSAID] -= fresh
    out_ints[0] = series[place * SERIES + OF_DEVICE]
    out_ints[1], out_ints[2] = (keys[place] >> 16) & 0xFFFF, keys[place] & 0xFFFF
    out_ints[3], out_ints[4] = MINUTE_US // 1_000_000, windows[base + MINUTE] * MINUTE_US
    out_ints[5], out_ints[6], out_ints[7] = windows[base + REVISION], count, fresh
    out_floats[8], out_floats[9], out_floats[10] = mean, scratch[0], scratch[count - 1]
    out_floats[11] = math.sqrt(squares / (count - 1)) if count > 1 else np.nan
    out_floats[12] = quantile(scratch, 0.5, count)
    out_floats[13] = quantile(scratch, 0.85, count)
    out_floats[14] = quantile(scratch, 0.95, count)
    out_floats[15] = lasts[window]
    out_floats[16] = np.nan if math.isnan(expected[place]) else min(1.0, count / expected[place])
    out_ints[17], out_ints[18] = place, tick_us
    out_floats[19] = total if fresh == count else added


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, i8, UniTuple(i8[::1], 2), UniTuple(f8[::1], 2))",
    inner=True,
)
def give_back(ints: Any, floats: Any, place: int, tick_us: int, most: int, told: Any, values: Any) -> None:
    """Give back said windows of a series: those that can no longer be amended, and the oldest of more than `most`.

    `told` is (rows of GIVEN values, how many rows and values there are so far), `values` (samples, last samples).
    """
    _, series, windows, links, meta, _ = ints
    blocks, lasts, _ = floats
    rows, sizes = told
    samples, ends = values
    while True:
        before, oldest, at, above = -1, -1, series[place * SERIES + HEAD] - 1, -1
        while at >= 0:
            if windows[at * POOLED + REVISION] > 0 and windows[at * POOLED + FRESH] == 0:
                if oldest < 0 or windows[at * POOLED + CLOSED] <= windows[oldest * POOLED + CLOSED]:
                    before, oldest = above, at
            above, at = at, windows[at * POOLED + OLDER] - 1
        series[place * SERIES + OLDEST] = windows[oldest * POOLED + CLOSED] if oldest >= 0 else NEVER
        if oldest < 0:
            return
        base = oldest * POOLED
        if windows[base + CLOSED] >= tick_us - AMEND_US and series[place * SERIES + HELD] <= most:
            return
        row = sizes[0] * GIVEN
        rows[row], rows[row + 1], rows[row + 2] = place, windows[base + MINUTE], tick_us
        rows[row + 3], rows[row + 4] = windows[base + COUNT], windows[base + LAST_US]
        ends[sizes[0]] = lasts[oldest]
        collect(windows, links, blocks, oldest, samples[sizes[1] :])
        sizes[0] += 1
        sizes[1] += windows[base + COUNT]
        series[place * SERIES + HELD] -= windows[base + COUNT]
        series[place * SERIES + FLOOR] = max(series[place * SERIES + FLOOR], windows[base + MINUTE])
        if before >= 0:
            windows[before * POOLED + OLDER] = windows[base + OLDER]
        else:
            series[place * SERIES + HEAD] = windows[base + OLDER]
        block = windows[base + BLOCKS] - 1
        while block >= 0:
            following = links[block] - 1
            links[block] = meta[FREE_BLOCK]
            meta[FREE_BLOCK] = block + 1
            block = following
        windows[base + OLDER] = meta[FREE_WINDOW]
        meta[FREE_WINDOW] = oldest + 1


@kernel("void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), UniTuple(i8[::1], 6), f8[::1], i8, i8)", inner=True)
def hear(ints: Any, floats: Any, records: Any, values: Any, row: int, device: int) -> None:
    """Take one record of a device in: its clocks, and its sample where it is a reading."""
    devices, base = ints[0], device * DEVICE
    _, _, received_us, event_us, places, late = records
    devices[base + NEWEST] = max(devices[base + NEWEST], event_us[row])
    devices[base + HEARD] = max(devices[base + HEARD], received_us[row])
    if places[row] < 0:
        return
    counts_us = (received_us[row] // TICK_US + 1) * TICK_US
    if put(ints, floats, places[row], event_us[row], counts_us, values[row]):
        devices[base + OPEN_END] = min(devices[base + OPEN_END], (event_us[row] // MINUTE_US + 1) * MINUTE_US)
    else:
        late[row] = 1


@kernel("void(i8[::1], i8, i8)", inner=True)
def turn(rows: Any, first: int, last: int) -> None:
    """Turn rows first..last - 1 around: a chain has its newest window first, they are said the oldest first."""
    for step in range((last - first) // 2):
        for field in range(ROW):
            at, other = (first + step) * ROW + field, (last - 1 - step) * ROW + field
            rows[at], rows[other] = rows[other], rows[at]


@kernel("void(UniTuple(i8[::1], 6), i8, i8)", inner=True)
def move(ints: Any, device: int, tick_us: int) -> None:
    """Move up to where a device's windows are closed: behind its newest event, or up to now where it is idle."""
    devices, base = ints[0], device * DEVICE
    idle = tick_us - devices[base + HEARD] >= IDLE_US
    limit = tick_us if idle else devices[base + NEWEST] - REORDER_US
    devices[base + BOUNDARY] = max(devices[base + BOUNDARY], limit // MINUTE_US * MINUTE_US)


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, UniTuple(i8[::1], 4), UniTuple(f8[::1], 5))", inner=True
)
def close(ints: Any, floats: Any, device: int, tick_us: int, out: Any, out_floats: Any) -> None:
    """Say every window of a device that its boundary has passed and that holds something new."""
    devices, series, windows = ints[0], ints[1], ints[2]
    rows, told, sizes, _ = out
    row_floats, samples, ends, scratch, _ = out_floats
    boundary, open_end = devices[device * DEVICE + BOUNDARY], NEVER
    place = devices[device * DEVICE + SERIES_OF] - 1
    while place >= 0:
        begun = sizes[2]
        window = series[place * SERIES + HEAD] - 1
        while window >= 0:
            end_us = (windows[window * POOLED + MINUTE] + 1) * MINUTE_US
            if windows[window * POOLED + FRESH] > 0 and end_us > boundary:
                open_end = min(open_end, end_us)
            elif windows[window * POOLED + FRESH] > 0:
                at = sizes[2] * ROW
                say(ints, floats, place, window, tick_us, rows[at:], row_floats[at:], scratch)
                sizes[2] += 1
            window = windows[window * POOLED + OLDER] - 1
        turn(rows, begun, sizes[2])
        if series[place * SERIES + HELD] > KEPT:
            give_back(ints, floats, place, tick_us, KEPT, (told, sizes), (samples, ends))
        place = series[place * SERIES + NEXT_SERIES] - 1
    devices[device * DEVICE + OPEN_END] = open_end


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, UniTuple(i8[::1], 4), UniTuple(f8[::1], 5))", inner=True
)
def sweep(ints: Any, floats: Any, device: int, tick_us: int, out: Any, out_floats: Any) -> None:
    """Give back what can no longer be amended, of every series of a device."""
    devices, series = ints[0], ints[1]
    _, told, sizes, _ = out
    _, samples, ends, _, _ = out_floats
    place = devices[device * DEVICE + SERIES_OF] - 1
    while place >= 0:
        if series[place * SERIES + OLDEST] < tick_us - AMEND_US:
            give_back(ints, floats, place, tick_us, NEVER, (told, sizes), (samples, ends))
        place = series[place * SERIES + NEXT_SERIES] - 1


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), UniTuple(i8[::1], 6), f8[::1],"
    " i8, i8, UniTuple(i8[::1], 4), UniTuple(f8[::1], 5))"
)
def walk(
    ints: Any, floats: Any, records: Any, values: Any, since_us: int, now_us: int, out: Any, out_floats: Any
) -> None:
    """Fold a batch: its records and the ticks in (`since_us`, `now_us`].

    `records` int64: `order` (n,) of the records by device, `first` (devices + 1,) where each device's begin in it, then
    by record: receipt, event time (us), place of the series (-1: no reading) and `late` (n,), set to 1 where a sample
    came too late. `values` float64 (n,). `out`: rows int64 (ROW each), windows given back (GIVEN each), sizes
    int64 (3,): windows given back, their samples, rows; and nothing. `out_floats`: the rows' memory again as float64,
    samples given back, last sample of each window given back, scratch for one window, and nothing.
    """
    devices = ints[0]
    order, first, received_us = records[0], records[1], records[2]
    last_tick = now_us // TICK_US * TICK_US
    first_tick = (since_us // TICK_US + 1) * TICK_US
    first_sweep = (since_us // SWEEP_US + 1) * SWEEP_US
    for device in range(first.size - 1):
        base, at, stop = device * DEVICE, first[device], first[device + 1]
        if devices[base + SERIES_OF] == 0 and at == stop:
            continue
        swept = first_sweep
        while True:
            counts = (received_us[order[at]] // TICK_US + 1) * TICK_US if at < stop else NEVER
            tick_us = min(counts, swept)
            if devices[base + DUE] < tick_us:
                tick_us = max(first_tick, -(-devices[base + DUE] // TICK_US) * TICK_US)
            if tick_us > last_tick:
                break
            if tick_us == counts or tick_us >= devices[base + DUE]:
                while at < stop and (received_us[order[at]] // TICK_US + 1) * TICK_US == tick_us:
                    hear(ints, floats, records, values, order[at], device)
                    at += 1
                move(ints, device, tick_us)
                if devices[base + OPEN_END] <= devices[base + BOUNDARY]:
                    close(ints, floats, device, tick_us, out, out_floats)
                idle_us = max(devices[base + OPEN_END], devices[base + HEARD] + IDLE_US)
                devices[base + DUE] = NEVER if devices[base + OPEN_END] == NEVER else max(tick_us + TICK_US, idle_us)
            if tick_us == swept:
                sweep(ints, floats, device, tick_us, out, out_floats)
                swept += SWEEP_US
        while at < stop:
            hear(ints, floats, records, values, order[at], device)
            devices[base + DUE] = 0
            at += 1
