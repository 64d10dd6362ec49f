"""Suppressed by design: the siren test of every Wednesday, and devices that are being worked on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.city import City, check
from contracts.clock import SECOND_US, to_us
from contracts.devices import Maintenance
from contracts.errors import ConfigError
from contracts.responses import Suppression
from tests.fixtures.alarm_rig import AIR, WATER_2, Desk, Tell, brief, city_of, folded
from tests.fixtures.phuket import phuket
from tests.fixtures.stream import START_US

WEDNESDAY_8_S = (to_us(datetime(2027, 1, 20, 1, 0, tzinfo=UTC)) - START_US) / SECOND_US
"""Wednesday 20 January 2027, 08:00 in Thailand."""
SIREN = Suppression(
    id="siren-test", weekdays=("wed",), starts="08:00", minutes=15, metrics=("pm2_5",), devices=("water-01", "air-01"),
    reason_en="Weekly test of the tsunami sirens", reason_th="ทดสอบหอเตือนภัยสึนามิประจำสัปดาห์",
)  # fmt: skip


@pytest.fixture(scope="module")
def city() -> City:
    tested = msgspec.structs.replace(city_of(), suppressions=(SIREN,))
    check(tested)
    return tested


def at(seconds: float) -> float:
    return WEDNESDAY_8_S + seconds


def since_eight(alarms: list[Any]) -> list[tuple[str, float]]:
    return [(condition, round(second - WEDNESDAY_8_S, 3)) for condition, second in brief(alarms)]


def test_what_begins_and_ends_in_the_siren_test_is_kept_as_suppressed(city: City) -> None:
    alarms = folded(city, [Tell(at(62)), Tell(at(200), active=False)], at(2000))
    assert since_eight(alarms) == [("suppressed", 62), ("normal", 200)]
    assert alarms[0].because.inputs == {
        "suppressed_by": "siren-test",
        "suppressed_because_en": SIREN.reason_en,
        "suppressed_because_th": SIREN.reason_th,
    }


def test_what_is_still_true_after_the_siren_test_is_an_alarm(city: City) -> None:
    alarms = folded(city, [Tell(at(0))], at(2000), cuts=[at(899.5), at(905)])
    assert since_eight(alarms) == [("suppressed", 0), ("active", 900)]
    assert len({alarm.id for alarm in alarms}) == 1 and alarms[1].because.inputs == {}


@pytest.mark.parametrize(
    "tell",
    [
        Tell(at(-1)), Tell(at(900)), Tell(at(86_400)), Tell(at(60), device=WATER_2),
    ],
    ids=["before it", "after it", "on another day", "at another place"],
)  # fmt: skip
def test_the_siren_test_suppresses_nothing_else(city: City, tell: Tell) -> None:
    assert {alarm.condition for alarm in folded(city, [tell], tell.at_s + 1000)} == {"active"}


def test_an_alarm_that_stood_before_the_siren_test_goes_on_standing(city: City) -> None:
    alarms = folded(city, [Tell(at(-600)), Tell(at(300), measured=70.0)], at(2000))
    assert since_eight(alarms) == [("active", -600), ("active", 300)]


def test_the_siren_test_that_is_told_an_hour_late_is_suppressed_all_the_same(city: City) -> None:
    tells = [Tell(at(4000), since_s=at(60)), Tell(at(4300), active=False)]
    assert since_eight(folded(city, tells, at(9000))) == [("suppressed", 4000), ("normal", 4300)]


def test_a_window_may_run_past_midnight() -> None:
    plan = msgspec.structs.replace(SIREN, weekdays=("tue",), starts="23:30", minutes=9 * 60)
    city = msgspec.structs.replace(city_of(), suppressions=(plan,))
    assert since_eight(folded(city, [Tell(at(1700))], at(4000))) == [("suppressed", 1700), ("active", 1800)]


def worked_on(city: City, begins_s: float, ends_s: float) -> City:
    first = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    work = Maintenance(
        device="water-01", reason="mast repainted",
        begins=first + timedelta(seconds=begins_s), ends=first + timedelta(seconds=ends_s),
    )  # fmt: skip
    return msgspec.structs.replace(city, maintenance=(work,))


def test_the_alarms_of_a_device_in_maintenance_are_suppressed_with_the_reason_while_it_lasts() -> None:
    city = worked_on(city_of(), 100, 200)
    alarms = folded(city, [Tell(50), Tell(150, device=AIR)], 500, cuts=[99, 130, 200])
    assert brief([alarm for alarm in alarms if alarm.device == 5]) == [
        ("active", 50), ("suppressed", 100), ("active", 200),
    ]  # fmt: skip
    assert alarms[1].because.inputs == {"suppressed_by": "maintenance", "suppressed_because": "mast repainted"}
    assert brief([alarm for alarm in alarms if alarm.device == AIR]) == [("active", 150)]


def test_maintenance_entered_while_an_alarm_stands_suppresses_it_from_then_on() -> None:
    city = city_of()
    desk = Desk(city)
    desk.until(50, [Tell(10)])
    assert brief(desk.until(60, config=worked_on(city, 20, 300))) == [("suppressed", 50)]
    assert brief(desk.until(400, [Tell(310, active=False)])) == [("active", 300), ("normal", 310)]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"zones": ("atlantis",)}, "atlantis"),
        ({"devices": ("cam-99",)}, "cam-99"),
        ({"metrics": ("loudness",)}, "loudness"),
        ({"kinds": ("noise",)}, "noise"),
        ({"metrics": (), "devices": ()}, "would suppress every alarm"),
        ({"reason_th": ""}, "in both languages"),
    ],
)
def test_a_plan_that_fits_nothing_or_everything_is_refused(values: dict[str, Any], named: str) -> None:
    city = msgspec.structs.replace(city_of(), suppressions=(msgspec.structs.replace(SIREN, **values),))
    with pytest.raises(ConfigError, match=named):
        check(city)


@pytest.mark.parametrize(
    ("device", "at_s", "condition"),
    [
        ("noise-01", at(60), "suppressed"),
        ("noise-01", at(60 + 86_400), "active"),
        ("noise-02", at(60), "suppressed"),
        ("noise-02", at(15 * 60), "active"),
    ],
    ids=["by the beach", "on Thursday", "in town", "after it"],
)
def test_the_sirens_of_phuket_are_no_noise_alarm_while_they_are_tested(
    device: str, at_s: float, condition: str
) -> None:
    city = phuket()
    rule = next(rule for rule in city.rules if rule.metric == "lamax")
    no = next(entry.no for entry in city.devices if entry.id == device)
    (alarm,) = folded(city, [Tell(at_s, device=no, kind=rule.id, rule=rule)], at_s + 100)
    assert alarm.condition == condition
