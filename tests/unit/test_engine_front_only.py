"""Motorcycles seen only from the front are counted by camera and hour."""

import numpy as np
import pytest
from msgspec.structs import replace

from contracts.city import City
from contracts.columns import Columns
from contracts.findings import Outputs
from contracts.records import VehicleClass
from tests.fixtures.law_case import Told
from tests.fixtures.passage_city import BOTH, FRONT, FRONT_ONLY, REAR, passage, passage_city, told
from tests.fixtures.stream import us

MOTORCYCLE, CAR = int(VehicleClass.MOTORCYCLE), int(VehicleClass.CAR)
HOUR_S, DAY_S = 3600.0, 86_400.0


@pytest.fixture(scope="module")
def city() -> City:
    return passage_city(strict=False)


def rows(said: list[Outputs]) -> list[tuple[int, float, int, int, float]]:
    """Camera, start of the hour (s), revision, motorcycles, cases."""
    found: Columns = np.concatenate([outputs.windows for outputs in said])
    found = found[found["metric"] == FRONT_ONLY]
    assert (found["width_s"] == HOUR_S).all() and (found["lane"] == 0).all()
    return [
        (int(r["device"]), (int(r["start_us"]) - us(0)) / 1e6, int(r["revision"]), int(r["count"]), float(r["mean"]))
        for r in found
    ]


def rider(device: int, event_s: float, seq: int, received_s: float | None = None, **fields: object) -> Told:
    return passage(device, event_s, seq, received_s, **({"vehicle": MOTORCYCLE} | fields))


def test_motorcycles_at_a_camera_that_faces_fronts_are_counted_and_so_are_their_cases(city: City) -> None:
    records = [
        rider(FRONT, 10.0, 1),
        rider(FRONT, 20.0, 2, helmet=2),
        rider(FRONT, 30.0, 3, helmet=4, riders=3),
        rider(FRONT, 40.0, 4, vehicle=CAR, speed_kmh=131.0),
        rider(REAR, 50.0, 1, helmet=2),
        rider(BOTH, 60.0, 1, helmet=2),
        rider(FRONT, 70.0, 5, direction=2, speed_kmh=30.0),
    ]
    assert rows(told(city, records, 2 * HOUR_S)) == [(FRONT, 0.0, 1, 3, 3.0)]


def test_an_hour_is_told_a_minute_after_its_end_and_not_before(city: City) -> None:
    records = [rider(FRONT, 10.0, 1)]
    assert rows(told(city, records, HOUR_S + 59.9)) == []
    assert rows(told(city, records, HOUR_S + 60.0)) == [(FRONT, 0.0, 1, 1, 0.0)]


def test_what_comes_late_amends_its_hour_once_a_minute(city: City) -> None:
    records = [
        rider(FRONT, 10.0, 1),
        rider(FRONT, 11.0, 2, HOUR_S + 300.0),
        rider(FRONT, 12.0, 3, HOUR_S + 310.0, helmet=2),
        rider(FRONT, HOUR_S + 320.0, 4),
    ]
    expected = [(FRONT, 0.0, 1, 1, 0.0), (FRONT, 0.0, 2, 3, 1.0), (FRONT, HOUR_S, 1, 1, 0.0)]
    for cuts in ((), (1,), (1, 2, 3)):
        assert rows(told(city, records, 3 * HOUR_S, cuts, snapshots=bool(cuts))) == expected


def test_a_motorcycle_that_comes_more_than_a_day_after_its_hour_is_told_as_late(city: City) -> None:
    said = told(city, [rider(FRONT, 10.0, 1, HOUR_S + DAY_S), rider(FRONT, 11.0, 2, HOUR_S + DAY_S + 1)], 2 * DAY_S)
    assert rows(said) == [(FRONT, 0.0, 1, 1, 0.0)]
    late = np.concatenate([outputs.late for outputs in said])
    assert late["device"].tolist() == [FRONT] and late["place"].tolist() == [1]


def test_a_city_that_does_not_name_the_figure_has_none(city: City) -> None:
    plain = replace(city, metrics=tuple(metric for metric in city.metrics if metric.code != FRONT_ONLY))
    assert rows(told(plain, [rider(FRONT, 10.0, 1)], 2 * HOUR_S)) == []
