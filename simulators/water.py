"""Water levels: the tide where the sea reaches, and what the rain of the last hours brings down from the hills.

Tide: the four largest constituents of the Andaman Sea's mixed, mainly semidiurnal tide. Amplitudes are near those of
the gauge on Ko Taphao Noi, phases are not verified: springs, neaps and hours look right, a tide table it is not.
"""

from typing import Final

import numpy as np

from contracts.clock import HOUR_US, MINUTE_US
from simulators.chance import Draw, Floats, Ints, uniform, wave
from simulators.weather import rain_mm_h

CONSTITUENTS: Final = (
    (0.77, 12.420_601, 1.9),  # M2, the moon's half day
    (0.40, 12.0, 2.6),  # S2, the sun's half day
    (0.13, 23.934_470, 5.3),  # K1
    (0.05, 25.819_342, 4.4),  # O1
)
"""Amplitude in metres, period in hours (exact, from astronomy), phase in radians (unverified)."""
PLACES: Final = 2566
"""Bed, reach and catchment belong to a place, the same for every seed: the city's thresholds are made for them."""
RUNOFF_STEP_US: Final = 10 * MINUTE_US
RUNOFF_STEPS: Final = 60
"""Ten hours: what fell before has run off."""
RUNOFF_PEAK_H: Final = 1.3
"""A shower on small, steep catchments is felt most after about this long."""
RISE_M_PER_MM: Final = 0.013
"""Rise for a millimetre that has just come down: 100 mm in a few hours lift a khlong by about a metre."""


def tide_m(time_us: Ints) -> Floats:
    """Height of the sea over its mean, metres: float64 (n,)."""
    hours = time_us / HOUR_US
    height = np.zeros(len(time_us))
    for amplitude_m, period_h, phase in CONSTITUENTS:
        height += amplitude_m * np.cos(hours * (2 * np.pi / period_h) - phase)
    return height


def _weights() -> Floats:
    lag_h = np.arange(RUNOFF_STEPS) * (RUNOFF_STEP_US / HOUR_US)
    shape: Floats = lag_h * np.exp(-lag_h / RUNOFF_PEAK_H)
    peaked: Floats = shape / shape.max()
    return peaked


def runoff_mm(seed: int, local_us: Ints, cell: Ints) -> Floats:
    """Rain of the last hours as it arrives, in millimetres at the peak: float64 (n,).

    Made on a lattice of time and joined linearly, so that ten-second readings do not draw the whole past again.
    """
    step, inside = np.divmod(local_us, RUNOFF_STEP_US)
    keys, back = np.unique(np.stack([cell, step]), axis=1, return_inverse=True)
    both = np.concatenate([keys, keys + np.array([[0], [1]])], axis=1)
    lags = np.arange(RUNOFF_STEPS, dtype=np.int64)
    moments = (both[1][:, None] - lags[None, :]) * RUNOFF_STEP_US
    fallen = rain_mm_h(seed, moments.ravel(), np.repeat(both[0], RUNOFF_STEPS)).reshape(moments.shape)
    arriving = (fallen * (RUNOFF_STEP_US / HOUR_US)) @ _weights()
    before, after = arriving[: keys.shape[1]][back], arriving[keys.shape[1] :][back]
    joined: Floats = before + (after - before) * (inside / RUNOFF_STEP_US)
    return joined


def level_m(seed: int, time_us: Ints, local_us: Ints, site: Ints, cell: Ints, rain_share: float = 1.0) -> Floats:
    """Water level at sites over the zero of their own staffs (unverified): float64 (n,).

    How far the sea reaches, how high the bed lies and how steep the catchment is are drawn for each site, once.
    """
    reach = np.maximum(1.4 * uniform(PLACES, Draw.WATER, 1, site) - 0.4, 0.0)
    bed_m = 0.6 + 1.6 * uniform(PLACES, Draw.WATER, 2, site)
    steep = 0.6 + 0.9 * uniform(PLACES, Draw.WATER, 3, site)
    late_us = (40 * MINUTE_US * uniform(PLACES, Draw.WATER, 4, site)).astype(np.int64)
    ripple = 0.012 * wave(time_us, 90_000_000, seed, Draw.WATER, 5, site)
    rise = RISE_M_PER_MM * rain_share * steep * runoff_mm(seed, local_us, cell)
    level: Floats = bed_m + 0.75 * reach * tide_m(time_us - late_us) + rise + ripple
    return level
