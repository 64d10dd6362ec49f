"""How traffic flows: the figures of vehicles and of counts, minute by minute and merged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from contracts.clock import SECOND_US
from contracts.columns import Batch
from contracts.findings import Outputs
from processing.engine import step
from processing.state import State
from tests.fixtures.flow_city import (
    CAR,
    DOWNSTREAM,
    HEADWAY,
    LOS,
    OCCUPANCY,
    OTHER,
    PCU,
    SEEING,
    SPACE_MEAN,
    SPEED,
    TIME_MEAN,
    TRAVEL_TIME,
    TRUCK,
    UPSTREAM,
    V85,
    VOLUME,
    flow_city,
)
from tests.fixtures.law_case import Told, batch_of_told
from tests.fixtures.stream import Shelf, shelf, us

CITY = flow_city()
CAR_CLASS, TRUCK_CLASS, MOTORCYCLE_CLASS = 2, 6, 1


def said(records: list[Told], until_s: float) -> Outputs:
    return step(State(), batch_of_told(1, 0.0, until_s, records, config=1), shelf(CITY))[1]


def vehicle(event_s: float, speed_kmh: float, received_s: float = 0.0, **fields: Any) -> Told:
    values = {"speed_kmh": speed_kmh, "lane": 1, "vehicle": CAR_CLASS, **fields}
    return Told("passage", SEEING, received_s or event_s + 0.1, event_s, round(event_s * 10) + 1, values)


def counts(device: int, minute: int, values: dict[int, float], lane: int = 1) -> list[Told]:
    return [
        Told("reading", device, 60.0 * minute + 61, 60.0 * minute, 1000 * minute + metric * 10 + lane,
             {"metric": metric, "value": value, "lane": lane})
        for metric, value in values.items()
    ]  # fmt: skip


def rows(outputs: Outputs, metric: int, device: int = SEEING, width_s: int = 60, lane: int = 1) -> list[Any]:
    windows = outputs.windows
    chosen = (windows["metric"] == metric) & (windows["device"] == device) & (windows["width_s"] == width_s)
    return list(windows[chosen & (windows["lane"] == lane)])


def figure(outputs: Outputs, metric: int, **where: int) -> float:
    (row,) = rows(outputs, metric, **where)
    return float(row["mean"])


def test_time_mean_is_arithmetic_and_space_mean_is_harmonic() -> None:
    outputs = said([vehicle(10.0, 40.0), vehicle(20.0, 80.0)], 100.0)
    assert figure(outputs, TIME_MEAN) == 60.0
    assert figure(outputs, SPACE_MEAN) == pytest.approx(2 / (1 / 40 + 1 / 80))


def test_a_vehicle_that_stands_counts_as_one_km_h_in_the_space_mean() -> None:
    outputs = said([vehicle(10.0, 0.0), vehicle(20.0, 60.0)], 100.0)
    assert figure(outputs, SPACE_MEAN) == pytest.approx(2 / (1 / 1 + 1 / 60))


def test_v85_is_the_least_whole_km_h_that_85_of_100_do_not_exceed() -> None:
    speeds = [50.4, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0, 57.0, 58.5, 99.0]
    outputs = said([vehicle(1.0 + at, speed) for at, speed in enumerate(speeds)], 100.0)
    assert figure(outputs, V85) == 59.0, "the ninth of ten, 58.5, rounded half up"
    (mean,) = rows(outputs, TIME_MEAN)
    assert (mean["median"], mean["p85"], mean["p95"], mean["min"], mean["max"]) == (54.0, 59.0, 99.0, 50.4, 99.0)
    assert mean["sd"] == pytest.approx(np.std(speeds, ddof=1))


def test_headway_is_the_mean_gap_between_vehicles_of_one_lane() -> None:
    outputs = said([vehicle(3.0, 50.0), vehicle(5.0, 50.0), vehicle(9.0, 50.0), vehicle(4.0, 50.0, lane=2)], 100.0)
    assert figure(outputs, HEADWAY) == 3.0
    assert not rows(outputs, HEADWAY, lane=2), "one vehicle has no gap"


def test_volume_and_pcu_come_from_passages_where_nothing_counts() -> None:
    records = [vehicle(3.0, 50.0), vehicle(5.0, np.nan, vehicle=TRUCK_CLASS), vehicle(7.0, 50.0, vehicle=1)]
    outputs = said(records, 100.0)
    assert figure(outputs, VOLUME) == 3.0
    assert figure(outputs, PCU) == pytest.approx(1 + 2 + 0.33)
    assert rows(outputs, TIME_MEAN)[0]["count"] == 2, "a vehicle without a speed is counted, and has no part in speeds"


def test_volume_comes_from_counts_where_the_city_lists_them() -> None:
    passage = Told("passage", UPSTREAM, 5.1, 5.0, 1, {"speed_kmh": 50.0, "lane": 1})
    outputs = said([passage, *counts(UPSTREAM, 0, {CAR: 12.0, TRUCK: 3.0})], 150.0)
    assert figure(outputs, VOLUME, device=UPSTREAM) == 15.0
    assert figure(outputs, PCU, device=UPSTREAM) == 18.0
    assert figure(outputs, TIME_MEAN, device=UPSTREAM) == 50.0


def test_counts_that_did_not_come_lower_the_completeness() -> None:
    outputs = said(counts(UPSTREAM, 0, {CAR: 12.0}), 150.0)
    assert rows(outputs, VOLUME, UPSTREAM)[0]["completeness"] == 0.5, "two classes are due in a minute, and one came"


def test_a_speed_beyond_any_road_is_no_speed() -> None:
    outputs = said([vehicle(1.0, 1e12), vehicle(2.0, -5.0), vehicle(3.0, np.inf), vehicle(4.0, 60.0)], 100.0)
    assert (figure(outputs, VOLUME), figure(outputs, TIME_MEAN)) == (4.0, 60.0)


def test_a_minute_is_told_30_s_after_its_end_and_again_when_more_comes() -> None:
    late = vehicle(30.0, 80.0, received_s=200.0)
    outputs = said([vehicle(10.0, 40.0), vehicle(70.0, 50.0), late], 300.0)
    first, second = (row for row in rows(outputs, VOLUME) if row["start_us"] == us(0))
    assert [row["said_us"] - us(0) for row in (first, second)] == [90 * SECOND_US, 201 * SECOND_US]
    assert (first["revision"], first["mean"], second["revision"], second["mean"]) == (1, 1.0, 2, 2.0)
    assert second["added"] == 1


def test_a_vehicle_that_comes_ten_minutes_after_its_minute_is_late() -> None:
    before = [vehicle(10.0, 40.0), vehicle(70.0, 50.0)]
    in_time, late = vehicle(30.0, 80.0, received_s=658.9), vehicle(31.0, 80.0, received_s=659.1)
    outputs = said([*before, in_time, late], 700.0)
    assert [row["mean"] for row in rows(outputs, VOLUME) if row["start_us"] == us(0)] == [1.0, 2.0]
    assert [int(row["event_us"]) for row in outputs.late] == [us(31.0)]


def test_a_backlog_in_order_is_not_late() -> None:
    backlog = [vehicle(60.0 * minute, 50.0, received_s=3000.0 + minute) for minute in range(20)]
    outputs = said(backlog, 3100.0)
    assert len(rows(outputs, VOLUME)) == 20 and not outputs.late.size


def test_quarters_and_hours_are_merged_exactly() -> None:
    speeds = {minute: 40.0 + minute for minute in range(60)}
    outputs = said([vehicle(60.0 * minute + 1, speed) for minute, speed in speeds.items()], 3700.0)
    assert [row["mean"] for row in rows(outputs, VOLUME, width_s=900)] == [15.0] * 4
    assert [row["mean"] for row in rows(outputs, V85, width_s=900)] == [52.0, 67.0, 82.0, 97.0]
    assert figure(outputs, V85, width_s=3600) == 90.0
    assert figure(outputs, TIME_MEAN, width_s=3600) == pytest.approx(69.5)
    assert figure(outputs, HEADWAY, width_s=3600) == 60.0


def test_level_of_service_weighs_lanes_by_their_vehicles() -> None:
    busy = counts(OTHER, 0, {CAR: 30.0, SPEED: 50.0, OCCUPANCY: 0.1})
    city_lanes = CITY.devices[OTHER - 1].lanes_forward
    assert city_lanes == (1,)
    outputs = said([*busy, *counts(OTHER, 0, {CAR: 10.0, SPEED: 20.0, OCCUPANCY: 0.1}, lane=2)], 200.0)
    assert figure(outputs, LOS, device=OTHER, lane=101) == 3.0, "50 of 80 km/h is 0.625: level C"
    assert figure(outputs, LOS, device=OTHER, lane=102) == 6.0, "20 of 80 km/h is 0.25: level F"


def test_a_section_takes_what_its_cameras_speeds_make_of_its_length() -> None:
    records = []
    for minute in range(15):
        records += counts(UPSTREAM, minute, {CAR: 10.0, SPEED: 60.0, OCCUPANCY: 0.1})
        records += counts(DOWNSTREAM, minute, {CAR: 10.0, SPEED: 30.0, OCCUPANCY: 0.1})
    outputs = said(records, 1000.0)
    travel_s = figure(outputs, TRAVEL_TIME, device=DOWNSTREAM, width_s=900, lane=101)
    assert travel_s == pytest.approx(1000 * (0.5 * 3.6 / 60 + 0.5 * 3.6 / 30))


def test_a_section_with_a_silent_camera_has_no_travel_time() -> None:
    records = [one for minute in range(15) for one in counts(UPSTREAM, minute, {CAR: 10.0, SPEED: 60.0})]
    assert not rows(said(records, 1000.0), TRAVEL_TIME, device=DOWNSTREAM, width_s=900, lane=101)


def test_how_a_minute_came_changes_nothing() -> None:
    records = [vehicle(1.0 + at, 50.0 + at % 7, vehicle=1 + at % 3) for at in range(50)]
    whole = said(records, 100.0).windows
    state, apart = State(), []
    for n, record in enumerate(records, start=1):
        since_s = records[n - 2].received_s if n > 1 else 0.0
        batch: Batch = batch_of_told(n, since_s, record.received_s, [record], config=1 if n == 1 else None)
        apart.append(step(state, batch, shelf(CITY))[1].windows)
    apart.append(step(state, batch_of_told(99, records[-1].received_s, 100.0, []), shelf(CITY))[1].windows)
    assert np.concatenate(apart).tobytes() == whole.tobytes()


def test_after_a_made_past_every_wider_figure_is_what_it_would_have_been_without_the_seam() -> None:
    draw = np.random.default_rng(5)
    records = [vehicle(20.0 * at + 1, float(draw.integers(20, 90)), lane=1 + at % 2) for at in range(3 * 75)]
    for minute in range(75):
        records += counts(OTHER, minute, {CAR: 20.0 + minute % 7, SPEED: 50.0 - minute % 11, OCCUPANCY: 0.1})
    records.sort(key=lambda record: record.received_s)
    seam_s, until_s = 20.5 * 60, 75 * 60.0
    before = [record for record in records if record.received_s < seam_s]
    past, _ = step(State(), batch_of_told(1, 0.0, seam_s + 20, before, config=1), shelf(CITY))
    first = batch_of_told(1, seam_s, until_s, records[len(before) :], config=1)
    outputs = step(State(), replace(first, past=(9, 1)), Shelf({1: CITY}, {(9, 1): past}))[1]
    for width_s in (900, 3600):
        expected, made = (wider(one, width_s) for one in (said(records, until_s), outputs))
        assert made == expected and {key[1] for key in made} == {VOLUME, PCU, TIME_MEAN, SPACE_MEAN, V85, HEADWAY, LOS}


def wider(outputs: Outputs, width_s: int) -> dict[tuple[int, ...], str]:
    """The figures of a width that were not over at the seam, by device, metric, lane and start."""
    windows = outputs.windows[(outputs.windows["width_s"] == width_s) & (outputs.windows["metric"] >= VOLUME)]
    windows = windows[(windows["metric"] != TRAVEL_TIME) & (windows["start_us"] >= us(0 if width_s == 3600 else 900))]
    names = ("count", "mean", "min", "max", "sd", "median", "p85", "completeness", "revision", "said_us")
    return {
        tuple(int(row[name]) for name in ("device", "metric", "lane", "start_us")): str([row[name] for name in names])
        for row in windows
    }
