"""Phuket's city files: complete, consistent, and honest about what is known."""

import re
import tomllib
from collections import Counter
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from contracts.city import City
from contracts.city_forms import parse_city
from contracts.devices import Device
from contracts.records import VehicleClass
from contracts.roads import Limit
from contracts.topics import Kind
from processing.alarms.rationalised import kinds_raised
from processing.environment.derived import made_metrics
from processing.traffic.tables import METRICS as FLOW_METRICS

FOLDER: Final = Path(__file__).parents[2] / "cities" / "phuket"
MOTOR_CLASSES: Final = tuple(
    one.name.lower() for one in VehicleClass if one not in (VehicleClass.UNKNOWN, VehicleClass.BICYCLE)
)
DIRECTIONS: Final = ("forward", "backward")
THAI: Final = re.compile("[\u0e00-\u0e7f]")
CODES: Final = {
    "pm2_5": 1,
    "pm10": 2,
    "o3": 3,
    "no2": 4,
    "so2": 5,
    "co": 6,
    "temperature": 10,
    "humidity": 11,
    "pressure": 12,
    "wind-speed": 13,
    "wind-direction": 14,
    "rain-rate": 15,
    "rain_mm": 16,
    "solar-radiation": 17,
    "laeq": 20,
    "lamax": 21,
    "level_m": 30,
    "flow-motorcycle": 40,
    "flow-car": 41,
    "flow-pickup": 42,
    "flow-van": 43,
    "flow-bus": 44,
    "flow-truck": 45,
    "flow-three-wheel": 46,
    "speed-mean": 50,
    "occupancy": 51,
}

MADE: Final = frozenset({"front-only-motorcycles", *FLOW_METRICS})
"""What the engine says of a device without the device ever sending it."""


@cache
def phuket() -> City:
    return parse_city({path.name: path.read_bytes() for path in FOLDER.glob("*.toml")})


def cameras() -> list[Device]:
    return [device for device in phuket().devices if device.type == "camera"]


def limit_for(segment: str, direction: str, vehicle: str) -> Limit | None:
    """The limit in force, written out as the contract says it: class before any, direction before both."""
    fitting = [
        limit
        for limit in phuket().limits
        if limit.segment == segment and limit.vehicle in (vehicle, "any") and limit.direction in (direction, "both")
    ]
    return max(fitting, key=lambda one: (one.vehicle != "any", one.direction != "both", one.valid_from), default=None)


def test_the_city_has_three_districts_and_seventeen_subdistricts() -> None:
    levels = Counter(zone.level for zone in phuket().zones)
    assert levels == {"district": 3, "subdistrict": 17}
    districts = {zone.id: zone.pcode for zone in phuket().zones if zone.level == "district"}
    for zone in phuket().zones:
        if zone.level == "subdistrict":
            assert zone.pcode.startswith(districts[zone.parent or ""])


def test_the_city_has_the_devices_that_step_one_asks_for() -> None:
    kinds = Counter(device.type for device in phuket().devices)
    assert kinds["camera"] >= 120
    assert kinds["water"] == 25
    assert sum(kinds.values()) - kinds["camera"] == 40
    assert all(kinds[kind] > 0 for kind in ("air", "noise", "weather", "rain"))


def test_every_function_of_cameras_is_there() -> None:
    assert {function for camera in cameras() for function in camera.functions} == {
        "speed",
        "red_light",
        "plate",
        "count",
    }


def test_every_subdistrict_is_watched_by_some_device() -> None:
    watched = {device.zone for device in phuket().devices}
    assert watched == {zone.id for zone in phuket().zones if zone.level == "subdistrict"}


@pytest.mark.parametrize("junction", ["khao-lan", "kwang", "si-ko", "kamala", "komaraphat"])
def test_each_junction_of_2017_has_its_three_cameras(junction: str) -> None:
    there = [camera for camera in cameras() if camera.junction == junction]
    assert len(there) == 3
    assert all("2017" in camera.source for camera in there)
    assert any("red_light" in camera.functions for camera in there)


def test_the_junctions_of_2017_without_a_known_place_are_marked_unverified() -> None:
    marks = {camera.junction: camera.verified for camera in cameras() if "2017" in camera.source}
    assert marks == {"khao-lan": False, "kwang": True, "si-ko": True, "kamala": False, "komaraphat": False}


def test_the_four_fixed_sites_of_2013_measure_speed_from_the_front() -> None:
    there = [camera for camera in cameras() if "2013" in camera.source]
    assert len(there) == 4
    assert sorted(camera.call_sign.rsplit("-", 1)[0] for camera in there) == ["402", "402", "4024", "town"]
    assert all("speed" in camera.functions and camera.faces == "front" and not camera.verified for camera in there)


