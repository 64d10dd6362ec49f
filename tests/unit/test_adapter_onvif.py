"""ONVIF Profile M: the specification's events and metadata, and what is easily got wrong."""

import json
import math
from typing import Any

import pytest

from contracts.errors import ConfigError
from contracts.records import Direction, VehicleClass
from contracts.topics import Kind
from ingest.plates import PlateState
from tests.fixtures.foreign_city import NOW_US, Listening, device, us

TIME = "2026-11-22T02:59:57.321Z"
EVENTS, METADATA = "MyDevice/onvif-ej", "MyDevice/onvif-mj"
CROSSED = f"{EVENTS}/RuleEngine/LineDetector/Crossed/&1/2/MyImportantFence1"
RECOGNISED = f"{EVENTS}/RuleEngine/Recognition/LicensePlate/&1/Gate"
HIGH = f"{EVENTS}/Device/Sensor/Temperature/High"
COUNTER = f"{EVENTS}/RuleEngine/CountAggregation/Counter/&1/2/Gate"
SENSOR, FRAMES = f"{METADATA}/SensorData/Temperature", f"{METADATA}/VideoAnalytics/1/MyClassifier"
CAMERA: dict[str, Any] = {"type": "camera", "kinds": (Kind.PASSAGE, Kind.READINGS, Kind.STATUS)}


def listening(**entry: Any) -> Listening:
    topics = [f"{EVENTS}/#", f"{METADATA}/#"]
    return Listening(device("onvif", {"topics": topics, **entry}, **CAMERA))


ROAD = listening(
    lanes={"MyImportantFence1": 1, "Gate": 2},
    words={"MyImportantFence1": "forward", "Left": "backward"},
)


def crossed(rule: str = "MyImportantFence1", **data: Any) -> str:
    source = {"VideoSource": "1", "AnalyticsConfiguration": "2", "Rule": rule}
    return json.dumps({"UtcTime": TIME, "Source": source, "Data": {"ObjectId": "15"} | data})


def test_the_specifications_crossing_is_a_passage_on_the_lane_of_its_rule() -> None:
    (row,) = ROAD.hear(CROSSED, crossed()).passages
    assert (row["lane"], row["direction"], row["vehicle"]) == (1, Direction.FORWARD, VehicleClass.UNKNOWN)
    assert row["event_us"] == us(TIME) and row["track"] > 0


def test_a_line_that_is_no_lane_is_passed_over() -> None:
    assert ROAD.hear(CROSSED, crossed("Footpath")).passed_over == 1
    assert listening().hear(CROSSED, crossed()).passed_over == 1


def test_the_same_crossing_twice_is_one_record_and_of_another_object_another() -> None:
    first, second, other = ROAD.hear(CROSSED, crossed(), crossed(), crossed(ObjectId="16")).passages
    assert first["seq"] == second["seq"] != other["seq"]


PLATE = {
    "PlateNumber": {"@Likelihood": "0.9", "#text": "1กข 1234"}, "PlateType": {"@Likelihood": "0.8", "#text": "Normal"},
    "CountryCode": {"@Likelihood": "0.7", "#text": "TH"}, "IssuingEntity": {"@Likelihood": "0.6", "#text": "Phuket"},
}  # fmt: skip
SEEN: dict[str, Any] = {
    "Likelihood": "0.8", "ObjectId": {"@ObjectId": "12"}, "LicensePlateInfo": {"LicensePlateInfo": PLATE},
    "VehicleInfo": {"VehicleInfo": {"Type": {"@Likelihood": "0.9", "#text": "Car"}}}, "Speed": "10",
    "Direction": {"Direction": "Left"},
}  # fmt: skip


def recognised(rule: str = "Gate", **changed: Any) -> str:
    return json.dumps({"UtcTime": TIME, "Source": {"VideoSource": "1", "Rule": rule}, "Data": SEEN | changed})


def test_a_recognised_plate_is_a_passage_with_its_vehicle_and_speed_in_metres_a_second() -> None:
    (row,) = ROAD.hear(RECOGNISED, recognised()).passages
    assert (row["lane"], row["vehicle"], row["direction"]) == (2, VehicleClass.CAR, Direction.BACKWARD)
    assert row["speed_kmh"] == 36
    assert (row["plate_state"], row["plate_confidence"]) == (PlateState.CLEAR, pytest.approx(0.9))


