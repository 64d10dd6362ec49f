"""Wrong way, bare heads, overload, stops, limits by hours, uncertainty, and passages that come late."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from contracts.city import City, check
from contracts.devices import Maintenance
from contracts.errors import ConfigError
from contracts.findings import SECOND_LOOK, Violation
from contracts.records import Helmet, VehicleClass
from contracts.roads import NoStopping
from tests.fixtures.passage_city import BOTH, FRONT, REAR, passage, passage_city, told, violations

CAR, MOTORCYCLE, BICYCLE = int(VehicleClass.CAR), int(VehicleClass.MOTORCYCLE), int(VehicleClass.BICYCLE)
HALF_PAST_S = 1800.0
"""15:30 in Thailand; the stream begins at 15:00 on a Friday."""
DAY_S = 86_400.0
NINE, TEN = datetime(2027, 1, 15, 9, tzinfo=UTC), datetime(2027, 1, 15, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def city() -> City:
    return passage_city(strict=False)


def judged(
    city: City, device: int = REAR, event_s: float = 1.0, received_s: float | None = None, **f: Any
) -> list[Violation]:
    received_s = event_s if received_s is None else received_s
    return violations(told(city, [passage(device, event_s, 1, received_s, **f)], received_s + 5))


@pytest.mark.parametrize(
    ("fields", "fires"),
    [
        ({"lane": 1, "direction": 2, "speed_kmh": 30.0}, True),
        ({"lane": 2, "direction": 1, "speed_kmh": 30.0}, True),
        ({"lane": 1, "direction": 1, "speed_kmh": 30.0}, False),
        ({"lane": 1, "direction": 0, "speed_kmh": 30.0}, False),
        ({"lane": 0, "direction": 2, "speed_kmh": 30.0}, False),
        ({"lane": 3, "direction": 2, "speed_kmh": 30.0}, False),
        ({"lane": 1, "direction": 2, "speed_kmh": 9.9}, False),
        ({"lane": 1, "direction": 2}, True),
        ({"lane": 1, "direction": 2, "vehicle": BICYCLE}, False),
    ],
)
def test_wrong_way_is_a_known_direction_against_the_one_direction_of_a_known_lane(
    city: City, fields: dict[str, Any], fires: bool
) -> None:
    assert [v.rule for v in judged(city, **fields)] == (["wrong-way"] if fires else [])


def test_a_lane_of_both_directions_has_no_wrong_way(city: City) -> None:
    shared = tuple(msgspec.structs.replace(d, lanes_backward=(1, 2)) if d.no == REAR else d for d in city.devices)
    assert judged(msgspec.structs.replace(city, devices=shared), direction=2, speed_kmh=30.0) == []


@pytest.mark.parametrize(
    ("helmet", "riders", "bare", "who", "doubles"),
    [
        (Helmet.RIDER_BARE, 1, 1, "rider", False),
        (Helmet.RIDER_BARE, 2, 1, "rider", False),
        (Helmet.PASSENGER_BARE, 2, 1, "passenger", False),
        (Helmet.NONE, 2, 2, "rider and passenger", True),
        (Helmet.NONE, -1, 2, "rider and passenger", True),
        (Helmet.NONE, 1, 1, "rider", False),
    ],
)
def test_bare_heads_are_told_apart_and_the_fine_doubles_for_both(
    city: City, helmet: int, riders: int, bare: int, who: str, doubles: bool
) -> None:
    (violation,) = judged(city, vehicle=MOTORCYCLE, helmet=int(helmet), riders=riders)
    inputs = violation.because.inputs
    assert (violation.rule, violation.because.measured) == ("no-helmet", bare)
    assert (inputs["bare_heads"], inputs["who"], inputs["doubles"]) == (bare, who, doubles)


@pytest.mark.parametrize(
    ("vehicle", "helmet"), [(MOTORCYCLE, Helmet.ALL), (MOTORCYCLE, Helmet.UNKNOWN), (CAR, Helmet.RIDER_BARE)]
)
def test_heads_that_were_not_seen_bare_on_a_motorcycle_make_no_case(city: City, vehicle: int, helmet: int) -> None:
    assert judged(city, vehicle=vehicle, helmet=int(helmet), riders=2) == []


@pytest.mark.parametrize(
    ("vehicle", "riders", "fires"),
    [(MOTORCYCLE, 3, True), (MOTORCYCLE, 2, False), (MOTORCYCLE, -1, False), (CAR, 5, False)],
)
def test_a_motorcycle_is_overloaded_above_two_riders(city: City, vehicle: int, riders: int, fires: bool) -> None:
    assert [v.rule for v in judged(city, vehicle=vehicle, riders=riders)] == (["overloaded"] if fires else [])


@pytest.mark.parametrize(
    ("device", "event_s", "fields", "zone"),
    [
        (REAR, 1.0, {"dwell_s": 181.0}, "kerb"),
        (REAR, 1.0, {"dwell_s": 180.0}, None),
        (REAR, 1.0, {}, None),
        (REAR, 1.0, {"dwell_s": 600.0, "lane": 2, "direction": 2}, None),
        (FRONT, 1.0, {"dwell_s": 600.0}, None),
        (BOTH, 1.0, {"dwell_s": 600.0}, None),
        (BOTH, 3600.0, {"dwell_s": 600.0}, "rush"),
        (BOTH, 10_800.0, {"dwell_s": 600.0}, None),
    ],
)
def test_a_stop_is_illegal_where_and_when_the_city_forbids_it(
    city: City, device: int, event_s: float, fields: dict[str, Any], zone: str | None
) -> None:
    found = judged(city, device, event_s, **fields)
    assert [v.because.inputs["no_stopping"] for v in found] == ([zone] if zone else [])


def test_the_ban_of_a_segment_does_not_hold_where_traffic_waits_at_a_signal(city: City) -> None:
    at_signal = tuple(
        msgspec.structs.replace(device, signal_groups=(1,)) if device.no in (REAR, BOTH) else device
        for device in city.devices
    )
    waiting = msgspec.structs.replace(city, devices=at_signal)
    assert judged(waiting, BOTH, 3600.0, dwell_s=600.0) == []
    assert len(judged(waiting, REAR, dwell_s=600.0)) == 1, "the camera itself is named"


def test_a_limit_of_hours_goes_before_the_limit_of_always(city: City) -> None:
    (violation,) = judged(city, event_s=HALF_PAST_S, speed_kmh=45.0)
    assert (violation.because.limit, violation.because.source) == (30.0, "school")
    assert judged(city, event_s=HALF_PAST_S - 1, speed_kmh=45.0) == []
    assert judged(city, event_s=HALF_PAST_S + DAY_S, speed_kmh=45.0) == [], "on a Saturday"


@pytest.mark.parametrize(
    ("uncertainty", "speed", "fires"), [(3.0, 70.5, True), (11.0, 70.5, False), (11.0, 71.5, True)]
)
def test_the_uncertainty_of_the_device_counts_for_the_driver(
    city: City, uncertainty: float, speed: float, fires: bool
) -> None:
    devices = tuple(msgspec.structs.replace(d, speed_uncertainty_kmh=uncertainty) for d in city.devices)
    found = judged(msgspec.structs.replace(city, devices=devices), speed_kmh=speed)
    assert bool(found) is fires
    for violation in found:
        because = violation.because
        assert (because.limit, because.threshold) == (60.0, max(70.0, 60.0 + uncertainty))
        assert because.inputs["at_least_kmh"] == speed - uncertainty
        assert because.inputs["enforced_above_kmh"] == 70.0


@pytest.mark.parametrize(("plate_state", "reason"), [(2, "doubtful_plate"), (0, "no_plate")])
def test_a_doubtful_read_needs_a_second_look_whatever_the_offence(city: City, plate_state: int, reason: str) -> None:
    ridden = judged(
        city, plate_state=plate_state, vehicle=MOTORCYCLE, helmet=4, riders=3, speed_kmh=99.0, dwell_s=900.0
    )
    driven = judged(city, plate_state=plate_state, direction=2, speed_kmh=30.0)
    shown = {violation.rule for violation in ridden + driven}
    assert shown == {"speeding", "wrong-way", "no-helmet", "overloaded", "stopping"}
    assert {(v.chargeable, v.reason) for v in ridden + driven} == {(False, reason)} and reason in SECOND_LOOK


def test_a_camera_sees_the_rear_of_who_comes_the_wrong_way_past_its_front_view(city: City) -> None:
    (from_behind,) = judged(city, FRONT, vehicle=MOTORCYCLE, direction=2, speed_kmh=30.0)
    (from_ahead,) = judged(city, REAR, vehicle=MOTORCYCLE, direction=2, speed_kmh=30.0)
    assert (from_behind.reason, from_ahead.reason) == ("", "front_view_of_motorcycle")


@pytest.mark.parametrize(
    ("late_s", "possible"), [(10.0, None), (300.0, True), (29 * DAY_S, True), (31 * DAY_S, False), (364 * DAY_S, False)]
)
def test_a_passage_that_was_delayed_is_judged_and_says_until_when_a_notice_can_be_sent(
    city: City, late_s: float, possible: bool | None
) -> None:
    (violation,) = judged(city, received_s=1.0 + late_s, speed_kmh=99.0)
    inputs = violation.because.inputs
    assert violation.chargeable and inputs["notice_by"] == "2027-02-14"
    assert inputs.get("notice_possible") is possible
    assert inputs.get("late_s") == (round(late_s) if possible is not None else None)


def test_a_passage_beyond_the_limitation_is_held_against_nobody(city: City) -> None:
    (violation,) = judged(city, received_s=366 * DAY_S, speed_kmh=99.0)
    assert (violation.chargeable, violation.reason) == (False, "time_barred")


def test_one_passage_of_several_offences_is_one_case_each(city: City) -> None:
    found = judged(city, vehicle=MOTORCYCLE, helmet=4, riders=3, speed_kmh=99.0)
    assert len({v.id for v in found}) == len(found) == 3


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ({"no_stopping": (NoStopping(id="nowhere", source=""),)}, "needs either a device or a segment"),
        ({"no_stopping": (NoStopping(id="lost", source="", segment="402-s99"),)}, "lost refers to it"),
        ({"maintenance": (Maintenance(device="cam-9", begins=NINE, ends=TEN, reason="lens"),)}, "lens refers to it"),
        ({"maintenance": (Maintenance(device="cam-402-01", begins=TEN, ends=TEN, reason="lens"),)}, "ends before"),
    ],
)
def test_places_and_plans_that_cannot_hold_are_refused(city: City, entries: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        check(msgspec.structs.replace(city, **entries))
