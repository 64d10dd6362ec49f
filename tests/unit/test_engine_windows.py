"""One-minute windows: in event time, closed on ticks, amended by late samples."""

import math
from typing import Any

import pytest

from contracts.city import City
from tests.fixtures.small_city import LEVEL, small_city
from tests.fixtures.stream import Said, fold, us

WATER = 5


@pytest.fixture(scope="module")
def city() -> City:
    return small_city()


def level(received_s: float, event_s: float, seq: int, value: float) -> Said:
    return Said(received_s, WATER, event_s, seq, value, LEVEL, lane=0)


def windows(city: City, records: list[Said], until_s: float) -> list[Any]:
    return [row for outputs in fold(city, records, until_s)[2] for row in outputs.windows]


def test_a_window_closes_when_its_devices_watermark_has_passed_its_end(city: City) -> None:
    records = [level(10, 10, 1, 3.0), level(59.9, 59.9, 2, 5.0), level(61, 61, 3, 7.0)]
    assert windows(city, records, 62.5) == []
    (window,) = windows(city, [*records, level(62.1, 62.1, 4, 7.0)], 63.5)
    assert (window["start_us"], window["count"], window["mean"], window["last"]) == (us(0), 2, 4.0, 5.0)
    assert window["sd"] == pytest.approx(math.sqrt(2))
    assert window["completeness"] == pytest.approx(2 / 6)


def test_an_idle_device_has_its_windows_closed_by_ticks(city: City) -> None:
    (window,) = windows(city, [level(10, 10, 1, 3.0)], 61)
    assert window["count"] == 1 and math.isnan(window["sd"])


def test_last_is_the_newest_by_event_time_and_not_by_arrival(city: City) -> None:
    (window,) = windows(city, [level(10, 9.5, 1, 1.0), level(10.1, 8.0, 2, 2.0)], 61)
    assert window["last"] == 1.0


def test_a_late_sample_amends_its_window_as_a_new_revision(city: City) -> None:
    said = windows(city, [level(10, 10, 1, 3.0), level(100, 100, 2, 9.0), level(101, 20, 3, 5.0)], 200)
    mine = [(int(w["revision"]), int(w["count"]), float(w["mean"])) for w in said if w["start_us"] == us(0)]
    assert mine == [(1, 1, 3.0), (2, 2, 4.0)]


def test_a_sample_beyond_the_amendment_horizon_is_counted_as_late_and_changes_no_window(city: City) -> None:
    records = [level(10, 10, 1, 3.0), level(800, 800, 2, 9.0), level(801, 20, 3, 5.0)]
    outputs = fold(city, records, 900)[2]
    assert [int(w["revision"]) for o in outputs for w in o.windows if w["start_us"] == us(0)] == [1]
    assert sum(output.late.get("reading", 0) for output in outputs) == 1
