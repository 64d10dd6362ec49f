"""Offences, planted at the rates that Phuket's own cameras have reported, and labelled.

Five junctions with three cameras each reported in a month (facts 2.2, Safer Roads Foundation 2017): no helmet
45,000-80,000, red light 2,769-5,142, speeding under 100-986. For one camera that is 3,000-5,333, 185-343 and 7-66.
Whoever is not planted drives within the threshold: the truth is complete.
"""

from enum import IntFlag
from typing import Final

import numpy as np

from simulators.chance import Floats


class Offence(IntFlag):
    """What a passage truly is; several at once are possible."""

    NONE = 0
    SPEEDING = 1
    RED_LIGHT = 2
    NO_HELMET = 4


CAMERAS_2017: Final = 15
"""Five junctions, three cameras each."""
NO_HELMET_MONTHLY: Final = (45_000 / CAMERAS_2017, 80_000 / CAMERAS_2017)
RED_LIGHT_MONTHLY: Final = (2_769 / CAMERAS_2017, 5_142 / CAMERAS_2017)
SPEEDING_MONTHLY: Final = (100 / CAMERAS_2017, 986 / CAMERAS_2017)
"""Least and most of one camera in a month."""

MONTH_DAYS: Final = 30.0
FASTEST_KMH: Final = 167.0
"""The fastest that was ever measured in Phuket's underpass, a motorcycle (facts 2.2)."""
MEAN_EXCESS_KMH: Final = 11.0
"""Mean speed above the threshold of those above it: most are a little over, few are far over."""
LEAST_EXCESS_KMH: Final = 1.0
RUN_WITHIN_US: Final = 4_000_000
"""Nearly everybody who runs a red light does so in its first seconds."""
LEAST_RED_US: Final = 300_000
"""Less than this into red is no offence that anybody would plant: clocks and loops are not that exact."""


def middle(band: tuple[float, float]) -> float:
    """The geometric middle of a band, a day instead of a month."""
    return float(np.sqrt(band[0] * band[1])) / MONTH_DAYS


def speeding_share(vehicles_per_day: Floats) -> Floats:
    """Chance that a vehicle is over the threshold, by vehicles a day past the camera: float64 (n,)."""
    return np.minimum(middle(SPEEDING_MONTHLY) / np.maximum(vehicles_per_day, 1.0), 0.01)


def red_light_share(vehicles_per_day: Floats, cycle_us: Floats) -> Floats:
    """Chance that one who comes in the first seconds of red does not stop: float64 (n,)."""
    window_share = (RUN_WITHIN_US - LEAST_RED_US) / cycle_us
    return np.minimum(middle(RED_LIGHT_MONTHLY) / np.maximum(vehicles_per_day * window_share, 1.0), 0.5)


def no_helmet_share(vehicles_per_day: Floats, motorcycle_share: float) -> float:
    """Chance that somebody on a motorcycle is bare-headed, one figure for a city: people do not change at a camera.

    `vehicles_per_day`: of the cameras that report every vehicle, float64 (n,).
    """
    if vehicles_per_day.size == 0:
        return 0.0
    return min(middle(NO_HELMET_MONTHLY) / max(float(vehicles_per_day.mean()) * motorcycle_share, 1.0), 0.3)
