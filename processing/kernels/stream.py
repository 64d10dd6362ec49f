"""How unusual each value of a series is, for many series at once, in one pass and without look-ahead.

Five parts look at the same value, each with a centre, a robust scale and the records that are usual for it:

    LONG    the value against the level of the last ~500 values
    SHORT   the value against the level of the last ~10 values: a spike
    SHIFT   the short level against the long one: a level shift
    DAY     the value against the mean of its hour of day, once eight days are known
    DRIFT   the same, smoothed over ~10 values
    FROZEN  whether the value has stood still for twice as long as ever (no centre, no scale)

A part's *strength* is |deviation| / scale / record, where the record is what the largest deviation of a block of 512
values usually is on that side (mean of block maxima, and twice their mean absolute deviation on top), so that 1 means
"as far out as the extremes that this series has anyway": no threshold depends on unit, level or kind of tail.
The strength of a value is the root of the sum of the squares over the parts; its score is s / (s + 0.5 + fading), where
`fading` is the largest strength before it, fading over ~500 values: one event scores once, a standing one not for ever.

`state` is float64 (n * STRIDE,). A value that is not finite, or beyond 1e150, scores 0 and changes nothing.
Times only choose the hour of day; they may repeat and go back.
"""

import math
from typing import Any, Final

from contracts.jit import kernel

LONG_STEP: Final = 1.0 / 512
"""Step of the long level and of all scales: a memory of about 500 values (8 h of minutes)."""
SHORT_STEP: Final = 0.1
"""Step of the short level."""
CAP: Final = 4.0
"""Levels and scales learn from a deviation as if it were at most this many scales: one spike does not move them."""
SETTLING: Final = 32
"""Values of block 1, whose records are thrown away: the scales are still coming about."""
FIRST_BLOCK: Final = 224
"""Values of block 2, the first with records: a part is silent until it is full."""
BLOCK: Final = 512
"""Values of every further block."""
BLOCK_STEP: Final = 0.1
"""Step of the usual record: a memory of about ten blocks."""
RECORD_CAP: Final = 2.0
"""A block's record counts as at most this many usual ones: one great event does not deafen."""
RECORD_SPREADS: Final = 2.0
RECORD_MIN: Final = 1.0
"""In scales: a side on which nothing ever happened."""
REST: Final = 0.5
"""Strength that scores a half while nothing happened lately."""
FADING: Final = 1.0 / 512
SURPRISE_MAX: Final = 1e6
"""The strength of the first change of what was constant. Finite, so that a score never saturates."""
SECOND_NS: Final = 1_000_000_000
SECOND_US: Final = 1_000_000
VALUE_MAX: Final = 1e150
"""Beyond it, products of deviations overflow."""
ROUNDING: Final = 1e-12
"""A deviation of this share of the value is the arithmetic's, not the series'."""
RUN_SPARE: Final = 8.0
"""Repeats that are nobody's record."""
RUN_STRENGTH: Final = 2.0
"""Twice the records, as the repeats are."""
SLOTS: Final = 24
SLOT_S: Final = 3_600
SLOT_STEP: Final = 0.2
"""Step of an hour's mean: a memory of about five days."""
DAY_S: Final = 86_400
DAYS: Final = 8
"""Before so many days are known no part compares with the time of day: a whole week and one more."""

LEVEL, SHORT, HELD, LAST, RUN, LONGEST, FIRST_S = 0, 1, 2, 3, 4, 5, 6
"""HELD: the fading strength; LONGEST: repeats of the longest run that ended, plus 1: 0 before the first."""
SLOT, SLOT_SUM, SLOT_COUNT, VISITED, DRIFT = 7, 8, 9, 10, 11
"""The hour being averaged plus 1, its sum and count; one bit for each hour that has a mean; the smoothed deviation."""
FILLED, BLOCKS = 12, 13
"""Values of the block being filled, and full blocks, of LONG, SHORT and SHIFT; then the same two of DAY and DRIFT."""
DAILY: Final = 2
STRENGTH, DECIDED, MEASURED, LOW, HIGH, CENTRE = 16, 17, 18, 19, 20, 21
"""Of the latest value: its strength, the part that said most (0 none), what that part measured, the usual band, and the
long level before it."""
PARTS: Final = 22
PART_STRIDE: Final = 7
SCALE, RECORD, SPREAD, TOP = 0, 1, 3, 5
"""Within a part. RECORD, SPREAD and TOP (of the block being filled) have two places: above and below the centre."""
PROFILE: Final = PARTS + 5 * PART_STRIDE
STRIDE: Final = PROFILE + SLOTS
OUT_STRIDE: Final = 7

