"""Wider windows merged from the minute: exact sums, and quantiles from a sketch that merges.

Each series has a slot for each of LEVELS widths. Sums are exact: a sample counts as a whole number of steps of its
metric (`scale` steps a unit, a power of two, so that no sample has more than 2**40), whose sum and sum of squares are
kept in integers; the squares as those of an upper and a lower half, q = upper * 2**20 + lower. So mean and deviation
are a function of the set of samples, in whatever order minutes are merged.

The sketch counts samples by bucket: whole km/h for speeds, else by the leading bits of the number itself: 128 buckets
an octave, 64 when more than its buckets are needed, and so on: `level` says how often neighbours were put together
(Epicoco and others 2020, UDDSketch: the same set of samples gives the same buckets). A quantile is off by half a bucket
at most: 2**(level - 8) of its value, or nothing for speeds while `level` is 0.
"""

import math
from typing import Any, Final

import numpy as np

from contracts.jit import kernel

MINUTE_US: Final = 60_000_000
LEVELS: Final = 3
BUCKETS: Final = 224
"""Of a series: 32 for the quarter of an hour, 64 for the hour, 128 for the day, of which one is for the moment before
two are put together. So in a day a value may double before its buckets are wider than 1/128 of it."""
THAI_MINUTES: Final = 420
SETTLED_US: Final = 780_000_000
"""After its end: the last minute is closed within one, is amended for ten, and given back within one more."""
SWEEP_US: Final = 900_000_000

