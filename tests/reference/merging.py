"""Naive twin of processing/kernels/merging.py: all samples of a window kept, its figures computed from them."""

import math
from fractions import Fraction
from typing import Any

import numpy as np

MINUTE, SETTLED, SWEEP = 60_000_000, 780_000_000, 900_000_000
WIDTHS = (15, 60, 1440)


BUCKETS = {15: 31, 60: 63, 1440: 127}


def merge(minutes: Any, since_us: int, now_us: int, speeds: frozenset[int] = frozenset()) -> list[tuple[Any, ...]]:
    """Of minutes (series, minute, tick, samples, (event time of the last, last)) in order of their ticks: the rows
    (series, width in minutes, first minute, tick, revision, count, added, figures, quantiles of buckets). `speeds`: the
    series whose buckets are whole km/h."""
    rows: list[tuple[Any, ...]] = []
    events = [(one[2], 0, one) for one in minutes]
    events += [
        (tick, 1, None)
        for tick in range(since_us - since_us % 1_000_000, now_us + 1, 1_000_000)
        if tick > since_us and (tick - SETTLED) % SWEEP == 0
    ]
    slots: dict[tuple[int, int], dict[str, Any]] = {}
    for tick, swept, one in sorted(events, key=lambda event: event[:2]):
        if swept:
            for (series, width), slot in sorted(slots.items()):
                if slot["added"] and (slot["start"] + width) * MINUTE + SETTLED <= tick:
                    rows.append(_say(series, width, slot, tick, speeds))
            continue
        series, minute, _, samples, last = one
        for width in WIDTHS:
            start = (minute + 420) // width * width - 420
            held = slots.get((series, width))
            if held is not None and start < held["start"]:
                continue
            if held is None or start > held["start"]:
                if held is not None and held["added"]:
                    rows.append(_say(series, width, held, tick, speeds))
                slots[(series, width)] = {"start": start, "samples": [], "added": 0, "revision": 0, "last": last}
            slot = slots[(series, width)]
            slot["samples"] += samples
            slot["added"] += len(samples)
            slot["last"] = max(slot["last"], last)
    return rows


def _say(series: int, width: int, slot: dict[str, Any], tick: int, speeds: frozenset[int]) -> tuple[Any, ...]:
    slot["revision"] += 1
    samples, added, slot["added"] = slot["samples"], slot["added"], 0
    exact = [Fraction(sample) for sample in samples]
    mean = sum(exact) / len(exact)
    spread = sum((sample - mean) ** 2 for sample in exact)
    sd = math.sqrt(spread / (len(exact) - 1)) if len(exact) > 1 else math.nan
    quantiles = [float(np.quantile(samples, share)) for share in (0.5, 0.85, 0.95)]
    figures = (float(mean), min(samples), max(samples), sd, *quantiles, slot["last"][1])
    rough = [sketched(samples, share, BUCKETS[width], series in speeds) for share in (0.5, 0.85, 0.95)]
    return (series, width, slot["start"], tick, slot["revision"], len(samples), added, figures, rough)


def pack(lists: list[list[int]]) -> list[int]:
    """The words of lists, each with its room, one after the other."""
    return [word for words in lists for word in words]


def sketched(samples: list[float], share: float, most: int, speeds: bool) -> float:
    """A quantile from all samples' buckets, as coarse as it takes for no more than `most` of them."""
    level, keys = 0, sorted(_bucket(sample, speeds) for sample in samples)
    while len(set(keys)) > most:
        level, keys = level + 1, [key // 2 if key >= 0 else -(-key // 2) for key in keys]
    rank = share * (len(keys) - 1)
    low, high = (_middle(keys[min(at, len(keys) - 1)], level, speeds) for at in (int(rank), int(rank) + 1))
    value = (
        low if keys[int(rank)] == keys[min(int(rank) + 1, len(keys) - 1)] else low + (rank - int(rank)) * (high - low)
    )
    return min(max(value, min(samples)), max(samples))


def _bucket(sample: float, speeds: bool) -> int:
    if speeds:
        return math.floor(sample + 0.5)
    if abs(sample) < 2.0**-16:
        return 0
    fraction, power = math.frexp(abs(sample))
    key = (power - 1 + 16) * 128 + math.floor((2 * fraction - 1) * 128)
    return key if sample >= 0 else -key


def _middle(key: int, level: int, speeds: bool) -> float:
    width = 1 << level
    first = abs(key) * width
    last = first + width
    if speeds:
        value = (first + last - 1) / 2
    elif key == 0:
        return 0.0
    else:
        value = sum(math.ldexp(1 + at % 128 / 128, at // 128 - 16) if at else 0.0 for at in (first, last)) / 2
    return value if key >= 0 else -value
