"""Naive twins of processing/kernels/windows.py."""

import math
from typing import Any

import numpy as np


def quantile(ordered: Any, share: float) -> float:
    return float(np.quantile(ordered, share, method="linear"))


def summarise(values: Any, first: Any, expected: Any, out: Any) -> None:
    for group in range(len(first) - 1):
        samples = [float(value) for value in values[first[group] : first[group + 1]]]
        count, mean = len(samples), math.fsum(samples) / len(samples)
        sd = math.sqrt(math.fsum((s - mean) ** 2 for s in samples) / (count - 1)) if count > 1 else math.nan
        share = math.nan if math.isnan(expected[group]) else min(1.0, count / expected[group])
        out[group * 9 : group * 9 + 9] = [
            mean,
            min(samples),
            max(samples),
            sd,
            quantile(samples, 0.5),
            quantile(samples, 0.85),
            quantile(samples, 0.95),
            samples[-1],
            share,
        ]
