"""What a city may make of what it measures: wrong tables are refused, and named."""

from typing import Any

import msgspec
import pytest

from contracts.city import City, check
from contracts.environment import AirIndex, Derived, Grade, Pollutant, Scale
from contracts.errors import ConfigError
from contracts.rules import Threshold
from processing.rulebook import check_rules
from tests.fixtures.phuket import phuket

MEAN = Derived(metric="pm2_5-24h", of="pm2_5", method="mean", period_s=86_400)
BANDS = ((0.0, 50.0, 0.0, 10.0), (51.0, 100.0, 11.0, 20.0))
PM = Pollutant(metric="pm2_5", hours=24, min_hours=18, decimals=0, bands=BANDS, above=101)


def with_derived(**changes: Any) -> City:
    return msgspec.structs.replace(phuket(), derived=(msgspec.structs.replace(MEAN, **changes),))


def with_pollutant(**changes: Any) -> City:
    index = AirIndex(metric="aqi-th", pollutants=(msgspec.structs.replace(PM, **changes),))
    return msgspec.structs.replace(phuket(), air_indexes=(index,))


def with_threshold(**changes: Any) -> City:
    given = Threshold(rule="water-level", device="water-01", limit=2.0, clear_below=1.5, source="x")
    return msgspec.structs.replace(phuket(), thresholds=(msgspec.structs.replace(given, **changes),))


def with_grades(*least: float) -> City:
    grades = tuple(Grade(key=f"g{at}", least=edge, name_en="g", name_th="g") for at, edge in enumerate(least))
    return msgspec.structs.replace(phuket(), scales=(Scale(metric="rain-24h", grades=grades),))


@pytest.mark.parametrize(
    ("city", "named"),
    [
        (with_derived(metric="nothing"), "nothing"),
        (with_derived(of="aqi-th"), "aqi-th"),
        (with_derived(metric="pm10"), "a device measures it"),
        (with_derived(period_s=90), "whole hours are"),
        (with_derived(method="nowcast"), "twelve hours are"),
        (with_derived(method="heat-index"), "a heat index needs it"),
        (with_derived(beside="humidity"), "nothing else takes it"),
        (with_derived(method="heat-index", beside="humidity", period_s=420), "an hour divides are"),
        (with_derived(method="sum", day_from_hour=7, period_s=3_600), "24 hours of a day are"),
        (with_derived(step_s=600), "of a sum also"),
        (with_derived(method="sum", step_s=420), "of a sum also"),
        (with_pollutant(metric="nothing"), "nothing"),
        (with_pollutant(min_hours=24, hours=8), "lies above its hours"),
        (with_pollutant(bands=(BANDS[0], (51.0, 100.0, 12.0, 20.0))), "it must follow 10 by 1"),
        (with_pollutant(bands=(BANDS[1], BANDS[0])), "must be there and rise"),
        (with_pollutant(bands=()), "must be there and rise"),
        (with_threshold(rule="nothing"), "nothing"),
        (with_threshold(device="nothing"), "nothing"),
        (with_threshold(clear_below=2.1), "lies above the limit"),
        (with_grades(0.0, 2.0, 1.0), "must be there and rise"),
        (msgspec.structs.replace(phuket(), derived=(MEAN, MEAN)), "stands twice"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(city: City, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        check(city)


def test_a_limit_stands_in_the_rule_or_with_the_devices() -> None:
    check_rules(phuket())
    without = msgspec.structs.replace(phuket(), thresholds=())
    with pytest.raises(ConfigError, match=r"rules\.water-level\.params\.limit = None"):
        check_rules(without)


def test_what_no_office_gives_says_so() -> None:
    city = phuket()
    assert all("[U]" in threshold.source and not threshold.verified for threshold in city.thresholds)
    sources = [[entry.source for entry in entries] for entries in (city.derived, city.air_indexes, city.scales)]
    assert all(all(listed) for listed in sources)
    named = {rule.id: rule.law for rule in city.rules if rule.kind == "exceedance"}
    assert all(named.values()) and "[U]" in named["rain-1h"] and "[U]" in named["water-level"]
