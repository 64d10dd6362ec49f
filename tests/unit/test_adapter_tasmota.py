"""Tasmota: the message of its documentation, local times, units that stand beside the values, its last will."""

import json
from typing import Any

import pytest

from contracts.errors import ConfigError
from contracts.records import StatusEvent, TimeQuality
from tests.fixtures.foreign_city import NOW_US, Listening, device, us

SENSOR, LWT, STATE = "tele/tasmota/SENSOR", "tele/tasmota/LWT", "tele/tasmota/STATE"
FIELDS = [
    {"field": "BME280/Temperature", "metric": "temperature"},
    {"field": "BME280/Humidity", "metric": "humidity"},
    {"field": "BME280/Pressure", "metric": "pressure"},
    {"field": "SDS0X1/PM2.5", "metric": "pm2_5"},
    {"field": "Wind/Speed", "metric": "wind-speed"},
]
ENTRY: dict[str, Any] = {"topics": [SENSOR, LWT, STATE], "time_zone": "Asia/Bangkok", "fields": FIELDS}
HUT = Listening(device("tasmota", ENTRY))
NOWHERE = Listening(device("tasmota", {**ENTRY, "time_zone": ""}))

CAPTURED: dict[str, Any] = {
    "Time": "2026-11-22T09:59:28",
    "BME280": {"Temperature": 21.7, "Humidity": 66.6, "Pressure": 988.6},
    "PressureUnit": "hPa",
    "TempUnit": "C",
}


def said(**other: Any) -> str:
    return json.dumps(CAPTURED | other)


def test_the_captured_message_is_three_readings_at_its_time_in_its_zone() -> None:
    assert HUT.values(SENSOR, said()) == {"temperature": 21.7, "humidity": 66.6, "pressure": 988.6}
    rows = HUT.hear(SENSOR, said()).readings
    assert set(rows["event_us"]) == {us("2026-11-22T09:59:28+07:00")}
    assert set(rows["quality"]) == {TimeQuality.DEVICE}


def test_a_local_time_in_no_zone_is_nobodys_time_and_the_receipt_counts() -> None:
    rows = NOWHERE.hear(SENSOR, said()).readings
    assert (set(rows["event_us"]), set(rows["quality"])) == ({NOW_US}, {TimeQuality.RECEIPT})


def test_a_time_with_an_offset_needs_no_zone() -> None:
    for listening in (HUT, NOWHERE):
        rows = listening.hear(SENSOR, said(Time="2026-11-22T04:59:28+02:00")).readings
        assert set(rows["event_us"]) == {us("2026-11-22T09:59:28+07:00")}


@pytest.mark.parametrize("time", [1795316368, 1795316368000])
def test_a_time_in_seconds_or_milliseconds_is_understood(time: int) -> None:
    assert set(HUT.hear(SENSOR, said(Time=time)).readings["event_us"]) == {us("2026-11-22T09:59:28+07:00")}


@pytest.mark.parametrize("time", ["1970-01-01T00:00:09", 9, None])
def test_a_clock_that_is_not_set_yet_is_no_time(time: Any) -> None:
    assert set(HUT.hear(SENSOR, said(Time=time)).readings["quality"]) == {TimeQuality.RECEIPT}


def test_units_are_those_beside_the_values() -> None:
    made = HUT.values(
        SENSOR,
        json.dumps(
            {
                "BME280": {"Temperature": 71.06, "Humidity": 66.6, "Pressure": 741.5}, "Wind": {"Speed": 36},
                "PressureUnit": "mmHg", "TempUnit": "F", "SpeedUnit": "km/h",
            }
        ),
    )  # fmt: skip
    assert made == {
        "temperature": 21.7,
        "humidity": 66.6,
        "pressure": pytest.approx(988.585, abs=0.001),
        "wind-speed": 10,
    }


def test_a_unit_that_nobody_knows_refuses_what_is_in_it_alone() -> None:
    result = HUT.hear(SENSOR, said(TempUnit="R"))
    assert sorted(result.readings["value"]) == [66.6, 988.6]
    assert [rejection.reason for rejection in result.rejections] == ["wrong_unit"]


def test_a_name_with_a_dot_is_one_name() -> None:
    assert HUT.values(SENSOR, json.dumps({"SDS0X1": {"PM2.5": 12.5, "PM10": 30}})) == {"pm2_5": 12.5}


def test_probes_of_one_kind_are_found_by_number_or_by_address() -> None:
    by_address = "Id=0000000C3A2E/Temperature"
    fields = [
        {"field": "DS18B20-1/Temperature", "metric": "temperature"},
        {"field": by_address, "metric": "temperature", "lane": 1},
    ]
    water = Listening(device("tasmota", {"topics": [SENSOR], "fields": fields}))
    first, second = {"Id": "000000000001", "Temperature": 20}, {"Id": "0000000C3A2E", "Temperature": 30}
    for probes in ({"DS18B20-1": first, "DS18B20-2": second}, {"DS18B20-1": second, "DS18B20-2": first}):
        rows = water.hear(SENSOR, json.dumps({**probes, "TempUnit": "C"})).readings
        values = {int(row["lane"]): float(row["value"]) for row in rows}
        assert values == {0: probes["DS18B20-1"]["Temperature"], 1: 30}


def test_a_probe_without_a_value_says_null_and_is_left_out() -> None:
    assert HUT.values(SENSOR, said(BME280={"Temperature": None, "Humidity": 50})) == {"humidity": 50}
    assert HUT.hear(SENSOR, said(BME280={"Temperature": None})).passed_over == 1


def test_its_will_is_its_birth_or_its_death() -> None:
    rows = HUT.hear(LWT, "Online", "Offline").statuses
    assert list(rows["event"]) == [StatusEvent.BIRTH, StatusEvent.DEATH]
    assert HUT.refused(LWT, "online?") == "schema"


def test_a_retained_will_is_state_and_no_birth() -> None:
    result = HUT.hear(LWT, "Online", retained=True)
    assert (result.retained, result.statuses.size) == (1, 0)


def test_a_kind_that_the_entry_does_not_list_is_left_out_and_counted() -> None:
    quiet = Listening(device("tasmota", ENTRY, kinds=("readings",)))
    assert quiet.hear(LWT, "Online").passed_over == 1


def test_what_else_it_publishes_is_counted_and_is_nothing() -> None:
    result = HUT.hear(STATE, '{"Time":"2026-11-22T09:59:28","Uptime":"0T00:00:09"}')
    assert (result.passed_over, result.rejections) == (1, ())


@pytest.mark.parametrize(
    ("reason", "payload"),
    [
        ("unknown_metric", '{"Time":"2026-11-22T09:59:28","ENERGY":{"Power":5}}'),
        ("schema", said(Time="22.11.2026 09:59")),
        ("schema", said(Time=True)),
        ("schema", said(Time=[])),
        ("schema", json.dumps({"BME280": {"Temperature": "21.7"}})),
        ("schema", "21.7"),
        ("future", said(Time="2026-11-22T10:59:28")),
        ("not_json", '{"BME280":{"Temperature":nan}}'),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(reason: str, payload: str) -> None:
    assert HUT.refused(SENSOR, payload) == reason


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="is no time zone"):
        Listening(device("tasmota", {**ENTRY, "time_zone": "Phuket"}))
