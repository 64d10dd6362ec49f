"""The weather of an island in the Andaman Sea, as a pure function of time and place: nothing starts, nothing is kept.

Temperature and rain follow the normals of Phuket (Thai Meteorological Department 1961-90, by the Hong Kong
Observatory), wind the two monsoons; how they vary from hour to hour is smooth noise. All of it varies together: rain
cools and wets the air, and clouds dim the sun.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.clock import HOUR_US, MINUTE_US
from simulators.chance import Draw, Floats, Ints, uniform, wave

HIGH_C: Final = np.array([31.8, 32.9, 33.5, 33.4, 32.0, 31.6, 31.2, 31.2, 30.7, 30.9, 31.0, 31.2])
LOW_C: Final = np.array([23.3, 23.7, 24.3, 24.8, 24.5, 24.5, 24.2, 24.4, 23.9, 23.8, 23.8, 23.7])
RAIN_MM: Final = np.array([29.8, 20.9, 49.1, 121.9, 319.4, 268.9, 290.5, 272.6, 399.0, 309.6, 175.7, 59.4])
"""Normals by month, January first."""
RAIN_FROM: Final = np.array([0.919, 0.935, 0.894, 0.844, 0.781, 0.793, 0.788, 0.792, 0.765, 0.783, 0.821, 0.884])
"""How high the wetness must rise for rain, by month: fitted so that the monthly sums come near the normals."""
HEAVIEST_MM_H: Final = 280.0
RAIN_POWER: Final = 1.7
"""Rain rate = heaviest x (wetness above the line) ** power: much drizzle, a few downpours."""
DEW_POINT_C: Final = np.array([22.2, 22.6, 23.4, 24.4, 24.8, 24.6, 24.3, 24.3, 24.2, 24.0, 23.6, 22.6])
"""Mean dew point by month: our estimate from mean temperature and humidity."""
DAYS_BEFORE: Final = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
LATITUDE_RAD: Final = 0.1385
"""Phuket, 7.93 degrees north."""
CELL_DEG: Final = 0.06
"""Showers are about this wide (6.6 km): stations within one cell get wet together."""


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Weather at places and moments; float64 arrays of one length. `month` counts from 0."""

    hour: Floats
    month: Ints
    rain_mm_h: Floats
    cloud: Floats
    wind_m_s: Floats
    wind_from_deg: Floats
    temperature_c: Floats
    humidity_pct: Floats
    pressure_hpa: Floats
    solar_w_m2: Floats


def month_of(local_us: Ints) -> Ints:
    """Months of local moments, 0 to 11: int64 (n,)."""
    return local_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12


def shower_cell(lon: float, lat: float) -> int:
    """The key of the shower cell that a place lies in."""
    return int(lon / CELL_DEG) * 100_003 + int(lat / CELL_DEG)


def rain_mm_h(seed: int, local_us: Ints, cell: Ints) -> Floats:
    """Rain rate at moments and shower cells: float64 (n,)."""
    days = wave(local_us, 40 * HOUR_US, seed, Draw.RAIN, 1)
    hours = wave(local_us, 5 * HOUR_US, seed, Draw.RAIN, 2)
    shower = wave(local_us, 45 * MINUTE_US, seed, Draw.RAIN, 3, cell)
    burst = wave(local_us, 7 * MINUTE_US, seed, Draw.RAIN, 4, cell)
    wetness = 0.5 + 0.24 * days + 0.20 * hours + 0.24 * shower + 0.06 * burst
    above = np.maximum(wetness - RAIN_FROM[month_of(local_us)], 0.0)
    rate: Floats = HEAVIEST_MM_H * above**RAIN_POWER
    return np.where(rate < 0.05, 0.0, rate)


def look(seed: int, local_us: Ints, cell: Ints) -> Sky:
    """The weather at local moments (UTC plus the city's offset) and shower cells: arrays of (n,)."""
    hour = (local_us % (24 * HOUR_US)) / HOUR_US
    month = month_of(local_us)
    rain = rain_mm_h(seed, local_us, cell)
    lately = (rain + rain_mm_h(seed, local_us - 20 * MINUTE_US, cell) + rain_mm_h(seed, local_us - HOUR_US, cell)) / 3.0
    wet = lately / (lately + 4.0)
    synoptic = wave(local_us, 52 * HOUR_US, seed, Draw.WEATHER, 1)
    cloud = np.clip(0.42 + 0.3 * wave(local_us, 3 * HOUR_US, seed, Draw.WEATHER, 2, cell) + 0.5 * wet, 0.0, 1.0)
    temperature = _temperature_c(hour, month, cloud, wet) + 0.7 * synoptic
    temperature += 0.25 * wave(local_us, 11 * MINUTE_US, seed, Draw.WEATHER, 3, cell)
    dew_point = DEW_POINT_C[month] + 0.9 * wave(local_us, 9 * HOUR_US, seed, Draw.WEATHER, 4) + 0.8 * wet
    humidity = 100.0 * _vapour(np.minimum(dew_point, temperature)) / _vapour(temperature)
    wind, wind_from = _wind(seed, local_us, hour, month, cell, synoptic)
    tide_of_air = 1.5 * np.cos((hour - 10.0) * (2 * np.pi / 12.0))
    return Sky(
        hour=hour,
        month=month,
        rain_mm_h=rain,
        cloud=cloud,
        wind_m_s=wind,
        wind_from_deg=wind_from,
        temperature_c=temperature,
        humidity_pct=np.clip(humidity + 3.0 * wet, 30.0, 100.0),
        pressure_hpa=1009.3 + tide_of_air - 1.8 * synoptic,
        solar_w_m2=_solar_w_m2(local_us, hour, month, cloud),
    )


