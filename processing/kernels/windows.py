"""One-minute windows: which sample belongs to which, when each is said, and its statistics.

The walk goes through a batch once, in order of arrival. At each tick it looks at the devices that were heard since the
one before, and at those whose time has come without a word. What is remembered are rows of devices, series, windows
(the pool) and blocks of samples, chained by index + 1 (0 ends a chain), and a few counters.

Each series has a chain of windows that hold something unsaid, the newest first, and a queue of said ones in the order
in which they were said. The first sample of a window lies in its own row, the others in blocks, the newest first.
Every figure is a function of the set of a window's samples, in whatever order they came: they are sorted before they
are added up.
"""

import math
from typing import Any, Final

import numpy as np

from contracts.columns import READING, WINDOW
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

FREE_WINDOW, LIVE_WINDOWS, WINDOWS, FREE_BLOCK, LIVE_BLOCKS, BLOCKS, UNSAID, NEXT_DUE_US, COUNTERS = range(9)
"""Of windows and of blocks: head of the chain of free ones, how many are in use, how many ever were; samples that are
in no said window yet; not later than the first tick at which a device is due."""
DEVICE: Final = np.dtype(
    [(name, "i8") for name in ("newest_us", "heard_us", "boundary_us", "open_end_us", "touched_us", "first_series")]
)
"""Newest event; last receipt; up to where windows are closed; end of the oldest window that holds something unsaid
(NEVER: none); the tick at which it was last heard; first of its series."""
SERIES: Final = np.dtype(
    [
        ("key", "i8"),
        ("expected", "f8"),
        ("newest_said_us", "i8"),
        ("floor_us", "i8"),
        ("back_us", "i8"),
        ("held", "i8"),
        ("device", "i4"),
        ("following", "i4"),
        ("open", "i4"),
        ("first_said", "i4"),
        ("last_said", "i4"),
        ("revised", "i4"),
    ]
)
"""Packed key; samples due in a minute, NaN where unknown; the newest minute that was ever said, and the last one given
back; when the first of the said ones was closed (NEVER: there is none); samples held in said windows; device; next
series of the device; newest open window; ends of the queue of said ones; how many of them hold something unsaid."""
HELD: Final = np.dtype(
    [
        ("start_us", "i8"),
        ("closed_us", "i8"),
        ("last_us", "i8"),
        ("last", "f8"),
        ("first", "f8"),
        ("count", "i4"),
        ("fresh", "i4"),
        ("revision", "i4"),
        ("following", "i4"),
        ("block", "i8"),
    ]
)
"""A window, a line of the cache: start; when it was first said, at the earliest its end; event time of the last
sample, and that sample; the first that came; samples; of these not said yet; revision said, 0 before; next in its
chain or queue; newest block."""
BLOCK: Final = 8
"""Samples of a block."""
RUN: Final = 8
"""So many values are sorted by insertion."""
GIVEN: Final = 6
"""Values of a window given back: place, minute, tick (us), count, event time of its last sample (us), that sample."""
AT_ROW, AT_TICK, TOUCHED, ROWS, GIVEN_BACK, SAMPLES, PROGRESS = range(7)
"""How far the walk is: next record, tick that it belongs to (0: not begun), devices heard in it; and how much it has
said: rows, windows given back, samples with them."""

RECORDS: Final = {"READING": READING, "WINDOW": WINDOW, "DEVICE": DEVICE, "SERIES": SERIES, "HELD": HELD}
MEMORY: Final = "Tuple((i8[::1], DEVICE[::1], i8[::1], SERIES[::1], HELD[::1], i8[::1], f8[::1]))"
"""Counters; devices, and when each is due without a word (NEVER); series; windows; of each block the next older one,
and the samples."""
OUT: Final = "Tuple((i8[::1], WINDOW[::1], i8[::1], f8[::1], f8[::1], f8[::1], f8[::1]))"
"""Progress; rows said; windows given back, as int64 and as float64; their samples; room for one window's, twice."""


@kernel("f8(f8[::1], i8, f8)", inner=True)
def quantile(values: Any, count: int, share: float) -> float:
    """Of ordered values: linear interpolation between the two nearest order statistics (Hyndman and Fan 1996, type
    7)."""
    place = share * (count - 1)
    below = int(place)
    least = values[below]
    if below + 1 >= count:
        return float(least)
    return float(least + (place - below) * (values[below + 1] - least))


