"""SenML (RFC 8428): packs as the RFC and its errata have them, and what is easily got wrong."""

import json
from typing import Any

import pytest

from contracts.delivery import Decoded
from contracts.devices import Device
from contracts.errors import ConfigError
from contracts.records import TimeQuality
from tests.fixtures.foreign_city import NOW_US, Listening, device, us

TOPIC = "sensors/roof-7/senml"
OW = "urn:dev:ow:10e2073a01080063"
ENTRY: dict[str, Any] = {
    "topics": [TOPIC],
    "fields": [
        {"field": OW, "metric": "temperature"},
        {"field": f"{OW}:rh", "metric": "humidity"},
        {"field": f"{OW}:pa", "metric": "pressure"},
        {"field": f"{OW}:rain#sum", "metric": "rain_mm"},
        {"field": f"{OW}:on", "metric": "level"},
    ],
}
ROOF = Listening(device("senml", ENTRY))


def pack(*records: dict[str, Any]) -> str:
    return json.dumps(records)


def test_the_simplest_pack_of_the_rfc_is_one_reading_at_its_receipt() -> None:
    result = ROOF.hear(TOPIC, '[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]')
    (row,) = result.readings
    assert (row["value"], row["event_us"], row["quality"]) == (23.1, NOW_US, TimeQuality.RECEIPT)
    assert (row["boot"], result.rejections) == (0, ())


def test_base_fields_carry_on_until_they_are_given_anew() -> None:
    said = pack(
        {"bn": f"{OW}:", "bt": 1795316390.25, "bu": "%RH", "n": "rh", "v": 61},
        {"n": "rh", "t": 2, "v": 62},
        {"n": "pa", "u": "Pa", "v": 100_812},
        {"bn": OW, "bu": "Cel", "bt": 1795316391, "v": 28.5},
    )
    rows = ROOF.hear(TOPIC, said).readings
    assert list(rows["value"]) == [61, 62, 1008.12, 28.5]
    base_us = us("2026-11-22T02:59:50.25+00:00")
    assert list(rows["event_us"] - base_us) == [0, 2_000_000, 0, 750_000]


def test_base_value_and_base_sum_are_added_and_stand_for_what_is_missing() -> None:
    assert ROOF.values(TOPIC, pack({"bn": OW, "bv": 20, "v": 3.5})) == {"temperature": 23.5}
    assert ROOF.values(TOPIC, pack({"bn": OW, "bv": 20})) == {"temperature": 20}
    assert ROOF.values(TOPIC, pack({"bn": f"{OW}:rain", "bs": 7, "s": 0.5})) == {"rain_mm": 7.5}


def test_a_sum_needs_no_value_and_is_another_series_than_the_value() -> None:
    assert ROOF.values(TOPIC, pack({"n": f"{OW}:rain", "u": "mm", "s": 3})) == {"rain_mm": 3}
    assert ROOF.refused(TOPIC, pack({"n": f"{OW}:rain", "u": "mm", "v": 3})) == "unknown_metric"


def test_times_below_2_to_the_28_count_from_now_and_others_from_1970() -> None:
    said = pack({"n": OW, "t": -5, "v": 1}, {"n": OW, "t": 2**28 - 1, "v": 2}, {"n": OW, "t": 1795316399, "v": 3})
    result = ROOF.hear(TOPIC, said)
    assert [(row["value"], row["event_us"] - NOW_US) for row in result.readings] == [(1, -5_000_000), (3, -1_000_000)]
    assert [rejection.reason for rejection in result.rejections] == ["future"]
    assert ROOF.refused(TOPIC, pack({"n": OW, "t": 2**28, "v": 2})) == "past"


def test_the_same_pack_with_times_is_the_same_records_and_without_is_not() -> None:
    for said, same in (({"n": OW, "bt": 1795316399, "v": 3}, True), ({"n": OW, "v": 3}, False)):
        first, second = ROOF.hear(TOPIC, pack(said), pack(said)).readings
        assert bool(first["seq"] == second["seq"]) is same


@pytest.mark.parametrize("time_s", [1e300, -1e300, 1e16])
def test_a_time_outside_the_calendar_is_a_rejection(time_s: float) -> None:
    assert ROOF.refused(TOPIC, pack({"n": OW, "t": time_s, "v": 1})) == ("past" if time_s < 0 else "future")


def test_units_are_those_of_the_pack_turned_into_the_metrics() -> None:
    for unit, value, made in (("K", 298.65, 25.5), ("Cel", 25.5, 25.5), ("F", 68, 20)):
        assert ROOF.values(TOPIC, pack({"n": OW, "u": unit, "v": value})) == {"temperature": made}
    assert ROOF.values(TOPIC, pack({"n": f"{OW}:rh", "u": "/", "v": 0.54})) == {"humidity": 54}
    assert ROOF.refused(TOPIC, pack({"n": OW, "u": "Pa", "v": 1})) == "wrong_unit"


