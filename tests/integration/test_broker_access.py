"""The rules that the broker is given: what a device may say and read, and what it can do to others."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from app import accounts
from app.services.broker import Broker
from contracts.city import numbered
from contracts.errors import TransportError
from contracts.topics import Kind
from simulators.publish import Account, Heard, Line, connect, publish_one
from tests.fixtures.small_city import small_city

CITY = numbered(small_city())
CAMERA = next(device for device in CITY.devices if device.type == "camera")
OTHER = next(device for device in CITY.devices if device.id != CAMERA.id)
ROOT = f"andaman/v1/{CITY.id}"


@pytest.fixture(scope="module")
def house(run_folder: Path) -> Iterator[tuple[Broker, dict[str, str]]]:
    broker = Broker(run_folder / "access")
    broker.start()
    accounts.give_accounts(broker, run_folder / "access", CITY)
    names = [accounts.RECORDER, *(device.id for device in CITY.devices)]
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