LONG_PART, SHORT_PART, SHIFT_PART, DAY_PART, DRIFT_PART, FROZEN_PART = 1, 2, 3, 4, 5, 6


@kernel("f8(f8[::1], i8, i8)", inner=True)
def record(state: Any, part: int, side: int) -> float:
    """The surprise that is usual for the greatest of a block, above (0) or below (1) the centre."""
    return float(max(state[part + RECORD + side] + RECORD_SPREADS * state[part + SPREAD + side], RECORD_MIN))


@kernel("void(f8[::1], i8, f8, f8, f8)", inner=True)
def learn(state: Any, part: int, deviation: float, cap: float, step: float) -> None:
    """Take a deviation into the scale and records of its part; `cap` is how many scales it may count as."""
    scale, size = state[part + SCALE], abs(deviation)
    if scale > 0.0:
        top = part + (TOP if deviation >= 0.0 else TOP + 1)
        if size > state[top] * scale:
            state[top] = size / scale
        size = min(size, cap * scale)
    state[part + SCALE] = scale + step * (size - scale)


@kernel("void(f8[::1], i8, f8)", inner=True)
def close_block(state: Any, part: int, blocks: float) -> None:
    """Take the greatest surprises of a full block, the `blocks`-th, into the usual records."""
    for side in range(2):
        top = state[part + TOP + side]
        usual = state[part + RECORD + side]
        state[part + TOP + side] = 0.0
        if blocks == 2.0:
            state[part + RECORD + side] = top
        elif blocks > 2.0:
            gain = min(top, RECORD_CAP * max(usual, RECORD_MIN)) - usual
            spread = state[part + SPREAD + side]
            state[part + SPREAD + side] = spread + max(BLOCK_STEP, 1.0 / (blocks - 2.0)) * (abs(gain) - spread)
            state[part + RECORD + side] = usual + max(BLOCK_STEP, 1.0 / (blocks - 1.0)) * gain


@kernel("f8(f8[::1], i8, i8, i8)", inner=True)
def fill_block(state: Any, counts: int, part: int, parts: int) -> float:
    """Count one value for neighbouring parts; the step with which the next ones are learned, 1 / n at first."""
    filled, blocks = state[counts] + 1.0, state[counts + 1]
    if blocks >= 2.0:
        if filled >= BLOCK:
            blocks += 1.0
    elif filled >= (SETTLING if blocks == 0.0 else FIRST_BLOCK):
        blocks += 1.0
    if blocks == state[counts + 1]:
        state[counts] = filled
    else:
        state[counts], state[counts + 1] = 0.0, blocks
        for at in range(parts):
            close_block(state, part + at * PART_STRIDE, blocks)
    if blocks >= 2.0:
        return LONG_STEP
    return float(1.0 / (1.0 + state[counts] + blocks * SETTLING))


@kernel("void(f8[::1], i8, i8, f8)", inner=True)
def average_hour(state: Any, base: int, slot: int, value: float) -> None:
    """Add a value to its hour of day; the hour before becomes part of its mean when another one begins."""
    if state[base + SLOT] != slot + 1.0:
        before = int(state[base + SLOT]) - 1
        if before >= 0:
            mean = state[base + SLOT_SUM] / state[base + SLOT_COUNT]
            visited = int(state[base + VISITED])
            place = base + PROFILE + before
            if visited & (1 << before):
                state[place] += SLOT_STEP * (mean - state[place])
            else:
                state[place] = mean
                state[base + VISITED] = float(visited | (1 << before))
        state[base + SLOT] = slot + 1.0
        state[base + SLOT_SUM], state[base + SLOT_COUNT] = 0.0, 0.0
    state[base + SLOT_SUM] += value
    state[base + SLOT_COUNT] += 1.0


@kernel("f8(f8[::1], i8, f8)", inner=True)
def stand_still(state: Any, base: int, value: float) -> float:
    """Strength of FROZEN: whether it repeated itself twice as often as ever; 0 before a first run ended."""
    if value == state[base + LAST]:
        state[base + RUN] += 1.0
    else:
        state[base + LONGEST] = max(state[base + LONGEST], state[base + RUN] + 1.0)
        state[base + RUN], state[base + LAST] = 0.0, value
    if state[base + LONGEST] == 0.0 or state[base + BLOCKS] < 2.0:
        return 0.0
    return RUN_STRENGTH if state[base + RUN] >= 2.0 * (state[base + LONGEST] + RUN_SPARE) else 0.0


