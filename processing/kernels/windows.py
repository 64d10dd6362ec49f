"""One-minute windows: which sample belongs to which, when each is said, and its statistics.

The walk goes device by device through a batch, for windows of different devices have nothing to do with each other.
All that is remembered lies in one array, `memory` int64, and `values` is the same memory as float64: a head, then
places of a few values each for devices, series, windows (the pool) and blocks, chained by index + 1 (0 ends a chain).
One array, because each that a step is handed costs more than what the step does with it. What is said goes into `out`
and `out_values`, the same way.

Each series has a chain of windows that hold something unsaid, the newest first, and a queue of said ones in the order
in which they were said. The first samples of a window lie in its own place, the others in blocks, the newest first.
Every figure is a function of the set of a window's samples, in whatever order they came: they are sorted before they
are added up.
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

HEAD: Final = 16
FREE_WINDOW, LIVE_WINDOWS, WINDOWS, FREE_BLOCK, LIVE_BLOCKS, BLOCKS, UNSAID = 0, 1, 2, 3, 4, 5, 6
"""Of windows and of blocks: head of the chain of free ones, how many are in use, how many ever were; and samples that
are in no said window yet."""
DEVICES_AT, SERIES_AT, POOL_AT, BLOCKS_AT, END = 7, 8, 9, 10, 11
"""Where the places of each kind begin in `memory`, and where it ends."""

DEVICE: Final = 6
NEWEST, HEARD, BOUNDARY, DUE, SERIES_OF, OPEN_END = 0, 1, 2, 3, 4, 5
"""Newest event; last receipt; up to where windows are closed; when to look without a record (NEVER); first of its
series; end of the oldest window that holds something unsaid (NEVER: none)."""
SERIES: Final = 11
NEXT_SERIES, OPEN, FIRST_SAID, LAST_SAID, NEWEST_SAID, REVISED, FLOOR, HELD = 0, 1, 2, 3, 4, 5, 6, 7
"""Next series of the device; newest open window; ends of the queue of said ones, and the newest minute that was ever in
it; how many of them hold something unsaid; last minute given back; samples held in said windows."""
OF_DEVICE, KEY, EXPECTED = 8, 9, 10
"""Device; packed key; samples due in a minute, NaN where unknown."""
POOLED: Final = 12
MINUTE, COUNT, FRESH, REVISION, CLOSED, NEXT, LAST_US, LAST, MORE, INLINE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
"""Minute since 1970; samples; of these not said yet; revision said, 0 before; when it was first said, at the earliest
its end; next in its chain or queue; event time of the last sample, and that sample; newest block; first sample."""
OWN: Final = POOLED - INLINE
"""Samples in a window's own place."""
BLOCK: Final = 8
BLOCK_SAMPLES: Final = BLOCK - 1
"""A block has the next older one first."""

OUT_HEAD: Final = 8
ROWS, GIVEN_BACK, SAMPLES, ROWS_AT, GIVEN_AT, SAMPLES_AT, SCRATCH_AT = 0, 1, 2, 3, 4, 5, 6
"""How many rows were said, windows given back, and samples with them; where each kind begins in `out`, and room for the
samples of one window."""
ROW: Final = 20
"""Values of a row of `contracts.columns.WINDOW`: eight integers, nine statistics, and the engine's own."""
GAPS: Final = (1750, 701, 301, 132, 57, 23, 10, 4, 1)
"""Of the sort; Ciura 2001, and one above."""
GIVEN: Final = 6
"""Values of a window given back: place, minute, tick (us), count, event time of its last sample (us), that sample."""


@kernel("f8(f8[::1], i8, i8, f8)", inner=True)
def quantile(values: Any, at: int, count: int, share: float) -> float:
    """Of ordered values from `at` on: linear interpolation between the two nearest order statistics (Hyndman and Fan
    1996, type 7)."""
    place = share * (count - 1)
    below = int(place)
    least = values[at + below]
    if below + 1 >= count:
        return float(least)
    return float(least + (place - below) * (values[at + below + 1] - least))


@kernel("void(f8[::1], i8, i8)", inner=True)
def sort(values: Any, first: int, count: int) -> None:
    """Sort values in place: Shell's insertions over ever smaller gaps, only the last one while they are few."""
    for gap in GAPS:
        if gap > 1 and 2 * gap > count:
            continue
        for at in range(first + gap, first + count):
            value = values[at]
            place = at - gap
            while place >= first and values[place] > value:
                values[place + gap] = values[place]
                place -= gap
            values[place + gap] = value