def _temperature_c(hour: Floats, month: Ints, cloud: Floats, wet: Floats) -> Floats:
    """Between the month's low (about 06) and high (about 14), damped by clouds, cooled by rain."""
    rising = 0.5 - 0.5 * np.cos((hour - 6.0) * (np.pi / 8.0))
    falling = 0.5 + 0.5 * np.cos(((hour - 14.0) % 24.0) * (np.pi / 16.0))
    share = np.where((hour >= 6.0) & (hour < 14.0), rising, falling)
    span = (HIGH_C - LOW_C)[month] * (1.12 - 0.3 * cloud)
    cooled: Floats = LOW_C[month] + span * share - 2.8 * wet * (0.4 + share)
    return cooled


def _vapour(temperature_c: Floats) -> Floats:
    """Saturation vapour pressure, hPa (Magnus form; Alduchov and Eskridge 1996)."""
    pressure: Floats = 6.1094 * np.exp(17.625 * temperature_c / (243.04 + temperature_c))
    return pressure


def _wind(seed: int, local_us: Ints, hour: Floats, month: Ints, cell: Ints, synoptic: Floats) -> tuple[Floats, Floats]:
    """Speed in m/s and where it comes from: south-west May to October, north-east November to April; sea breeze."""
    south_west = (month >= 4) & (month <= 9)
    monsoon_from = np.where(south_west, 245.0, 65.0)
    monsoon = np.where(south_west, 3.6, 2.6) + 1.2 * synoptic
    breeze = 1.9 * np.clip(np.sin((hour - 9.5) * (np.pi / 10.0)), 0.0, None) * ((hour > 9.5) & (hour < 19.5))
    gust = 1.0 + 0.28 * wave(local_us, 2 * MINUTE_US, seed, Draw.WEATHER, 5, cell)
    gust += 0.22 * wave(local_us, 25 * MINUTE_US, seed, Draw.WEATHER, 6, cell)
    angle = np.radians(monsoon_from + 35.0 * wave(local_us, 4 * HOUR_US, seed, Draw.WEATHER, 7, cell))
    east = -monsoon * np.sin(angle) + breeze  # the sea breeze of the west coast comes from 270 degrees
    north = -monsoon * np.cos(angle)
    wander = 12.0 * wave(local_us, 5 * MINUTE_US, seed, Draw.WEATHER, 8, cell)
    speed = np.maximum(np.hypot(east, north) * gust, 0.1)
    came_from: Floats = (np.degrees(np.arctan2(-east, -north)) + wander) % 360.0
    return speed, came_from


def _solar_w_m2(local_us: Ints, hour: Floats, month: Ints, cloud: Floats) -> Floats:
    """Global radiation from the sun's height (Cooper 1969 for the declination) and clouds (Kasten and Czeplak 1980)."""
    day = DAYS_BEFORE[month] + (local_us // (24 * HOUR_US)) % 30
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365.0)
    turn = np.radians(15.0) * (hour - 12.4)  # noon comes at 12:24 here: 98.3 east, zone of 105
    height = np.sin(LATITUDE_RAD) * np.sin(declination)
    height = height + np.cos(LATITUDE_RAD) * np.cos(declination) * np.cos(turn)
    clear = 910.0 * np.maximum(height, 0.0) - 30.0
    solar: Floats = np.maximum(clear, 0.0) * (1.0 - 0.75 * cloud**3.4)
    return solar


def tips_mm(seed: int, amount_mm: Floats, bucket_mm: float, *keys: Ints) -> Floats:
    """What a tipping bucket reports of an amount: whole tips, the rest carried by chance so that sums stay true."""
    tips: Floats = np.floor(amount_mm / bucket_mm + uniform(seed, Draw.RAIN, 5, *keys)) * bucket_mm
    return tips
