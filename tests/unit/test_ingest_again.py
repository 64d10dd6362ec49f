"""What is published when a rejection is fed in again: the same records, told apart so that nothing is there twice."""

import json
from typing import Any

import pytest

from contracts.records import MAX_RECORDS
from contracts.topics import Kind
from ingest.again import again
from tests.fixtures.foreign_city import Listening, device, us
from tests.unit.test_adapter_tasmota import ENTRY, SENSOR, said

RECEIVED = "2026-11-22T03:00:00Z"
READINGS, PASSAGE = "andaman/v1/testville/wichit/air-01/readings", "andaman/v1/testville/wichit/cam-1/passage"
HUT = Listening(device("tasmota", {**ENTRY, "time_zone": ""}))


def fed_in(payload: Any, settled: bool = False, topic: str = READINGS) -> Any:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    ((name, made),) = again(topic, raw, us(RECEIVED), settled, HUT.registry)
    assert name == topic
    return made if isinstance(payload, bytes) else json.loads(made)


def test_a_number_that_was_settled_is_left_out_and_another_stays() -> None:
    message = {"boot": 3, "seq": 7, "records": [{"t": RECEIVED, "metric": "pm2_5", "value": 1.5}]}
    assert fed_in(message, settled=True) == {"records": message["records"]}
    assert fed_in(message) == message


def test_a_record_without_a_time_happened_when_it_came_first() -> None:
    untimed: dict[str, Any] = {"metric": "pm2_5", "value": 1.5}
    for record in (untimed, {**untimed, "t": None}):
        assert fed_in({"records": [record]})["records"] == [{**untimed, "t": RECEIVED}]
    assert fed_in({"records": [{"lane": 1}]}, topic=PASSAGE) == {"records": [{"lane": 1}]}, "a passage needs its own"


def test_what_is_wrong_with_a_message_stays_wrong() -> None:
    odd = {"boot": 3, "seq": 7, "colour": "red", "records": [{"metric": "pm2_5", "value": 1.5, "size": 2}]}
    made = fed_in(odd, settled=True)
    assert (made["colour"], made["records"][0]["size"]) == ("red", 2)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"records": 1}', b"\xff", b"[" * 100_000, b'{"boot": 1}'])
def test_what_is_no_message_is_fed_in_as_it_came(payload: bytes) -> None:
    assert fed_in(payload, settled=True) == payload


def test_a_value_is_not_touched_by_a_digit() -> None:
    payload = b'{"boot":1,"seq":2,"records":[{"metric":"pm2_5","value":1.50000000000000000001e0}]}'
    assert b"1.50000000000000000001e0" in fed_in(payload, settled=True)


def test_what_another_family_said_is_fed_in_as_what_it_means_at_the_time_it_came() -> None:
    """Its local time is in no zone, so the receipt alone tells when: as it came it would be of today, always new."""
    messages = again(SENSOR, said().encode(), us(RECEIVED), False, HUT.registry)
    ((topic, payload),) = messages
    hut = next(each for each in HUT.city.devices if each.adapter is not None)
    assert topic == f"andaman/v1/{HUT.registry.city}/{hut.zone}/{hut.id}/{Kind.READINGS}"
    records = json.loads(payload)["records"]
    assert {record["metric"] for record in records} == {"temperature", "humidity", "pressure"}
    assert {record["t"] for record in records} == {RECEIVED}


def test_what_means_more_than_a_message_of_ours_holds_is_fed_in_as_several() -> None:
    fields = [{"field": "rain", "metric": "level"}, {"field": "rain#sum", "metric": "rain_mm"}]
    roof = Listening(device("senml", {"topics": ["roof/senml"], "fields": fields}))
    pack = [{"n": "rain", "t": us(RECEIVED) // 1_000_000 + at, "v": 1.0, "s": 2.0} for at in range(MAX_RECORDS)]
    messages = again("roof/senml", json.dumps(pack).encode(), us(RECEIVED), False, roof.registry)
    assert [len(json.loads(payload)["records"]) for _, payload in messages] == [MAX_RECORDS, MAX_RECORDS]


def test_what_nobody_understands_yet_is_fed_in_as_it_came() -> None:
    assert again(SENSOR, b"{", us(RECEIVED), False, HUT.registry) == [(SENSOR, b"{")]
    assert again("some/where", b"{}", us(RECEIVED), False, HUT.registry) == [("some/where", b"{}")]
