"""Frigate: the documentation's events, plates and counts, and what is easily got wrong."""

import json
import math
from typing import Any

import pytest

from contracts.errors import ConfigError
from contracts.records import Direction, StatusEvent, TimeQuality, VehicleClass
from contracts.topics import Kind
from ingest.plates import PlateState
from tests.fixtures.foreign_city import NOW_US, Listening, device

EVENTS, UPDATES, AVAILABLE = "frigate/events", "frigate/tracked_object_update", "frigate/available"
CAMERA: dict[str, Any] = {"type": "camera", "kinds": (Kind.PASSAGE, Kind.READINGS, Kind.STATUS)}
NOW_S = NOW_US / 1e6
AFTER: dict[str, Any] = {
    "id": "1607123955.475377-mxklsc", "camera": "front_door", "frame_time": NOW_S - 14.1, "label": "car",
    "sub_label": None, "top_score": 0.958984375, "false_positive": False, "start_time": NOW_S - 20.624623,
    "end_time": NOW_S - 1, "score": 0.87890625, "box": [432, 496, 544, 854], "area": 40096,
    "current_zones": ["driveway"], "entered_zones": ["yard", "driveway"], "stationary": False,
    "current_estimated_speed": 0.77, "average_estimated_speed": 14.31, "velocity_angle": 180,
    "recognized_license_plate": "1กข 1234", "recognized_license_plate_score": 0.933451,
}  # fmt: skip
"""As in the documentation (`end_time`, label and plate set; times moved to now)."""


def camera(id: str = "cam-fr-1", source: str = "front_door", **entry: Any) -> Listening:
    topics = [EVENTS, UPDATES, AVAILABLE]
    return Listening(
        device("frigate", {"topics": topics, "source": source, "account": "frigate", **entry}, id, **CAMERA)
    )


def event(type: str = "end", **changed: Any) -> str:
    return json.dumps({"type": type, "before": {}, "after": AFTER | changed})


DOOR = camera()


def passage(listening: Listening, said: str, topic: str = EVENTS) -> Any:
    result = listening.hear(topic, said)
    assert result.rejections == ()
    (row,) = result.passages
    return row


def test_a_vehicle_is_a_passage_when_its_event_has_ended() -> None:
    row = passage(DOOR, event())
    assert (row["vehicle"], row["lane"], row["event_us"]) == (VehicleClass.CAR, 0, NOW_US - 1_000_000)
    assert row["quality"] == TimeQuality.DEVICE
    assert round(float(row["dwell_s"]), 3) == 19.625
    assert row["plate_state"] != PlateState.NONE


@pytest.mark.parametrize("type", ["new", "update"])
def test_what_goes_before_the_end_is_passed_over(type: str) -> None:
    result = DOOR.hear(EVENTS, event(type, end_time=None))
    assert (result.passages.size, result.rejections, result.passed_over) == (0, (), 1)


def test_the_same_end_twice_is_the_same_record() -> None:
    first, second = DOOR.hear(EVENTS, event(), event()).passages
    assert first["seq"] == second["seq"]


@pytest.mark.parametrize("changed", [{"false_positive": True}, {"label": "person"}, {"label": "dog"}])
def test_what_is_no_vehicle_is_passed_over(changed: dict[str, Any]) -> None:
    assert DOOR.hear(EVENTS, event(**changed)).passed_over == 1


def test_a_truck_is_one_only_where_the_entry_says_that_the_model_knows_pickups() -> None:
    assert passage(DOOR, event(label="truck"))["vehicle"] == VehicleClass.UNKNOWN
    assert passage(camera(words={"truck": "truck"}), event(label="truck"))["vehicle"] == VehicleClass.TRUCK
    assert camera(words={"car": "none"}).hear(EVENTS, event()).passed_over == 1


def test_an_end_without_its_time_counts_from_the_last_frame() -> None:
    row = passage(DOOR, event(end_time=None))
    assert row["event_us"] == NOW_US - 14_100_000
    assert round(float(row["dwell_s"]), 3) == 6.525