@kernel("i8(i8[::1], i8, i8, i8)", inner=True)
def open_window(memory: Any, series: int, minute: int, before: int) -> int:
    """Where a new window lies, in the chain of open ones behind the window at `before` (0: it is the newest)."""
    if memory[FREE_WINDOW] > 0:
        made = memory[FREE_WINDOW] - 1
        base = memory[POOL_AT] + made * POOLED
        memory[FREE_WINDOW] = memory[base + NEXT]
    else:
        made = memory[WINDOWS]
        base = memory[POOL_AT] + made * POOLED
        memory[WINDOWS] += 1
    memory[LIVE_WINDOWS] += 1
    for field in range(INLINE):
        memory[base + field] = 0
    memory[base + MINUTE] = minute
    if before > 0:
        memory[base + NEXT] = memory[before + NEXT]
        memory[before + NEXT] = made + 1
    else:
        memory[base + NEXT] = memory[series + OPEN]
        memory[series + OPEN] = made + 1
    return int(base)


@kernel("i8(i8[::1], i8, i8, i8)", inner=True)
def find(memory: Any, series: int, minute: int, tick_us: int) -> int:
    """Where the window of this minute lies, made where there is none yet; 0 where it can no longer be amended."""
    pool, before, window = memory[POOL_AT], 0, memory[series + OPEN]
    while window > 0 and memory[pool + (window - 1) * POOLED + MINUTE] > minute:
        before = pool + (window - 1) * POOLED
        window = memory[before + NEXT]
    if window > 0 and memory[pool + (window - 1) * POOLED + MINUTE] == minute:
        return int(pool + (window - 1) * POOLED)
    if minute <= memory[series + NEWEST_SAID]:
        said = memory[series + FIRST_SAID]
        while said > 0 and memory[pool + (said - 1) * POOLED + MINUTE] != minute:
            said = memory[pool + (said - 1) * POOLED + NEXT]
        if said > 0:
            base = pool + (said - 1) * POOLED
            if memory[base + CLOSED] < tick_us - AMEND_US:
                return 0
            memory[series + REVISED] += 1 if memory[base + FRESH] == 0 else 0
            return int(base)
        if minute <= memory[series + FLOOR]:
            return 0
    return int(open_window(memory, series, minute, before))


@kernel("i8(i8[::1], i8)", inner=True)
def new_block(memory: Any, base: int) -> int:
    """Where a new block lies, put before the others of the window at `base`."""
    if memory[FREE_BLOCK] > 0:
        made = memory[FREE_BLOCK] - 1
        memory[FREE_BLOCK] = memory[memory[BLOCKS_AT] + made * BLOCK]
    else:
        made = memory[BLOCKS]
        memory[BLOCKS] += 1
    memory[LIVE_BLOCKS] += 1
    memory[memory[BLOCKS_AT] + made * BLOCK] = memory[base + MORE]
    memory[base + MORE] = made + 1
    return int(memory[BLOCKS_AT] + made * BLOCK)


@kernel("i8(i8[::1], f8[::1], i8, i8, i8, f8)", inner=True)
def put(memory: Any, values: Any, series: int, event_us: int, tick_us: int, value: float) -> int:
    """Put a sample into its window; 0 where it came too late for it."""
    minute, base = event_us // MINUTE_US, 0
    if memory[series + OPEN] > 0:
        base = memory[POOL_AT] + (memory[series + OPEN] - 1) * POOLED
    if base == 0 or memory[base + MINUTE] != minute:
        base = find(memory, series, minute, tick_us)
        if base == 0:
            return 0
    count = memory[base + COUNT]
    if count < OWN:
        values[base + INLINE + count] = value
    else:
        at = (count - OWN) % BLOCK_SAMPLES
        block = new_block(memory, base) if at == 0 else memory[BLOCKS_AT] + (memory[base + MORE] - 1) * BLOCK
        values[block + 1 + at] = value
    last_us = memory[base + LAST_US]
    if count == 0 or event_us > last_us or (event_us == last_us and value > values[base + LAST]):
        memory[base + LAST_US] = event_us
        values[base + LAST] = value
    memory[base + COUNT] = count + 1
    memory[base + FRESH] += 1
    memory[UNSAID] += 1
    return 1


@kernel("void(i8[::1], f8[::1], i8, f8[::1], i8)", inner=True)
def collect(memory: Any, values: Any, base: int, out_values: Any, at: int) -> None:
    """Write the samples of a window from `at` on, the newest first."""
    count, block = memory[base + COUNT], memory[base + MORE]
    for back in range(count - OWN):
        place = (count - 1 - back - OWN) % BLOCK_SAMPLES
        start = memory[BLOCKS_AT] + (block - 1) * BLOCK
        out_values[at] = values[start + 1 + place]
        at += 1
        if place == 0:
            block = memory[start]
    own = min(count, OWN)
    for back in range(own):
        out_values[at + back] = values[base + INLINE + own - 1 - back]