@kernel("f8(f8[::1], i8, i8, f8, f8, f8)", inner=True)
def weigh(state: Any, base: int, number: int, measured: float, centre: float, step: float) -> float:
    """Strength of one part; the band is noted where none before said more. The part learns from it."""
    part = base + PARTS + (number - 1) * PART_STRIDE
    deviation, scale, strength = measured - centre, state[part + SCALE], 0.0
    judged = step <= LONG_STEP
    if abs(deviation) <= ROUNDING * abs(measured):
        deviation = 0.0
    if judged:
        side = 0 if deviation >= 0.0 else 1
        usual = scale * record(state, part, side)
        if usual > 0.0:
            strength = min(abs(deviation) / usual, SURPRISE_MAX)
        elif deviation != 0.0:
            strength = SURPRISE_MAX
        if strength > state[base + STRENGTH]:
            state[base + STRENGTH], state[base + DECIDED], state[base + MEASURED] = strength, float(number), measured
            other = scale * record(state, part, 1 - side)
            state[base + LOW] = centre - (usual if side == 1 else other)
            state[base + HIGH] = centre + (usual if side == 0 else other)
    learn(state, part, deviation, CAP if judged else SURPRISE_MAX, step)
    return strength


@kernel("f8(f8[::1], i8, i8, f8)", inner=True)
def advance(state: Any, base: int, second: int, value: float) -> float:
    """The score of one value of the series at `base`, which learns from it."""
    state[base + STRENGTH], state[base + DECIDED] = 0.0, 0.0
    state[base + MEASURED], state[base + LOW], state[base + HIGH] = value, -math.inf, math.inf
    state[base + CENTRE] = state[base + LEVEL]
    if not abs(value) <= VALUE_MAX:
        return 0.0
    slot = (second % DAY_S) // SLOT_S
    if state[base + FILLED] == 0.0 and state[base + BLOCKS] == 0.0:
        state[base + LEVEL], state[base + SHORT], state[base + LAST] = value, value, value
        state[base + FIRST_S], state[base + FILLED] = float(second), 1.0
        average_hour(state, base, slot, value)
        return 0.0
    level, before = state[base + LEVEL], state[base + SHORT]
    short = before + SHORT_STEP * (value - before)
    first = base + PARTS
    step = fill_block(state, base + FILLED, first, 3)
    one = weigh(state, base, LONG_PART, value, level, step)
    total = one * one
    one = weigh(state, base, SHORT_PART, value, before, step)
    total += one * one
    one = weigh(state, base, SHIFT_PART, short, level, step)
    total += one * one
    if second - state[base + FIRST_S] >= DAYS * DAY_S and int(state[base + VISITED]) & (1 << slot):
        mean = state[base + PROFILE + slot]
        state[base + DRIFT] += SHORT_STEP * (value - mean - state[base + DRIFT])
        daily = fill_block(state, base + FILLED + DAILY, first + 3 * PART_STRIDE, 2)
        one = weigh(state, base, DAY_PART, value, mean, daily)
        total += one * one
        one = weigh(state, base, DRIFT_PART, mean + state[base + DRIFT], mean, daily)
        total += one * one
    one = stand_still(state, base, value)
    if one > state[base + STRENGTH]:
        state[base + STRENGTH], state[base + DECIDED], state[base + MEASURED] = one, float(FROZEN_PART), value
        state[base + LOW], state[base + HIGH] = value, value
    strength = math.sqrt(total + one * one)
    state[base + STRENGTH] = strength
    move = value - level
    if step <= LONG_STEP:
        limit = CAP * state[first + SCALE]
        move = max(min(move, limit), -limit)
    state[base + LEVEL] = level + step * move
    state[base + SHORT] = short
    average_hour(state, base, slot, value)
    held = state[base + HELD]
    state[base + HELD] = max(held - FADING * held, strength)
    return float(strength / (strength + REST + held))


@kernel("void(i8[::1], f8[::1], f8[::1], f8[::1])")
def score_series(ts_ns: Any, values: Any, state: Any, out: Any) -> None:
    """Fill `out` float64 (n,) with the scores of one series' values; times int64 (n,) in nanoseconds."""
    for row in range(values.size):
        out[row] = advance(state, 0, ts_ns[row] // SECOND_NS, values[row])


@kernel("void(i8[::1], i8[::1], f8[::1], f8[::1], f8[::1])")
def score_many(place: Any, time_us: Any, values: Any, state: Any, out: Any) -> None:
    """The same for many series at once: the series at `place` int64 (n,), in order of time within a series.

    `out` float64 (n * OUT_STRIDE,): score, strength, the part that said most, what it measured, low, high, and the
    long level. Low and high are the band within which its extremes usually lie.
    """
    for row in range(values.size):
        base, at = place[row] * STRIDE, row * OUT_STRIDE
        out[at] = advance(state, base, time_us[row] // SECOND_US, values[row])
        for field in range(OUT_STRIDE - 1):
            out[at + 1 + field] = state[base + STRENGTH + field]
