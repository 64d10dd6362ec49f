"""Wider windows merged from the minute: exact sums, and quantiles from a sketch that merges.

Each series has a slot for each of LEVELS widths. A slot holds what its window has beside what the narrower ones hold:
an hour's the quarters before the current one. So a sample is added once, to its quarter of an hour; a quarter that is
left is poured into the hour, an hour into the day. What is said of a window is put together from its own slot and the
narrower ones, which always lie inside it.

Sums are exact: a sample counts as a whole number of steps of its metric (`scale` steps a unit, a power of two, so that
no sample has more than 2**40), whose sum and sum of squares are kept in integers. So mean and deviation are a function
of the set of samples, in whatever order minutes are merged.

The sketch counts samples by bucket: whole km/h for speeds, else by the leading bits of the number itself: 128 buckets
an octave, 64 when more than its buckets are needed, and so on: `level` says how often neighbours were put together
(Epicoco and others 2020, UDDSketch: the same set of samples gives the same buckets). A quantile is off by half a bucket
at most: 2**(level - 8) of its value, or nothing for speeds while `level` is 0.

A list of buckets stands in `pool` in order of key, one word a bucket: its key * 2**48 + its count. It begins small, and
moves to the end of the pool when it has outgrown its room; `pack` takes the gaps out. However narrow its window, a
slot's list is as fine as the day's may be: what is put together for the quarter alone must not be coarse for the day.
"""

import math
from typing import Any, Final

import numpy as np

from contracts.jit import kernel

MINUTE_US: Final = 60_000_000
LEVELS: Final = 3
MOST: Final = 127
"""Buckets of a day: a value may double in it before they are wider than 1/128 of it."""
THAI_MINUTES: Final = 420
SETTLED_US: Final = 780_000_000
"""After its end: the last minute is closed within one, is amended for ten, and given back within one more."""
SWEEP_US: Final = 900_000_000

COUNT, SUM, UPPER, LOWER, REVISION, SAID, LEVEL, USED, AT, ROOM = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
"""Of a slot: samples; sum of steps; sum of their squares, UPPER * 2**40 + LOWER; revision said; samples of the window
that were said; how often buckets were put together, buckets in use, where they stand, and room for how many."""
LEAST, GREATEST = 10, 11
"""As float64: the least and the greatest sample."""
SLOT: Final = 12
START, LAST_US, KIND, LAST, SCALE, SLOTS = 0, 1, 2, 3, 4, 5
"""Of a series: the first minute of its quarter; event time of its last sample; the kind of its buckets; as float64 the
last sample and steps a unit; then its slots."""
SERIES: Final = SLOTS + LEVELS * SLOT
NOBODYS: Final = SLOTS
"""The slot, of a series that is nobody's before all others, in which windows are put together to be said."""

FREE: Final = 0
"""The pool's first word: where the words that nobody uses begin."""
BENCH: Final = 1
"""Where two lists are merged."""
WHOLE: Final = BENCH + 2 * MOST
"""Where the list of what is said stands."""
LISTS: Final = WHOLE + MOST + 1
FEW: Final = 4
ROOM_OF_ONE: Final = 2_048
"""More words than the lists of one series can take while they grow from nothing: 3 * (1 + FEW, and so on)."""
COUNTS: Final = (1 << 48) - 1
HALF: Final = 1 << 20
LARGEST: Final = float(1 << 41)
ROW: Final = 20
GIVEN: Final = 6
LINEAR: Final = 1
"""`kind` of a series whose buckets are whole units."""


@kernel("i8(i8)", inner=True)
def minutes_of(level: int) -> int:
    """How many minutes a width has."""
    return 15 if level == 0 else 60 if level == 1 else 1440


@kernel("i8(i8)", inner=True)
def buckets_of(level: int) -> int:
    """How many buckets a width is said with."""
    return 31 if level == 0 else 63 if level == 1 else MOST


@kernel("i8(i8, i8)", inner=True)
def start_of(minute: int, level: int) -> int:
    """The first minute of the window that holds this minute; a day begins at Thai midnight."""
    width = minutes_of(level)
    return (minute + THAI_MINUTES) // width * width - THAI_MINUTES


