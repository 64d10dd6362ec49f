"""What docs/device-families.md shows is true: entries that are accepted, messages that become what it says."""

import re

import pytest

from contracts.adapters import Adapter
from contracts.records import StatusEvent
from ingest.adapters.families import FAMILIES, check_families
from tests.fixtures.captured import CAPTURED, PAGE, city_of_families
from tests.fixtures.foreign_city import Listening

PHUKET = Listening(city=city_of_families())


def test_every_family_has_its_section_with_an_entry_and_messages() -> None:
    assert CAPTURED.keys() == FAMILIES.keys()
    assert all(captured.devices and captured.messages for captured in CAPTURED.values())
    assert {device.family for captured in CAPTURED.values() for device in captured.devices} == FAMILIES.keys()


def test_every_family_says_what_is_promised_to_it() -> None:
    table = PAGE.partition("## What is promised")[2].partition("## The families")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == FAMILIES.keys()


def test_the_citys_check_takes_every_entry() -> None:
    check_families(city_of_families())


@pytest.mark.parametrize("name", sorted(CAPTURED))
def test_every_message_is_accepted_whole(name: str) -> None:
    for topic, payload in CAPTURED[name].messages:
        result = PHUKET.hear(topic, payload)
        assert (result.rejections, result.retained, result.passed_over) == ((), 0, 0)


def test_the_messages_become_what_the_page_says() -> None:
    said = dict(message for captured in CAPTURED.values() for message in captured.messages)

    def values(topic: str) -> dict[str, float]:
        return PHUKET.values(topic, said[topic])

    assert values("sensors/roof-07/senml") == {"temperature": 28.1, "humidity": 66.5, "rain_mm": 0.4}
    up = "application/17c82e96/device/0101010101010101/event/up"
    assert values(up) == {"temperature": 27.5, "rain_mm": 0}
    assert values("tele/tasmota/SENSOR") == {"temperature": 21.7, "humidity": 66.6, "pressure": 988.6}
    assert values("zigbee2mqtt/patong/beach") == {"temperature": 27.34, "humidity": 44.72}
    (born,) = PHUKET.hear("tele/tasmota/LWT", said["tele/tasmota/LWT"]).statuses
    assert born["event"] == StatusEvent.BIRTH


def test_every_key_of_an_adapter_table_is_explained() -> None:
    table = PAGE.partition("| key of `adapter` |")[2].partition("\n\n")[0]
    rows = "\n".join(line.split("|")[1] for line in table.splitlines() if line.count("|") >= 3)
    assert set(re.findall(r"`(\w+)`", rows)) == set(Adapter.__struct_fields__)
