"""A city without one of its devices, and what stands in the way."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from app.onboarding import DeviceOnboarding
from app.receiving import PASSWORDS_FILE
from app.removing import named_by, without_device
from contracts.answers import AuditEntry, Role
from contracts.city import City, check
from contracts.devices import Device, Maintenance
from contracts.errors import ConfigError
from contracts.onboarding import By, NotThere
from contracts.responses import Suppression
from contracts.roads import NoStopping, Section
from contracts.rules import Threshold
from contracts.topics import Kind
from storage.device_desk import Decision, DeviceDesk, Situation, Written
from storage.pool import Pool
from tests.fixtures.phuket import phuket
from tests.fixtures.small_city import small_city

CITY = small_city()
CAMERA, OTHER, WATER = "cam-402-01", "cam-402-02", "water-01"
Change = dict[str, object]
NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
STRETCH = Section(id="west", name_en="West", name_th="ตะวันตก", entry=CAMERA, exit=OTHER, length_m=900)


def device(city: City, name: str) -> Device:
    return next(each for each in city.devices if each.id == name)


def test_what_nobody_names_is_taken_out_and_nothing_else_changes() -> None:
    left = without_device(CITY, WATER)
    assert left == msgspec.structs.replace(CITY, devices=tuple(each for each in CITY.devices if each.id != WATER))
    check(left)


def test_a_device_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(NotThere, match="is not in testville"):
        without_device(CITY, "nobody")


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        (CAMERA, {"sections": (STRETCH,)}, "section west"),
        (OTHER, {"sections": (STRETCH,)}, "section west"),
        (CAMERA, {"no_stopping": (NoStopping(id="kerb", source="s", device=CAMERA),)}, "no_stopping kerb"),
        (WATER, {"thresholds": (Threshold(rule="pm25-24h", device=WATER, limit=2, clear_below=1, source="s"),)},
         "threshold of pm25-24h"),
        (WATER, {"suppressions": (Suppression(id="test", weekdays=("wed",), starts="08:00", minutes=5, reason_en="r",
                                              reason_th="r", devices=(WATER,)),)}, "suppression test"),
        (WATER, {"maintenance": (Maintenance(device=WATER, begins=NOON, ends=NOON.replace(hour=6), reason="r"),)},
         "maintenance from 2026-11-22T05:00:00"),
    ],
)  # fmt: skip
def test_what_names_a_device_keeps_it_and_is_said(name: str, more: Change, says: str) -> None:
    city = msgspec.structs.replace(CITY, **more)
    check(city)
    with pytest.raises(ConfigError, match=says):
        without_device(city, name)
    without_device(city, "water-02")


def test_a_device_that_alone_tells_a_camera_of_its_signal_is_kept() -> None:
    teller: Change = {"junction": "j1", "signal_groups": (1,)}
    camera: Change = {**teller, "functions": ("red_light",), "kinds": (Kind.PASSAGE, Kind.STATUS)}
    changed = {CAMERA: camera, OTHER: teller}
    city = with_changes(CITY, changed)
    with pytest.raises(ConfigError, match=f"red light of {CAMERA}"):
        without_device(city, OTHER)
    without_device(city, CAMERA)
    without_device(with_changes(CITY, {**changed, "cam-402-03": teller}), OTHER)
    without_device(with_changes(CITY, {CAMERA: {**camera, "kinds": (Kind.PASSAGE, Kind.SIGNAL)}, OTHER: teller}), OTHER)


def with_changes(city: City, changes: dict[str, Change]) -> City:
    devices = tuple(msgspec.structs.replace(each, **changes.get(each.id, {})) for each in city.devices)
    return msgspec.structs.replace(city, devices=devices)


def test_every_entry_of_phuket_that_names_a_device_is_found() -> None:
    """By looking through all that is written there, whatever it is called: a new kind of entry is not forgotten."""
    city = phuket()
    whole = {key: value for key, value in msgspec.to_builtins(city).items() if key != "devices"}
    names = {each.id for each in city.devices}
    written = {word for word in words(whole) if word in names}
    assert written
    for name in written:
        assert list(named_by(city, device(city, name))), name


def words(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from words(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from words(value)


class Untouched(DeviceDesk):
    """A desk at which nobody may decide anything."""

    def decide(self, entry: AuditEntry, decide: Callable[[Situation], Decision]) -> Written:
        raise AssertionError(f"{entry.action} was decided")


def test_a_device_stays_where_the_passwords_of_those_that_post_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / PASSWORDS_FILE).write_text("{}")
    (tmp_path / PASSWORDS_FILE).chmod(0o644)
    desk = DeviceOnboarding(Untouched(Pool("", "test"), CITY.id), tmp_path, lambda kind, args, entry: "")
    with pytest.raises(ConfigError, match="others may read it"):
        desk.remove(WATER, By("somsak", Role.ADMIN))