def test_speed_is_taken_in_the_unit_that_the_entry_says_and_not_at_all_without_one() -> None:
    assert math.isnan(passage(DOOR, event())["speed_kmh"])
    assert passage(camera(params={"speed_unit": "km/h"}), event())["speed_kmh"] == pytest.approx(14.31)
    assert passage(camera(params={"speed_unit": "mph"}), event())["speed_kmh"] == pytest.approx(14.31 * 1.609344)


def test_a_speed_of_zero_was_never_measured() -> None:
    said = event(average_estimated_speed=0, velocity_angle=0)
    row = passage(camera(params={"speed_unit": "km/h", "forward_deg": 0.0}), said)
    assert math.isnan(row["speed_kmh"]) and row["direction"] == Direction.UNKNOWN


@pytest.mark.parametrize(
    ("angle_deg", "direction"),
    [(350, Direction.FORWARD), (40, Direction.FORWARD), (185, Direction.BACKWARD), (90, Direction.UNKNOWN)],
)
def test_the_direction_is_that_of_the_angle_that_the_entry_calls_forward(angle_deg: float, direction: int) -> None:
    row = passage(camera(params={"forward_deg": 10.0}), event(velocity_angle=angle_deg))
    assert row["direction"] == direction


def test_the_lane_is_that_of_the_last_zone_and_outside_all_there_is_no_passage() -> None:
    listening = camera(lanes={"lane_1": 1, "lane_2": 2})
    assert passage(listening, event(entered_zones=["yard", "lane_1", "lane_2", "kerb"]))["lane"] == 2
    assert listening.hear(EVENTS, event(entered_zones=["yard"])).passed_over == 1


@pytest.mark.parametrize(
    "plate",
    [
        {"recognized_license_plate": ["1กข 1234", 0.93], "recognized_license_plate_score": None},
        {"recognized_license_plate": "1กข 1234"},
    ],
)
def test_a_plate_may_come_with_its_score_or_beside_it(plate: dict[str, Any]) -> None:
    assert passage(DOOR, event(**plate))["plate_confidence"] == pytest.approx(0.93, abs=0.01)


@pytest.mark.parametrize("none", [None, ""])
def test_an_event_without_a_plate_has_none(none: str | None) -> None:
    assert passage(DOOR, event(recognized_license_plate=none))["plate_state"] == PlateState.NONE


@pytest.mark.parametrize("sub_label", [None, "John's Car", ["John's Car", 0.98]])
def test_the_name_of_a_known_vehicle_is_not_read(sub_label: Any) -> None:
    assert passage(DOOR, event(sub_label=sub_label))["seq"] == passage(DOOR, event())["seq"]


def test_cameras_are_told_apart_by_their_names() -> None:
    topics = {"topics": [EVENTS], "account": "frigate"}
    both = Listening(
        device("frigate", {**topics, "source": "front_door"}, "a", **CAMERA),
        device("frigate", {**topics, "source": "back"}, "b", **CAMERA),
    )
    assert passage(both, event(camera="back"))["device"] == both.registry.devices["b"].no
    assert both.refused(EVENTS, event(camera="cellar")) == "unknown_device"


UPDATE: dict[str, Any] = {
    "type": "lpr", "id": "1607123955.475377-mxklsc", "name": "John's Car", "plate": "123ABC", "score": 0.95,
    "camera": "front_door", "timestamp": NOW_S - 3, "plate_box": [917, 487, 1029, 529],
}  # fmt: skip


def test_a_read_plate_is_a_passage_only_for_a_camera_without_events() -> None:
    assert DOOR.hear(UPDATES, json.dumps(UPDATE)).passed_over == 1
    plates = camera(params={"plates": "updates"})
    row = passage(plates, json.dumps(UPDATE), UPDATES)
    assert (row["event_us"], row["vehicle"]) == (NOW_US - 3_000_000, VehicleClass.UNKNOWN)
    assert row["plate_state"] == PlateState.DOUBTFUL
    assert plates.hear(EVENTS, event()).passed_over == 1


