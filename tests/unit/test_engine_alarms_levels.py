"""Levels of one thing: while the higher alarm stands, the lower one is suppressed, and nothing flashes up between."""

import msgspec
import pytest

from contracts.city import City
from contracts.errors import ConfigError
from processing.alarms.rationalised import check_responses
from tests.fixtures.alarm_rig import AIR, HIGH, RULE, WATER_1, Desk, Tell, brief, folded, leveled


@pytest.fixture(scope="module")
def city() -> City:
    return leveled()


def low(at_s: float, active: bool = True) -> Tell:
    return Tell(at_s, active)


def high(at_s: float, active: bool = True, device: int = WATER_1) -> Tell:
    return Tell(at_s, active, device, kind="pm25-red", rule=HIGH, measured=90.0)


def of(kind: str, told: list[Tell], city: City, cuts: tuple[float, ...] = ()) -> list[tuple[str, float]]:
    return brief([alarm for alarm in folded(city, told, 3000, cuts) if alarm.kind == kind])


def test_the_lower_alarm_is_suppressed_while_the_higher_stands_and_comes_back_after(city: City) -> None:
    told = [low(10), high(50), high(400, False), low(900, False)]
    assert of("pm25-24h", told, city) == [("active", 10), ("suppressed", 50), ("active", 400), ("normal", 900)]
    assert of("pm25-red", told, city) == [("active", 50), ("normal", 400)]
    suppressed = [alarm for alarm in folded(city, told, 3000) if alarm.condition == "suppressed"]
    assert [alarm.because.inputs["suppressed_by"] for alarm in suppressed] == ["pm25-red"]


def test_what_begins_together_is_told_once(city: City) -> None:
    assert of("pm25-24h", [low(10), high(10)], city) == [("suppressed", 10)]


def test_what_ends_together_does_not_flash_up(city: City) -> None:
    told = [low(10), high(10), high(400, False), low(400, False)]
    assert of("pm25-24h", told, city) == [("suppressed", 10), ("normal", 400)]


def test_the_higher_alarm_of_another_station_hides_nothing(city: City) -> None:
    assert of("pm25-24h", [low(10), high(20, device=AIR)], city) == [("active", 10)]


def test_delays_of_the_higher_alarm_count() -> None:
    city = leveled(on_delay_s=30, off_delay_s=20)
    told = [low(10), high(50), high(400, False)]
    assert of("pm25-24h", told, city, cuts=(80, 420)) == [("active", 10), ("suppressed", 80), ("active", 420)]


def test_the_lower_alarm_comes_back_when_the_higher_ones_rule_is_switched_off(city: City) -> None:
    desk = Desk(city)
    desk.until(20, [low(10), high(10)])
    off = tuple(rule for rule in city.rules if rule.id != HIGH.id)
    said = desk.until(30, config=msgspec.structs.replace(city, rules=off))
    assert {(alarm.kind, alarm.condition.value) for alarm in said} == {("pm25-red", "normal"), ("pm25-24h", "active")}


def test_only_an_alarm_of_higher_priority_hides_another(city: City) -> None:
    check_responses(city)
    same = (msgspec.structs.replace(entry, priority="medium") for entry in city.responses)
    with pytest.raises(ConfigError, match=r"responses\.pm25-24h\.hidden_by = 'pm25-red': .* of higher priority"):
        check_responses(msgspec.structs.replace(city, responses=tuple(same)))


def test_the_rule_of_the_lower_alarm_is_its_own(city: City) -> None:
    assert {alarm.rule for alarm in folded(city, [low(10), high(10)], 100)} == {RULE.id, HIGH.id}