@kernel("void(i8[::1], f8[::1], i8, i8, i8[::1], f8[::1], i8)", inner=True)
def summarise(memory: Any, values: Any, base: int, fresh: int, out: Any, out_values: Any, row: int) -> None:
    """Write the statistics of a window's samples into its row, and the sum of the newest `fresh` of them."""
    count = memory[base + COUNT]
    if count == 1:
        value = values[base + INLINE]
        for field in range(8, 15):
            out_values[row + field] = value
        out_values[row + 11], out_values[row + 19] = np.nan, value
        return
    scratch, added = out[SCRATCH_AT], 0.0
    collect(memory, values, base, out_values, scratch)
    if fresh < count:
        sort(out_values, scratch, fresh)
        for at in range(scratch, scratch + fresh):
            added += out_values[at]
    sort(out_values, scratch, count)
    total = 0.0
    for at in range(scratch, scratch + count):
        total += out_values[at]
    mean, squares = total / count, 0.0
    for at in range(scratch, scratch + count):
        squares += (out_values[at] - mean) * (out_values[at] - mean)
    out_values[row + 8], out_values[row + 9] = mean, out_values[scratch]
    out_values[row + 10], out_values[row + 11] = out_values[scratch + count - 1], math.sqrt(squares / (count - 1))
    out_values[row + 12] = quantile(out_values, scratch, count, 0.5)
    out_values[row + 13] = quantile(out_values, scratch, count, 0.85)
    out_values[row + 14] = quantile(out_values, scratch, count, 0.95)
    out_values[row + 19] = total if fresh == count else added


@kernel("void(i8[::1], f8[::1], i8, i8, i8, i8, i8[::1], f8[::1])", inner=True)
def say(memory: Any, values: Any, place: int, series: int, base: int, tick_us: int, out: Any, out_values: Any) -> None:
    """Write a window's row as it stands now; it is said from then on."""
    row, key, expected = out[ROWS_AT] + out[ROWS] * ROW, memory[series + KEY], values[series + EXPECTED]
    count, fresh = memory[base + COUNT], memory[base + FRESH]
    if memory[base + REVISION] == 0:
        memory[base + CLOSED] = max(tick_us, (memory[base + MINUTE] + 1) * MINUTE_US)
    memory[base + REVISION] += 1
    memory[base + FRESH] = 0
    memory[series + HELD] += fresh
    memory[UNSAID] -= fresh
    out[row], out[row + 1], out[row + 2] = memory[series + OF_DEVICE], (key >> 16) & 0xFFFF, key & 0xFFFF
    out[row + 3], out[row + 4] = MINUTE_US // 1_000_000, memory[base + MINUTE] * MINUTE_US
    out[row + 5], out[row + 6], out[row + 7] = memory[base + REVISION], count, fresh
    summarise(memory, values, base, fresh, out, out_values, row)
    out_values[row + 15] = values[base + LAST]
    out_values[row + 16] = np.nan if math.isnan(expected) else min(1.0, count / expected)
    out[row + 17], out[row + 18] = place, tick_us
    out[ROWS] += 1


@kernel("void(i8[::1], i8, i8)", inner=True)
def enqueue(memory: Any, series: int, base: int) -> None:
    """Put a window that was said for the first time at the end of its series' queue."""
    window = (base - memory[POOL_AT]) // POOLED + 1
    memory[base + NEXT] = 0
    if memory[series + LAST_SAID] > 0:
        memory[memory[POOL_AT] + (memory[series + LAST_SAID] - 1) * POOLED + NEXT] = window
    else:
        memory[series + FIRST_SAID] = window
    memory[series + LAST_SAID] = window
    memory[series + NEWEST_SAID] = max(memory[series + NEWEST_SAID], memory[base + MINUTE])


@kernel("void(i8[::1], i8, i8)", inner=True)
def free(memory: Any, series: int, base: int) -> None:
    """Take the head of the queue of said windows out and free its place and its blocks."""
    window = memory[series + FIRST_SAID]
    memory[series + FIRST_SAID] = memory[base + NEXT]
    if memory[series + FIRST_SAID] == 0:
        memory[series + LAST_SAID] = 0
    block = memory[base + MORE]
    while block > 0:
        start = memory[BLOCKS_AT] + (block - 1) * BLOCK
        following = memory[start]
        memory[start] = memory[FREE_BLOCK]
        memory[FREE_BLOCK] = block
        memory[LIVE_BLOCKS] -= 1
        block = following
    memory[base + NEXT] = memory[FREE_WINDOW]
    memory[FREE_WINDOW] = window
    memory[LIVE_WINDOWS] -= 1


