"""One-minute windows: which sample belongs to which, when each is said, and its statistics.

The walk goes device by device through a batch, for windows of different devices have nothing to do with each other. All
memory is in flat arrays: places of a few values each, chained by index + 1 (0 ends a chain). `ints` is (devices,
series, pool of windows, blocks, meta, keys of the series), `floats` is (the pool again as float64, the blocks again,
samples expected a minute by series); what stands where is named below. Each series has a chain of windows that hold
something unsaid, the newest first, and a queue of said ones in the order in which they were said. The first samples of
a window lie in its own place, so that most windows are two cache lines; the others in blocks, the newest first. Every
figure is a function of the set of a window's samples, in whatever order they came: they are sorted before they are
added up.
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
SERIES: Final = 9
NEXT_SERIES, OPEN, FIRST_SAID, LAST_SAID, NEWEST_SAID, REVISED, FLOOR, HELD, OF_DEVICE = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""Next series of the device; newest open window; ends of the queue of said ones, and the newest minute that was ever in
it; how many of them hold something unsaid; last minute given back; samples held in said windows; device."""
POOLED: Final = 12
MINUTE, COUNT, FRESH, REVISION, CLOSED, NEXT, LAST_US, LAST, MORE, INLINE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
"""Minute since 1970; samples; of these not said yet; revision said, 0 before; when it was first said, at the earliest
its end; next in its chain or queue; event time of the last sample, and that sample; newest block; first sample."""
OWN: Final = POOLED - INLINE
"""Samples in a window's own place."""
BLOCK: Final = 8
BLOCK_SAMPLES: Final = BLOCK - 1
"""A block has the next older one first."""
META: Final = 7
FREE_WINDOW, WINDOWS, LIVE_WINDOWS, FREE_BLOCK, BLOCKS, LIVE_BLOCKS, UNSAID = 0, 1, 2, 3, 4, 5, 6
"""Of windows and of blocks: head of the chain of free ones, how many places were ever used, how many are; and samples
that are in no said window yet."""

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


@kernel("i8(i8[::1], i8[::1], i8[::1], i8, i8, i8)", inner=True)
def open_window(series: Any, pool: Any, meta: Any, place: int, minute: int, before: int) -> int:
    """A new window in the chain of open ones, behind window `before` (-1: the newest)."""
    if meta[FREE_WINDOW] > 0:
        made = meta[FREE_WINDOW] - 1
        meta[FREE_WINDOW] = pool[made * POOLED + NEXT]
    else:
        made = meta[WINDOWS]
        meta[WINDOWS] += 1
    meta[LIVE_WINDOWS] += 1
    for field in range(INLINE):
        pool[made * POOLED + field] = 0
    pool[made * POOLED + MINUTE] = minute
    if before >= 0:
        pool[made * POOLED + NEXT] = pool[before * POOLED + NEXT]
        pool[before * POOLED + NEXT] = made + 1
    else:
        pool[made * POOLED + NEXT] = series[place * SERIES + OPEN]
        series[place * SERIES + OPEN] = made + 1
    return int(made)


@kernel("i8(i8[::1], i8[::1], i8[::1], i8, i8, i8)", inner=True)
def find(series: Any, pool: Any, meta: Any, place: int, minute: int, tick_us: int) -> int:
    """The window of this minute, made where there is none yet; -1 where it can no longer be amended."""
    before, window = -1, series[place * SERIES + OPEN] - 1
    while window >= 0 and pool[window * POOLED + MINUTE] > minute:
        before, window = window, pool[window * POOLED + NEXT] - 1
    if window >= 0 and pool[window * POOLED + MINUTE] == minute:
        return int(window)
    if minute <= series[place * SERIES + NEWEST_SAID]:
        said = series[place * SERIES + FIRST_SAID] - 1
        while said >= 0 and pool[said * POOLED + MINUTE] != minute:
            said = pool[said * POOLED + NEXT] - 1
        if said >= 0:
            if pool[said * POOLED + CLOSED] < tick_us - AMEND_US:
                return -1
            series[place * SERIES + REVISED] += 1 if pool[said * POOLED + FRESH] == 0 else 0
            return int(said)
        if minute <= series[place * SERIES + FLOOR]:
            return -1
    return open_window(series, pool, meta, place, minute, before)


