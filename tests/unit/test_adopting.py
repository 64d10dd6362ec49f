"""From what an unknown device says to its entry in the city."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from app.adopting import as_in_a_file, device_of, type_of, with_device
from contracts.city import check
from contracts.errors import ConfigError
from contracts.onboarding import Adoption, AlreadyThere, Proposal, ProposedSeries
from tests.fixtures.small_city import small_city

CITY = small_city()
ENTRY: dict[str, Any] = {
    "id": "a", "type": "air", "zone": "wichit", "lon": 98.4, "lat": 7.9, "name_en": "a", "name_th": "a",
    "kinds": ["readings"],
}  # fmt: skip
NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)


def proposal(*metrics: str, kinds: tuple[str, ...] = ("readings",), zone: str = "wichit", **more: float) -> Proposal:
    series = tuple(ProposedSeries(metric, 0, "", 1.0, NOON, 30.0) for metric in metrics)
    return Proposal("new-01", zone, NOON, NOON, 3, kinds, series, 0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (proposal("pm2_5"), "air"),
        (proposal("level"), "water"),
        (proposal("level", kinds=("passage", "readings")), "camera"),
        (proposal(), None),
    ],
)
def test_a_type_is_that_of_the_devices_in_the_city_that_say_the_same(said: Proposal, expected: str | None) -> None:
    assert type_of(CITY, said) == expected


def test_an_entry_has_what_the_device_said_and_the_names_that_people_gave() -> None:
    made = device_of(CITY, proposal("pm2_5", lon=98.41, lat=7.91), Adoption("new-01", name_en="Market", call_sign="M1"))
    assert (made.type, made.zone, made.lon, made.lat, made.note) == ("air", "wichit", 98.41, 7.91, "")
    assert (made.name_en, made.name_th, made.call_sign) == ("Market", "Market", "M1")
    assert made.kinds == ("readings", "status") and [(s.metric, s.interval_s) for s in made.series] == [("pm2_5", 30.0)]
    assert (made.cadence_s, made.silent_after_s, made.verified) == (30.0, 200.0, False)
    check(with_device(CITY, made))


def test_a_device_that_says_no_position_stands_at_its_zones_and_the_entry_says_so() -> None:
    made = device_of(CITY, proposal("level"), Adoption("new-01"))
    assert (made.lon, made.lat) == (98.38, 7.87) and "no position" in made.note


@pytest.mark.parametrize(
    ("said", "wanted", "problem"),
    [
        (proposal("pm2_5", zone="nowhere"), Adoption("new-01"), "has no such zone"),
        (proposal(), Adoption("new-01"), "say what it is"),
        (proposal("pm2_5"), Adoption("new-01", lon=98.0), "both or neither"),
        (proposal("pm2_5"), Adoption("new-01", lon=98.0, lat=700.0), "lat"),
        (proposal("pm2_5"), Adoption("new-01", type="toaster"), "say what it is"),
    ],
)
def test_what_cannot_be_an_entry_says_what_is_missing(said: Proposal, wanted: Adoption, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        device_of(CITY, said, wanted)


def test_a_name_that_stands_in_the_city_is_not_taken_again() -> None:
    with pytest.raises(AlreadyThere, match="air-01"):
        with_device(CITY, next(device for device in CITY.devices if device.id == "air-01"))


def test_an_entry_that_people_wrote_may_not_bring_its_own_number() -> None:
    assert with_device(CITY, as_in_a_file({**ENTRY, "no": 1})).devices[-1].no == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lanes_forward", [33]),
        ("lanes_backward", [-1]),
        ("signal_groups", [65]),
        ("series", [{"metric": "pm2_5", "interval_s": 60, "lane": 33}]),
        ("series", [{"metric": "pm2_5", "interval_s": math.inf}]),
        ("cadence_s", math.inf),
        ("silent_after_s", 1e16),
        ("no", 2**31),
    ],
)
def test_a_number_that_would_stop_the_engine_with_every_batch_is_refused_with_its_place(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=field):
        as_in_a_file({**ENTRY, field: value})
