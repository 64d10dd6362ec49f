"""Naive twin of processing/kernels/merging.py: all samples of a window kept, its figures computed from them."""

import math
from fractions import Fraction
from typing import Any

import numpy as np

MINUTE, SETTLED, SWEEP = 60_000_000, 780_000_000, 900_000_000
WIDTHS = (15, 60, 1440)


def merge(minutes: Any, since_us: int, now_us: int) -> list[tuple[Any, ...]]:
    """Of minutes (series, minute, tick, samples, (event time of the last, last)) in order of their ticks: the rows
    (series, width in minutes, first minute, tick, revision, count, added, figures)."""
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
                    rows.append(_say(series, width, slot, tick))
            continue
        series, minute, _, samples, last = one
        for width in WIDTHS:
            start = (minute + 420) // width * width - 420
            held = slots.get((series, width))
            if held is not None and start < held["start"]:
                continue
            if held is None or start > held["start"]:
                if held is not None and held["added"]:
                    rows.append(_say(series, width, held, tick))
                slots[(series, width)] = {"start": start, "samples": [], "added": 0, "revision": 0, "last": last}
            slot = slots[(series, width)]
            slot["samples"] += samples
            slot["added"] += len(samples)
            slot["last"] = max(slot["last"], last)
    return rows


def _say(series: int, width: int, slot: dict[str, Any], tick: int) -> tuple[Any, ...]:
    slot["revision"] += 1
    samples, added, slot["added"] = slot["samples"], slot["added"], 0
    exact = [Fraction(sample) for sample in samples]
    mean = sum(exact) / len(exact)
    spread = sum((sample - mean) ** 2 for sample in exact)
    sd = math.sqrt(spread / (len(exact) - 1)) if len(exact) > 1 else math.nan
    quantiles = [float(np.quantile(samples, share)) for share in (0.5, 0.85, 0.95)]
    figures = (float(mean), min(samples), max(samples), sd, *quantiles, slot["last"][1])
    return (series, width, slot["start"], tick, slot["revision"], len(samples), added, figures)