@kernel("void(f8[::1], f8[::1], i8, i8, i8)", inner=True)
def merge(values: Any, merged: Any, first: int, middle: int, last: int) -> None:
    """Merge the ordered values[first:middle] and values[middle:last] into `merged`."""
    left, right, at = first, middle, first
    while left < middle and right < last:
        one, other = values[left], values[right]
        is_left = one <= other
        # Chosen, not branched: which comes next is a toss, and a wrong guess costs more than all the rest.
        merged[at] = one if is_left else other
        left += 1 if is_left else 0
        right += 0 if is_left else 1
        at += 1
    for rest in range(left, middle):
        merged[at + rest - left] = values[rest]
    for rest in range(right, last):
        merged[rest] = values[rest]


@kernel("void(f8[::1], f8[::1], i8)")
def sort(values: Any, spare: Any, count: int) -> None:
    """Sort the first `count` values in place: runs of a few by insertion, then merged two by two by way of `spare`."""
    for first in range(0, count, RUN):
        for at in range(first + 1, min(first + RUN, count)):
            value = values[at]
            place = at - 1
            while place >= first and values[place] > value:
                values[place + 1] = values[place]
                place -= 1
            values[place + 1] = value
    width = RUN
    while width < count:
        for first in range(0, count, 2 * width):
            merge(values, spare, first, min(first + width, count), min(first + 2 * width, count))
        for first in range(0, count, 4 * width):
            merge(spare, values, first, min(first + 2 * width, count), min(first + 4 * width, count))
        width *= 4


@kernel(f"i8({MEMORY}, i8, i8, i8)", inner=True, records=RECORDS)
def open_window(memory: Any, place: int, start_us: int, before: int) -> int:
    """The index of a new window, in the chain of open ones behind window `before` (-1: it is the newest)."""
    counters, _, _, series, pool, _, _ = memory
    if counters[FREE_WINDOW] > 0:
        made = counters[FREE_WINDOW] - 1
        counters[FREE_WINDOW] = pool[made]["following"]
    else:
        made = counters[WINDOWS]
        counters[WINDOWS] += 1
    counters[LIVE_WINDOWS] += 1
    window = pool[made]
    window["start_us"] = start_us
    window["count"] = 0
    window["fresh"] = 0
    window["revision"] = 0
    window["block"] = 0
    if before >= 0:
        window["following"] = pool[before]["following"]
        pool[before]["following"] = made + 1
    else:
        window["following"] = series[place]["open"]
        series[place]["open"] = made + 1
    return int(made)


@kernel(f"i8({MEMORY}, i8, i8, i8)", inner=True, records=RECORDS)
def find(memory: Any, place: int, start_us: int, tick_us: int) -> int:
    """The window that begins then, made where there is none yet; -1 where it can no longer be amended."""
    _, _, _, series, pool, _, _ = memory
    before, at = -1, series[place]["open"] - 1
    while at >= 0 and pool[at]["start_us"] > start_us:
        before = at
        at = pool[at]["following"] - 1
    if at >= 0 and pool[at]["start_us"] == start_us:
        return int(at)
    if start_us <= series[place]["newest_said_us"]:
        at = series[place]["first_said"] - 1
        while at >= 0 and pool[at]["start_us"] != start_us:
            at = pool[at]["following"] - 1
        if at >= 0:
            if pool[at]["closed_us"] < tick_us - AMEND_US:
                return -1
            if pool[at]["fresh"] == 0:
                series[place]["revised"] += 1
            return int(at)
        if start_us <= series[place]["floor_us"]:
            return -1
    return int(open_window(memory, place, start_us, before))


