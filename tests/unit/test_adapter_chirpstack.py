"""ChirpStack v4: the uplink of its documentation, and what its Protocol Buffers leave out."""

import json
from typing import Any

import pytest

from contracts.errors import ConfigError
from contracts.records import StatusEvent, TimeQuality
from tests.fixtures.foreign_city import Listening, device, us

EVENTS = "application/7f/device/0101010101010101/event"
UP = f"{EVENTS}/up"
ENTRY: dict[str, Any] = {
    "topics": [f"{EVENTS}/+"],
    "account": "chirpstack",
    "fields": [
        {"field": "object/temperature", "metric": "temperature"},
        {"field": "object/air/humidity", "metric": "humidity"},
        {"field": "object/rain", "metric": "rain_mm", "absent": 0},
        {"field": "object/depth", "metric": "level", "unit": "mm"},
    ],
}
CAPTURED: dict[str, Any] = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2026-11-22T02:59:15.775023999+00:00",
    "deviceInfo": {
        "tenantName": "ChirpStack", "applicationName": "Test application", "deviceProfileName": "Test device-profile",
        "deviceName": "Test device", "devEui": "0101010101010101", "tags": {"key": "value"},
    },
    "devAddr": "00189440", "dr": 1, "fPort": 1, "data": "qg==",
    "rxInfo": [
        {
            "gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5, "context": "E3OWOQ==",
            "metadata": {"region_name": "eu868", "region_common_name": "EU868"},
        }
    ],
    "txInfo": {
        "frequency": 867100000,
        "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 11, "codeRate": "CR_4_5"}},
    },
}  # fmt: skip
LORA = Listening(device("chirpstack", ENTRY))


def uplink(decoded: Any = None, **other: Any) -> str:
    said = CAPTURED | ({"object": decoded} if decoded is not None else {}) | other
    return json.dumps({key: value for key, value in said.items() if value is not None})


def test_the_decoded_values_of_an_uplink_are_readings_at_its_time() -> None:
    result = LORA.hear(UP, uplink({"temperature": 27.5, "air": {"humidity": 61}, "rain": 1.2}))
    assert sorted(result.readings["value"]) == [1.2, 27.5, 61]
    assert set(result.readings["quality"]) == {TimeQuality.DEVICE}
    assert result.rejections == ()


def test_nine_decimals_of_a_second_are_cut_to_six_and_never_rounded_up() -> None:
    times = LORA.hear(UP, uplink({"temperature": 1})).readings["event_us"]
    assert set(times) == {us("2026-11-22T02:59:15.775023+00:00")}


def test_an_uplink_that_leaves_out_its_frame_count_of_zero_is_an_uplink() -> None:
    assert "fCnt" not in CAPTURED
    assert LORA.values(UP, uplink({"temperature": 1, "rain": 2}))["temperature"] == 1


def test_a_value_left_out_because_it_is_zero_is_what_the_entry_says() -> None:
    assert LORA.values(UP, uplink({"temperature": 27.5})) == {"temperature": 27.5, "rain_mm": 0}


def test_an_empty_object_is_no_message_of_zeros() -> None:
    assert LORA.refused(UP, uplink({})) == "unknown_metric"


def test_a_value_is_turned_into_the_unit_of_its_metric_from_that_of_the_entry() -> None:
    assert LORA.values(UP, uplink({"depth": 1250, "rain": 0})) == {"level": 1.25, "rain_mm": 0}


def test_a_payload_that_nobody_decoded_is_refused() -> None:
    assert LORA.refused(UP, json.dumps(CAPTURED)) == "schema"


def test_an_uplink_without_a_payload_is_counted_and_is_nothing() -> None:
    result = LORA.hear(UP, uplink(data=None, fPort=None))
    assert (result.passed_over, result.rejections, result.readings.size) == (1, (), 0)