SLOT: Final = 14
START, REVISION, ADDED, COUNT, SUM, UPPER, CROSS, LOWER, LEVEL, USED, LAST_US = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""First minute; revision said; samples not said yet; samples; sum of steps; sums of upper * upper, upper * lower and
lower * lower; how often buckets were put together; buckets in use; event time of the last sample."""
LEAST, MOST, LAST = 11, 12, 13
"""As float64: the least, the greatest and the last sample."""
KIND, SCALE, EXPECTED, SLOTS = 0, 1, 2, 3
"""Of a series: the kind of its buckets; as float64 steps a unit and samples due in a minute; then its slots."""
SERIES: Final = SLOTS + LEVELS * SLOT
HALF: Final = 1 << 20
LARGEST: Final = float(1 << 41)
ROW: Final = 20
GIVEN: Final = 6
LINEAR: Final = 1
"""`kind` of a series whose buckets are whole units."""


@kernel("i8(i8)", inner=True)
def first_bucket(level: int) -> int:
    """Where the buckets of a width begin among those of a series."""
    return 0 if level == 0 else 32 if level == 1 else 96 if level == 2 else BUCKETS


@kernel("i8(i8)", inner=True)
def minutes_of(level: int) -> int:
    """How many minutes a width has."""
    return 15 if level == 0 else 60 if level == 1 else 1440


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
    if key == 0:
        return 0.0
    value = (1.0 + (key & 127) / 128.0) / 65_536.0
    for _ in range(key >> 7):
        value *= 2.0
    return value


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


@kernel("void(i8[::1], i2[::1], u4[::1], i8, i8, i8)", inner=True)
def put_together(memory: Any, keys: Any, counts: Any, slot: int, first: int, most: int) -> None:
    """Put buckets together, two by two, until no more than `most` are in use."""
    while memory[slot + USED] > most:
        memory[slot + LEVEL] += 1
        used = 0
        for at in range(first, first + memory[slot + USED]):
            key = keys[at] >> 1 if keys[at] >= 0 else -((-keys[at]) >> 1)
            if used > 0 and keys[first + used - 1] == key:
                counts[first + used - 1] += counts[at]
            else:
                keys[first + used] = key
                counts[first + used] = counts[at]
                used += 1
        memory[slot + USED] = used


@kernel("void(i8[::1], i2[::1], u4[::1], i8, i8, i8, i8)", inner=True)
def add(memory: Any, keys: Any, counts: Any, slot: int, first: int, most: int, key: int) -> None:
    """Count one sample in its bucket; there is room for one bucket more than `most` until they are put together."""
    level = memory[slot + LEVEL]
    key = key >> level if key >= 0 else -((-key) >> level)
    low, high = first, first + memory[slot + USED]
    stop = high
    while low < high:
        at = (low + high) >> 1
        if keys[at] < key:
            low = at + 1
        else:
            high = at
    if low < stop and keys[low] == key:
        counts[low] += 1
        return
    for back in range(stop - low):
        keys[stop - back] = keys[stop - back - 1]
        counts[stop - back] = counts[stop - back - 1]
    keys[low] = key
    counts[low] = 1
    memory[slot + USED] += 1
    if memory[slot + USED] > most:
        put_together(memory, keys, counts, slot, first, most)


@kernel("f8(i8[::1], i2[::1], u4[::1], i8, i8, i8, f8)", inner=True)
def quantile(memory: Any, keys: Any, counts: Any, slot: int, first: int, kind: int, share: float) -> float:
    """Between the two nearest samples, each taken for the middle of its bucket."""
    rank = share * (memory[slot + COUNT] - 1)
    below, seen, at = int(rank), 0, first
    while seen + counts[at] <= below:
        seen += counts[at]
        at += 1
    value = middle(int(keys[at]), memory[slot + LEVEL], kind)
    if below + 1 >= memory[slot + COUNT] or seen + counts[at] > below + 1:
        return float(value)
    return float(value + (rank - below) * (middle(int(keys[at + 1]), memory[slot + LEVEL], kind) - value))


@kernel("f8(i8[::1], i8)", inner=True)
def squares(memory: Any, slot: int) -> float:
    """The sum of squared distances from the mean, in steps: exact up to its last rounding."""
    count, total = memory[slot + COUNT], memory[slot + SUM]
    mean = total // count
    rest = total - mean * count
    upper, lower = mean >> 20, mean & (HALF - 1)
    # sum(q*q) - count*mean*mean - 2*mean*rest, by powers of 2**20; then carried so that nothing cancels.
    high = memory[slot + UPPER] - count * upper * upper
    cross = 2 * memory[slot + CROSS] - 2 * count * upper * lower - 2 * upper * rest
    low = memory[slot + LOWER] - count * lower * lower - 2 * lower * rest
    cross += low >> 20
    low &= HALF - 1
    high += cross >> 20
    cross &= HALF - 1
    exact = float(high) * HALF * HALF + float(cross) * HALF + float(low)
    return float(max(0.0, exact - float(rest) * float(rest) / count))


@kernel("void(i8[::1], f8[::1], i2[::1], u4[::1], i8, i8, i8[::1], f8[::1], i8)", inner=True)
def say(
    memory: Any, values: Any, keys: Any, counts: Any, place: int, level: int, out: Any, out_values: Any, row: int
) -> None:
    """Write the row of a slot as it stands; what the series is called is filled in by the caller."""
    series = place * SERIES
    slot, first = series + SLOTS + level * SLOT, place * BUCKETS + first_bucket(level)
    count, scale, minutes = memory[slot + COUNT], values[series + SCALE], minutes_of(level)
    memory[slot + REVISION] += 1
    out[row + 3], out[row + 4] = minutes * 60, memory[slot + START] * MINUTE_US
    out[row + 5], out[row + 6], out[row + 7] = memory[slot + REVISION], count, memory[slot + ADDED]
    memory[slot + ADDED] = 0
    least, most = values[slot + LEAST], values[slot + MOST]
    out_values[row + 8] = float(memory[slot + SUM]) / count / scale
    out_values[row + 9], out_values[row + 10] = least, most
    out_values[row + 11] = math.sqrt(squares(memory, slot) / (count - 1)) / scale if count > 1 else np.nan
    for at in range(3):
        share = 0.5 if at == 0 else 0.85 if at == 1 else 0.95
        value = quantile(memory, keys, counts, slot, first, memory[series + KIND], share)
        out_values[row + 12 + at] = min(max(value, least), most)
    out_values[row + 15] = values[slot + LAST]
    due = values[series + EXPECTED] * minutes
    out_values[row + 16] = np.nan if math.isnan(due) else min(1.0, count / due)
    out[row + 17] = place
    out_values[row + 19] = np.nan


@kernel("void(i8[::1], f8[::1], i2[::1], u4[::1], i8, i8, i8, f8)", inner=True)
def take(memory: Any, values: Any, keys: Any, counts: Any, place: int, level: int, bits: int, value: float) -> None:
    """Add a sample to a slot; `bits` is its pattern."""
    series = place * SERIES
    slot, first = series + SLOTS + level * SLOT, place * BUCKETS + first_bucket(level)
    most = first_bucket(level + 1) - first_bucket(level) - 1
    steps = math.floor(min(max(value * values[series + SCALE], -LARGEST), LARGEST) + 0.5)
    upper, lower = steps >> 20, steps & (HALF - 1)
    memory[slot + SUM] += steps
    memory[slot + UPPER] += upper * upper
    memory[slot + CROSS] += upper * lower
    memory[slot + LOWER] += lower * lower
    empty = memory[slot + COUNT] == 0
    values[slot + LEAST] = value if empty else min(values[slot + LEAST], value)
    values[slot + MOST] = value if empty else max(values[slot + MOST], value)
    memory[slot + COUNT] += 1
    memory[slot + ADDED] += 1
    add(memory, keys, counts, slot, first, most, bucket(value, bits, memory[series + KIND]))


@kernel("void(i8[::1], i8, i8)", inner=True)
def begin(memory: Any, slot: int, start: int) -> None:
    """Make a slot ready for the window that begins with this minute."""
    for field in range(SLOT):
        memory[slot + field] = 0
    memory[slot + START] = start


@kernel("i8(i8[::1], f8[::1], i2[::1], u4[::1], UniTuple(i8[::1], 6), UniTuple(f8[::1], 2), i8[::1], f8[::1])")
def merge(memory: Any, values: Any, keys: Any, counts: Any, given: Any, samples: Any, out: Any, out_values: Any) -> int:
    """Merge minutes into the slots of their series, and write the rows of the windows that are said; how many.

    `memory` int64 (places * SERIES,), `values` the same memory as float64. `keys` int16, `counts` uint32: BUCKETS by
    place. `given`: order of the minutes by place, where each place's begin (places + 1,), the minutes (GIVEN each),
    where their samples begin, the bits of all samples, and (since, now) us. `samples`: the minutes again as float64,
    and all samples. A slot is said when another window takes its place, and at the sweeps when its time is over and it
    holds something that was not said.
    """
    order, first, minutes, begins, patterns, times = given
    ends, every = samples
    told = 0
    first_sweep = ((times[0] - SETTLED_US) // SWEEP_US + 1) * SWEEP_US + SETTLED_US
    for place in range(first.size - 1):
        at, stop, sweep_us = first[place], first[place + 1], first_sweep
        while at < stop or sweep_us <= times[1]:
            row = order[at] * GIVEN if at < stop else 0
            if at < stop and minutes[row + 2] <= sweep_us:
                minute, last_us = minutes[row + 1], minutes[row + 4]
                begun, ended = begins[order[at]], begins[order[at] + 1]
                at += 1
                for level in range(LEVELS):
                    slot, start = place * SERIES + SLOTS + level * SLOT, start_of(minute, level)
                    if memory[slot + COUNT] > 0 and start < memory[slot + START]:
                        continue
                    if memory[slot + COUNT] == 0 or start > memory[slot + START]:
                        if memory[slot + ADDED] > 0:
                            say(memory, values, keys, counts, place, level, out, out_values, told * ROW)
                            out[told * ROW + 18] = minutes[row + 2]
                            told += 1
                        begin(memory, slot, start)
                    for sample in range(begun, ended):
                        take(memory, values, keys, counts, place, level, patterns[sample], every[sample])
                    held_us, last = memory[slot + LAST_US], ends[row + 5]
                    if last_us > held_us or (last_us == held_us and last > values[slot + LAST]):
                        memory[slot + LAST_US] = last_us
                        values[slot + LAST] = last
                continue
            for level in range(LEVELS):
                slot = place * SERIES + SLOTS + level * SLOT
                end_us = (memory[slot + START] + minutes_of(level)) * MINUTE_US
                if memory[slot + ADDED] > 0 and end_us + SETTLED_US <= sweep_us:
                    say(memory, values, keys, counts, place, level, out, out_values, told * ROW)
                    out[told * ROW + 18] = sweep_us
                    told += 1
            sweep_us += SWEEP_US
    return told
