"""Naive twins of processing/kernels/levels.py."""

import math
from typing import Any


def exp(x: float) -> float:
    return math.exp(x)


def log(x: float) -> float:
    return math.log(x)


def to_energy(level_db: Any, out: Any) -> None:
    out[:] = [round(10.0 ** (min(150.0, max(0.0, level)) / 10.0)) for level in level_db.tolist()]


def to_level(energy: Any, out: Any) -> None:
    out[:] = [10.0 * math.log10(max(1.0, one)) for one in energy.tolist()]
