"""The `adapter` table of a device's entry: what is wrong with one is said before anything runs, and what to do."""

import logging
from typing import Any

import msgspec
import pytest

from app import accounts
from contracts.city import City
from contracts.city_forms import decode, encode, parse_city
from contracts.devices import Device
from contracts.errors import ConfigError
from contracts.receiving import RECEIVER_ACCOUNT
from ingest.adapters.families import FAMILIES, Foreign, check_families
from simulators.live import Live
from tests.fixtures.foreign_city import Listening, device, foreign_city

FIELDS = [{"field": "temperature", "metric": "temperature"}]


def bridge(topic: str = "zigbee2mqtt/roof", id: str = "roof", family: str = "zigbee2mqtt", **adapter: Any) -> Device:
    return device(family, {"topics": [topic], "fields": FIELDS, **adapter}, id)


def camera(id: str) -> Device:
    return device("hikvision", {"topics": ["hikvision/all"], "account": RECEIVER_ACCOUNT, "source": id}, id)


def native(**options: Any) -> Device:
    return msgspec.structs.replace(bridge(), family="native", **options)


def refused(*devices: Device) -> str:
    with pytest.raises(ConfigError) as raised:
        check_families(foreign_city(*devices))
    return str(raised.value)


WRONG: list[tuple[str, list[Device]]] = [
    ("native takes none", [native()]),
    ("needs an `adapter` table", [msgspec.structs.replace(bridge(), adapter=None)]),
    ("no such family; one of chirpstack", [bridge(family="zigbee3mqtt")]),
    ("must begin with a level of the family's own", [bridge("andaman/v1/testville/wichit/air-01/readings")]),
    ("must begin with a level of the family's own", [bridge("+/roof")]),
    ("must begin with a level of the family's own", [bridge("#")]),
    ("must begin with a level of the family's own", [bridge("$SYS/broker")]),
    ("must be printable", [bridge("zigbee2mqtt/roof\ntopic readwrite #")]),
    ("stand for whole levels", [bridge("zigbee2mqtt/roof#")]),
    ("may only be the last level", [bridge("zigbee2mqtt/#/roof")]),
    ("is none of its series", [msgspec.structs.replace(bridge(), series=())]),
    ("stands twice", [bridge(fields=[*FIELDS, {"field": "t", "metric": "temperature"}])]),
    ("stands twice", [bridge(fields=[*FIELDS, {"field": "temperature", "metric": "humidity"}])]),
    ("stands twice", [bridge(topics=["zigbee2mqtt/roof"] * 2)]),
    ("cannot be turned into degC", [bridge(fields=[{"field": "t", "metric": "temperature", "unit": "hPa"}])]),
    ("family zigbee2mqtt does not read it", [bridge(time_zone="Asia/Bangkok")]),
    ("family zigbee2mqtt does not read it", [bridge(words={"car": "car"})]),
    ("family zigbee2mqtt reads none", [bridge(params={"speed": "kmh"})]),
    ("enter readings as one of its kinds", [msgspec.structs.replace(bridge(), kinds=())]),
    ("a pack leaves nothing out", [bridge(family="senml", fields=[{**FIELDS[0], "absent": 0}])]),
    ("the account of another device", [bridge(account="air-01")]),
    ("the account of another device or of the house", [bridge(account="andaman-pipeline")]),
    ("write the same, or apart", [bridge(), bridge("zigbee2mqtt/+", "b")]),
    ("write the same, or apart", [bridge(topics=["zigbee2mqtt/roof", "zigbee2mqtt/#"])]),
    ("one topic has one family", [bridge(), bridge(id="b", family="senml")]),
    ("give both a `source`", [bridge(family="senml"), bridge(id="b", family="senml", source="b")]),
    ("could speak as it; give both", [bridge(family="senml", source="a"), bridge(id="b", family="senml", source="b")]),
    (
        "could speak as it; give both",
        [bridge(family="senml", source="a"), bridge(id="b", account="g", family="senml", source="b")],
    ),
    ("write one topic for each", [camera("a"), camera("b")]),
    ("has the same `source` as roof", [bridge(family="senml", source="B"), bridge(id="b", family="senml", source="b")]),
]


@pytest.mark.parametrize(("problem", "devices"), WRONG)
def test_an_entry_that_cannot_work_is_refused_with_what_to_do(problem: str, devices: list[Device]) -> None:
    said = refused(*devices)
    assert problem in said and any(each.id in said for each in devices)


@pytest.mark.parametrize("devices", [[bridge(family="zigbee3mqtt")], [bridge(time_zone="Mars")], [bridge("+/roof")]])
def test_a_refusal_of_an_entry_names_the_city(devices: list[Device]) -> None:
    assert refused(*devices).startswith("testville: devices.")


@pytest.mark.parametrize("name", ["gw\n", "gw\nuser x", "GW", ""])
def test_an_account_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"account"):
        bridge(account=name)


def test_nobody_simulates_a_device_of_another_family() -> None:
    camera = msgspec.structs.replace(bridge(id="camera"), type="camera")
    station = bridge("zigbee2mqtt/b", "station")
    live = Live(foreign_city(camera, station), seed=1)
    assert live.devices and not {"camera", "station"} & {device.id for device in live.devices}


