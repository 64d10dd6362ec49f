"""Zigbee2MQTT: the state of its documentation, names with slashes, three ways to write when."""

import json
from typing import Any

import pytest

from contracts.records import StatusEvent, TimeQuality
from tests.fixtures.foreign_city import Listening, device, us

BEACH = "zigbee2mqtt/patong/beach air"
FIELDS = [
    {"field": "temperature", "metric": "temperature"},
    {"field": "humidity", "metric": "humidity"},
    {"field": "pressure", "metric": "pressure", "unit": "kPa"},
]
ENTRY: dict[str, Any] = {"topics": [BEACH, f"{BEACH}/availability"], "account": "zigbee2mqtt", "fields": FIELDS}
BRIDGE = Listening(device("zigbee2mqtt", ENTRY))


def said(**values: Any) -> str:
    return json.dumps({"temperature": 27.34, "humidity": 44.72} | values)


def test_the_state_of_a_device_with_slashes_in_its_name_is_its_readings() -> None:
    assert BRIDGE.values(BEACH, '{"temperature":27.34,"humidity":44.72}') == {"temperature": 27.34, "humidity": 44.72}


@pytest.mark.parametrize("last_seen", ["2026-11-22T02:59:28.250Z", "2026-11-22T09:59:28.250+07:00", 1795316368250])
def test_last_seen_is_the_time_however_the_bridge_writes_it(last_seen: Any) -> None:
    rows = BRIDGE.hear(BEACH, said(last_seen=last_seen)).readings
    assert set(rows["event_us"]) == {us("2026-11-22T02:59:28.25+00:00")}
    assert set(rows["quality"]) == {TimeQuality.DEVICE}


def test_without_last_seen_the_receipt_counts_and_a_copy_is_another_observation() -> None:
    first, _, again, _ = BRIDGE.hear(BEACH, said(), said()).readings
    assert first["quality"] == TimeQuality.RECEIPT and first["seq"] != again["seq"]


def test_with_last_seen_what_the_bridge_repeats_from_memory_is_the_same_record() -> None:
    state = said(last_seen="2026-11-22T02:59:28.250Z")
    first, _, again, _ = BRIDGE.hear(BEACH, state, state).readings
    assert first["seq"] == again["seq"]


def test_the_battery_is_a_status_beside_the_readings() -> None:
    result = BRIDGE.hear(BEACH, said(battery=87, linkquality=120))
    assert (list(result.statuses["battery"]), result.readings.size) == ([0.87], 2)


def test_a_device_that_says_nothing_but_its_battery_is_not_refused() -> None:
    result = BRIDGE.hear(BEACH, '{"battery":5,"linkquality":87}')
    assert (list(result.statuses["battery"]), result.readings.size, result.rejections) == ([0.05], 0, ())


@pytest.mark.parametrize("battery", [101, -1, "87", True])
def test_a_battery_that_is_none_is_refused_alone(battery: Any) -> None:
    result = BRIDGE.hear(BEACH, said(battery=battery))
    assert (result.readings.size, result.statuses.size) == (2, 0)
    assert [rejection.reason for rejection in result.rejections] == ["schema"]


def test_a_value_that_is_not_known_yet_is_null_and_left_out() -> None:
    assert BRIDGE.values(BEACH, said(temperature=None)) == {"humidity": 44.72}


def test_availability_is_an_object_or_a_bare_word() -> None:
    rows = BRIDGE.hear(
        f"{BEACH}/availability", '{"state":"online"}', '{"state":"offline"}', "online", "offline"
    ).statuses
    assert list(rows["event"]) == [StatusEvent.BIRTH, StatusEvent.DEATH] * 2
    assert BRIDGE.refused(f"{BEACH}/availability", '{"state":["online"]}') == "schema"
    assert BRIDGE.refused(f"{BEACH}/availability", "away") == "not_json"


def test_a_device_named_availability_still_measures() -> None:
    odd = Listening(device("zigbee2mqtt", {**ENTRY, "topics": ["zigbee2mqtt/x/availability"]}))
    assert odd.values("zigbee2mqtt/x/availability", '{"temperature":20}') == {"temperature": 20}


def test_a_value_in_another_unit_than_its_metric_is_turned() -> None:
    assert BRIDGE.values(BEACH, '{"pressure":100.8}') == {"pressure": 1008}


@pytest.mark.parametrize(
    ("reason", "payload"),
    [
        ("unknown_metric", '{"linkquality":87}'),
        ("schema", "27.34"),
        ("schema", said(last_seen="22.11.2026")),
        ("schema", said(last_seen="2026-11-22T09:59:28")),
        ("schema", said(last_seen=True)),
        ("future", said(last_seen=1e300)),
        ("past", said(last_seen=-1e300)),
        ("past", said(last_seen=1795316368.25)),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(reason: str, payload: str) -> None:
    assert BRIDGE.refused(BEACH, payload) == reason