def test_elements_may_stand_alone_and_texts_without_a_likelihood() -> None:
    said = recognised(LicensePlateInfo={"PlateNumber": "1กข 1234"}, VehicleInfo={"Type": "Bus"}, ObjectId=12)
    (row,) = ROAD.hear(RECOGNISED, said).passages
    assert row["vehicle"] == VehicleClass.BUS
    assert (row["plate_state"], row["plate_confidence"]) == (PlateState.DOUBTFUL, pytest.approx(0.8))


def test_without_speed_vehicle_and_direction_there_is_a_plate_still() -> None:
    data = {"LicensePlateInfo": PLATE}
    (row,) = listening().hear(RECOGNISED, json.dumps({"UtcTime": TIME, "Source": {}, "Data": data})).passages
    assert (row["lane"], row["vehicle"], row["direction"]) == (0, VehicleClass.UNKNOWN, Direction.UNKNOWN)
    assert math.isnan(row["speed_kmh"]) and row["plate_state"] == PlateState.CLEAR


def test_an_entity_of_another_country_is_no_province() -> None:
    plate = PLATE | {"CountryCode": "US", "IssuingEntity": "Phuket"}
    (row,) = ROAD.hear(RECOGNISED, recognised(LicensePlateInfo=plate)).passages
    assert row["plate_state"] == PlateState.DOUBTFUL


def test_a_plate_at_a_place_that_is_no_lane_is_passed_over() -> None:
    assert ROAD.hear(RECOGNISED, recognised("Car park")).passed_over == 1


MEASURED = listening(
    fields=[
        {"field": "Device/Sensor/Temperature/High#Value", "metric": "temperature"},
        {"field": "RuleEngine/CountAggregation/Counter&Gate#Count", "metric": "flow-car"},
    ]
)


def test_the_value_of_a_sensors_event_is_a_reading() -> None:
    said = {"UtcTime": TIME, "Source": {"SensorID": "temp_001"}, "Data": {"Value": 28.65, "Threshold": 25.15}}
    assert MEASURED.values(HIGH, json.dumps(said)) == {"temperature": 28.65}
    said["Data"] = {"Value": "28.65"}
    assert MEASURED.values(HIGH, json.dumps(said)) == {"temperature": 28.65}


def test_a_counter_is_told_by_one_of_the_values_of_its_source() -> None:
    said = {"UtcTime": TIME, "Source": {"VideoSource": "1", "Rule": "Gate"}, "Data": {"Count": "17"}}
    assert MEASURED.values(COUNTER, json.dumps(said)) == {"flow-car": 17}
    said["Source"] = {"VideoSource": "1", "Rule": "Back door"}
    assert MEASURED.hear(COUNTER, json.dumps(said)).passed_over == 1


def test_a_value_that_is_no_number_is_refused() -> None:
    said = {"UtcTime": TIME, "Source": {}, "Data": {"Value": "hot"}}
    assert MEASURED.refused(HIGH, json.dumps(said)) == "schema"


METERED = listening(
    fields=[
        {"field": "SensorData/Temperature#Value", "metric": "temperature"},
        {"field": "VideoAnalytics#Vehicle", "metric": "flow-car"},
    ]
)


def test_metadata_has_temperatures_in_kelvin_unless_the_entry_says_otherwise() -> None:
    said = json.dumps({"SensorData": {"@UtcTime": "2026-11-22T02:30:00Z", "@SensorID": "temp_001", "Value": 298.65}})
    assert METERED.values(SENSOR, said) == {"temperature": 25.5}
    field = {"field": "SensorData/Temperature&temp_001#Value", "metric": "temperature", "unit": "degF"}
    assert listening(fields=[field]).values(SENSOR, said.replace("298.65", "68")) == {"temperature": 20}


def frame(*types: str, time: str = "2026-11-22T02:59:27.321") -> dict[str, Any]:
    objects = [
        {"@ObjectId": 15 + at, "Appearance": {"Class": {"Type": [{"@Likelihood": 0.8, "#text": name}]}}}
        for at, name in enumerate(types)
    ]
    return {"@UtcTime": time, "@Source": "MyClassifier", "Object": objects}


def test_frames_say_how_many_objects_of_a_class_there_are_at_times_in_utc_without_saying_so() -> None:
    said = {"Frame": [frame("Vehicle", "Human", "Vehicle"), frame("Human", time="2026-11-22T02:59:28.321")]}
    result = METERED.hear(FRAMES, json.dumps(said))
    assert list(result.readings["value"]) == [2, 0]
    assert result.readings["event_us"][0] == us("2026-11-22T02:59:27.321Z")
    assert result.rejections == ()


