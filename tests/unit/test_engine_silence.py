"""A device gone silent: by its own cadence, on ticks, not through gaps."""

from dataclasses import replace

import pytest

from contracts.city import City
from contracts.columns import Gap
from contracts.findings import Alarm, Condition
from processing.engine import step
from processing.state import State
from tests.fixtures.small_city import LEVEL, small_city
from tests.fixtures.stream import Said, batch_of, fold, shelf, us

WATER = 5


@pytest.fixture(scope="module")
def city() -> City:
    return small_city(silent_after_s=200)


def level(at_s: float, seq: int) -> Said:
    return Said(at_s, WATER, at_s, seq, 1.0, LEVEL, lane=0)


def of_water(alarms: list[Alarm]) -> list[tuple[str, float]]:
    return [(alarm.condition.value, (alarm.changed_us - us(0)) / 1e6) for alarm in alarms if alarm.device == WATER]


def said(outputs: list[object]) -> list[Alarm]:
    return [alarm for output in outputs for alarm in output.alarms]  # type: ignore[attr-defined]


def test_silence_is_an_alarm_at_the_first_tick_after_its_time_and_ends_when_heard(city: City) -> None:
    _, _, outputs = fold(city, [level(10.5, 1), level(400.2, 2)], 500.0)
    assert of_water(said(list(outputs))) == [("active", 211.0), ("normal", 401.0)]


def test_a_whole_city_gone_silent_is_noticed_without_any_message(city: City) -> None:
    _, run, _ = fold(city, [], 230.0)
    assert {alarm.subject for alarm in run.alarms.values()} == {device.id for device in city.devices}


def test_a_gap_is_not_counted_as_silence(city: City) -> None:
    state, _ = step(State(), replace(batch_of(1, 0, 100, [level(50.0, 1)]), config=1), shelf(city))
    state, during = step(state, batch_of(2, 100, 1000, gaps=(Gap(us(100), us(900), "stopped"),)), shelf(city))
    assert of_water(list(during.alarms)) == []
    _, after = step(state, batch_of(3, 1000, 1060), shelf(city))
    assert of_water(list(after.alarms)) == [("active", 1050.0)], "50 s before the gap and 150 s after it"


def test_after_a_gap_devices_have_a_moment_to_come_back(city: City) -> None:
    state, _ = step(State(), replace(batch_of(1, 0, 249, [level(50.0, 1)]), config=1), shelf(city))
    state, _ = step(state, batch_of(2, 249, 300, gaps=(Gap(us(249), us(300), "stopped"),)), shelf(city))
    _, after = step(state, batch_of(3, 300, 330, [level(320.0, 2)]), shelf(city))
    assert of_water(list(after.alarms)) == []


def test_a_second_silence_is_another_alarm(city: City) -> None:
    records = [level(1, 1), level(300, 2), level(600, 3)]
    alarms = [alarm for alarm in said(list(fold(city, records, 700)[2])) if alarm.device == WATER]
    assert [alarm.condition for alarm in alarms] == [Condition.ACTIVE, Condition.NORMAL] * 2
    assert alarms[0].id == alarms[1].id != alarms[2].id == alarms[3].id