@kernel(f"void({MEMORY}, i8, f8)", inner=True, records=RECORDS)
def put(memory: Any, at: int, value: float) -> None:
    """Put one sample more into a window."""
    counters, _, _, _, pool, chain, samples = memory
    window = pool[at]
    count = window["count"]
    if count == 0:
        window["first"] = value
    else:
        inside = (count - 1) % BLOCK
        if inside == 0:
            if counters[FREE_BLOCK] > 0:
                block = counters[FREE_BLOCK] - 1
                counters[FREE_BLOCK] = chain[block]
            else:
                block = counters[BLOCKS]
                counters[BLOCKS] += 1
            counters[LIVE_BLOCKS] += 1
            chain[block] = window["block"]
            window["block"] = block + 1
        samples[(window["block"] - 1) * BLOCK + inside] = value
    window["count"] = count + 1
    window["fresh"] += 1
    counters[UNSAID] += 1


@kernel(f"i8({MEMORY}, i8, i8, i8, f8)", inner=True, records=RECORDS)
def hear(memory: Any, place: int, event_us: int, tick_us: int, value: float) -> int:
    """Take a reading of a series in; 0 where it came too late for its window."""
    _, devices, _, series, pool, _, _ = memory
    # What is not a number never gets through ingest; a log that holds one all the same is folded without it.
    if not math.isfinite(value):
        return 1
    value += 0.0  # of -0.0 and 0.0, which are equal, the one that came first would stand in front
    at = series[place]["open"] - 1
    if at < 0 or event_us < pool[at]["start_us"] or event_us >= pool[at]["start_us"] + MINUTE_US:
        at = find(memory, place, event_us // MINUTE_US * MINUTE_US, tick_us)
        if at < 0:
            return 0
    window, device = pool[at], devices[series[place]["device"]]
    if window["count"] == 0 or event_us > window["last_us"]:
        window["last_us"] = event_us
        window["last"] = value
    elif event_us == window["last_us"] and value > window["last"]:
        window["last"] = value
    put(memory, at, value)
    device["open_end_us"] = min(device["open_end_us"], window["start_us"] + MINUTE_US)
    return 1


@kernel(f"void({MEMORY}, i8, f8[::1], i8)", inner=True, records=RECORDS)
def collect(memory: Any, at: int, out: Any, begin: int) -> None:
    """Write the samples of a window into `out` from `begin` on, the newest first."""
    _, _, _, _, pool, chain, samples = memory
    left, block = pool[at]["count"] - 1, pool[at]["block"] - 1
    while left > 0:
        inside = (left - 1) % BLOCK
        for back in range(inside + 1):
            out[begin + back] = samples[block * BLOCK + inside - back]
        begin += inside + 1
        left -= inside + 1
        block = chain[block] - 1
    out[begin] = pool[at]["first"]


@kernel("f8(f8[::1], i8)", inner=True)
def total(values: Any, count: int) -> float:
    """The sum of the first values, in their order."""
    added = 0.0
    for at in range(count):
        added += values[at]
    return added


@kernel(f"void({MEMORY}, i8, WINDOW[::1], i8, f8[::1], f8[::1])", inner=True, records=RECORDS)
def summarise(memory: Any, at: int, rows: Any, told: int, scratch: Any, spare: Any) -> None:
    """Write the statistics of a window's samples into its row, and the sum of those that were not said yet."""
    _, _, _, _, pool, _, _ = memory
    row, count, fresh = rows[told], pool[at]["count"], pool[at]["fresh"]
    if count == 1:
        value = pool[at]["first"]
        row["mean"] = value
        row["min"] = value
        row["max"] = value
        row["sd"] = np.nan
        row["median"] = value
        row["p85"] = value
        row["p95"] = value
        row["added_sum"] = value
        return
    collect(memory, at, scratch, 0)
    added = 0.0
    if fresh < count:
        sort(scratch, spare, fresh)
        added = total(scratch, fresh)
    sort(scratch, spare, count)
    whole = total(scratch, count)
    mean, squares = whole / count, 0.0
    for sample in range(count):
        squares += (scratch[sample] - mean) * (scratch[sample] - mean)
    row["mean"] = mean
    row["min"] = scratch[0]
    row["max"] = scratch[count - 1]
    row["sd"] = math.sqrt(squares / (count - 1))
    row["median"] = quantile(scratch, count, 0.5)
    row["p85"] = quantile(scratch, count, 0.85)
    row["p95"] = quantile(scratch, count, 0.95)
    row["added_sum"] = whole if fresh == count else added


@kernel(f"void({MEMORY}, i8, i8, i8, {OUT})", inner=True, records=RECORDS)
def say(memory: Any, place: int, at: int, tick_us: int, out: Any) -> None:
    """Write a window's row as it stands now; it is said from then on."""
    counters, _, _, series, pool, _, _ = memory
    progress, rows, _, _, _, scratch, spare = out
    window, one, row = pool[at], series[place], rows[progress[ROWS]]
    if window["revision"] == 0:
        window["closed_us"] = max(tick_us, window["start_us"] + MINUTE_US)
    summarise(memory, at, rows, progress[ROWS], scratch, spare)
    count, fresh, key, expected = window["count"], window["fresh"], one["key"], one["expected"]
    window["revision"] += 1
    window["fresh"] = 0
    one["held"] += fresh
    counters[UNSAID] -= fresh
    row["device"] = key >> 32
    row["metric"] = (key >> 16) & 0xFFFF
    row["lane"] = key & 0xFFFF
    row["width_s"] = MINUTE_US // 1_000_000
    row["start_us"] = window["start_us"]
    row["revision"] = window["revision"]
    row["count"] = count
    row["added"] = fresh
    row["last"] = window["last"]
    row["completeness"] = np.nan if math.isnan(expected) else min(1.0, count / expected)
    row["place"] = place
    row["said_us"] = tick_us
    progress[ROWS] += 1


@kernel(f"void({MEMORY}, i8, i8)", inner=True, records=RECORDS)
def enqueue(memory: Any, place: int, at: int) -> None:
    """Put a window that was said for the first time at the end of its series' queue."""
    _, _, _, series, pool, _, _ = memory
    one = series[place]
    pool[at]["following"] = 0
    if one["last_said"] > 0:
        pool[one["last_said"] - 1]["following"] = at + 1
    else:
        one["first_said"] = at + 1
        one["back_us"] = pool[at]["closed_us"]
    one["last_said"] = at + 1
    one["newest_said_us"] = max(one["newest_said_us"], pool[at]["start_us"])


@kernel(f"void({MEMORY}, i8)", inner=True, records=RECORDS)
def free_first(memory: Any, place: int) -> None:
    """Take the head of the queue of said windows out and free its row and its blocks."""
    counters, _, _, series, pool, chain, _ = memory
    one = series[place]
    at = one["first_said"] - 1
    one["first_said"] = pool[at]["following"]
    one["back_us"] = NEVER
    if one["first_said"] > 0:
        one["back_us"] = pool[one["first_said"] - 1]["closed_us"]
    else:
        one["last_said"] = 0
    block = pool[at]["block"]
    while block > 0:
        following = chain[block - 1]
        chain[block - 1] = counters[FREE_BLOCK]
        counters[FREE_BLOCK] = block
        counters[LIVE_BLOCKS] -= 1
        block = following
    pool[at]["following"] = counters[FREE_WINDOW]
    counters[FREE_WINDOW] = at + 1
    counters[LIVE_WINDOWS] -= 1


@kernel(f"void({MEMORY}, i8, i8, i8, {OUT})", inner=True, records=RECORDS)
def give_back(memory: Any, place: int, tick_us: int, most: int, out: Any) -> None:
    """Give back said windows of a series, the first said first: while it can no longer be amended, or while the series
    holds more than `most` samples. One that holds something unsaid stays, and those behind it."""
    _, _, _, series, pool, _, _ = memory
    progress, _, given, given_values, samples, _, _ = out
    one = series[place]
    while one["first_said"] > 0:
        at = one["first_said"] - 1
        window = pool[at]
        kept = window["closed_us"] >= tick_us - AMEND_US and one["held"] <= most
        if kept or window["fresh"] > 0:
            return
        row, count = progress[GIVEN_BACK] * GIVEN, window["count"]
        given[row], given[row + 1], given[row + 2] = place, window["start_us"] // MINUTE_US, tick_us
        given[row + 3], given[row + 4], given_values[row + 5] = count, window["last_us"], window["last"]
        collect(memory, at, samples, progress[SAMPLES])
        progress[GIVEN_BACK] += 1
        progress[SAMPLES] += count
        one["held"] -= count
        one["floor_us"] = max(one["floor_us"], window["start_us"])
        free_first(memory, place)


@kernel(f"i8({MEMORY}, i8)", inner=True, records=RECORDS)
def turned(memory: Any, at: int) -> int:
    """Turn a chain around from this window on (-1: none): it has its newest first, they are said the oldest first."""
    _, _, _, _, pool, _, _ = memory
    before = -1
    while at >= 0:
        following = pool[at]["following"] - 1
        pool[at]["following"] = before + 1
        before, at = at, following
    return int(before)


@kernel(f"void({MEMORY}, i8, i8, {OUT})", inner=True, records=RECORDS)
def revise(memory: Any, place: int, tick_us: int, out: Any) -> None:
    """Say the said windows of a series again that late samples came for."""
    _, _, _, series, pool, _, _ = memory
    at = series[place]["first_said"] - 1
    while at >= 0 and series[place]["revised"] > 0:
        if pool[at]["fresh"] > 0:
            say(memory, place, at, tick_us, out)
            series[place]["revised"] -= 1
        at = pool[at]["following"] - 1


@kernel(f"i8({MEMORY}, i8, i8, i8, {OUT})", inner=True, records=RECORDS)
def close_series(memory: Any, place: int, boundary_us: int, tick_us: int, out: Any) -> int:
    """Say every window of a series that the boundary has passed and that holds something new; the end of the oldest
    one that stays open, NEVER where none does."""
    _, _, _, series, pool, _, _ = memory
    one, open_end_us = series[place], NEVER
    if one["revised"] > 0:
        revise(memory, place, tick_us, out)
    before, at = -1, one["open"] - 1
    while at >= 0 and pool[at]["start_us"] + MINUTE_US > boundary_us:
        before = at
        open_end_us = pool[at]["start_us"] + MINUTE_US
        at = pool[at]["following"] - 1
    if before >= 0:
        pool[before]["following"] = 0
    else:
        one["open"] = 0
    at = turned(memory, at)
    while at >= 0:
        following = pool[at]["following"] - 1
        say(memory, place, at, tick_us, out)
        enqueue(memory, place, at)
        at = following
    if one["held"] > KEPT:
        give_back(memory, place, tick_us, KEPT, out)
    return int(open_end_us)


@kernel(f"void({MEMORY}, i8, i8, i8, {OUT})", inner=True, records=RECORDS)
def look(memory: Any, number: int, tick_us: int, listening_us: int, out: Any) -> None:
    """At a tick: move up to where a device's windows are closed, behind its newest event or up to now where it is idle,
    say what that closes, and note when to look again without a word from it. While we did not listen nobody is idle."""
    counters, devices, due, series, _, _, _ = memory
    device = devices[number]
    heard_us = max(device["heard_us"], listening_us)
    idle = tick_us - heard_us >= IDLE_US
    limit_us = tick_us if idle else device["newest_us"] - REORDER_US
    if limit_us >= device["boundary_us"] + MINUTE_US:
        device["boundary_us"] = limit_us // MINUTE_US * MINUTE_US
    if device["open_end_us"] <= device["boundary_us"]:
        open_end_us, place = NEVER, device["first_series"] - 1
        while place >= 0:
            open_end_us = min(open_end_us, close_series(memory, place, device["boundary_us"], tick_us, out))
            place = series[place]["following"] - 1
        device["open_end_us"] = open_end_us
    due[number] = NEVER
    if device["open_end_us"] < NEVER:
        due[number] = max(tick_us + TICK_US, device["open_end_us"], heard_us + IDLE_US)
        counters[NEXT_DUE_US] = min(counters[NEXT_DUE_US], due[number])


@kernel(f"void({MEMORY}, i8, i8, i8[::1], {OUT})", inner=True, records=RECORDS)
def finish(memory: Any, tick_us: int, listening_us: int, touched: Any, out: Any) -> None:
    """All that belongs to a tick once its records are heard."""
    counters, devices, due, series, _, _, _ = memory
    progress = out[0]
    if counters[NEXT_DUE_US] <= tick_us:
        counters[NEXT_DUE_US] = NEVER
        for number in range(due.size):
            if due[number] > tick_us:
                counters[NEXT_DUE_US] = min(counters[NEXT_DUE_US], due[number])
            elif devices[number]["touched_us"] != tick_us:
                touched[progress[TOUCHED]] = number
                progress[TOUCHED] += 1
    for at in range(progress[TOUCHED]):
        look(memory, touched[at], tick_us, listening_us, out)
    progress[TOUCHED] = 0
    if tick_us % SWEEP_US == 0:
        for place in range(series.size):
            if series[place]["back_us"] < tick_us - AMEND_US:
                give_back(memory, place, tick_us, NEVER, out)


@kernel("i8(i8, i8, i8)", inner=True)
def following_tick(tick_us: int, due_us: int, heard_us: int) -> int:
    """The next tick after this one at which there is something to do: a device due, a sweep, or a record heard."""
    due_us = -(-due_us // TICK_US) * TICK_US if due_us < NEVER else NEVER
    return int(min(max(tick_us + TICK_US, due_us), (tick_us // SWEEP_US + 1) * SWEEP_US, heard_us))


@kernel(
    f"i8({MEMORY}, UniTuple(i8[::1], 6), READING[::1], i8[::1], i8[::1], {OUT})",
    records=RECORDS,
)
def walk(memory: Any, records: Any, readings: Any, times: Any, touched: Any, out: Any) -> int:
    """Fold a batch: its records in order of arrival, and the ticks in (since, now] (`times`, us: both, and
    since when we listen).

    `records` int64 (n,): device, receipt, event time (us), row of the reading (-1: it is another record); then by
    reading the place of its series, and `late`, set to 1 where it came too late. `touched` int64 (devices,) is room.

    Returns:
        1 when it is done; 0 where it stopped because `memory` may not have room for one sample more: ask again with
        more room, it goes on where it was.
    """
    device_of, received_us, events_us, reading_of, places, late = records
    counters, devices, due, _, pool, chain, _ = memory
    progress = out[0]
    last_tick = times[1] // TICK_US * TICK_US
    if progress[AT_TICK] == 0:
        progress[AT_TICK] = times[0] // TICK_US * TICK_US
    tick_us = progress[AT_TICK]
    at = progress[AT_ROW]
    while True:
        heard_us = NEVER
        if at < device_of.size:
            heard_us = (received_us[at] // TICK_US + 1) * TICK_US
        if heard_us > tick_us:
            coming_us = following_tick(tick_us, counters[NEXT_DUE_US], heard_us)
            if coming_us > last_tick:
                break
            tick_us = coming_us
            progress[AT_TICK] = tick_us
        while at < device_of.size and received_us[at] < tick_us:
            if counters[LIVE_WINDOWS] == pool.size or counters[LIVE_BLOCKS] == chain.size:
                progress[AT_ROW] = at
                return 0
            number = device_of[at]
            device = devices[number]
            device["newest_us"] = max(device["newest_us"], events_us[at])
            device["heard_us"] = max(device["heard_us"], received_us[at])
            if device["touched_us"] != tick_us:
                device["touched_us"] = tick_us
                touched[progress[TOUCHED]] = number
                progress[TOUCHED] += 1
            row = reading_of[at]
            if row >= 0:
                late[row] = 1 - hear(memory, places[row], events_us[at], tick_us, readings[row]["value"])
            at += 1
        finish(memory, tick_us, times[2], touched, out)
    progress[AT_TICK] = last_tick  # asked again, the walk goes on with what counts after it
    while at < device_of.size:
        if counters[LIVE_WINDOWS] == pool.size or counters[LIVE_BLOCKS] == chain.size:
            progress[AT_ROW] = at
            return 0
        devices[device_of[at]]["newest_us"] = max(devices[device_of[at]]["newest_us"], events_us[at])
        devices[device_of[at]]["heard_us"] = max(devices[device_of[at]]["heard_us"], received_us[at])
        row = reading_of[at]
        if row >= 0:
            coming_us = (received_us[at] // TICK_US + 1) * TICK_US
            late[row] = 1 - hear(memory, places[row], events_us[at], coming_us, readings[row]["value"])
        due[device_of[at]] = 0
        counters[NEXT_DUE_US] = 0
        at += 1
    return 1