def test_unlikely_objects_do_not_count_and_objects_are_no_passages() -> None:
    said = frame("Vehicle")
    said["Object"][0]["Appearance"]["Class"]["Type"][0]["@Likelihood"] = 0.4
    said["Object"][0]["Appearance"]["LicensePlateInfo"] = PLATE
    result = METERED.hear(FRAMES, json.dumps({"Frame": [said]}))
    assert list(result.readings["value"]) == [0] and not result.passages.size


def test_a_message_makes_no_more_records_than_one_of_ours_may_hold() -> None:
    field = {"metric": "temperature", "unit": "degC"}
    fields = [field | {"field": f"VideoAnalytics#Class{lane}", "lane": lane} for lane in range(10)]
    counting = listening(fields=fields)
    frames = [{"@UtcTime": TIME}] * 51
    assert counting.hear(FRAMES, json.dumps({"Frame": frames[:50]})).readings.size == 500
    assert counting.refused(FRAMES, json.dumps({"Frame": frames})) == "too_large"


def test_the_specifications_frame_is_read() -> None:
    said = (
        '{"Frame":[{"@UtcTime":"2021-10-05T15:13:27.321","@Source":"MyClassifier","Transformation":{"Translate":'
        '{"@x":-1.0,"@y":-1.0},"Scale":{"@x":0.003125,"@y":0.00416667}},"Object":[{"@ObjectId":15,"Appearance":'
        '{"Shape":{"BoundingBox":{"@left":20.0,"@top":80.0,"@right":100.0,"@bottom":30.0},"CenterOfGravity":'
        '{"@x":60.0,"@y":50.0}},"Class":{"Type":[{"@Likelihood":0.8,"#text":"Human"}]}}}]}]}'
    )
    human = listening(fields=[{"field": "VideoAnalytics#Human", "metric": "flow-car"}])
    received_us = us("2021-10-05T15:13:28Z")
    (row,) = human.hear(FRAMES, said, received_us=received_us).readings
    assert row["value"] == 1 and human.refused(FRAMES, said) == "past"


def test_what_deletes_a_property_and_what_was_retained_are_state() -> None:
    assert ROAD.hear(CROSSED, b"").retained == 1
    assert ROAD.hear(CROSSED, crossed(), retained=True).retained == 1


@pytest.mark.parametrize(
    ("topic", "said", "reason"),
    [
        (CROSSED, "[]", "schema"),
        (CROSSED, '{"Source":{"Rule":"Gate"},"Data":{}}', "schema"),
        (CROSSED, '{"UtcTime":"yesterday","Source":{"Rule":"Gate"},"Data":{}}', "schema"),
        (CROSSED, '{"UtcTime":"2026-11-22T03:00:00Z","Source":7,"Data":{}}', "schema"),
        (CROSSED, crossed(ObjectId=["1กข 1234"]), "schema"),
        (RECOGNISED, recognised(LicensePlateInfo={"PlateNumber": ["1กข 1234"]}), "schema"),
        (RECOGNISED, recognised(LicensePlateInfo="1กข 1234"), "schema"),
        (RECOGNISED, recognised(Speed="fast"), "schema"),
        (RECOGNISED, recognised(Speed="-1"), "out_of_range"),
        (FRAMES, '{"Frame":[7]}', "schema"),
        (FRAMES, '{"Frame":[{}]}', "schema"),
        (f"{METADATA}/SensorData/Temperature", '{"SensorData":[1]}', "schema"),
        (CROSSED, "<tt:Message/>", "not_json"),
    ],
)
def test_what_is_not_as_specified_is_refused_without_quoting_it(topic: str, said: str, reason: str) -> None:
    of = METERED if topic.startswith(METADATA) else ROAD
    assert of.refused(topic, said) == reason
    (rejection,) = of.hear(topic, said).rejections
    assert "1กข" not in rejection.detail


@pytest.mark.parametrize("field", ["Device/Sensor/Temperature/High", "#Value", "Device#"])
def test_a_field_names_its_topic_and_its_item(field: str) -> None:
    with pytest.raises(ConfigError, match="TOPIC#ITEM"):
        listening(fields=[{"field": field, "metric": "temperature"}])


def test_receipt_is_not_the_time_of_an_event() -> None:
    (row,) = ROAD.hear(CROSSED, crossed()).passages
    assert row["event_us"] != NOW_US