@kernel("i8(f8, i8, i8)", inner=True)
def bucket(value: float, bits: int, kind: int) -> int:
    """The bucket of a value at level 0; `bits` is the value's own pattern."""
    if kind == LINEAR:
        return math.floor(min(max(value, -32_000.0), 32_000.0) + 0.5)
    key = ((bits & 0x7FFF_FFFF_FFFF_FFFF) >> 45) - ((1023 - 16) << 7)
    key = min(max(key, 0), 32_000)
    return key if value >= 0.0 else -key


@kernel("f8(i8)", inner=True)
def edge(key: int) -> float:
    """The least magnitude in a bucket of level 0, for key >= 0; 0 for the one around zero."""
    return 0.0 if key == 0 else math.ldexp(1.0 + (key & 127) / 128.0, int(key >> 7) - 16)


@kernel("f8(i8, i8, i8)", inner=True)
def middle(key: int, level: int, kind: int) -> float:
    """What stands for the samples of a bucket: the middle of what it holds."""
    least = abs(key) << level
    if kind == LINEAR:
        value = least + ((1 << level) - 1) / 2.0
    else:
        value = 0.5 * (edge(least) + edge(least + (1 << level)))
        value = 0.0 if key == 0 else value
    return value if key >= 0 else -value


@kernel("i8(i8, i8)", inner=True)
def coarser(key: int, levels: int) -> int:
    """The bucket that holds a bucket after its neighbours were put together so often; zero's own stays around zero."""
    return key >> levels if key >= 0 else -(-key >> levels)


@kernel("i8(i8[::1], i8, i8)", inner=True)
def put_together(pool: Any, at: int, used: int) -> int:
    """Put the buckets of a list together, two by two; how many are left."""
    left = 0
    for word in range(at, at + used):
        key, count = coarser(pool[word] >> 48, 1), pool[word] & COUNTS
        if left > 0 and pool[at + left - 1] >> 48 == key:
            pool[at + left - 1] += count
        else:
            pool[at + left] = (key << 48) + count
            left += 1
    return left


