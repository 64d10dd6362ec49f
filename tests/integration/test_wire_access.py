"""Whoever has one device's account tries to speak, hear and act as another: against the broker that a city has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import accounts
from contracts.city import numbered
from contracts.topics import Kind
from ingest.connection import IntakeState
from ingest.mqtt import Intake
from tests.fixtures.small_city import small_city
from tests.fixtures.wire_rig import WireRig, wire_rig

CITY = numbered(small_city())
CAMERA = next(device for device in CITY.devices if device.type == "camera")
THIEF = next(device for device in CITY.devices if device.type == "air")
ROOT = f"andaman/v1/{CITY.id}"


@pytest.fixture(scope="module")
def shared(run_folder: Path) -> Iterator[WireRig]:
    with wire_rig(run_folder / "wire", CITY) as rig:
        yield rig


@pytest.fixture
def rig(shared: WireRig) -> Iterator[WireRig]:
    yield shared
    for client in shared.clients:
        client.line.close()
    shared.clients.clear()


STATUS = f"{ROOT}/{CAMERA.zone}/{CAMERA.id}/status"
MARK = f"{ROOT}/{CAMERA.zone}/{CAMERA.id}/mark"
OWN_MARK = f"{ROOT}/{THIEF.zone}/{THIEF.id}/mark"
OWN_STATUS = f"{ROOT}/{THIEF.zone}/{THIEF.id}/status"


@pytest.mark.parametrize(
    "wanted",
    [
        "#",
        "+/#",
        "$SYS/#",
        "$CONTROL/#",
        f"{ROOT}/+/+/+",
        f"{ROOT}/+/+/mark",
        STATUS,
        MARK,
        "$share/thieves/#",
        f"$share/thieves/{ROOT}/+/+/+",
        f"$share/andaman/{MARK}",
    ],
)
def test_no_filter_lets_a_device_hear_more_than_its_own_mark(rig: WireRig, wanted: str) -> None:
    pipeline, camera, thief = rig.house(accounts.PIPELINE), rig.connect(CAMERA.id), rig.connect(THIEF.id)
    pipeline.publish(MARK, b'{"boot":1,"seq":1}', retained=True)
    thief.subscribe(wanted, OWN_MARK)
    assert camera.publish(STATUS)
    assert pipeline.publish(MARK, b'{"boot":1,"seq":2}', retained=True)
    assert pipeline.publish(OWN_MARK, b'{"boot":1,"seq":3}')
    # What came before it on the broker came before it to the thief.
    thief.wait(lambda: OWN_MARK in thief.topics)
    assert thief.topics == {OWN_MARK}


def test_what_a_thief_subscribes_to_in_a_group_is_missing_nowhere(rig: WireRig) -> None:
    recorder, camera, thief = rig.house(accounts.RECORDER), rig.connect(CAMERA.id), rig.connect(THIEF.id)
    recorder.subscribe(f"{ROOT}/#")
    thief.subscribe(f"$share/thieves/{ROOT}/#")
    for _ in range(10):
        camera.publish(STATUS)
    recorder.wait(lambda: sum(each.topic == STATUS for each in recorder.heard) == 10)


def test_a_device_hears_its_own_mark_also_one_of_before(rig: WireRig) -> None:
    rig.house(accounts.PIPELINE).publish(MARK, b'{"boot":7,"seq":7}', retained=True)
    camera = rig.connect(CAMERA.id)
    camera.subscribe(MARK)
    camera.wait(lambda: camera.heard)
    assert (camera.heard[0].payload, camera.heard[0].retained) == (b'{"boot":7,"seq":7}', True)


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize(
    "topic",
    [
        STATUS,
        MARK,
        OWN_MARK,
        f"{ROOT}/{THIEF.zone}/{THIEF.id}/passage",
        f"{ROOT}/another-zone/{THIEF.id}/status",
        f"{ROOT}/{THIEF.zone}/{THIEF.id}/status/more",
        f"{ROOT}/{THIEF.zone}/{THIEF.id}",
        f"/{OWN_STATUS}",
        f"{OWN_STATUS}/",
        OWN_STATUS.upper(),
        "$SYS/broker/version",
        "$share/thieves/x",
    ],
)
def test_a_device_says_nothing_under_any_other_topic(rig: WireRig, topic: str, retained: bool) -> None:
    assert Kind.PASSAGE not in THIEF.kinds
    thief = rig.connect(THIEF.id)
    assert not thief.publish(topic, retained=retained)
    assert thief.publish(OWN_STATUS), "and is still let speak for itself"


@pytest.mark.parametrize("payload", [b'{"boot":9,"seq":999999}', b""], ids=["a forged one", "none"])
@pytest.mark.parametrize("device", [CAMERA, THIEF], ids=["another's", "its own"])
def test_no_device_changes_a_mark_that_is_kept(rig: WireRig, device: object, payload: bytes) -> None:
    """A forged mark would have a device forget what was never committed; an empty one takes a retained one away."""
    topic, owner = (MARK, CAMERA) if device is CAMERA else (OWN_MARK, THIEF)
    rig.house(accounts.PIPELINE).publish(topic, b'{"boot":1,"seq":5}', retained=True)
    assert not rig.connect(THIEF.id).publish(topic, payload, retained=True)
    reader = rig.connect(owner.id)
    reader.subscribe(topic)
    reader.wait(lambda: reader.heard)
    assert reader.heard[0].payload == b'{"boot":1,"seq":5}'


@pytest.mark.parametrize("topic", [STATUS, MARK, "$SYS/broker/version"])
def test_a_last_will_on_a_topic_of_another_is_never_published(rig: WireRig, topic: str) -> None:
    recorder, thief = rig.house(accounts.RECORDER), rig.connect(THIEF.id, will=(topic, b"forged"))
    recorder.subscribe(f"{ROOT}/#", "$SYS/broker/version")
    before = len(recorder.heard)
    thief.cut()
    honest = rig.connect(THIEF.id, will=(OWN_STATUS, b"honest"))
    honest.cut()
    recorder.wait(lambda: any(each.payload == b"honest" for each in recorder.heard))
    assert [each.topic for each in recorder.heard[before:]] == [OWN_STATUS]


def test_a_retained_message_is_no_observation_for_whoever_comes_later(rig: WireRig) -> None:
    """A device can keep a message at the broker under its own topic; a pipeline that subscribes is not given it."""
    thief = rig.connect(THIEF.id)
    assert thief.publish(OWN_STATUS, b"kept", retained=True)
    states: list[IntakeState] = []
    account = rig.account(accounts.PIPELINE, rig.broker.url)
    url = accounts.with_account(account.url, account.username, account.password)
    intake = Intake(url, "later", [f"{ROOT}/+/+/+"], states.append, lambda: 1, ca=rig.ca)
    intake.open()
    assert thief.publish(OWN_STATUS, b"said")
    (delivery,) = intake.take(10, 10.0)
    assert (delivery.payload, delivery.retained) == (b"said", False)
    intake.acknowledge([delivery.token])
    intake.close()


@pytest.mark.parametrize("client_id", [CAMERA.id, "andaman-pipeline", "andaman-testville-0"])
def test_no_device_takes_over_a_connection_by_its_client_id(rig: WireRig, client_id: str) -> None:
    camera = rig.connect(CAMERA.id, client_id=CAMERA.id)
    pipeline = rig.connect(accounts.PIPELINE, client_id="andaman-testville-0", url=rig.broker.url)
    camera.subscribe(MARK)
    thief = rig.connect(THIEF.id, client_id=client_id)
    assert thief.publish(OWN_STATUS)
    assert pipeline.publish(MARK, b"still there")
    camera.wait(lambda: any(each.payload == b"still there" for each in camera.heard))
    assert camera.ended == pipeline.ended == []


def test_one_account_is_one_connection(rig: WireRig) -> None:
    """A copied credential is noticed: two that have it end each other's connection."""
    first, second = rig.connect(CAMERA.id, client_id="one"), rig.connect(CAMERA.id, client_id="two")
    first.wait(lambda: first.ended)
    assert "taken over" in first.ended[0]
    assert second.publish(STATUS)


def test_speaking_for_a_device_on_its_own_machine_does_not_end_its_connection(rig: WireRig) -> None:
    """`andaman publish` uses the house's listener."""
    camera = rig.connect(CAMERA.id)
    assert rig.connect(CAMERA.id, url=rig.broker.url).publish(STATUS)
    assert camera.publish(STATUS)
    assert camera.ended == []