@kernel("i8(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, i8, f8)", inner=True)
def put(ints: Any, floats: Any, place: int, event_us: int, tick_us: int, value: float) -> int:
    """Put a sample into its window; 0 where it came too late for it."""
    series, pool, blocks, meta = ints[1], ints[2], ints[3], ints[4]
    values, block_values = floats[0], floats[1]
    minute, window = event_us // MINUTE_US, series[place * SERIES + OPEN] - 1
    if window < 0 or pool[window * POOLED + MINUTE] != minute:
        window = find(series, pool, meta, place, minute, tick_us)
        if window < 0:
            return 0
    base = window * POOLED
    count = pool[base + COUNT]
    if count < OWN:
        values[base + INLINE + count] = value
    else:
        at = (count - OWN) % BLOCK_SAMPLES
        if at == 0:
            if meta[FREE_BLOCK] > 0:
                block = meta[FREE_BLOCK] - 1
                meta[FREE_BLOCK] = blocks[block * BLOCK]
            else:
                block = meta[BLOCKS]
                meta[BLOCKS] += 1
            meta[LIVE_BLOCKS] += 1
            blocks[block * BLOCK] = pool[base + MORE]
            pool[base + MORE] = block + 1
        block_values[(pool[base + MORE] - 1) * BLOCK + 1 + at] = value
    last_us = pool[base + LAST_US]
    if count == 0 or event_us > last_us or (event_us == last_us and value > values[base + LAST]):
        pool[base + LAST_US] = event_us
        values[base + LAST] = value
    pool[base + COUNT] = count + 1
    pool[base + FRESH] += 1
    meta[UNSAID] += 1
    return 1


@kernel("void(i8[::1], i8[::1], f8[::1], f8[::1], i8, f8[::1])", inner=True)
def collect(pool: Any, blocks: Any, values: Any, block_values: Any, window: int, out: Any) -> None:
    """The samples of a window, the newest first."""
    base = window * POOLED
    count, block, at = pool[base + COUNT], pool[base + MORE] - 1, 0
    for back in range(count - OWN):
        place = (count - 1 - back - OWN) % BLOCK_SAMPLES
        out[at] = block_values[block * BLOCK + 1 + place]
        at += 1
        if place == 0:
            block = blocks[block * BLOCK] - 1
    for back in range(min(count, OWN)):
        out[at] = values[base + INLINE + min(count, OWN) - 1 - back]
        at += 1


@kernel("void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, f8[::1], f8[::1])", inner=True)
def summarise(ints: Any, floats: Any, window: int, fresh: int, out: Any, scratch: Any) -> None:
    """Write the statistics of a window's samples into its row, and the sum of the newest `fresh` of them."""
    count = ints[2][window * POOLED + COUNT]
    if count == 1:
        value = floats[0][window * POOLED + INLINE]
        out[8], out[9], out[10], out[11] = value, value, value, np.nan
        out[12], out[13], out[14], out[19] = value, value, value, value
        return
    collect(ints[2], ints[3], floats[0], floats[1], window, scratch)
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
    out[8], out[9], out[10], out[11] = mean, scratch[0], scratch[count - 1], math.sqrt(squares / (count - 1))
    out[12] = quantile(scratch, 0.5, count)
    out[13] = quantile(scratch, 0.85, count)
    out[14] = quantile(scratch, 0.95, count)
    out[19] = total if fresh == count else added


@kernel("void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, i8, i8[::1], f8[::1], f8[::1])", inner=True)
def say(
    ints: Any, floats: Any, place: int, window: int, tick_us: int, out_ints: Any, out_floats: Any, scratch: Any
) -> None:
    """Write a window's row as it stands now; it is said from then on."""
    series, pool, meta, keys = ints[1], ints[2], ints[4], ints[5]
    base = window * POOLED
    count, fresh, expected = pool[base + COUNT], pool[base + FRESH], floats[2][place]
    if pool[base + REVISION] == 0:
        pool[base + CLOSED] = max(tick_us, (pool[base + MINUTE] + 1) * MINUTE_US)
    pool[base + REVISION] += 1
    pool[base + FRESH] = 0
    series[place * SERIES + HELD] += fresh
    meta[UNSAID] -= fresh
    out_ints[0] = series[place * SERIES + OF_DEVICE]
    out_ints[1], out_ints[2] = (keys[place] >> 16) & 0xFFFF, keys[place] & 0xFFFF
    out_ints[3], out_ints[4] = MINUTE_US // 1_000_000, pool[base + MINUTE] * MINUTE_US
    out_ints[5], out_ints[6], out_ints[7] = pool[base + REVISION], count, fresh
    summarise(ints, floats, window, fresh, out_floats, scratch)
    out_floats[15] = floats[0][base + LAST]
    out_floats[16] = min(1.0, count / expected) if expected == expected else np.nan
    out_ints[17], out_ints[18] = place, tick_us


