"""Readings are physically plausible for Phuket, vary together, and do not depend on how a run was cut."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from contracts.clock import DAY_US, HOUR_US, MINUTE_US, to_us
from simulators.chance import Floats, Ints, normal, uniform, wave
from simulators.sensors import MEASURES, Samples, Sensors
from simulators.water import tide_m
from simulators.weather import HIGH_C, LOW_C, RAIN_MM, look, month_of, rain_mm_h, shower_cell
from tests.fixtures.phuket import phuket

NOVEMBER = to_us(datetime(2026, 11, 10, 17, 0, tzinfo=UTC))
YEAR = to_us(datetime(2025, 12, 31, 17, 0, tzinfo=UTC))
CELL = np.array([12_345])


@pytest.fixture(scope="module")
def hourly() -> tuple[Sensors, Samples]:
    """A year of readings, one an hour; one water level stands for all."""
    first = next(device for device in phuket().devices if device.type == "water")
    others = [device for device in phuket().devices if device.type != "water"]
    sensors = Sensors(msgspec.structs.replace(phuket(), devices=(*others, first)), 1, 3_600)
    return sensors, sensors.between(YEAR, YEAR + 365 * DAY_US)


def of(hourly: tuple[Sensors, Samples], metric: str) -> Floats:
    sensors, samples = hourly
    values: Floats = samples.value[samples.series == sensors.metrics.index(metric)]
    return values


def test_a_run_may_be_cut_anywhere() -> None:
    sensors = Sensors(phuket(), 3)
    whole = sensors.between(NOVEMBER, NOVEMBER + HOUR_US)
    cuts = [NOVEMBER, NOVEMBER + 1, NOVEMBER + 601_234_567, NOVEMBER + 25 * MINUTE_US, NOVEMBER + HOUR_US]
    parts = [Sensors(phuket(), 3).between(a, b) for a, b in pairwise(cuts)]
    for name in ("event_us", "station", "series", "value"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))


def test_every_series_speaks_at_its_interval() -> None:
    sensors = Sensors(phuket(), 3)
    samples = sensors.between(NOVEMBER, NOVEMBER + HOUR_US)
    expected = {
        (number, series.metric): round(3_600 / series.interval_s)
        for number, device in enumerate(sensors.stations)
        for series in device.series
    }
    found: dict[tuple[int, str], int] = {}
    for station, series in zip(samples.station.tolist(), samples.series.tolist(), strict=True):
        key = (station, sensors.metrics[series])
        found[key] = found.get(key, 0) + 1
    assert found == expected


def test_every_environmental_metric_of_the_city_is_simulated() -> None:
    wanted = {series.metric for device in phuket().devices if device.type != "camera" for series in device.series}
    assert wanted <= set(MEASURES)


def test_values_stay_within_what_is_possible(hourly: tuple[Sensors, Samples]) -> None:
    ranges = {metric.key: (metric.min, metric.max) for metric in phuket().metrics}
    for metric in hourly[0].metrics:
        values = of(hourly, metric)
        assert np.isfinite(values).all()
        assert ranges[metric][0] <= values.min() and values.max() <= ranges[metric][1]


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [
        ("temperature", 20.0, 37.0),
        ("humidity", 40.0, 100.0),
        ("pressure", 1_003.0, 1_016.0),
        ("wind-speed", 0.1, 16.0),
        ("pm2_5", 1.0, 120.0),
        ("no2", 0.0, 120.0),
        ("o3", 0.0, 60.0),
        ("laeq", 38.0, 85.0),
        ("level_m", -2.0, 6.0),
        ("rain-rate", 0.0, 160.0),
    ],
)
def test_a_year_is_plausible_for_phuket(hourly: tuple[Sensors, Samples], metric: str, low: float, high: float) -> None:
    values = of(hourly, metric)
    assert low <= values.min() and values.max() <= high


def test_day_means_of_pm2_5_are_mostly_clean_with_a_few_episodes(hourly: tuple[Sensors, Samples]) -> None:
    sensors, samples = hourly
    of_pm = samples.series == sensors.metrics.index("pm2_5")
    first = samples.station[of_pm][0]
    values = samples.value[of_pm & (samples.station == first)]
    means = values[: 364 * 24].reshape(364, 24).mean(axis=1)
    assert 10.0 < means.mean() < 22.0
    assert 4.0 < means.min() and means.max() < 90.0
    assert 1 <= (means > 37.5).sum() <= 40


def test_rain_of_the_months_is_near_the_normals() -> None:
    """Mean over places and years within a factor of two in every month, and within a fifth over the year."""
    years = 6
    times = YEAR + np.arange(0, years * 365 * DAY_US, 20 * MINUTE_US, dtype=np.int64)
    sums = np.zeros(12)
    for seed, cell in ((1, 11), (2, 12), (3, 13)):
        sums += np.bincount(month_of(times), rain_mm_h(seed, times, np.array([cell])) / 3.0, 12) / (3 * years)
    assert (sums > RAIN_MM / 2).all() and (sums < RAIN_MM * 2).all()
    assert 0.8 < sums.sum() / RAIN_MM.sum() < 1.2


def test_days_are_between_the_normal_low_and_high() -> None:
    times = YEAR + np.arange(0, 365 * DAY_US, HOUR_US, dtype=np.int64)
    sky = look(1, times, CELL)
    for month in range(12):
        mean = sky.temperature_c[sky.month == month].mean()
        assert LOW_C[month] < mean < HIGH_C[month]
    assert sky.temperature_c[sky.hour == 14].mean() > sky.temperature_c[sky.hour == 5].mean() + 5


def test_rain_cools_wets_and_darkens() -> None:
    times = YEAR + np.arange(0, 365 * DAY_US, HOUR_US, dtype=np.int64)
    sky = look(1, times, CELL)
    noon = (sky.hour >= 11) & (sky.hour <= 15) & (sky.month >= 4) & (sky.month <= 9)
    wet, dry = noon & (sky.rain_mm_h > 2), noon & (sky.rain_mm_h == 0)
    assert wet.sum() > 10
    assert sky.temperature_c[wet].mean() < sky.temperature_c[dry].mean() - 0.5
    assert sky.humidity_pct[wet].mean() > sky.humidity_pct[dry].mean() + 3
    assert sky.solar_w_m2[wet].mean() < sky.solar_w_m2[dry].mean()
    assert (sky.solar_w_m2[(sky.hour < 5) | (sky.hour > 20)] == 0).all()


def test_wind_comes_from_the_monsoon() -> None:
    times = YEAR + np.arange(0, 365 * DAY_US, HOUR_US, dtype=np.int64)
    sky = look(1, times, CELL)
    night = sky.hour < 8
    assert 200 < np.median(sky.wind_from_deg[night & (sky.month == 6)]) < 290
    assert 30 < np.median(sky.wind_from_deg[night & (sky.month == 0)]) < 100


def test_the_tide_comes_twice_a_day_and_springs_and_neaps() -> None:
    times = YEAR + np.arange(0, 30 * DAY_US, 10 * MINUTE_US, dtype=np.int64)
    height = tide_m(times)
    highs = ((height[1:-1] > height[:-2]) & (height[1:-1] > height[2:])).sum()
    assert 56 <= highs <= 60
    ranges = np.ptp(height.reshape(30, -1), axis=1)
    assert ranges.max() > 2.0 > 1.2 > ranges.min()


def test_heavy_rain_lifts_the_water() -> None:
    times = YEAR + np.arange(0, 365 * DAY_US, 10 * MINUTE_US, dtype=np.int64)
    sensors = Sensors(phuket(), 1, 600)
    device = next(number for number, station in enumerate(sensors.stations) if station.type == "water")
    station = sensors.stations[device]
    rain = rain_mm_h(1, times + 7 * HOUR_US, np.array([shower_cell(station.lon, station.lat)]))
    storm = int(times[rain.argmax()])
    samples = sensors.between(storm - 3 * DAY_US, storm + DAY_US)
    levels = samples.value[samples.station == device]
    moments = samples.event_us[samples.station == device]
    after = levels[(moments > storm) & (moments < storm + 4 * HOUR_US)].max()
    assert rain.max() > 20
    assert after > np.median(levels) + 0.3


Pure = Callable[[int, Ints], Floats]


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (lambda seed, keys: uniform(seed, keys), 0.0, 1.0),
        (lambda seed, keys: normal(seed, keys), -3.5, 3.5),
        (lambda seed, keys: wave(keys, 97, seed), -1.0, 1.0),
    ],
)
def test_chance_without_a_state_is_bounded_fair_and_the_same_again(function: Pure, low: float, high: float) -> None:
    keys = np.arange(-50_000, 50_000, dtype=np.int64)
    values = function(9, keys)
    assert values.min() >= low and values.max() <= high
    assert abs(values.mean() - (low + high) / 2) < 0.06
    assert np.array_equal(function(9, keys[::-1].copy())[::-1], values)
    assert not np.array_equal(function(10, keys), values)