@kernel("void(i8[::1], f8[::1], i8, i8, i8, i8, i8[::1], f8[::1])", inner=True)
def give_back(
    memory: Any, values: Any, place: int, series: int, tick_us: int, most: int, out: Any, out_values: Any
) -> None:
    """Give back said windows of a series, the first said first: while it can no longer be amended, or while the series
    holds more than `most` samples. One that holds something unsaid stays, and those behind it."""
    while memory[series + FIRST_SAID] > 0:
        base = memory[POOL_AT] + (memory[series + FIRST_SAID] - 1) * POOLED
        kept = memory[base + CLOSED] >= tick_us - AMEND_US and memory[series + HELD] <= most
        if kept or memory[base + FRESH] > 0:
            return
        row, count = out[GIVEN_AT] + out[GIVEN_BACK] * GIVEN, memory[base + COUNT]
        out[row], out[row + 1], out[row + 2] = place, memory[base + MINUTE], tick_us
        out[row + 3], out[row + 4], out_values[row + 5] = count, memory[base + LAST_US], values[base + LAST]
        collect(memory, values, base, out_values, out[SAMPLES_AT] + out[SAMPLES])
        out[GIVEN_BACK] += 1
        out[SAMPLES] += count
        memory[series + HELD] -= count
        memory[series + FLOOR] = max(memory[series + FLOOR], memory[base + MINUTE])
        free(memory, series, base)


