"""Offences: what they are, and how often they are planted where nobody asks for more; all of them are labelled.

Five junctions with three cameras each reported in a month (Safer Roads Foundation, 2017): no helmet
45,000-80,000, red light 2,769-5,142, speeding under 100-986. For one camera that is 3,000-5,333, 185-343 and 7-66.
Whoever is not planted drives within the threshold: the truth is complete. Of the other offences no rates are known:
those here are our choice, so that an operator sees one of each within an hour or so.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np

from contracts.errors import ConfigError
from simulators.chance import Floats


class Offence(IntFlag):
    """What a passage truly is; several at once are possible. The last two need two passages, told as a pair."""

    NONE = 0
    SPEEDING = 1
    RED_LIGHT = 2
    NO_HELMET = 4
    OVERLOADED = 8
    WRONG_WAY = 16
    ILLEGAL_STOPPING = 32
    SECTION_SPEED = 64
    CLONED_PLATE = 128


OFFENCES: Final = tuple(offence for offence in Offence if offence)
"""Every kind, in the order of its flag."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How much is planted. Those of a kind alone are times the reported rates; those an hour are of the whole city.

    `near_misses`: harmless ones of each kind for every planted one.
    """

    speeding: float = 1.0
    red_light: float = 1.0
    no_helmet: float = 1.0
    overloaded_share: float = 0.002
    section_speed_per_h: float = 4.0
    wrong_way_per_h: float = 4.0
    illegal_stopping_per_h: float = 4.0
    cloned_plate_per_h: float = 3.0
    near_misses: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.overloaded_share <= 0.1:
            raise ConfigError("overloaded_share", self.overloaded_share, "a share of the motorcycles, 0 to 0.1")
        if min(getattr(self, name) for name in self.__slots__) < 0:
            raise ConfigError("rates", self, "none of them is negative")


DEMO: Final = Rates()
"""What a city shows that is simply switched on."""
PLENTY: Final = Rates(
    speeding=8.0,
    overloaded_share=0.002,
    section_speed_per_h=24.0,
    wrong_way_per_h=15.0,
    illegal_stopping_per_h=15.0,
    cloned_plate_per_h=12.0,
)
"""Enough of each kind in a day that a share of a hundredth can be measured."""


CAMERAS_2017: Final = 15
"""Five junctions, three cameras each."""
NO_HELMET_MONTHLY: Final = (45_000 / CAMERAS_2017, 80_000 / CAMERAS_2017)
RED_LIGHT_MONTHLY: Final = (2_769 / CAMERAS_2017, 5_142 / CAMERAS_2017)
SPEEDING_MONTHLY: Final = (100 / CAMERAS_2017, 986 / CAMERAS_2017)
"""Least and most of one camera in a month."""

MONTH_DAYS: Final = 30.0
FASTEST_KMH: Final = 167.0
"""The fastest that was ever measured in Phuket's underpass, a motorcycle (The Phuket News 2018)."""
MEAN_EXCESS_KMH: Final = 11.0
"""Mean speed above the threshold of those above it: most are a little over, few are far over."""
LEAST_EXCESS_KMH: Final = 1.0
RUN_WITHIN_US: Final = 4_000_000
"""Nearly everybody who runs a red light does so in its first seconds."""
LEAST_RED_US: Final = 1_600_000
"""Less than this into red is no offence that anybody would plant: a second of grace, and clocks and loops that are
not that exact."""
GRACE_US: Final = 700_000
"""Whoever comes in the first moment of red does not stop any more, and does nothing that anybody is charged with."""


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
