"""Naive twin of processing/kernels/stream.py: each series an object, each part an object; from an empty state only."""

import math
from dataclasses import dataclass, field
from typing import Any

SETTLING, FIRST_BLOCK, BLOCK = 32, 224, 512
OUT_STRIDE = 7


@dataclass
class Side:
    """What the greatest deviations of a block on one side of the centre usually are, in scales."""

    usual: float = 0.0
    spread: float = 0.0
    top: float = 0.0

    def close(self, blocks: int) -> None:
        top, self.top = self.top, 0.0
        if blocks == 2:
            self.usual = top
        elif blocks > 2:
            gain = min(top, 2.0 * max(self.usual, 1.0)) - self.usual
            self.spread += max(0.1, 1 / (blocks - 2)) * (abs(gain) - self.spread)
            self.usual += max(0.1, 1 / (blocks - 1)) * gain

    @property
    def record(self) -> float:
        return max(self.usual + 2.0 * self.spread, 1.0)


@dataclass
class Part:
    number: int
    scale: float = 0.0
    above: Side = field(default_factory=Side)
    below: Side = field(default_factory=Side)

    def weigh(self, measured: float, centre: float, step: float) -> tuple[float, int, float, float, float]:
        """Strength, number, what was measured, and the band; learns from it."""
        deviation = measured - centre
        if abs(deviation) <= 1e-12 * abs(measured):
            deviation = 0.0
        side = self.above if deviation >= 0 else self.below
        strength, low, high = 0.0, math.nan, math.nan
        warm = step <= 1 / 512
        if warm:
            low, high = centre - self.scale * self.below.record, centre + self.scale * self.above.record
            usual = self.scale * side.record
            strength = min(abs(deviation) / usual, 1e6) if usual else (1e6 if deviation else 0.0)
        size = abs(deviation)
        if self.scale > 0:
            if size > side.top * self.scale:
                side.top = size / self.scale
            size = min(size, (4.0 if warm else 1e6) * self.scale)
        self.scale += step * (size - self.scale)
        return strength, self.number, measured, low, high


@dataclass
class Group:
    """Parts that learn from the same values, block by block."""

    parts: list[Part]
    filled: int = 0
    blocks: int = 0

    def count(self) -> float:
        """One more value; the step with which the parts learn from it."""
        self.filled += 1
        if self.filled >= {0: SETTLING, 1: FIRST_BLOCK}.get(self.blocks, BLOCK):
            self.filled, self.blocks = 0, self.blocks + 1
            for part in self.parts:
                part.above.close(self.blocks)
                part.below.close(self.blocks)
        return 1 / 512 if self.blocks >= 2 else 1 / (1 + self.filled + SETTLING * self.blocks)


class Series:
    def __init__(self) -> None:
        self.recent = Group([Part(1), Part(2), Part(3)])
        self.daily = Group([Part(4), Part(5)])
        self.level = self.short = self.held = self.drift = 0.0
        self.last = math.nan
        self.run, self.longest = 0, -1
        self.first_s: int | None = None
        self.hour: int | None = None
        self.hour_values: list[float] = []
        self.hour_means: dict[int, float] = {}

    def advance(self, second: int, value: float) -> list[float]:
        """Score, strength, part, what it measured, low, high and the long level."""
        out = [0.0, 0.0, 0.0, value, -math.inf, math.inf, self.level]
        if not abs(value) <= 1e150:
            return out
        hour = second % 86_400 // 3_600
        if self.first_s is None:
            self.first_s, self.level, self.short, self.last = second, value, value, value
            self.recent.filled = 1
            self.average(hour, value)
            return out
        short = self.short + 0.1 * (value - self.short)
        step = self.recent.count()
        long_part, short_part, shift_part = self.recent.parts
        said = [
            long_part.weigh(value, self.level, step),
            short_part.weigh(value, self.short, step),
            shift_part.weigh(short, self.level, step),
        ]
        if second - self.first_s >= 8 * 86_400 and hour in self.hour_means:
            mean = self.hour_means[hour]
            self.drift += 0.1 * (value - mean - self.drift)
            daily = self.daily.count()
            day_part, drift_part = self.daily.parts
            said += [day_part.weigh(value, mean, daily), drift_part.weigh(mean + self.drift, mean, daily)]
        said.append((self.stand_still(value), 6, value, value, value))
        best = max(said, key=lambda one: one[0])
        if best[0] > 0:
            out[2:6] = best[1:]
        strength = math.sqrt(sum(one[0] ** 2 for one in said))
        move = value - self.level
        if step <= 1 / 512:
            limit = 4.0 * long_part.scale
            move = max(min(move, limit), -limit)
        self.level += step * move
        self.short = short
        self.average(hour, value)
        out[0], out[1] = strength / (strength + 0.5 + self.held), strength
        self.held = max(self.held - self.held / 512, strength)
        return out

    def stand_still(self, value: float) -> float:
        if value == self.last:
            self.run += 1
        else:
            self.longest, self.run, self.last = max(self.longest, self.run), 0, value
        if self.longest < 0 or self.recent.blocks < 2:
            return 0.0
        return 2.0 if self.run >= 2 * (self.longest + 1 + 8) else 0.0

    def average(self, hour: int, value: float) -> None:
        if hour != self.hour:
            if self.hour is not None:
                mean = sum(self.hour_values) / len(self.hour_values)
                before = self.hour_means.get(self.hour)
                self.hour_means[self.hour] = mean if before is None else before + 0.2 * (mean - before)
            self.hour, self.hour_values = hour, []
        self.hour_values.append(value)


def score_many(place: Any, time_us: Any, values: Any, state: Any, out: Any) -> None:
    series: dict[int, Series] = {}
    rows = zip(place.tolist(), time_us.tolist(), values.tolist(), strict=True)
    for row, (number, moment, value) in enumerate(rows):
        said = series.setdefault(number, Series()).advance(moment // 1_000_000, value)
        out[row * OUT_STRIDE : (row + 1) * OUT_STRIDE] = said


def score_series(ts_ns: Any, values: Any, state: Any, out: Any) -> None:
    series = Series()
    for row, (moment, value) in enumerate(zip(ts_ns.tolist(), values.tolist(), strict=True)):
        out[row] = series.advance(moment // 1_000_000_000, value)[0]