@kernel("i8(i8[::1], f8[::1], i8, i8, i8, i8, f8)", inner=True)
def hear(memory: Any, values: Any, device: int, received_us: int, event_us: int, place: int, value: float) -> int:
    """Take one record of a device in: its clocks, and its sample where it is a reading (`place` >= 0); 1 where that
    came too late."""
    memory[device + NEWEST] = max(memory[device + NEWEST], event_us)
    memory[device + HEARD] = max(memory[device + HEARD], received_us)
    if place < 0:
        return 0
    counts_us = (received_us // TICK_US + 1) * TICK_US
    if not put(memory, values, memory[SERIES_AT] + place * SERIES, event_us, counts_us, value):
        return 1
    memory[device + OPEN_END] = min(memory[device + OPEN_END], (event_us // MINUTE_US + 1) * MINUTE_US)
    return 0


@kernel("i8(i8[::1], i8)", inner=True)
def turned(memory: Any, window: int) -> int:
    """Turn a chain around from this window on: it has its newest first, they are said the oldest first."""
    before = 0
    while window > 0:
        base = memory[POOL_AT] + (window - 1) * POOLED
        following = memory[base + NEXT]
        memory[base + NEXT] = before
        before, window = window, following
    return int(before)


@kernel("void(i8[::1], f8[::1], i8, i8, i8, i8[::1], f8[::1])", inner=True)
def revise(memory: Any, values: Any, place: int, series: int, tick_us: int, out: Any, out_values: Any) -> None:
    """Say the said windows of a series again that late samples came for."""
    window = memory[series + FIRST_SAID]
    while window > 0 and memory[series + REVISED] > 0:
        base = memory[POOL_AT] + (window - 1) * POOLED
        if memory[base + FRESH] > 0:
            say(memory, values, place, series, base, tick_us, out, out_values)
            memory[series + REVISED] -= 1
        window = memory[base + NEXT]


@kernel("void(i8[::1], i8, i8)", inner=True)
def move(memory: Any, device: int, tick_us: int) -> None:
    """Move up to where a device's windows are closed: behind its newest event, or up to now where it is idle."""
    idle = tick_us - memory[device + HEARD] >= IDLE_US
    limit = tick_us if idle else memory[device + NEWEST] - REORDER_US
    memory[device + BOUNDARY] = max(memory[device + BOUNDARY], limit // MINUTE_US * MINUTE_US)


@kernel("void(i8[::1], f8[::1], i8, i8, i8[::1], f8[::1])", inner=True)
def close(memory: Any, values: Any, device: int, tick_us: int, out: Any, out_values: Any) -> None:
    """Say every window of a device that its boundary has passed and that holds something new."""
    boundary, open_end, pool = memory[device + BOUNDARY], NEVER, memory[POOL_AT]
    place = memory[device + SERIES_OF] - 1
    while place >= 0:
        series = memory[SERIES_AT] + place * SERIES
        if memory[series + REVISED] > 0:
            revise(memory, values, place, series, tick_us, out, out_values)
        before, window = 0, memory[series + OPEN]
        while window > 0 and (memory[pool + (window - 1) * POOLED + MINUTE] + 1) * MINUTE_US > boundary:
            before = pool + (window - 1) * POOLED
            open_end = min(open_end, (memory[before + MINUTE] + 1) * MINUTE_US)
            window = memory[before + NEXT]
        if before > 0:
            memory[before + NEXT] = 0
        else:
            memory[series + OPEN] = 0
        window = turned(memory, window)
        while window > 0:
            base = pool + (window - 1) * POOLED
            window = memory[base + NEXT]
            say(memory, values, place, series, base, tick_us, out, out_values)
            enqueue(memory, series, base)
        if memory[series + HELD] > KEPT:
            give_back(memory, values, place, series, tick_us, KEPT, out, out_values)
        place = memory[series + NEXT_SERIES] - 1
    memory[device + OPEN_END] = open_end


@kernel("void(i8[::1], f8[::1], i8, i8, i8[::1], f8[::1])", inner=True)
def sweep(memory: Any, values: Any, device: int, tick_us: int, out: Any, out_values: Any) -> None:
    """Give back what can no longer be amended, of every series of a device."""
    place = memory[device + SERIES_OF] - 1
    while place >= 0:
        series = memory[SERIES_AT] + place * SERIES
        first = memory[series + FIRST_SAID]
        if first > 0 and memory[memory[POOL_AT] + (first - 1) * POOLED + CLOSED] < tick_us - AMEND_US:
            give_back(memory, values, place, series, tick_us, NEVER, out, out_values)
        place = memory[series + NEXT_SERIES] - 1


@kernel("i8(i8[::1], f8[::1], UniTuple(i8[::1], 6), f8[::1], i8[::1], i8, i8[::1], f8[::1])")
def walk(
    memory: Any, values: Any, records: Any, samples: Any, times: Any, start: int, out: Any, out_values: Any
) -> int:
    """Fold a batch: its records and the ticks in (since, now] (`times`, us), from device `start` on.

    `records` int64: `order` (n,) of the records by device, `first` (devices + 1,) where each device's begin in it, then
    by record: receipt, event time (us), place of the series (-1: no reading) and `late` (n,), set to 1 where a sample
    came too late. `samples` float64 (n,).

    Returns:
        the device before which it stopped because `memory` may not have room for its samples: ask again from there
        with more. As many as there are devices when it is done.
    """
    order, first, received_us, event_us, places, late = records
    last_tick = times[1] // TICK_US * TICK_US
    first_tick = (times[0] // TICK_US + 1) * TICK_US
    first_sweep = (times[0] // SWEEP_US + 1) * SWEEP_US
    windows = (memory[BLOCKS_AT] - memory[POOL_AT]) // POOLED
    blocks = (memory[END] - memory[BLOCKS_AT]) // BLOCK
    for number in range(start, first.size - 1):
        device, at, stop = memory[DEVICES_AT] + number * DEVICE, first[number], first[number + 1]
        if windows - memory[LIVE_WINDOWS] < stop - at or blocks - memory[LIVE_BLOCKS] < stop - at:
            return int(number)
        if memory[device + SERIES_OF] == 0 and at == stop:
            continue
        swept = first_sweep
        while True:
            counts = (received_us[order[at]] // TICK_US + 1) * TICK_US if at < stop else NEVER
            tick_us = min(counts, swept)
            if memory[device + DUE] < tick_us:
                tick_us = max(first_tick, -(-memory[device + DUE] // TICK_US) * TICK_US)
            if tick_us > last_tick:
                break
            if tick_us == counts or tick_us >= memory[device + DUE]:
                while at < stop and (received_us[order[at]] // TICK_US + 1) * TICK_US == tick_us:
                    row = order[at]
                    if hear(memory, values, device, received_us[row], event_us[row], places[row], samples[row]):
                        late[row] = 1
                    at += 1
                move(memory, device, tick_us)
                if memory[device + OPEN_END] <= memory[device + BOUNDARY]:
                    close(memory, values, device, tick_us, out, out_values)
                idle_us = max(memory[device + OPEN_END], memory[device + HEARD] + IDLE_US)
                memory[device + DUE] = max(tick_us + TICK_US, idle_us) if memory[device + OPEN_END] < NEVER else NEVER
            if tick_us == swept:
                sweep(memory, values, device, tick_us, out, out_values)
                swept += SWEEP_US
        while at < stop:
            row = order[at]
            if hear(memory, values, device, received_us[row], event_us[row], places[row], samples[row]):
                late[row] = 1
            memory[device + DUE] = 0
            at += 1
    return int(first.size) - 1
