"""Twenty million readings as columns in their order of arrival, and the city that they come from.

Stations with eight metrics each speak every so many seconds by a clock of their own, a little early or late, and are
heard 60 to 480 ms after. Values wander about a level of their series, as what they stand for does, and are rounded as
sensors round them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.city import City, numbered
from contracts.clock import SECOND_US
from contracts.columns import READING, Batch, Columns
from contracts.devices import Device, Metric, Series
from contracts.places import Zone
from contracts.topics import Kind

START_US: Final = 1_795_348_800 * SECOND_US
METRICS: Final = (
    # key, unit, level, spread between stations, how far it wanders, decimals
    ("pm2_5", "ug/m3", 25.0, 12.0, 0.5, 1),
    ("pm10", "ug/m3", 45.0, 15.0, 0.8, 1),
    ("temperature", "degC", 29.0, 2.0, 0.05, 2),
    ("humidity", "%", 74.0, 6.0, 0.2, 1),
    ("pressure", "hPa", 1_009.0, 2.0, 0.02, 2),
    ("wind-speed", "m/s", 3.0, 1.0, 0.4, 1),
    ("laeq", "dB(A)", 62.0, 7.0, 1.5, 1),
    ("level_m", "m", 1.2, 0.5, 0.002, 3),
)
JITTER: Final = 0.03
"""By so much of the interval a clock is early or late."""
DELAY_US: Final = (60_000, 420_000)


@dataclass(frozen=True, slots=True)
class Readings:
    """`series` int32 (n,): dense number of the series; `received_us`, `event_us` int64 (n,); `value` float64 (n,)."""

    series: npt.NDArray[np.int32]
    received_us: npt.NDArray[np.int64]
    event_us: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    interval_s: float


def make(readings: int, series: int, interval_s: float) -> Readings:
    """So many readings of so many series (a multiple of eight), the same every time."""
    draw = np.random.default_rng(20_261_122)
    stations, rounds = series // len(METRICS), -(-readings // series)
    spoke = np.arange(rounds)[:, None] * interval_s + np.arange(stations) * interval_s / stations
    spoke += draw.uniform(-JITTER, JITTER, spoke.shape) * interval_s
    event_us = START_US + (spoke * SECOND_US).astype(np.int64)
    received_us = event_us + draw.integers(DELAY_US[0], sum(DELAY_US), spoke.shape)
    order = np.argsort(received_us.ravel(), kind="stable")
    metrics = np.arange(len(METRICS))
    value = np.empty((rounds, stations, len(METRICS)))
    for at, (_, _, level, spread, step, decimals) in enumerate(METRICS):
        wander = np.cumsum(draw.normal(0.0, step, (rounds, stations)), axis=0)
        home = level + draw.normal(0.0, spread, stations)
        value[:, :, at] = np.round(home + wander - wander.mean(axis=0) * 0.5, decimals)
    number = np.broadcast_to(np.arange(stations)[None, :, None] * len(METRICS) + metrics, value.shape)
    flat = value.reshape(-1, len(METRICS))[order].ravel()[:readings]
    return Readings(
        number.reshape(-1, len(METRICS))[order].ravel()[:readings].astype(np.int32),
        np.repeat(received_us.ravel()[order], len(METRICS))[:readings],
        np.repeat(event_us.ravel()[order], len(METRICS))[:readings],
        flat,
        interval_s,
    )


def city(series: int, interval_s: float) -> City:
    """The stations as a city: series s is metric s % 8 of device s // 8 + 1."""
    metrics = tuple(
        Metric(key=key, code=code, unit=unit, min=-1e6, max=1e6, name_en="", name_th="")
        for code, (key, unit, *_) in enumerate(METRICS, 1)
    )
    zone = Zone(id="zone", level="subdistrict", name_en="", name_th="", pcode="", lon=98.3, lat=7.9)
    due = tuple(Series(metric=key, interval_s=interval_s) for key, *_ in METRICS)
    place = {"zone": "zone", "lon": 98.3, "lat": 7.9, "name_en": "", "name_th": "", "kinds": (Kind.READINGS,)}
    devices = tuple(
        Device(id=f"station-{n}", type="air", series=due, **place)  # type: ignore[arg-type]
        for n in range(series // len(METRICS))
    )
    parts = {"metrics": metrics, "zones": (zone,), "devices": devices}
    return numbered(City(id="bench", name_en="", name_th="", lon=98.3, lat=7.9, **parts))  # type: ignore[arg-type]


def batches(readings: Readings, size: int) -> list[Batch]:
    """The readings as the log holds them, in batches of this size; the last one's ticks close every window."""
    made: list[Batch] = []
    since_us = START_US - 60 * SECOND_US
    for first in range(0, readings.series.size, size):
        part = slice(first, first + size)
        rows = _rows(readings, part)
        now_us = int(rows["received_us"][-1])
        made.append(Batch(len(made) + 1, since_us, now_us, readings=rows, config=None if made else 1))
        since_us = now_us
    made.append(Batch(len(made) + 1, since_us, since_us + 120 * SECOND_US))
    return made


def _rows(readings: Readings, part: slice) -> Columns:
    series = readings.series[part]
    rows = np.zeros(series.size, READING)
    rows["place"], rows["device"] = np.arange(series.size), series // len(METRICS) + 1
    rows["metric"], rows["part"] = series % len(METRICS) + 1, series % len(METRICS)
    rows["boot"], rows["seq"] = 1, part.start + np.arange(series.size) // len(METRICS) + 1
    rows["received_us"], rows["event_us"] = readings.received_us[part], readings.event_us[part]
    rows["value"] = readings.value[part]
    return rows