@kernel("void(i8[::1], i8[::1], i8, i8)", inner=True)
def enqueue(series: Any, pool: Any, place: int, window: int) -> None:
    """Put a window that was said for the first time at the end of its series' queue."""
    base = place * SERIES
    pool[window * POOLED + NEXT] = 0
    if series[base + LAST_SAID] > 0:
        pool[(series[base + LAST_SAID] - 1) * POOLED + NEXT] = window + 1
    else:
        series[base + FIRST_SAID] = window + 1
    series[base + LAST_SAID] = window + 1
    series[base + NEWEST_SAID] = max(series[base + NEWEST_SAID], pool[window * POOLED + MINUTE])


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, i8, UniTuple(i8[::1], 2), UniTuple(f8[::1], 2))",
    inner=True,
)
def give_back(ints: Any, floats: Any, place: int, tick_us: int, most: int, told: Any, given: Any) -> None:
    """Give back said windows of a series, the first said first: while it can no longer be amended, or while the series
    holds more than `most` samples. One that holds something unsaid stays, and those behind it.

    `told` is (rows of GIVEN values, how many rows and values there are so far), `given` (samples, last samples).
    """
    series, pool, blocks, meta = ints[1], ints[2], ints[3], ints[4]
    values, block_values = floats[0], floats[1]
    rows, sizes = told
    samples, ends = given
    at = place * SERIES
    while series[at + FIRST_SAID] > 0:
        window = series[at + FIRST_SAID] - 1
        base = window * POOLED
        kept = pool[base + CLOSED] >= tick_us - AMEND_US and series[at + HELD] <= most
        if kept or pool[base + FRESH] > 0:
            return
        row = sizes[0] * GIVEN
        rows[row], rows[row + 1], rows[row + 2] = place, pool[base + MINUTE], tick_us
        rows[row + 3], rows[row + 4] = pool[base + COUNT], pool[base + LAST_US]
        ends[sizes[0]] = values[base + LAST]
        collect(pool, blocks, values, block_values, window, samples[sizes[1] :])
        sizes[0] += 1
        sizes[1] += pool[base + COUNT]
        series[at + HELD] -= pool[base + COUNT]
        series[at + FLOOR] = max(series[at + FLOOR], pool[base + MINUTE])
        series[at + FIRST_SAID] = pool[base + NEXT]
        if series[at + FIRST_SAID] == 0:
            series[at + LAST_SAID] = 0
        block = pool[base + MORE] - 1
        while block >= 0:
            following = blocks[block * BLOCK] - 1
            blocks[block * BLOCK] = meta[FREE_BLOCK]
            meta[FREE_BLOCK] = block + 1
            meta[LIVE_BLOCKS] -= 1
            block = following
        pool[base + NEXT] = meta[FREE_WINDOW]
        meta[FREE_WINDOW] = window + 1
        meta[LIVE_WINDOWS] -= 1


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


@kernel("i8(i8[::1], i8)", inner=True)
def turned(pool: Any, window: int) -> int:
    """Turn a chain around from this window on: it has its newest first, they are said the oldest first."""
    before = -1
    while window >= 0:
        following = pool[window * POOLED + NEXT] - 1
        pool[window * POOLED + NEXT] = before + 1
        before, window = window, following
    return before