def test_true_and_false_are_one_and_zero() -> None:
    assert ROOF.values(TOPIC, pack({"n": f"{OW}:on", "vb": True})) == {"level": 1}
    assert ROOF.values(TOPIC, pack({"n": f"{OW}:on", "vb": False})) == {"level": 0}


def test_what_the_entry_does_not_name_is_left_out() -> None:
    said = pack({"bn": OW, "v": 20}, {"n": ":battery", "u": "%EL", "v": 80}, {"n": ":name", "vs": "roof"})
    assert ROOF.values(TOPIC, said) == {"temperature": 20}


def test_a_text_where_a_number_is_due_is_refused_alone() -> None:
    result = ROOF.hear(TOPIC, pack({"bn": OW, "vs": "hot"}, {"n": ":rh", "v": 50}))
    assert list(result.readings["value"]) == [50]
    (rejection,) = result.rejections
    assert (rejection.reason, rejection.part) == ("schema", 0)
    assert rejection.topic == "andaman/v1/testville/wichit/foreign-01/readings"


@pytest.mark.parametrize(
    "said",
    [
        pack({"n": OW, "u": "Cel"}),
        pack({"n": OW, "v": 1}, {"n": OW, "ut": 5}),
        pack({"n": OW, "v": 1, "vb": True}),
        pack({"n": OW, "v": "1"}),
        pack({"n": OW, "v": True}),
        pack({"n": OW, "v": None}),
        pack({"n": OW, "vb": 1}),
        pack({"v": 1}),
        pack({"n": "-begins-with-a-dash", "v": 1}),
        pack({"n": "has a blank", "v": 1}),
        pack({"bn": 7, "v": 1}),
        pack({"n": OW, "u": 7, "v": 1}),
        pack({"n": OW, "v": 1, "bver": 11}),
        pack({"n": OW, "v": 1, "must_": 1}),
        pack({"n": OW, "v": 1e308, "bv": 1e308}),
        "[]",
        "[7]",
        '{"n":"x","v":1}',
    ],
)
def test_what_is_no_pack_is_refused_whole(said: str) -> None:
    assert ROOF.refused(TOPIC, said) == "schema"


def test_a_lower_version_and_labels_that_nobody_knows_are_no_reason_to_refuse() -> None:
    assert ROOF.values(TOPIC, pack({"n": OW, "v": 1, "bver": 5, "ut": 60, "lens": "new"})) == {"temperature": 1}


def behind_a_gateway(id: str, source: str) -> Device:
    fields = [{"field": f"{source}:t", "metric": "temperature"}]
    return device("senml", {"topics": ["gw/1"], "source": source, "account": "gw", "fields": fields}, id)


GATEWAY = Listening(behind_a_gateway("a", "urn:dev:mac:0a"), behind_a_gateway("b", "urn:dev:mac:0ab"))


def heard_of(id: str, result: Decoded) -> list[float]:
    no = GATEWAY.registry.devices[id].no
    return [float(row["value"]) for row in result.readings if row["device"] == no]


def test_two_devices_on_one_topic_are_told_apart_by_the_longest_beginning_of_the_name() -> None:
    result = GATEWAY.hear("gw/1", pack({"bn": "urn:dev:mac:0ab", "n": ":t", "v": 5}))
    assert (heard_of("a", result), heard_of("b", result), result.rejections) == ([], [5], ())
    assert GATEWAY.refused("gw/1", pack({"n": "urn:dev:mac:0c:t", "v": 5})) == "unknown_device"


def test_a_pack_may_hold_records_of_several_devices() -> None:
    said = pack({"bn": "urn:dev:mac:0a", "n": ":t", "v": 5}, {"bn": "urn:dev:mac:0ab", "n": ":t", "v": 6})
    result = GATEWAY.hear("gw/1", said)
    assert (heard_of("a", result), heard_of("b", result), result.rejections) == ([5], [6], ())


def test_what_is_wrong_of_one_device_is_refused_alone_in_our_own_words() -> None:
    said = pack({"bn": "urn:dev:mac:0a", "n": ":t", "v": 500}, {"bn": "urn:dev:mac:0ab", "n": ":t", "v": 6})
    result = GATEWAY.hear("gw/1", said)
    assert heard_of("b", result) == [6]
    (rejection,) = result.rejections
    assert (rejection.reason, rejection.device) == ("out_of_range", GATEWAY.registry.devices["a"].no)
    assert rejection.topic == "andaman/v1/testville/wichit/a/readings"
    assert rejection.payload == b'{"records":[{"metric":"temperature","value":500.0}]}'


def test_an_entry_without_fields_is_refused() -> None:
    with pytest.raises(ConfigError, match="names no field"):
        Listening(device("senml", {"topics": [TOPIC]}))