def test_call_signs_can_be_spoken_and_name_the_device() -> None:
    for camera in cameras():
        assert re.fullmatch(r"(\d{3,4}|[a-z]{4,6})-\d{2}", camera.call_sign), camera.call_sign
        assert camera.id == f"cam-{camera.call_sign}"
    signs = [camera.call_sign for camera in cameras()]
    assert len(set(signs)) == len(signs)
    assert "402-07" in signs


def test_every_name_is_there_in_thai() -> None:
    city = phuket()
    names = [
        (entry.id, entry.name_en, entry.name_th)
        for entries in (city.zones, city.police_stations, city.segments, city.sections, city.devices)
        for entry in entries
    ]
    for name, english, thai in names:
        assert THAI.search(thai) and not THAI.search(english), name
        assert "None" not in thai + english, name


def test_a_camera_numbers_its_lanes_once_over_both_directions() -> None:
    lanes = {segment.id: segment.lanes for segment in phuket().segments}
    for camera in cameras():
        watched = camera.lanes_forward + camera.lanes_backward
        assert watched and len(set(watched)) == len(watched), camera.id
        assert camera.segment and len(watched) <= lanes[camera.segment], camera.id


def test_a_red_light_camera_sees_rears_and_knows_its_signal() -> None:
    for camera in cameras():
        if "red_light" in camera.functions:
            assert camera.faces == "rear", f"{camera.id}: motorcycles carry no plate at the front"
            assert camera.junction and len(camera.signal_groups) == 1, camera.id
        assert (Kind.SIGNAL in camera.kinds) == bool(camera.signal_groups), camera.id


def test_no_two_cameras_speak_for_one_signal_group() -> None:
    spoken = [(camera.junction, group) for camera in cameras() for group in camera.signal_groups]
    assert len(set(spoken)) == len(spoken)


def test_a_speed_camera_has_a_calibration_and_the_others_need_none() -> None:
    for camera in cameras():
        assert (camera.calibrated_until is not None) == ("speed" in camera.functions), camera.id


def test_every_camera_counts_each_of_its_lanes_once_a_minute() -> None:
    counted = {key for key in CODES if key.startswith("flow-")} | {"speed-mean", "occupancy"}
    for camera in cameras():
        series = {(one.metric, one.lane) for one in camera.series}
        assert series == set(product(counted, camera.lanes_forward + camera.lanes_backward)), camera.id
        assert {one.interval_s for one in camera.series} == {60}


def test_every_metric_is_measured_by_some_device_or_made_by_the_engine() -> None:
    measured = {series.metric for device in phuket().devices for series in device.series}
    made = MADE | made_metrics(phuket())
    assert measured | made == {metric.key for metric in phuket().metrics} and not measured & made


def test_codes_of_metrics_never_change() -> None:
    found = {metric.key: metric.code for metric in phuket().metrics}
    assert {key: found.get(key) for key in CODES} == CODES


def test_a_metric_can_hold_what_is_usual_on_the_island() -> None:
    usual = {"temperature": 33.5, "humidity": 100.0, "pressure": 1009.0, "pm2_5": 916.0, "laeq": 84.0, "level_m": 2.5}
    ranges = {metric.key: (metric.min, metric.max) for metric in phuket().metrics}
    for key, value in usual.items():
        low, high = ranges[key]
        assert low <= value <= high, key
    assert all(low < high for low, high in ranges.values())


def test_every_segment_limits_every_motor_vehicle_in_both_directions() -> None:
    for segment, direction, vehicle in product(phuket().segments, DIRECTIONS, MOTOR_CLASSES):
        limit = limit_for(segment.id, direction, vehicle)
        assert limit, f"{segment.id} {direction} {vehicle}"
        assert 0 < limit.limit_kmh <= 90, "nothing on the island is faster than 90"


def test_an_unknown_class_is_judged_by_the_most_lenient_limit() -> None:
    for segment in phuket().segments:
        any_kmh = limit_for(segment.id, "forward", "unknown")
        strictest = [limit_for(segment.id, "forward", vehicle) for vehicle in MOTOR_CLASSES]
        assert any_kmh and any_kmh.limit_kmh == max(one.limit_kmh for one in strictest if one)


def test_a_limit_names_its_source_and_its_mark() -> None:
    for limit in phuket().limits:
        assert re.search(r"\[[SU]\]", limit.source), limit
        assert not limit.verified, "no limit of a road in Phuket was read in a primary text"


