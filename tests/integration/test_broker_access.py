"""The rules that the broker is given: what a device may say and read, and what it can do to others."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from app import accounts
from app.services.broker import Broker
from contracts.errors import TransportError
from contracts.topics import Kind
from simulators.publish import Account, Heard, Line, connect, publish_one
from tests.fixtures.foreign_city import device, foreign_city

FIELDS = [{"field": "t", "metric": "temperature"}]
PIER = device("tasmota", {"topics": ["tele/pier/SENSOR"], "fields": FIELDS}, "pier-01")
ROOF = device("zigbee2mqtt", {"topics": ["zigbee2mqtt/a roof/é"], "account": "bridge", "fields": FIELDS}, "roof-01")
LORA = device("chirpstack", {"topics": ["app/1/device/+/event/up"], "account": "lora", "fields": FIELDS}, "lora-01")
CITY = foreign_city(PIER, ROOF, LORA)
CAMERA = next(device for device in CITY.devices if device.type == "camera")
OTHER = next(device for device in CITY.devices if device.id != CAMERA.id)
ROOT = f"andaman/v1/{CITY.id}"


@pytest.fixture(scope="module")
def house(run_folder: Path) -> Iterator[tuple[Broker, dict[str, str]]]:
    broker = Broker(run_folder / "access")
    broker.start()
    accounts.give_accounts(broker, run_folder / "access", CITY)
    names = [accounts.RECORDER, accounts.PIPELINE, "bridge", "lora", *(device.id for device in CITY.devices)]
    yield broker, accounts.passwords(run_folder / "access", names)
    broker.stop()


def say(house: tuple[Broker, dict[str, str]], device: str, topic: str) -> None:
    publish_one(house[0].url, device, house[1][device], topic, b"{}")


@pytest.mark.parametrize("kind", CAMERA.kinds)
def test_a_device_publishes_the_kinds_of_its_entry_to_its_own_topics(
    house: tuple[Broker, dict[str, str]], kind: Kind
) -> None:
    say(house, CAMERA.id, f"{ROOT}/{CAMERA.zone}/{CAMERA.id}/{kind}")


@pytest.mark.parametrize(
    "topic",
    [
        f"{ROOT}/{OTHER.zone}/{OTHER.id}/status",
        f"{ROOT}/{CAMERA.zone}/{CAMERA.id}/mark",
        f"{ROOT}/{CAMERA.zone}/{CAMERA.id}/readings",
        f"{ROOT}/another-zone/{CAMERA.id}/status",
        f"andaman/v1/another-city/{CAMERA.zone}/{CAMERA.id}/status",
        f"{ROOT}/{'z' * 60_000}/{CAMERA.id}/status",
        "$SYS/broker/version",
    ],
    ids=[
        "another device",
        "its mark",
        "a kind that its entry does not name",
        "another zone",
        "another city",
        "a long one",
        "the broker's own",
    ],
)
def test_a_device_publishes_nowhere_else(house: tuple[Broker, dict[str, str]], topic: str) -> None:
    with pytest.raises(TransportError, match="does not let"):
        say(house, CAMERA.id, topic)


@pytest.mark.parametrize(
    ("account", "topic"),
    [(PIER.id, "tele/pier/SENSOR"), ("bridge", "zigbee2mqtt/a roof/é"), ("lora", "app/1/device/01/event/up")],
)
def test_what_speaks_for_a_device_of_another_family_publishes_its_topics_and_we_hear_them(
    house: tuple[Broker, dict[str, str]], account: str, topic: str
) -> None:
    broker, passwords = house
    heard: list[str] = []
    line = Line(
        Account(broker.url, accounts.PIPELINE, passwords[accounts.PIPELINE]), "", on_heard=partial(_note, heard)
    )
    connect(line, accounts.PIPELINE)
    line.subscribe(topic)
    while not line.subscribed:
        line.pump(0.1)
    say(house, account, topic)
    while not heard:
        line.pump(0.1)
    assert heard == [topic]
    line.close()


@pytest.mark.parametrize(
    ("account", "topic"),
    [
        (PIER.id, "tele/other/SENSOR"),
        (PIER.id, "cmnd/pier/Power"),
        (PIER.id, f"{ROOT}/{PIER.zone}/{PIER.id}/readings"),
        ("bridge", "tele/pier/SENSOR"),
        ("bridge", f"{ROOT}/{ROOF.zone}/{ROOF.id}/readings"),
        ("lora", "app/2/device/01/event/up"),
        (CAMERA.id, "tele/pier/SENSOR"),
    ],
)
def test_what_speaks_for_a_device_of_another_family_publishes_nowhere_else(
    house: tuple[Broker, dict[str, str]], account: str, topic: str
) -> None:
    with pytest.raises(TransportError, match="does not let"):
        say(house, account, topic)


def test_a_device_behind_a_gateway_has_no_account_of_its_own(house: tuple[Broker, dict[str, str]]) -> None:
    with pytest.raises(TransportError):
        publish_one(house[0].url, ROOF.id, house[1][ROOF.id], "zigbee2mqtt/a roof/é", b"{}")


def test_a_device_hears_no_other_device(house: tuple[Broker, dict[str, str]]) -> None:
    broker, passwords = house
    heard: dict[str, list[str]] = {OTHER.id: [], accounts.RECORDER: []}
    lines = []
    for name, topics in heard.items():
        line = Line(Account(broker.url, name, passwords[name]), "", on_heard=partial(_note, topics))
        connect(line, name)
        line.subscribe("#")
        while not line.subscribed:
            line.pump(0.1)
        lines.append(line)
    topic = f"{ROOT}/{CAMERA.zone}/{CAMERA.id}/status"
    say(house, CAMERA.id, topic)
    while not heard[accounts.RECORDER]:
        lines[1].pump(0.1)
    lines[0].pump(0.1)
    assert heard == {OTHER.id: [], accounts.RECORDER: [topic]}
    for line in lines:
        line.close()


def _note(into: list[str], one: Heard) -> None:
    into.append(one.topic)


def test_our_name_at_the_broker_follows_from_our_password_alone() -> None:
    ours, later, others = (
        accounts.client_id("andaman-phuket-0", f"mqtt://p:{password}@127.0.0.1:{port}")
        for password, port in (("secret", 1), ("secret", 2), ("guess", 1))
    )
    assert ours == later != others and "secret" not in ours
