"""Air and noise at a place: season, haze, traffic, wind and rain together.

Levels are our estimates of a clean island with busy roads: yearly mean PM2.5 around the national standard of
15 µg/m³ (The Nation, 2023), higher from January to April; episodes of haze come a few times a year and stay for days.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.clock import HOUR_US, MINUTE_US
from simulators.chance import Draw, Floats, Ints, normal, wave
from simulators.weather import Sky

PM25_MONTHLY: Final = np.array([17.0, 18.5, 19.0, 16.0, 10.5, 9.0, 9.5, 10.0, 10.0, 10.5, 11.5, 14.0])
"""Background without haze by month, January first, µg/m³: dry north-east monsoon high, wet south-west monsoon low."""
HAZE_FROM: Final = 0.60
"""How high the slow wave of haze must rise before there is any: a few episodes a year."""
HAZE_UG_M3: Final = 110.0
HAZE_SEASON: Final = np.array([0.8, 1.0, 1.0, 0.9, 0.4, 0.3, 0.4, 0.7, 0.9, 0.8, 0.5, 0.6])
"""Burning season in the north, and peat smoke from over the strait in August to October."""
SAMPLE_SPREAD: Final = 0.05
"""Spread of a single optical reading around the level of the air."""


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """Levels at places and moments; float64 arrays of one length; µg/m³, ppb, ppm and dBA."""

    pm2_5: Floats
    pm10: Floats
    no2_ppb: Floats
    o3_ppb: Floats
    so2_ppb: Floats
    co_ppm: Floats
    laeq_dba: Floats
    lamax_dba: Floats


def breathe(seed: int, local_us: Ints, site: Ints, street: Floats, traffic: Floats, sky: Sky) -> Air:
    """The air and the noise at sites, all arrays of (n,).

    Args:
        street: how much of the road reaches the site, 0 (a roof) to 1 (the kerb).
        traffic: demand over its mean of all days.
    """
    still = 2.2 / (sky.wind_m_s + 1.2)
    washed = 1.0 - 0.45 * sky.rain_mm_h / (sky.rain_mm_h + 6.0)
    slow = wave(local_us, 130 * HOUR_US, seed, Draw.AIR, 1)
    haze = np.maximum(slow - HAZE_FROM, 0.0) * HAZE_UG_M3 * HAZE_SEASON[sky.month]
    regional = PM25_MONTHLY[sky.month] * (1.0 + 0.28 * wave(local_us, 33 * HOUR_US, seed, Draw.AIR, 2))
    local = 5.0 * street * traffic * still
    place = 1.0 + 0.12 * wave(local_us, 70 * MINUTE_US, seed, Draw.AIR, 3, site)
    level = (regional * (0.8 + 0.2 * still) + haze + local) * washed * place
    pm2_5 = np.maximum(level * (1.0 + SAMPLE_SPREAD * normal(seed, Draw.AIR, 4, site, local_us)), 0.5)
    dust = 9.0 + 7.0 * street * traffic * np.where(sky.rain_mm_h > 0.2, 0.3, 1.0)
    coarse = dust * (1.0 + 0.2 * wave(local_us, 50 * MINUTE_US, seed, Draw.AIR, 5, site))
    no2 = (4.0 + 15.0 * street * traffic * still) * (1.0 + 0.08 * normal(seed, Draw.AIR, 6, site, local_us))
    ozone = 14.0 + 26.0 * sky.solar_w_m2 / 900.0 - 0.35 * no2 + 3.0 * wave(local_us, 2 * HOUR_US, seed, Draw.AIR, 7)
    ozone += 0.8 * normal(seed, Draw.AIR, 9, site, local_us)
    noise = 54.0 + 9.0 * street + 10.0 * np.log10(0.2 + traffic)
    noise += 3.0 * wave(local_us, 4 * MINUTE_US, seed, Draw.NOISE, 1, site) + 0.25 * np.minimum(sky.rain_mm_h, 30.0)
    laeq = noise + 1.4 * normal(seed, Draw.NOISE, 2, site, local_us)
    loud = np.abs(normal(seed, Draw.NOISE, 3, site, local_us))
    return Air(
        pm2_5=pm2_5,
        pm10=pm2_5 * 1.25 + coarse * washed,
        no2_ppb=np.maximum(no2, 0.5),
        o3_ppb=np.maximum(ozone, 0.0),
        so2_ppb=np.maximum(1.6 + 0.8 * wave(local_us, 6 * HOUR_US, seed, Draw.AIR, 8, site), 0.2),
        co_ppm=0.25 + 0.5 * street * traffic * still,
        laeq_dba=laeq,
        lamax_dba=laeq + 4.0 + 6.0 * loud,
    )