@pytest.mark.parametrize(
    ("vehicle", "limit_kmh"),
    [("car", 80), ("pickup", 80), ("truck", 60), ("motorcycle", 60), ("big_motorcycle", 80), ("three_wheel", 45)],
)
def test_a_town_road_has_the_limits_of_the_town_table(vehicle: str, limit_kmh: int) -> None:
    limit = limit_for("4021-chalong", "forward", vehicle)
    assert limit and (limit.limit_kmh, limit.threshold_kmh) == (limit_kmh, limit_kmh + 10)


def test_the_bypass_is_signed_50_and_enforced_from_100() -> None:
    limit = limit_for("4024-bypass-north", "backward", "car")
    assert limit and (limit.limit_kmh, limit.threshold_kmh) == (50, 100)


def test_a_car_is_limited_to_60_where_a_rear_looking_camera_measures_speed() -> None:
    watching = [
        camera
        for camera in cameras()
        if "speed" in camera.functions and camera.faces in ("rear", "both") and camera.segment
        if (limit := limit_for(camera.segment, "forward", "car")) and limit.limit_kmh == 60
    ]
    assert watching


def test_a_section_lies_between_two_plate_cameras_of_one_stretch_in_order() -> None:
    by_id = {camera.id: camera for camera in cameras()}
    assert 4 <= len(phuket().sections) <= 8
    for section in phuket().sections:
        entry, leave = by_id[section.entry], by_id[section.exit]
        assert "plate" in entry.functions and "plate" in leave.functions
        assert entry.faces == leave.faces == "rear"
        assert entry.segment == leave.segment
        assert bool(entry.lanes_forward) == bool(leave.lanes_forward), section.id
        assert section.length_m >= 1000, "shorter sections measure mostly the clocks"
        rising = int(entry.call_sign[-2:]) < int(leave.call_sign[-2:])
        assert rising == bool(entry.lanes_forward), "call signs rise along the road, forward"


def test_silence_begins_after_several_missed_samples_and_within_minutes() -> None:
    for device in phuket().devices:
        assert 3 * device.cadence_s <= device.silent_after_s <= 300, device.id


def test_water_levels_come_every_ten_seconds_and_say_that_their_datum_is_unverified() -> None:
    for device in phuket().devices:
        if device.type == "water":
            assert [(one.metric, one.interval_s) for one in device.series] == [("level_m", 10)]
            assert not device.verified and "datum" in device.note


def test_every_alarm_that_can_be_raised_has_a_response() -> None:
    assert set(kinds_raised(phuket())) <= {response.kind for response in phuket().responses}
    for response in phuket().responses:
        assert response.respond_within_s > 0 and response.call
        assert THAI.search(response.name_th + response.action_th)


def test_the_air_rule_is_the_standard_of_2023() -> None:
    rule = next(rule for rule in phuket().rules if rule.id == "pm25-24h")
    assert (rule.kind, rule.metric) == ("exceedance", "pm2_5")
    assert rule.params == {"limit": 37.5, "clear_below": 35.0, "min_hours": 18.0}
    assert "Royal Gazette" in rule.law


def test_retention_is_what_the_design_promises() -> None:
    assert tomllib.loads((FOLDER / "retention.toml").read_text("utf-8")) == {
        "passages_days": 90,
        "readings_days": 400,
        "windows_days": 1826,
        "wide_windows_days": 3652,
        "rejections_days": 30,
    }


def test_every_offence_names_its_law_in_both_languages_and_is_marked() -> None:
    offences = [rule for rule in phuket().rules if rule.offence]
    assert {rule.kind for rule in offences} >= {
        "speeding", "wrong_way", "no_helmet", "overloaded", "illegal_stopping",
    }  # fmt: skip
    for rule in offences:
        assert rule.law and THAI.search(rule.law_th) and rule.fine_source and not rule.verified, rule.id
        assert re.search(r"\[[PSU]\]", rule.law + rule.fine_source), rule.id


def test_no_place_without_stopping_is_called_verified_before_anybody_looked() -> None:
    for entry in phuket().no_stopping:
        assert not entry.verified and "assumed 2026-11-22" in entry.source and "[U]" in entry.source, entry.id


def test_a_stop_is_longer_than_any_signal_keeps_traffic_waiting() -> None:
    (rule,) = (rule for rule in phuket().rules if rule.kind == "illegal_stopping")
    assert rule.params["max_dwell_s"] > 140