def test_an_entry_in_a_city_file_is_an_adapter_table_of_its_device() -> None:
    base = foreign_city()
    entry = """
        [[devices]]
        id = "roof"
        type = "air"
        family = "zigbee2mqtt"
        zone = "wichit"
        lon = 98.38
        lat = 7.87
        name_en = "Roof"
        name_th = "หลังคา"
        kinds = ["readings", "status"]
        series = [{ metric = "temperature", interval_s = 300 }]
        [devices.adapter]
        topics = ["zigbee2mqtt/roof"]
        account = "zigbee2mqtt"
        fields = [{ field = "temperature", metric = "temperature" }]
    """
    city = parse_city({"city.toml": _toml(base), "stations.toml": entry.encode()})
    (made,) = city.devices
    assert made.adapter == bridge(account="zigbee2mqtt").adapter
    assert decode(encode(city)) == city


def _toml(city: City) -> bytes:
    zones = "".join(
        f'[[zones]]\nid="{zone.id}"\nlevel="{zone.level}"\nname_en="z"\nname_th="z"\npcode="1"\nlon=98.4\nlat=7.9\n'
        + (f'parent="{zone.parent}"\n' if zone.parent else "")
        for zone in city.zones
    )
    metrics = "".join(
        f'[[metrics]]\nkey="{each.key}"\ncode={each.code}\nunit="{each.unit}"\nmin={each.min}\nmax={each.max}\n'
        'name_en="m"\nname_th="m"\n'
        for each in city.metrics
    )
    return f'id="t"\nname_en="t"\nname_th="t"\nlon=98.4\nlat=7.9\n{zones}{metrics}'.encode()


def test_devices_of_one_gateway_share_its_account_and_its_topics() -> None:
    shared = {"topics": ["gw/senml"], "account": "gw"}
    first = device("senml", {**shared, "source": "a", "fields": FIELDS}, "first")
    second = device("senml", {**shared, "source": "b", "fields": FIELDS}, "second")
    own = device("tasmota", {"topics": ["tele/x/SENSOR", "tele/x/LWT"], "fields": FIELDS}, "own")
    city = foreign_city(first, second, own)
    lines = accounts.access(city)
    rules = {block[0]: block[1:] for block in _blocks(lines)}
    assert rules["user gw"] == ["topic write gw/senml"]
    assert rules["user own"] == ["topic write tele/x/SENSOR", "topic write tele/x/LWT"]
    assert not {"user first", "user second"} & rules.keys()
    for topic in ("gw/senml", "tele/x/SENSOR", "tele/x/LWT"):
        assert rules[f"user {accounts.PIPELINE}"].count(f"topic read {topic}") == 1
    assert "topic write andaman/v1/testville/wichit/air-01/readings" in rules["user air-01"]


def _blocks(lines: tuple[str, ...]) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line:
            blocks[-1].append(line)
        else:
            blocks.append([])
    return blocks


def test_every_family_is_named_after_its_file() -> None:
    assert {name: family.name for name, family in FAMILIES.items()} == {name: name for name in FAMILIES}


def test_a_topic_of_nobody_is_refused_and_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.adapters.families.MAX_ROUTES", 3)
    listening = Listening(bridge())
    for number in range(10):
        assert listening.refused(f"zigbee2mqtt/{number}", "{}") == "topic"
    assert len(listening.registry.foreign._routes) <= 3


def test_a_topic_that_is_longer_than_any_entry_is_understood_and_not_remembered() -> None:
    listening = Listening(bridge("zigbee2mqtt/#"))
    long = "zigbee2mqtt/" + "x" * 60_000
    assert listening.hear(long, '{"temperature":1}').readings.size == 1
    assert long not in listening.registry.foreign._routes


def test_a_message_that_is_too_large_is_not_even_parsed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    listening = Listening(bridge())
    assert listening.refused("zigbee2mqtt/roof", b"[" * 262_145) == "too_large"
    assert listening.refused("zigbee2mqtt/roof", b"[" * 200_000) == "schema"


def test_retained_and_empty_messages_are_state() -> None:
    listening = Listening(bridge())
    for result in (
        listening.hear("zigbee2mqtt/roof", '{"temperature":1}', retained=True),
        listening.hear("zigbee2mqtt/roof", ""),
    ):
        assert (result.retained, result.readings.size, result.rejections) == (1, 0, ())


def test_a_refusal_never_quotes_what_a_device_said_in_words() -> None:
    plate = "1กข1234"
    listening = Listening(bridge(), bridge("gw", "gw-a", "senml", source="a"), bridge("lora/up", "lora", "chirpstack"))
    for topic, said in (
        ("zigbee2mqtt/roof", f'{{"{plate}":1}}'),
        ("zigbee2mqtt/roof", f'{{"temperature":"{plate}"}}'),
        ("zigbee2mqtt/roof", f'{{"temperature":1,"last_seen":"{plate}"}}'),
        ("gw", f'[{{"n":"{plate}","v":1}}]'),
        ("gw", '[{"n":"A1กข","v":1}]'),
        ("gw", '[{"n":"AB1234","v":1}]'),
        ("gw", f'[{{"n":"a","u":"{plate}","v":1}}]'),
        ("lora/up", f'{{"deviceInfo":{{"devEui":"{plate}"}},"time":"{plate}"}}'),
        ("lora/up", f'{{"deviceInfo":{{"devEui":"{plate}"}},"object":{{"{plate}":1}}}}'),
    ):
        (rejection,) = listening.hear(topic, said).rejections
        assert plate not in rejection.detail and "AB1234" not in rejection.detail


def test_the_topics_to_listen_to_are_those_of_the_entries_each_once() -> None:
    own = bridge(topics=["zigbee2mqtt/roof", "zigbee2mqtt/roof/availability"])
    shared = [bridge("gw", id, "senml", source=id, account="lora") for id in ("a", "b")]
    assert Foreign(foreign_city(own, *shared)).topics == ("zigbee2mqtt/roof", "zigbee2mqtt/roof/availability", "gw")
