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

SLOT: Final = 11
START, REVISION, ADDED, COUNT, SUM, UPPER, CROSS, LOWER, LEVEL, USED, LAST_US = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""First minute (-1: none yet); revision said; samples not said yet; samples; sum of steps; sums of upper * upper,
upper * lower and lower * lower; how often buckets were put together; buckets in use; event time of the last sample."""
ENDS: Final = 3
LEAST, MOST, LAST = 0, 1, 2
HALF: Final = 1 << 20
LARGEST: Final = float(1 << 41)
ROW: Final = 20
GIVEN: Final = 5
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
def put_together(slots: Any, keys: Any, counts: Any, base: int, first: int, most: int) -> None:
    """Put buckets together, two by two, until no more than `most` are in use."""
    while slots[base + USED] > most:
        slots[base + LEVEL] += 1
        used = 0
        for at in range(first, first + slots[base + USED]):
            key = keys[at] >> 1 if keys[at] >= 0 else -((-keys[at]) >> 1)
            if used > 0 and keys[first + used - 1] == key:
                counts[first + used - 1] += counts[at]
            else:
                keys[first + used] = key
                counts[first + used] = counts[at]
                used += 1
        slots[base + USED] = used


@kernel("void(i8[::1], i2[::1], u4[::1], i8, i8, i8, i8)", inner=True)
def add(slots: Any, keys: Any, counts: Any, base: int, first: int, most: int, key: int) -> None:
    """Count one sample in its bucket; there is room for one bucket more than `most` until they are put together."""
    level = slots[base + LEVEL]
    key = key >> level if key >= 0 else -((-key) >> level)
    low, high = first, first + slots[base + USED]
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
    slots[base + USED] += 1
    if slots[base + USED] > most:
        put_together(slots, keys, counts, base, first, most)


@kernel("f8(i8[::1], i2[::1], u4[::1], i8, i8, i8, f8)", inner=True)
def quantile(slots: Any, keys: Any, counts: Any, base: int, first: int, kind: int, share: float) -> float:
    """Between the two nearest samples, each taken for the middle of its bucket."""
    rank = share * (slots[base + COUNT] - 1)
    below, seen, at = int(rank), 0, first
    while seen + counts[at] <= below:
        seen += counts[at]
        at += 1
    value = middle(int(keys[at]), slots[base + LEVEL], kind)
    if below + 1 >= slots[base + COUNT] or seen + counts[at] > below + 1:
        return value
    return value + (rank - below) * (middle(int(keys[at + 1]), slots[base + LEVEL], kind) - value)


@kernel("f8(i8[::1], i8)", inner=True)
def squares(slots: Any, base: int) -> float:
    """The sum of squared distances from the mean, in steps: exact up to its last rounding."""
    count, total = slots[base + COUNT], slots[base + SUM]
    mean = total // count
    rest = total - mean * count
    upper, lower = mean >> 20, mean & (HALF - 1)
    # sum(q*q) - count*mean*mean - 2*mean*rest, by powers of 2**20; then carried so that nothing cancels.
    high = slots[base + UPPER] - count * upper * upper
    middle_part = 2 * slots[base + CROSS] - 2 * count * upper * lower - 2 * upper * rest
    low = slots[base + LOWER] - count * lower * lower - 2 * lower * rest
    middle_part += low >> 20
    low &= HALF - 1
    high += middle_part >> 20
    middle_part &= HALF - 1
    exact = float(high) * HALF * HALF + float(middle_part) * HALF + float(low)
    return max(0.0, exact - float(rest) * float(rest) / count)


@kernel("void(UniTuple(i8[::1], 2), UniTuple(f8[::1], 3), i2[::1], u4[::1], i8, i8, i8[::1], f8[::1])", inner=True)
def say(ints: Any, floats: Any, keys: Any, counts: Any, place: int, level: int, row: Any, row_floats: Any) -> None:
    """Write the row of a slot as it stands; what the series is called is filled in by the caller."""
    slots, kinds = ints
    ends, scales, expected = floats
    base, end = (place * LEVELS + level) * SLOT, (place * LEVELS + level) * ENDS
    count, first = slots[base + COUNT], place * BUCKETS + first_bucket(level)
    slots[base + REVISION] += 1
    row[3], row[4] = minutes_of(level) * 60, slots[base + START] * MINUTE_US
    row[5], row[6], row[7] = slots[base + REVISION], count, slots[base + ADDED]
    slots[base + ADDED] = 0
    row_floats[8] = float(slots[base + SUM]) / count / scales[place]
    row_floats[9], row_floats[10] = ends[end + LEAST], ends[end + MOST]
    row_floats[11] = math.sqrt(squares(slots, base) / (count - 1)) / scales[place] if count > 1 else np.nan
    for at, share in enumerate((0.5, 0.85, 0.95)):
        value = quantile(slots, keys, counts, base, first, kinds[place], share)
        row_floats[12 + at] = min(max(value, ends[end + LEAST]), ends[end + MOST])
    row_floats[15] = ends[end + LAST]
    due = expected[place] * minutes_of(level)
    row_floats[16] = np.nan if math.isnan(due) else min(1.0, count / due)
    row[17] = place
    row_floats[19] = np.nan


@kernel("void(UniTuple(i8[::1], 2), UniTuple(f8[::1], 3), i2[::1], u4[::1], i8, i8, f8[::1])", inner=True)
def take(ints: Any, floats: Any, keys: Any, counts: Any, place: int, level: int, samples: Any) -> None:
    """Add the samples of a minute to a slot."""
    slots, kinds = ints
    ends, scales, _ = floats
    base, end = (place * LEVELS + level) * SLOT, (place * LEVELS + level) * ENDS
    first = place * BUCKETS + first_bucket(level)
    most = first_bucket(level + 1) - first_bucket(level) - 1
    bits = samples.view(np.int64)
    for at in range(samples.size):
        value = samples[at]
        steps = math.floor(min(max(value * scales[place], -LARGEST), LARGEST) + 0.5)
        upper, lower = steps >> 20, steps & (HALF - 1)
        slots[base + SUM] += steps
        slots[base + UPPER] += upper * upper
        slots[base + CROSS] += upper * lower
        slots[base + LOWER] += lower * lower
        empty = slots[base + COUNT] == 0
        ends[end + LEAST] = value if empty else min(ends[end + LEAST], value)
        ends[end + MOST] = value if empty else max(ends[end + MOST], value)
        slots[base + COUNT] += 1
        slots[base + ADDED] += 1
        add(slots, keys, counts, base, first, most, bucket(value, bits[at], kinds[place]))


@kernel("void(i8[::1], f8[::1], i8, i8, f8)", inner=True)
def end_with(slots: Any, ends: Any, at: int, last_us: int, last: float) -> None:
    """The last sample of a slot: the newest, of those of the same moment the greatest."""
    held_us, held = slots[at * SLOT + LAST_US], ends[at * ENDS + LAST]
    if last_us > held_us or (last_us == held_us and last > held):
        slots[at * SLOT + LAST_US] = last_us
        ends[at * ENDS + LAST] = last


@kernel("void(i8[::1], f8[::1], i8, i8)", inner=True)
def begin(slots: Any, ends: Any, at: int, start: int) -> None:
    """Make a slot ready for the window that begins with this minute."""
    for field in range(SLOT):
        slots[at * SLOT + field] = 0
    slots[at * SLOT + START] = start
    for field in range(ENDS):
        ends[at * ENDS + field] = 0.0


@kernel(
    "i8(UniTuple(i8[::1], 2), UniTuple(f8[::1], 3), i2[::1], u4[::1],"
    " UniTuple(i8[::1], 5), UniTuple(f8[::1], 2), i8[::1], f8[::1])"
)
def merge(ints: Any, floats: Any, keys: Any, counts: Any, given: Any, samples: Any, rows: Any, row_floats: Any) -> int:
    """Merge minutes into the slots of their series, and write the rows of the windows that are said; how many.

    `ints`: slots, and by place the kind of buckets. `floats`: ends of the slots, and by place scale and samples due in
    a minute. `keys` int16, `counts` uint32: BUCKETS by place. `given`: order of the minutes by place, where each
    place's begin (places + 1,), the minutes (GIVEN each), where their samples begin, and (since, now) us. `samples`:
    all of them, and each minute's last. A slot is said when another window takes its place, and at the sweeps when its
    time is over and it holds something that was not said.
    """
    slots, ends = ints[0], floats[0]
    order, first, minutes, begins, times = given
    told = 0
    first_sweep = ((times[0] - SETTLED_US) // SWEEP_US + 1) * SWEEP_US + SETTLED_US
    for place in range(first.size - 1):
        at, stop, sweep_us = first[place], first[place + 1], first_sweep
        while True:
            row = order[at] if at < stop else -1
            if row >= 0 and minutes[row * GIVEN + 2] <= sweep_us:
                minute, tick_us = minutes[row * GIVEN + 1], minutes[row * GIVEN + 2]
                for level in range(LEVELS):
                    base, start = (place * LEVELS + level) * SLOT, start_of(minute, level)
                    if slots[base + COUNT] > 0 and start < slots[base + START]:
                        continue
                    if slots[base + COUNT] == 0 or start > slots[base + START]:
                        if slots[base + ADDED] > 0:
                            say(ints, floats, keys, counts, place, level, rows[told * ROW :], row_floats[told * ROW :])
                            rows[told * ROW + 18] = tick_us
                            told += 1
                        begin(slots, ends, place * LEVELS + level, start)
                    part = samples[0][begins[row] : begins[row + 1]]
                    take(ints, floats, keys, counts, place, level, part)
                    end_with(slots, ends, place * LEVELS + level, minutes[row * GIVEN + 4], samples[1][row])
                at += 1
                continue
            if sweep_us > times[1]:
                break
            for level in range(LEVELS):
                base = (place * LEVELS + level) * SLOT
                end_us = (slots[base + START] + minutes_of(level)) * MINUTE_US
                if slots[base + ADDED] > 0 and end_us + SETTLED_US <= sweep_us:
                    say(ints, floats, keys, counts, place, level, rows[told * ROW :], row_floats[told * ROW :])
                    rows[told * ROW + 18] = sweep_us
                    told += 1
            sweep_us += SWEEP_US
    return told
