"""A city scaled for load: as many devices as asked for, all of them legal, always the same."""

from functools import cache
from pathlib import Path
from typing import Final

import pytest

from contracts.city import City, check
from contracts.city_forms import encode, parse_city
from contracts.errors import ConfigError
from contracts.topics import Kind, Topic
from simulators.scale import scaled

FOLDER: Final = Path(__file__).parents[2] / "cities" / "phuket"


@cache
def phuket() -> City:
    return parse_city({path.name: path.read_bytes() for path in FOLDER.glob("*.toml")})


def test_the_city_grows_to_1200_cameras_that_fit_together() -> None:
    city = scaled(phuket())
    check(city)
    kinds = [device.type for device in city.devices]
    assert kinds.count("camera") == 1200
    assert len(kinds) == 1240


def test_stations_grow_to_any_number() -> None:
    city = scaled(phuket(), cameras=3, stations=10_000)
    check(city)
    assert len(city.devices) == 10_003
    assert len({device.id for device in city.devices}) == 10_003


def test_what_is_said_of_a_device_is_said_of_its_copies_and_of_no_missing_one() -> None:
    stations = sum(device.type != "camera" for device in phuket().devices)
    for cameras, others in ((700, 3 * stations), (3, 2), (0, 1)):
        city = scaled(phuket(), cameras, others)
        check(city)
        asked = {threshold.device: threshold.limit for threshold in city.thresholds}
        for threshold in phuket().thresholds:
            assert asked.get(f"{threshold.device}~03") == (threshold.limit if others == 3 * stations else None)


def test_the_same_numbers_give_the_same_city() -> None:
    assert encode(scaled(phuket(), 500, 80)) == encode(scaled(phuket(), 500, 80))


def test_a_smaller_city_is_a_prefix_of_a_larger() -> None:
    small, large = scaled(phuket(), 300, 0), scaled(phuket(), 700, 0)
    assert large.devices[:300] == small.devices


def test_the_city_itself_comes_back_when_nothing_is_added() -> None:
    cameras = sum(device.type == "camera" for device in phuket().devices)
    same = scaled(phuket(), cameras)
    assert {device.id: device for device in same.devices} == {device.id: device for device in phuket().devices}
    assert same.sections == phuket().sections


def test_a_copy_stands_on_the_same_stretch_with_a_junction_of_its_own() -> None:
    devices = {device.id: device for device in scaled(phuket(), 500).devices}
    groups = [(one.junction, group) for one in devices.values() for group in one.signal_groups]
    assert len(set(groups)) == len(groups)
    original, copy = devices["cam-402-15"], devices["cam-402-15~02"]
    assert copy.segment == original.segment and copy.series == original.series
    assert copy.junction == f"{original.junction}~02"
    assert (copy.lon, copy.lat) != (original.lon, original.lat)
    assert abs(copy.lat - original.lat) < 0.0005 and abs(copy.lon - original.lon) < 0.0005


def test_the_name_of_a_copy_can_travel_in_a_topic() -> None:
    last = scaled(phuket(), 5000).devices[4999]
    assert str(Topic("phuket", last.zone, last.id, Kind.COUNTS)).endswith(f"{last.id}/counts")


def test_sections_come_with_both_their_cameras_or_not_at_all() -> None:
    whole = len(phuket().sections)
    cameras = sum(device.type == "camera" for device in phuket().devices)
    assert len(scaled(phuket(), 2 * cameras).sections) == 2 * whole
    assert scaled(phuket(), 3).sections == ()


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="cameras"):
        scaled(phuket(), -1)