@kernel("void(UniTuple(i8[::1], 6), i8, i8)", inner=True)
def move(ints: Any, device: int, tick_us: int) -> None:
    """Move up to where a device's windows are closed: behind its newest event, or up to now where it is idle."""
    devices, base = ints[0], device * DEVICE
    idle = tick_us - devices[base + HEARD] >= IDLE_US
    limit = tick_us if idle else devices[base + NEWEST] - REORDER_US
    devices[base + BOUNDARY] = max(devices[base + BOUNDARY], limit // MINUTE_US * MINUTE_US)


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, UniTuple(i8[::1], 3), UniTuple(f8[::1], 4))", inner=True
)
def revise(ints: Any, floats: Any, place: int, tick_us: int, out: Any, out_floats: Any) -> None:
    """Say the said windows of a series again that late samples came for."""
    series, pool = ints[1], ints[2]
    window = series[place * SERIES + FIRST_SAID] - 1
    while window >= 0 and series[place * SERIES + REVISED] > 0:
        if pool[window * POOLED + FRESH] > 0:
            at = out[2][2] * ROW
            say(ints, floats, place, window, tick_us, out[0][at:], out_floats[0][at:], out_floats[3])
            out[2][2] += 1
            series[place * SERIES + REVISED] -= 1
        window = pool[window * POOLED + NEXT] - 1


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, UniTuple(i8[::1], 3), UniTuple(f8[::1], 4))", inner=True
)
def close(ints: Any, floats: Any, device: int, tick_us: int, out: Any, out_floats: Any) -> None:
    """Say every window of a device that its boundary has passed and that holds something new."""
    devices, series, pool = ints[0], ints[1], ints[2]
    rows, told, sizes = out
    row_floats, samples, ends, scratch = out_floats
    boundary, open_end = devices[device * DEVICE + BOUNDARY], NEVER
    place = devices[device * DEVICE + SERIES_OF] - 1
    while place >= 0:
        if series[place * SERIES + REVISED] > 0:
            revise(ints, floats, place, tick_us, out, out_floats)
        before, window = -1, series[place * SERIES + OPEN] - 1
        while window >= 0 and (pool[window * POOLED + MINUTE] + 1) * MINUTE_US > boundary:
            open_end = min(open_end, (pool[window * POOLED + MINUTE] + 1) * MINUTE_US)
            before, window = window, pool[window * POOLED + NEXT] - 1
        if before >= 0:
            pool[before * POOLED + NEXT] = 0
        else:
            series[place * SERIES + OPEN] = 0
        window = turned(pool, window)
        while window >= 0:
            following, at = pool[window * POOLED + NEXT] - 1, sizes[2] * ROW
            say(ints, floats, place, window, tick_us, rows[at:], row_floats[at:], scratch)
            enqueue(series, pool, place, window)
            sizes[2] += 1
            window = following
        if series[place * SERIES + HELD] > KEPT:
            give_back(ints, floats, place, tick_us, KEPT, (told, sizes), (samples, ends))
        place = series[place * SERIES + NEXT_SERIES] - 1
    devices[device * DEVICE + OPEN_END] = open_end


@kernel(
    "void(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8, i8, UniTuple(i8[::1], 3), UniTuple(f8[::1], 4))", inner=True
)
def sweep(ints: Any, floats: Any, device: int, tick_us: int, out: Any, out_floats: Any) -> None:
    """Give back what can no longer be amended, of every series of a device."""
    devices, series, pool = ints[0], ints[1], ints[2]
    place = devices[device * DEVICE + SERIES_OF] - 1
    while place >= 0:
        oldest = series[place * SERIES + FIRST_SAID] - 1
        if oldest >= 0 and pool[oldest * POOLED + CLOSED] < tick_us - AMEND_US:
            give_back(ints, floats, place, tick_us, NEVER, (out[1], out[2]), (out_floats[1], out_floats[2]))
        place = series[place * SERIES + NEXT_SERIES] - 1


@kernel(
    "i8(UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), UniTuple(i8[::1], 6), f8[::1], i8[::1], i8,"
    " UniTuple(i8[::1], 3), UniTuple(f8[::1], 4))"
)
def walk(ints: Any, floats: Any, records: Any, values: Any, times: Any, start: int, out: Any, out_floats: Any) -> int:
    """Fold a batch: its records and the ticks in (since, now] (`times`, us), from device `start` on.

    `records` int64: `order` (n,) of the records by device, `first` (devices + 1,) where each device's begin in it, then
    by record: receipt, event time (us), place of the series (-1: no reading) and `late` (n,), set to 1 where a sample
    came too late. `values` float64 (n,). `out`: rows int64 (ROW each), windows given back (GIVEN each), sizes
    int64 (3,): windows given back, their samples, rows. `out_floats`: the rows' memory again as float64, samples given
    back, last sample of each window given back, scratch for one window.

    Returns:
        the device before which it stopped because the pool or the blocks may not have room for its samples: ask again
        from there with more. As many as there are devices when it is done.
    """
    devices, meta = ints[0], ints[4]
    order, first, received_us = records[0], records[1], records[2]
    last_tick = times[1] // TICK_US * TICK_US
    first_tick = (times[0] // TICK_US + 1) * TICK_US
    first_sweep = (times[0] // SWEEP_US + 1) * SWEEP_US
    windows, blocks = ints[2].size // POOLED, ints[3].size // BLOCK
    for device in range(start, first.size - 1):
        coming = first[device + 1] - first[device]
        if windows - meta[LIVE_WINDOWS] < coming or blocks - meta[LIVE_BLOCKS] < coming:
            return int(device)
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
    return int(first.size) - 1