@kernel("void(i8[::1], i8[::1], i8, i8)", inner=True)
def make_room(memory: Any, pool: Any, slot: int, needed: int) -> None:
    """Move a list to the end of the pool, with room for more than it needs now."""
    at, to = memory[slot + AT], pool[FREE]
    for word in range(memory[slot + USED]):
        pool[to + word] = pool[at + word]
    memory[slot + AT], memory[slot + ROOM] = to, min(needed + needed // 4 + FEW, MOST + 1)
    pool[FREE] += memory[slot + ROOM]


@kernel("void(i8[::1], i8[::1], i8, i8)", inner=True)
def add(memory: Any, pool: Any, slot: int, key: int) -> None:
    """Count one sample in its bucket; there is room for one bucket more than MOST until they are put together."""
    used, sought = memory[slot + USED], coarser(key, memory[slot + LEVEL]) << 48
    low, left = memory[slot + AT], used
    while left > 0:  # without a branch on what is found: it cannot be foretold
        half = (left + 1) >> 1
        low += half if pool[low + half - 1] < sought else 0
        left -= half
    offset = low - memory[slot + AT]
    if offset < used and pool[low] >> 48 == sought >> 48:
        pool[low] += 1
        return
    if used == memory[slot + ROOM]:
        make_room(memory, pool, slot, used + 1)
        low = memory[slot + AT] + offset
    for word in range(memory[slot + AT] + used, low, -1):
        pool[word] = pool[word - 1]
    pool[low] = sought + 1
    used += 1
    while used > MOST:
        used = put_together(pool, memory[slot + AT], used)
        memory[slot + LEVEL] += 1
    memory[slot + USED] = used


@kernel("i8(i8[::1], i8[::1], i8, i8)", inner=True)
def merged(memory: Any, pool: Any, slot: int, other: int) -> int:
    """Merge the lists of two slots, of which the first is as coarse as the other, onto the bench; how many buckets."""
    one, two = memory[slot + AT], memory[other + AT]
    end_of_one, end_of_two = one + memory[slot + USED], two + memory[other + USED]
    levels, at = memory[slot + LEVEL] - memory[other + LEVEL], BENCH - 1
    while one < end_of_one or two < end_of_two:
        key = coarser(pool[two] >> 48, levels) if two < end_of_two else 1 << 15
        if one < end_of_one and pool[one] >> 48 <= key:
            key, count = pool[one] >> 48, pool[one] & COUNTS
            one += 1
        else:
            count = pool[two] & COUNTS
            two += 1
        if at >= BENCH and pool[at] >> 48 == key:
            pool[at] += count
        else:
            at += 1
            pool[at] = (key << 48) + count
    return at + 1 - BENCH


@kernel("void(i8[::1], f8[::1], i8[::1], i8, i8)", inner=True)
def pour(memory: Any, values: Any, pool: Any, other: int, slot: int) -> None:
    """Add what the other slot holds to this one."""
    if memory[other + COUNT] == 0:
        return
    empty = memory[slot + COUNT] == 0
    least, greatest = values[other + LEAST], values[other + GREATEST]
    values[slot + LEAST] = least if empty else min(values[slot + LEAST], least)
    values[slot + GREATEST] = greatest if empty else max(values[slot + GREATEST], greatest)
    memory[slot + COUNT] += memory[other + COUNT]
    memory[slot + SUM] += memory[other + SUM]
    lower = memory[slot + LOWER] + memory[other + LOWER]
    memory[slot + UPPER] += memory[other + UPPER] + lower // (HALF * HALF)
    memory[slot + LOWER] = lower & (HALF * HALF - 1)
    while memory[slot + LEVEL] < memory[other + LEVEL]:
        memory[slot + USED] = put_together(pool, memory[slot + AT], memory[slot + USED])
        memory[slot + LEVEL] += 1
    used = merged(memory, pool, slot, other)
    while used > MOST:
        used = put_together(pool, BENCH, used)
        memory[slot + LEVEL] += 1
    if used > memory[slot + ROOM]:
        memory[slot + USED] = 0
        make_room(memory, pool, slot, used)
    at = memory[slot + AT]
    for word in range(used):
        pool[at + word] = pool[BENCH + word]
    memory[slot + USED] = used


@kernel("void(i8[::1], i8)", inner=True)
def empty_out(memory: Any, slot: int) -> None:
    """Make a slot ready for the next window; its list keeps its room."""
    for field in range(AT):
        memory[slot + field] = 0


@kernel("f8(i8[::1], i8)", inner=True)
def squares(memory: Any, slot: int) -> float:
    """The sum of squared distances from the mean, in steps: exact up to its last rounding."""
    count, total = memory[slot + COUNT], memory[slot + SUM]
    mean = total // count
    rest = total - mean * count
    upper, lower = mean >> 20, mean & (HALF - 1)
    # sum(q*q) - count*mean*mean - 2*mean*rest, by powers of 2**20; then carried so that nothing cancels.
    high = memory[slot + UPPER] - count * upper * upper
    cross = -2 * count * upper * lower - 2 * upper * rest
    low = memory[slot + LOWER] - count * lower * lower - 2 * lower * rest
    cross += low >> 20
    low &= HALF - 1
    high += cross >> 20
    cross &= HALF - 1
    exact = float(high) * HALF * HALF + float(cross) * HALF + float(low)
    return float(max(0.0, exact - float(rest) * float(rest) / count))


@kernel("void(i8[::1], f8[::1], i8[::1], i8, i8, f8[::1], i8)", inner=True)
def quantiles(memory: Any, values: Any, pool: Any, slot: int, kind: int, out: Any, first: int) -> None:
    """The median and the 85th and 95th percentile of a slot, each between the two nearest samples, which are taken for
    the middles of their buckets."""
    level, at, seen = memory[slot + LEVEL], memory[slot + AT], 0
    for number in range(3):
        share = 0.5 if number == 0 else 0.85 if number == 1 else 0.95
        rank = share * (memory[slot + COUNT] - 1)
        below = int(rank)
        while seen + (pool[at] & COUNTS) <= below:
            seen += pool[at] & COUNTS
            at += 1
        value = middle(pool[at] >> 48, level, kind)
        if below + 1 < memory[slot + COUNT] and seen + (pool[at] & COUNTS) <= below + 1:
            value += (rank - below) * (middle(pool[at + 1] >> 48, level, kind) - value)
        out[first + number] = min(max(value, values[slot + LEAST]), values[slot + GREATEST])


@kernel("i8(i8[::1], i8, i8)", inner=True)
def samples_of(memory: Any, slots: int, level: int) -> int:
    """How many samples a window of a series has."""
    count = 0
    for each in range(level + 1):
        count += memory[slots + each * SLOT + COUNT]
    return count


@kernel("i8(i8[::1], f8[::1], i8[::1], i8, i8)", inner=True)
def whole(memory: Any, values: Any, pool: Any, slots: int, level: int) -> int:
    """The slot that holds all of a window, in no more buckets than it is said with."""
    most = buckets_of(level)
    if level == 0 and memory[slots + USED] <= most:
        return slots
    empty_out(memory, NOBODYS)
    memory[NOBODYS + AT], memory[NOBODYS + ROOM] = WHOLE, MOST + 1
    for each in range(level + 1):
        pour(memory, values, pool, slots + each * SLOT, NOBODYS)
    while memory[NOBODYS + USED] > most:
        memory[NOBODYS + USED] = put_together(pool, WHOLE, memory[NOBODYS + USED])
        memory[NOBODYS + LEVEL] += 1
    return NOBODYS


@kernel("void(i8[::1], f8[::1], i8[::1], i8, i8, f8, i8[::1], f8[::1], i8)", inner=True)
def say(
    memory: Any, values: Any, pool: Any, place: int, level: int, due: float, out: Any, out_values: Any, row: int
) -> None:
    """Write the row of a window as it stands; what the series is called is filled in by the caller."""
    series = (place + 1) * SERIES
    told, slot = series + SLOTS + level * SLOT, whole(memory, values, pool, series + SLOTS, level)
    count, scale, minutes = memory[slot + COUNT], values[series + SCALE], minutes_of(level)
    memory[told + REVISION] += 1
    out[row + 3], out[row + 4] = minutes * 60, start_of(memory[series + START], level) * MINUTE_US
    out[row + 5], out[row + 6], out[row + 7] = memory[told + REVISION], count, count - memory[told + SAID]
    memory[told + SAID] = count
    out_values[row + 8] = float(memory[slot + SUM]) / count / scale
    out_values[row + 9], out_values[row + 10] = values[slot + LEAST], values[slot + GREATEST]
    out_values[row + 11] = math.sqrt(squares(memory, slot) / (count - 1)) / scale if count > 1 else np.nan
    quantiles(memory, values, pool, slot, memory[series + KIND], out_values, row + 12)
    out_values[row + 15] = values[series + LAST]
    out_values[row + 16] = np.nan if math.isnan(due) else min(1.0, count / (due * minutes))
    out[row + 17] = place
    out_values[row + 19] = np.nan


@kernel("void(i8[::1], f8[::1], i8[::1], i8, i8, i8, f8)", inner=True)
def take(memory: Any, values: Any, pool: Any, series: int, slot: int, bits: int, value: float) -> None:
    """Add a sample to a slot; `bits` is its pattern."""
    steps = math.floor(min(max(value * values[series + SCALE], -LARGEST), LARGEST) + 0.5)
    upper, lower = steps >> 20, steps & (HALF - 1)
    cross = 2 * upper * lower
    low = memory[slot + LOWER] + lower * lower + ((cross & (HALF - 1)) << 20)
    memory[slot + UPPER] += upper * upper + (cross >> 20) + (low >> 40)
    memory[slot + LOWER] = low & (HALF * HALF - 1)
    memory[slot + SUM] += steps
    empty = memory[slot + COUNT] == 0
    values[slot + LEAST] = value if empty else min(values[slot + LEAST], value)
    values[slot + GREATEST] = value if empty else max(values[slot + GREATEST], value)
    memory[slot + COUNT] += 1
    add(memory, pool, slot, bucket(value, bits, memory[series + KIND]))


@kernel("i8(i8, i8)", inner=True)
def level_of(minute: int, start: int) -> int:
    """The narrowest window that holds both a minute and the quarter that a series is at; LEVELS where none does."""
    level = 0
    while level < LEVELS and start_of(minute, level) != start_of(start, level):
        level += 1
    return level


@kernel(
    "void(i8[::1], f8[::1], i8[::1], UniTuple(i8[::1], 6), UniTuple(f8[::1], 3), i8[::1], f8[::1], i8[::1])",
)
def merge(
    memory: Any, values: Any, pool: Any, given: Any, samples: Any, out: Any, out_values: Any, cursor: Any
) -> None:
    """Merge minutes into the slots of their series, and write the rows of the windows that are said.

    `memory` int64 ((places + 1) * SERIES,), `values` the same memory as float64, `pool` int64 (LISTS and more,).
    `given`: order of the minutes by place, where each place's begin (places + 1,), the minutes in that order (GIVEN
    each), where their samples begin as they came, the bits of all samples, and (since, now) us. `samples`: the minutes
    again as float64, all samples, and by place those due in a minute. `cursor`: the next place, and how many rows are
    told; it stops short of the last place where the pool has no room for one more. A window is said when the series
    leaves it, and at the sweeps when its time is over and it holds something that was not said.
    """
    order, first, minutes, begins, patterns, times = given
    ends, every, due = samples
    told = cursor[1]
    first_sweep = ((times[0] - SETTLED_US) // SWEEP_US + 1) * SWEEP_US + SETTLED_US
    for place in range(cursor[0], first.size - 1):
        if pool.size - pool[FREE] < ROOM_OF_ONE:
            break
        cursor[0] = place + 1
        series = (place + 1) * SERIES
        slots = series + SLOTS
        at, stop, sweep_us = first[place], first[place + 1], first_sweep
        while at < stop or sweep_us <= times[1]:
            row = at * GIVEN if at < stop else 0
            if at < stop and minutes[row + 2] <= sweep_us:
                minute, start = minutes[row + 1], memory[series + START]
                level = 0 if start <= minute < start + minutes_of(0) else level_of(minute, start)
                if minute > start and level > 0:
                    for left in range(level):
                        slot = slots + left * SLOT
                        if samples_of(memory, slots, left) > memory[slot + SAID]:
                            say(memory, values, pool, place, left, due[place], out, out_values, told * ROW)
                            out[told * ROW + 18] = minutes[row + 2]
                            told += 1
                        if left + 1 < LEVELS:
                            pour(memory, values, pool, slot, slot + SLOT)
                        empty_out(memory, slot)
                    memory[series + START], level = start_of(minute, 0), 0
                if level < LEVELS:
                    slot, last_us, held_us, last = (
                        slots + level * SLOT,
                        minutes[row + 4],
                        memory[series + LAST_US],
                        ends[row + 5],
                    )
                    if minutes[row + 3] == 1:  # it is the last one, which stands beside: most minutes of a camera
                        take(memory, values, pool, series, slot, minutes[row + 5], last)
                    else:
                        for sample in range(begins[order[at]], begins[order[at] + 1]):
                            take(memory, values, pool, series, slot, patterns[sample], every[sample])
                    if last_us > held_us or (last_us == held_us and last > values[series + LAST]):
                        memory[series + LAST_US], values[series + LAST] = last_us, last
                at += 1
                continue
            for level in range(LEVELS):
                end_us = (start_of(memory[series + START], level) + minutes_of(level)) * MINUTE_US
                unsaid = samples_of(memory, slots, level) > memory[slots + level * SLOT + SAID]
                if unsaid and end_us + SETTLED_US <= sweep_us:
                    say(memory, values, pool, place, level, due[place], out, out_values, told * ROW)
                    out[told * ROW + 18] = sweep_us
                    told += 1
            sweep_us += SWEEP_US
    cursor[1] = told


@kernel("void(i8[::1], i8[::1], i8[::1])")
def pack(memory: Any, pool: Any, out: Any) -> None:
    """Copy the lists of all series to `out` int64 (LISTS and more,), one after the other, each with its room."""
    out[FREE] = LISTS
    for series in range(SERIES, memory.size, SERIES):
        for slot in range(series + SLOTS, series + SERIES, SLOT):
            for word in range(memory[slot + USED]):
                out[out[FREE] + word] = pool[memory[slot + AT] + word]
            memory[slot + AT] = out[FREE]
            out[FREE] += memory[slot + ROOM]
