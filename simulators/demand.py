"""How many vehicles drive, when, and of which class: the rhythm of the day and the week, in Thai local time.

Figures: Patong hill (4029) carries 80,000 vehicles a day, and the rush is 07-10 and 17-19 (Bangkok Post 2022). That
flights peak at night and beach roads are busiest from November to April is unverified. The rest is our estimate, made
to look like those (docs/decisions/0050-a-city-as-pure-functions.md), and nothing but this file knows it.
"""

from datetime import datetime
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import HOUR_US, SECOND_US, to_datetime
from contracts.devices import Device
from contracts.records import Direction
from contracts.roads import Segment
from simulators.chance import Floats, Ints


class Rhythm(IntEnum):
    """Kinds of roads that live by different clocks."""

    COMMUTER = 0
    NIGHTLIFE = 1
    AIRPORT = 2
    BEACH = 3


# fmt: off
_HOURS: Final = np.array([
    [0.25, 0.15, 0.12, 0.12, 0.18, 0.45, 1.00, 1.90, 1.95, 1.60, 1.15, 1.10,
     1.15, 1.10, 1.10, 1.20, 1.45, 2.05, 1.95, 1.35, 0.95, 0.75, 0.55, 0.38],
    [1.10, 0.95, 0.70, 0.45, 0.25, 0.30, 0.55, 0.95, 1.05, 0.95, 0.90, 0.95,
     1.00, 0.95, 0.95, 1.05, 1.15, 1.45, 1.55, 1.60, 1.65, 1.60, 1.50, 1.35],
    [0.95, 0.80, 0.65, 0.55, 0.65, 0.90, 1.05, 1.30, 1.25, 1.10, 1.00, 1.00,
     1.00, 1.00, 1.00, 1.05, 1.10, 1.25, 1.25, 1.15, 1.10, 1.10, 1.10, 1.05],
    [0.30, 0.20, 0.15, 0.12, 0.15, 0.35, 0.75, 1.20, 1.35, 1.40, 1.35, 1.25,
     1.20, 1.20, 1.25, 1.35, 1.55, 1.85, 1.80, 1.50, 1.15, 0.90, 0.65, 0.45],
])
# fmt: on
"""Weight of each hour of the day, one row a rhythm; each is scaled to a mean of 1 below."""
_SHAPE: Final = _HOURS / _HOURS.mean(axis=1, keepdims=True)

_WEEK: Final = np.array(
    [
        [1.04, 1.03, 1.03, 1.04, 1.10, 0.94, 0.82],
        [0.95, 0.95, 0.96, 0.98, 1.06, 1.08, 1.02],
        [0.98, 0.96, 0.97, 0.99, 1.05, 1.03, 1.02],
        [0.95, 0.95, 0.95, 0.97, 1.02, 1.10, 1.06],
    ]
)
"""Monday to Sunday; each row has a mean of 1."""

_SEASON: Final = (1.10, 1.10, 1.06, 1.04, 0.95, 0.93, 0.95, 0.95, 0.90, 0.95, 1.02, 1.12)
"""January to December: high season November to April."""

DAILY_PER_LANE: Final = 6_500.0
"""Vehicles a day on one lane of a main road: an urban signalled lane carries about 8,000 at most."""
KNOWN_DAILY: Final = {"4029": 80_000.0}
"""Vehicles a day over both directions, by road (Bangkok Post 2022)."""
KNOWN_SPREAD: Final = 0.55
"""A known figure holds for the busiest point; the other cameras of the road see about this share of it."""
TYPICAL_SPEED_SHARE: Final = 0.62
"""Mean speed at full demand as a share of the free one: what remains when a road is at its capacity."""

CLASS_MIX: Final = np.array(
    [
        [0.585, 0.225, 0.125, 0.035, 0.006, 0.020, 0.004],
        [0.660, 0.170, 0.060, 0.055, 0.004, 0.006, 0.045],
        [0.440, 0.300, 0.130, 0.085, 0.018, 0.024, 0.003],
        [0.620, 0.205, 0.090, 0.050, 0.008, 0.012, 0.015],
    ]
)
"""Share of each class (motorcycle, car, pickup, van, bus, truck, three-wheel) by rhythm; most are motorcycles."""

_NIGHTLIFE_ZONES: Final = frozenset({"patong", "pa-tong"})
_BEACH_ZONES: Final = frozenset({"karon", "kamala", "choeng-thale", "cherng-talay", "rawai", "sakhu", "mai-khao"})
_AIRPORT_ROADS: Final = frozenset({"4026", "4031"})


def rhythm_of(segment: Segment | None, device: Device) -> Rhythm:
    """Which clock a camera's road lives by."""
    if segment is not None and segment.road in _AIRPORT_ROADS:
        return Rhythm.AIRPORT
    if device.zone in _NIGHTLIFE_ZONES:
        return Rhythm.NIGHTLIFE
    if device.zone in _BEACH_ZONES:
        return Rhythm.BEACH
    return Rhythm.COMMUTER


def daily_vehicles(segment: Segment | None, device: Device, direction: Direction) -> float:
    """Vehicles past a camera in one direction on a mean day."""
    lanes = len(device.lanes_forward if direction == Direction.FORWARD else device.lanes_backward)
    if segment is None:
        return DAILY_PER_LANE * lanes
    if segment.road in KNOWN_DAILY:
        return KNOWN_DAILY[segment.road] / 2 * KNOWN_SPREAD
    lane_weight = 1.0 if segment.town else 0.8
    return DAILY_PER_LANE * lane_weight * min(lanes, segment.lanes)


def local_time(city_zone: str, time_us: int) -> datetime:
    """The local moment of the city."""
    return to_datetime(time_us).astimezone(ZoneInfo(city_zone))


def utc_offset_us(city_zone: str, time_us: int) -> int:
    """What to add to UTC to get the city's local time, microseconds."""
    offset = local_time(city_zone, time_us).utcoffset()
    return int(offset.total_seconds()) * SECOND_US if offset else 0


def intensity(city_zone: str, time_us: int) -> Floats:
    """Demand at a moment over the mean of all days, by rhythm: float64 (rhythms,). Joined linearly between hours."""
    local = local_time(city_zone, time_us)
    hour = local.hour + (local.minute * 60 + local.second) / 3600.0
    low = int(hour - 0.5) if hour >= 0.5 else -1
    share = hour - 0.5 - low
    shape = _SHAPE[:, low % 24] * (1.0 - share) + _SHAPE[:, (low + 1) % 24] * share
    joined: Floats = shape * _WEEK[:, local.weekday()] * _SEASON[local.month - 1]
    return joined


def mean_intensity(city_zone: str, times_us: Ints) -> Floats:
    """The commuter rhythm at many moments, float64 (n,): what drives the air and the noise of a place."""
    offset_us = utc_offset_us(city_zone, int(times_us.flat[0])) if times_us.size else 0
    hours = ((times_us + offset_us) % (24 * HOUR_US)) / HOUR_US - 0.5
    low = np.floor(hours).astype(np.int64)
    share = hours - low
    mean: Floats = _SHAPE[0][low % 24] * (1.0 - share) + _SHAPE[0][(low + 1) % 24] * share
    return mean


def speed_share(intensities: Floats) -> Floats:
    """Mean speed over the free one at a demand: falls slowly, then fast (after the BPR curve of 1964)."""
    load = intensities / 2.0
    share: Floats = 1.0 / (1.0 + (1.0 / TYPICAL_SPEED_SHARE - 1.0) * load**4)
    return share