def test_other_updates_are_passed_over() -> None:
    said = {"type": "classification", "id": "1-a", "model": "helmet_detector", "attribute": "yes", "score": 0.92}
    assert DOOR.hear(UPDATES, json.dumps(said)).passed_over == 1


COUNTS = Listening(
    device(
        "frigate",
        {"topics": ["frigate/front_door/#"], "fields": [{"field": "front_door/car/active", "metric": "flow-car"}]},
        **CAMERA,
    )
)


def test_a_count_is_a_bare_number_at_its_receipt() -> None:
    result = COUNTS.hear("frigate/front_door/car/active", "3")
    (row,) = result.readings
    assert (row["value"], row["event_us"], row["quality"]) == (3, NOW_US, TimeQuality.RECEIPT)


@pytest.mark.parametrize(
    ("topic", "payload"), [("car", b"4"), ("all", b"7"), ("motion", b"ON"), ("car/snapshot", b"\xff\xd8\xff\xe0")]
)
def test_topics_that_no_field_names_are_passed_over(topic: str, payload: bytes) -> None:
    assert COUNTS.hear(f"frigate/front_door/{topic}", payload).passed_over == 1


@pytest.mark.parametrize("said", ['"3"', "true", "null", "[3]"])
def test_a_count_that_is_no_number_is_refused(said: str) -> None:
    assert COUNTS.refused("frigate/front_door/car/active", said) == "schema"


@pytest.mark.parametrize(
    ("said", "event"), [("online", StatusEvent.BIRTH), ("stopped", StatusEvent.DEATH), ("offline", StatusEvent.DEATH)]
)
def test_what_frigate_says_of_itself_holds_for_each_of_its_cameras(said: str, event: StatusEvent) -> None:
    topics = {"topics": [AVAILABLE], "account": "frigate"}
    both = Listening(
        device("frigate", {**topics, "source": "front_door"}, "a", **CAMERA),
        device("frigate", {**topics, "source": "back"}, "b", **CAMERA),
    )
    assert list(both.hear(AVAILABLE, said).statuses["event"]) == [event, event]
    assert both.refused(AVAILABLE, "perhaps") == "schema"


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        (EVENTS, "[]"),
        (EVENTS, '{"type":"end"}'),
        (EVENTS, '{"type":"gone","after":{}}'),
        (EVENTS, event(camera=None)),
        (EVENTS, event(label=7)),
        (EVENTS, event(id=None)),
        (EVENTS, event(end_time="now")),
        (EVENTS, event(end_time=None, frame_time=None)),
        (EVENTS, event(start_time=NOW_S + 100)),
        (EVENTS, event(entered_zones="yard")),
        (EVENTS, event(recognized_license_plate=["1กข 1234"])),
        (EVENTS, event(recognized_license_plate={"text": "1กข 1234"})),
        (EVENTS, event(recognized_license_plate="1กข 1234 " * 3)),
        (EVENTS, event(recognized_license_plate_score=93)),
        (UPDATES, '{"id":"1-a"}'),
    ],
)
def test_what_is_not_frigates_is_refused_without_quoting_it(topic: str, said: str) -> None:
    assert DOOR.refused(topic, said) == "schema"
    (rejection,) = DOOR.hear(topic, said).rejections
    assert "1กข" not in rejection.detail


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"params": {"speed_unit": "m/s"}}, "speed_unit"),
        ({"params": {"plates": "all"}}, "plates"),
        ({"params": {"forward_deg": "north"}}, "forward_deg"),
        ({"params": {"prefix": "nvr"}}, "prefix"),
        ({"words": {"car": "motorcar"}}, "motorcar"),
        ({"time_zone": "Asia/Bangkok"}, "time_zone"),
    ],
)
def test_an_entry_that_frigate_does_not_understand_is_refused(entry: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        camera(**entry)