def test_the_same_uplink_again_is_the_same_records() -> None:
    said = uplink({"temperature": 27.5, "rain": 1})
    first, _, again, _ = LORA.hear(UP, said, said).readings
    assert [first[name] for name in ("boot", "seq", "event_us")] == [
        again[name] for name in ("boot", "seq", "event_us")
    ]


def test_what_a_device_says_of_its_battery_is_its_status() -> None:
    status = {"margin": 17, "externalPowerSource": False, "batteryLevelUnavailable": False, "batteryLevel": 75.5}
    left_out: dict[str, Any] = {"margin": 17}
    unknown = {"batteryLevelUnavailable": True}
    result = LORA.hear(f"{EVENTS}/status", uplink(**status), uplink(**left_out), uplink(**unknown))
    assert result.rejections == () and list(result.statuses["event"]) == [StatusEvent.HEALTH] * 3
    assert [str(each) for each in result.statuses["battery"]] == ["0.755", "0.0", "nan"]


def test_a_join_is_a_birth() -> None:
    (row,) = LORA.hear(f"{EVENTS}/join", uplink(devAddr="00189440")).statuses
    assert row["event"] == StatusEvent.BIRTH


@pytest.mark.parametrize("event", ["ack", "txack", "log", "location", "integration"])
def test_other_events_are_counted_and_are_nothing(event: str) -> None:
    result = LORA.hear(f"{EVENTS}/{event}", uplink())
    assert (result.passed_over, result.rejections, result.statuses.size) == (1, (), 0)


def test_devices_of_one_topic_are_told_apart_by_their_eui_in_any_case() -> None:
    shared = {**ENTRY, "topics": ["application/7f/device/+/event/up"]}
    first = device("chirpstack", {**shared, "source": "0101010101010101"}, "lora-1")
    second = device("chirpstack", {**shared, "source": "ABCDEF0123456789"}, "lora-2")
    both = Listening(first, second)
    topic = "application/7f/device/abcdef0123456789/event/up"
    rows = both.hear(topic, uplink({"temperature": 1}, deviceInfo={"devEui": "abcdef0123456789"})).readings
    assert set(rows["device"]) == {both.registry.devices["lora-2"].no}
    assert both.refused(topic, uplink({"temperature": 1}, deviceInfo={"devEui": "ff"})) == "unknown_device"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("schema", '{"devEUI":"AQEBAQEBAQE=","objectJSON":"{}"}'),
        ("schema", uplink({"temperature": 1}, time="2026-11-22T02:59:15")),
        ("schema", uplink({"temperature": 1}, time="yesterday")),
        ("schema", uplink({"temperature": 1}, time=5)),
        ("schema", uplink({"temperature": 1}, time="2026-02-30T02:59:15Z")),
        ("schema", uplink({"temperature": "27.5"}, object={"depth": "1"})),
        ("schema", uplink({"temperature": True, "rain": []})),
        ("past", uplink({"temperature": 1}, time="0001-01-01T00:00:00+14:00")),
        ("future", uplink({"temperature": 1}, time="9999-12-31T23:59:59-14:00")),
        ("out_of_range", uplink({"temperature": 1e6, "rain": -1})),
        ("schema", "[]"),
        ("not_json", '{"deviceInfo":'),
        ("not_json", b"\xff"),
    ],
)
def test_what_is_wrong_is_a_rejection_with_its_reason(reason: str, said: str) -> None:
    result = LORA.hear(UP, said)
    assert {rejection.reason for rejection in result.rejections} == {reason}


def test_a_time_that_is_missing_is_that_of_the_receipt() -> None:
    assert set(LORA.hear(UP, uplink({"temperature": 1}, time=None)).readings["quality"]) == {TimeQuality.RECEIPT}


def test_an_entry_that_hears_no_uplink_is_refused() -> None:
    with pytest.raises(ConfigError, match="none of its topics is that of uplinks"):
        Listening(device("chirpstack", {**ENTRY, "topics": [f"{EVENTS}/status"]}))
