"""The air indexes of Phuket's tables against the vectors of the notices."""

import math
from datetime import date

import msgspec
import numpy as np
import pytest

from contracts.clock import to_iso
from contracts.environment import AirIndex, Pollutant
from processing.environment.air import sub_index
from processing.environment.derived import rounded
from tests.fixtures.environment_city import AIR, CODES, environment_city, readings, said_of
from tests.fixtures.law_case import folded
from tests.fixtures.phuket import phuket


def index_of(metric: str) -> AirIndex:
    return next(index for index in phuket().air_indexes if index.metric == metric)


def pollutant_of(index: AirIndex, metric: str, hours: int | None = None) -> Pollutant:
    return next(p for p in index.pollutants if p.metric == metric and hours in (None, p.hours))


def value_of(index: AirIndex, metric: str, level: float, hours: int | None = None) -> float:
    return float(sub_index(pollutant_of(index, metric, hours), index.truncate, np.array([level]))[0])


@pytest.mark.parametrize(
    ("metric", "level", "expected"),
    [
        ("pm2_5", 20.0, 38), ("pm2_5", 25.0, 50), ("pm2_5", 37.5, 100), ("pm2_5", 37.54, 100), ("pm2_5", 37.55, 101),
        ("pm2_5", 50.0, 134), ("pm2_5", 75.0, 200), ("pm2_5", 15.04, 25), ("pm2_5", 15.05, 26), ("pm2_5", 0.0, 0),
        ("pm2_5", 75.1, 201), ("pm2_5", 900.0, 201),
        ("pm10", 100.0, 75), ("pm10", 150.0, 150), ("o3", 60.0, 74), ("o3", 100.0, 160), ("co", 7.0, 61),
        ("no2", 120.0, 61), ("so2", 250.0, 75),
    ],
)  # fmt: skip
def test_thai_sub_indexes_are_those_of_the_gazette_rounded_half_up(metric: str, level: float, expected: int) -> None:
    assert value_of(index_of("aqi-th"), metric, level) == expected


@pytest.mark.parametrize(
    ("level", "expected"), [(9.09, 50), (12.0, 56), (35.4, 100), (50.0, 137), (75.0, 165), (150.0, 225), (400.0, 501)]
)
def test_us_sub_indexes_of_pm25_are_cut_off_before_the_table(level: float, expected: int) -> None:
    assert value_of(index_of("aqi-us"), "pm2_5", level) == expected


def test_us_sulphur_dioxide_goes_on_by_the_day_where_the_hour_ends() -> None:
    index = index_of("aqi-us")
    assert value_of(index, "so2", 304.0, 1) == 200 and value_of(index, "so2", 900.0, 1) == 200
    assert math.isnan(value_of(index, "so2", 304.0, 24)) and value_of(index, "so2", 604.0, 24) == 300
    assert math.isnan(value_of(index, "o3", 124.0, 1)) and value_of(index, "o3", 164.0, 1) == 150


def test_rounding_takes_off_what_binary_sums_leave_and_cutting_off_loses_no_whole_step() -> None:
    assert rounded(np.array([0.1 + 0.2, 37.55, 37.5499, 0.5, -0.25]), 1).tolist() == [0.3, 37.6, 37.5, 0.5, -0.2]
    assert rounded(np.array([0.3 - 1e-12, 9.09, 35.4, 0.29]), 1, truncate=True).tolist() == [0.3, 9.0, 35.4, 0.2]


def test_the_index_is_the_highest_sub_index_and_says_which_pollutant_it_was() -> None:
    levels = {(AIR, "pm2_5"): [20.0] * 19, (AIR, "o3"): [60.0] * 19, (AIR, "no2"): [120.0] * 19}
    said = folded(environment_city(), readings(levels), 19 * 3600.0)[1]
    rows, main = said_of(said, "aqi-th"), said_of(said, "aqi-th-main")
    hours = ((rows["start_us"] - rows["start_us"][0]) // 3_600_000_000).tolist()
    assert hours == list(range(18)) and set(rows["width_s"].tolist()) == {3600}
    assert rows["mean"].tolist() == [61.0] * 5 + [74.0] * 13
    assert main["mean"].tolist() == [CODES["no2"]] * 5 + [CODES["o3"]] * 13
    assert rows["count"].tolist() == [1] * 5 + [2] * 12 + [3]
    assert rows["completeness"][-1] == 3 / 6


def test_a_pollutant_with_too_few_hours_has_no_sub_index() -> None:
    levels = {(AIR, "pm2_5"): [90.0] * 17 + [None, 90.0, 90.0]}
    said = folded(environment_city(), readings(levels), 20 * 3600.0)[1]
    assert said_of(said, "aqi-th")["mean"].tolist() == [201.0]
    assert said_of(said, "pm2_5-24h")["count"].tolist() == [*range(1, 18), 17, 18]


def test_an_index_is_said_by_its_own_dates_alone() -> None:
    city = environment_city()
    later = [msgspec.structs.replace(index, valid_from=date(2027, 1, 16)) for index in city.air_indexes]
    city = msgspec.structs.replace(city, air_indexes=tuple(later))
    said = folded(city, readings({(AIR, "no2"): [120.0] * 12}), 12 * 3600.0)[1]
    assert [to_iso(int(start)) for start in said_of(said, "aqi-th")["start_us"]] == [
        "2027-01-15T17:00:00Z", "2027-01-15T18:00:00Z"
    ]  # fmt: skip


def test_nowcast_follows_the_last_hours_and_the_us_index_by_it() -> None:
    levels = {(AIR, "pm2_5"): [20.0, 24.0, 25.0, 26.0, 28.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 60.0]}
    said = folded(environment_city(), readings(levels), 13 * 3600.0)[1]
    assert said_of(said, "pm2_5-nowcast")["mean"][-1] == 55.0
    assert said_of(said, "aqi-us-nowcast")["mean"][-1] == value_of(index_of("aqi-us"), "pm2_5", 55.0) == 149
    assert not said_of(said, "aqi-us").size and not said_of(said, "aqi-th").size
